/**
 * Steps a second of the kernel beside their ceiling, and what syncing costs.
 *
 * In each of five rounds, each on fresh databases, two subjects take turns of a tenth of a second, so that a
 * slow moment of the machine meets both; a ratio is the median of the rounds' ratios. Callers: run.ts, as a
 * process of its own.
 */
import { join } from 'node:path';
import { recordLife, sizeOf, withCeiling, type Bytes, type StepTemplate } from './ceiling.js';
import { errandLife } from './errand.js';
import { atLeast, report } from './gates.js';
import { kernelSubject, withKernel, type Durability, type Ids } from './kernel.js';
import { Lanes, median, type Measured } from './lanes.js';
import { inFreshDirectory } from './place.js';

const ROUNDS = 5;
const WARM_UP_MS = 300;
const SLICES = 8;
const SLICE_MS = 100;
const RATIO_MIN = 0.65;
const SYNCED_MIN = 0.8;

interface Case {
  readonly lanes: number;
  readonly durability: Durability;
  readonly ids: Ids;
  readonly bytes: Bytes;
}

interface Row extends Case {
  readonly kernel: Measured;
  readonly ceiling: Measured;
  readonly ratio: number;
}

const cases: readonly Case[] = [
  ...[1, 10, 100].map((lanes) => ({ lanes, durability: 'power', ids: 'ids', bytes: 'made' }) as const),
  ...[1, 10, 100].map((lanes) => ({ lanes, durability: 'process', ids: 'ids', bytes: 'made' }) as const),
  { lanes: 100, durability: 'power', ids: 'noIds', bytes: 'made' },
  { lanes: 100, durability: 'power', ids: 'ids', bytes: 'ready' },
];

async function measureCase(one: Case, life: readonly StepTemplate[]): Promise<Row> {
  const { lanes, durability, ids, bytes } = one;
  const kernels: Measured[] = [];
  const ceilings: Measured[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await inFreshDirectory((directory) =>
      withKernel(join(directory, 'kernel'), durability, (opened, store) =>
        withCeiling({ directory: join(directory, 'ceiling'), durability, life, bytes }, async (bare) => {
          const kernel = new Lanes(kernelSubject(opened, store, ids), lanes, errandLife.length + 1);
          const ceiling = new Lanes(bare, lanes, errandLife.length + 1);
          await takeTurns(kernel, ceiling);
          kernels.push(kernel.measured());
          ceilings.push(ceiling.measured());
          ratios.push(kernel.measured().stepsPerSecond / ceiling.measured().stepsPerSecond);
        }),
      ),
    );
  }
  return { ...one, kernel: medianOf(kernels), ceiling: medianOf(ceilings), ratio: median(ratios) };
}

/** A warm-up each, then slices in turn; who goes first changes, so that neither always follows the other. */
async function takeTurns(one: Lanes, other: Lanes): Promise<void> {
  for (const lanes of [one, other]) {
    await lanes.slice(WARM_UP_MS);
    lanes.reset();
  }
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (const lanes of slice % 2 === 0 ? [one, other] : [other, one]) await lanes.slice(SLICE_MS);
  }
}

/** The median of each figure by itself. */
function medianOf(runs: readonly Measured[]): Measured {
  const of = (figure: (run: Measured) => number): number => median(runs.map(figure));
  return {
    stepsPerSecond: of((run) => run.stepsPerSecond),
    commitsPerStep: of((run) => run.commitsPerStep),
    bytesPerStep: of((run) => run.bytesPerStep),
    cpuUsPerStep: of((run) => run.cpuUsPerStep),
    p50Ms: of((run) => run.p50Ms),
    p99Ms: of((run) => run.p99Ms),
  };
}

const head = 'in flight  durability  ids    ceiling    kernel/s  ceiling/s  ratio  CPU us/step';
const headRest = '  commits/step  bytes/step   p50 ms   p99 ms';

function line(row: Row): string {
  const { kernel, ceiling } = row;
  return [
    String(row.lanes).padStart(9),
    row.durability.padEnd(10),
    (row.ids === 'ids' ? 'yes' : 'no').padEnd(5),
    row.bytes.padEnd(7),
    kernel.stepsPerSecond.toFixed(0).padStart(10),
    ceiling.stepsPerSecond.toFixed(0).padStart(9),
    row.ratio.toFixed(2).padStart(5),
    `${kernel.cpuUsPerStep.toFixed(0)} / ${ceiling.cpuUsPerStep.toFixed(0)}`.padStart(11),
    kernel.commitsPerStep.toFixed(3).padStart(12),
    `${kernel.bytesPerStep.toFixed(0)} / ${ceiling.bytesPerStep.toFixed(0)}`.padStart(11),
    kernel.p50Ms.toFixed(2).padStart(7),
    kernel.p99Ms.toFixed(2).padStart(7),
  ].join('  ');
}

/** Synced against unsynced: two kernels, 100 errands in flight in each, taking turns. */
async function measureSyncing(): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await inFreshDirectory((directory) =>
      withKernel(join(directory, 'power'), 'power', (syncing, power) =>
        withKernel(join(directory, 'process'), 'process', async (lazy, unsynced) => {
          const stepsALife = errandLife.length + 1;
          const one = new Lanes(kernelSubject(syncing, power, 'ids'), 100, stepsALife);
          const other = new Lanes(kernelSubject(lazy, unsynced, 'ids'), 100, stepsALife);
          await takeTurns(one, other);
          ratios.push(one.measured().stepsPerSecond / other.measured().stepsPerSecond);
        }),
      ),
    );
  }
  return median(ratios);
}

const lives = { ids: await recordLife('ids'), noIds: await recordLife('noIds') };
const size = sizeOf(lives.ids);
console.log(
  `a step with an id: ${size.rows.toFixed(1)} rows, ${size.bytes.toFixed(0)} bytes of keys and values\n`,
);
console.log(head + headRest);
const rows: Row[] = [];
for (const one of cases) {
  const row = await measureCase(one, lives[one.ids]);
  rows.push(row);
  console.log(line(row));
}
const synced = await measureSyncing();
const gate = rows.find(({ lanes, durability }) => lanes === 100 && durability === 'power')?.ratio ?? 0;
report(
  'steps',
  [
    atLeast(RATIO_MIN, 'kernel to ceiling, 100 in flight, synced', gate),
    atLeast(SYNCED_MIN, 'synced to unsynced, 100 in flight', synced),
  ],
  { size, rows, synced },
);
