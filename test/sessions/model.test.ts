/**
 * A session against its model: whatever happens to it, in whatever order, through crashes and reopenings.
 *
 * HOLDFAST_DEEP=1 makes it long: at least 500 runs of 60 operations and more. What fails is shrunk and
 * printed as the operations that lead there; HOLDFAST_SEED takes the printed seed back.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Operation, type Plan } from './operation.js';
import * as owners from './owners.js';
import * as producers from './producers.js';
import { begin, compare, compareHistory, type Real, type World } from './real.js';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);
const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const RUNS = isDeep ? 850 : 10;
const LONG = 60;
/** For a machine that does other things too; alone it takes ten minutes. */
const DEEP_MS_MAX = 1_750_000;
const OPERATIONS_MAX = isDeep ? 180 : 60;
const DRAIN_STEPS_MAX = 1_000;

/** What is done by time, by death, or by a process that comes after. */
class Passing implements fc.AsyncCommand<World, Real> {
  readonly #name: string;
  readonly #pass: (world: World, real: Real) => Promise<void>;

  constructor(name: string, pass: (world: World, real: Real) => Promise<void>) {
    this.#name = name;
    this.#pass = pass;
  }

  check(): boolean {
    return true;
  }

  async run(world: World, real: Real): Promise<void> {
    await this.#pass(world, real);
    await compare(world, real);
  }

  toString(): string {
    return this.#name;
  }
}

const advance = fc
  .constantFrom(1, 500, 10_000, 59_999, 60_000, 60_001, 7_200_000)
  .map((ms) => new Passing(`${ms} ms pass`, (world, real) => pass(world, real, ms)));
const crash = fc.constant(new Passing('crash', (world, real) => real.crash(world)));
const reopen = fc.constant(new Passing('close and reopen', (world, real) => real.reopen(world)));

async function pass(world: World, real: Real, ms: number): Promise<void> {
  await real.test.advance(ms);
  world.now += ms;
}

type Kind = readonly [name: string, plan: fc.Arbitrary<Plan>];

const kinds: readonly Kind[] = [
  ['enqueue', producers.enqueue],
  ['enqueue', producers.enqueue],
  ['inject', producers.inject],
  ['wake', producers.wake],
  ['command', producers.command],
  ['message', producers.message],
  ['message', producers.message],
  ['mode', producers.mode],
  ['claim', owners.claim],
  ['claim', owners.claim],
  ['claim', owners.claim],
  ['claimCommand', owners.claimCommand],
  ['claimByIds', owners.claimByIds],
  ['complete', owners.complete],
  ['complete', owners.complete],
  ['abandon', owners.abandon],
  ['renew', owners.renew],
  ['cancel', owners.cancel],
  ['retry', owners.retry],
  ['resume', owners.resume],
  ['race', owners.race],
  ['burst', producers.burst],
];

/** One in eight dies at its commit. */
const death = fc.constantFrom(
  ...Array.from({ length: 14 }, () => undefined),
  'before-commit' as const,
  'after-commit' as const,
);
const operations = kinds.map(([name, plan]) =>
  fc.tuple(plan, death).map(([made, dying]) => new Operation(name, made, dying)),
);
const commands = fc.commands([...operations, advance, advance, crash, reopen], {
  maxCommands: OPERATIONS_MAX,
  size: 'max',
});

const WHATEVER = { boundary: 'idle', max: 64, owner: 'process' } as const;
const draining: readonly Plan[] = [
  owners.retrying(1),
  owners.claimingCommand(WHATEVER),
  owners.completing({ pick: 0, shape: 'whole', hash: 'h' }),
  owners.claiming(WHATEVER),
  owners.completing({ pick: 0, shape: 'whole', hash: 'h' }),
];

/** Everything left is taken and settled in the end: nothing is lost, nothing is left behind. */
async function drain(world: World, real: Real): Promise<void> {
  await real.crash(world);
  await pass(world, real, 8 * 3_600_000);
  for (let step = 0; world.model.batches.length > 0; step += 1) {
    if (step === DRAIN_STEPS_MAX) throw new Error('the queue does not drain');
    for (const plan of draining) await new Operation('drain', plan).run(world, real);
  }
  await compareHistory(world, real);
  const { enqueued, completed, cancelled, dropped } = world.model.counts;
  const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  expect(enqueued + world.model.summaries).toBe(completed + cancelled + gone);
}

test(
  `a session does what its model does, through everything (seed ${seed})`,
  { timeout: isDeep ? DEEP_MS_MAX : 60_000 },
  async () => {
    const lengths: number[] = [];
    const property = fc.asyncProperty(commands, async (chosen) => {
      const { model, real } = await begin();
      let done = 0;
      try {
        const counted = {
          [Symbol.iterator]: function* () {
            for (const one of chosen) {
              done += 1;
              yield one;
            }
          },
        };
        await fc.asyncModelRun(() => ({ model, real }), counted);
        await drain(model, real);
      } finally {
        lengths.push(done);
        await real.test.close();
      }
    });
    await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: false });
    const long = lengths.filter((length) => length >= LONG).length;
    process.stdout.write(`${lengths.length} runs, ${long} of ${LONG} operations or more, seed ${seed}\n`);
    if (isDeep) expect(long).toBeGreaterThanOrEqual(500);
  },
);
