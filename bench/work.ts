/**
 * Work items: how many are claimed and done a second, one at a time and a hundred at a time, and whether it
 * matters how many wait.
 *
 * Two stores, of a thousand ready items and of a million, are open in one process and take turns, synced;
 * what a turn has taken from the small one is enqueued again, unmeasured.
 * `HOLDFAST_BENCH_ITEMS` makes the large one smaller. Callers: run.ts, as a process of its own.
 */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { workDefinition } from '../src/actors/house-machines.js';
import { openRuntime, silentLogger, type Runtime } from '../src/index.js';
import { workRows } from '../src/machines/index.js';
import { atMost, report } from './gates.js';
import { median } from './lanes.js';
import { inFreshDirectory } from './place.js';
import { fillAlike } from './template.js';

const FEW = 1_000;
const MANY = Number(process.env['HOLDFAST_BENCH_ITEMS'] ?? 1_000_000);
/** Many short turns: a sync waits for whatever else the disk does, and a median is to leave that out. */
const ROUNDS = 25;
/** Items of one measurement, by the size of a batch. */
const ITEMS = { 1: 40, 100: 200 } as const;
const FACTOR_MAX = 1.5;

type BatchSize = keyof typeof ITEMS;

const KIND = 'chunk_embed';
const payload = { docId: 'doc_01J8ZQ3E', version: 7, chunk: 12 };

/** A queue of some length, and what items of it cost. */
class Queue {
  readonly ready: number;
  readonly #runtime: Runtime;
  readonly us: Readonly<Record<BatchSize, number[]>> = { 1: [], 100: [] };
  readonly cpuUs: Readonly<Record<BatchSize, number[]>> = { 1: [], 100: [] };
  /** The first claim after the store was opened. */
  firstClaimMs = Number.NaN;

  constructor(ready: number, runtime: Runtime) {
    this.ready = ready;
    this.#runtime = runtime;
  }

  async begin(): Promise<void> {
    const startedAt = performance.now();
    await this.#take(1);
    this.firstClaimMs = performance.now() - startedAt;
    await this.measure(100);
    this.us[100].length = 0;
    this.cpuUs[100].length = 0;
  }

  async measure(batch: BatchSize): Promise<void> {
    const items = ITEMS[batch];
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    for (let taken = 0; taken < items; taken += batch) await this.#take(batch);
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    this.us[batch].push((ms * 1_000) / items);
    this.cpuUs[batch].push((user + system) / items);
    if (this.ready === FEW) await enqueue(this.#runtime, items);
  }

  async #take(max: number): Promise<void> {
    const { work } = this.#runtime;
    const claimed = await work.claimMany(KIND, max);
    if (claimed.length < max) throw new Error(`${claimed.length} items of ${max} were to be had`);
    await Promise.all(claimed.map(({ token }) => work.done(token)));
  }
}

async function enqueue({ work }: Runtime, items: number): Promise<void> {
  await work.enqueueMany(Array.from({ length: items }, () => ({ kind: KIND, payload })));
}

function itemId(number: number): string {
  return `work_${String(number).padStart(12, '0')}`;
}

async function fill(directory: string, items: number): Promise<void> {
  const input = { workId: itemId(0), kind: KIND, priority: 128, attemptsMax: 5 };
  const options = { payloads: { [workRows.payload]: payload } };
  await fillAlike({ directory, definition: workDefinition, actors: items, id: itemId, input, options });
}

/** A runtime, synced, whose queue is full before it is opened. */
async function openFull(directory: string, items: number): Promise<Runtime> {
  await fill(directory, items);
  return openRuntime({ directory, control: false, log: silentLogger });
}

/** Fills both stores, opens them again and lets them take turns. */
async function measureQueues(): Promise<readonly Queue[]> {
  const queues: Queue[] = [];
  const openNext = async (parent: string, sizes: readonly number[]): Promise<void> => {
    const [size, ...others] = sizes;
    if (size === undefined) {
      for (const queue of queues) await queue.begin();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const queue of round % 2 === 0 ? queues : queues.toReversed()) {
          await queue.measure(1);
          await queue.measure(100);
        }
      }
      return;
    }
    const directory = join(parent, String(size));
    const startedAt = performance.now();
    const runtime = await openFull(directory, size);
    console.log(`(${size} items written in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
    queues.push(new Queue(size, runtime));
    await openNext(parent, others);
    await runtime.close();
  };
  await inFreshDirectory((directory) => openNext(directory, [FEW, MANY]));
  return queues;
}

const queues = await measureQueues();
const perSecond = (us: readonly number[]): string => (1_000_000 / median(us)).toFixed(0).padStart(7);
console.log(`${'ready'.padStart(9)}   items/s one at a time, a hundred   CPU us an item   first claim, ms`);
for (const { ready, us, cpuUs, firstClaimMs } of queues) {
  const rates = `${perSecond(us[1])} ${perSecond(us[100])}`.padStart(34);
  const cpu = `${median(cpuUs[1]).toFixed(0)} / ${median(cpuUs[100]).toFixed(0)}`.padStart(17);
  console.log(`${String(ready).padStart(9)}${rates}${cpu}${firstClaimMs.toFixed(1).padStart(18)}`);
}

const factor = (batch: BatchSize, of: (queue: Queue) => Queue['us']): number => {
  const [few, many] = queues.map((queue) => median(of(queue)[batch]));
  return (many ?? Number.NaN) / (few ?? Number.NaN);
};
const batches = [1, 100] as const;
report(
  'work',
  [
    ...batches.map((batch) =>
      atMost(
        FACTOR_MAX,
        `time of an item, ${batch} at a time, a million ready to a thousand`,
        factor(batch, ({ us }) => us),
      ),
    ),
    ...batches.map((batch) =>
      atMost(
        FACTOR_MAX,
        `CPU of an item, ${batch} at a time, a million ready to a thousand`,
        factor(batch, ({ cpuUs }) => cpuUs),
      ),
    ),
  ],
  { queues: queues.map(({ ready, us, cpuUs, firstClaimMs }) => ({ ready, us, cpuUs, firstClaimMs })) },
);
