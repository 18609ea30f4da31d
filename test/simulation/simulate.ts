/**
 * One simulated run: a seed, so many steps, a verdict.
 *
 * Callers: the simulation's tests, shrink.ts, tests of one incident. Invariant: equal options give equal
 * runs, digest and all.
 */
import type { Store } from '../../src/store/index.js';
import { deeds, type Action } from './actions.js';
import { Chance } from './chance.js';
import { faults } from './faults.js';
import { allKinds, type Kinds } from './kinds.js';
import { audit, comeToRest } from './rest.js';
import type { Violation } from './verdict.js';
import { World } from './world.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** Default: all kinds. */
  readonly kinds?: Kinds | undefined;
  /** Default: the deeds of clients and of the world outside. */
  readonly actions?: readonly Action[] | undefined;
  /** Default: all faults. */
  readonly faults?: readonly Action[] | undefined;
  /** Names of actions that are left out; what the others do stays as it is. */
  readonly without?: readonly string[] | undefined;
  /** Looked at after each step; what it returns ends the run, as a broken rule does. */
  readonly check?: ((world: World) => Violation | undefined) | undefined;
  /** Wraps the store under each kernel: for one that is broken on purpose. */
  readonly spoil?: ((store: Store) => Store) | undefined;
  /** False: the run ends where its steps end. Default true: everything is brought to rest, and audited. */
  readonly rests?: boolean | undefined;
}

/** One step, as a reader of a failed run wants it. */
export interface Trace {
  readonly step: number;
  readonly process: number;
  readonly at: number;
  readonly commit: number;
  readonly action: string;
  readonly did: string;
}

export interface Simulation {
  readonly seed: number;
  /** Steps that were taken. */
  readonly steps: number;
  readonly violation: Violation | undefined;
  /** The newest steps, oldest first. */
  readonly trace: readonly Trace[];
  /** Of all that was written. */
  readonly digest: string;
  readonly world: World;
}

const TRACE_KEPT = 20;
/** Between two audits of the whole disk. */
const AUDIT_EVERY = 250;

export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const { seed, steps, kinds = allKinds, spoil, rests = true, check = () => undefined } = options;
  const root = new Chance(seed);
  const actions = [...(options.actions ?? deeds), ...(options.faults ?? faults)];
  const without = new Set(options.without);
  const world = await World.open({ chance: root, kinds, spoil });
  const trace: Trace[] = [];
  let found: Violation | undefined;
  let step = 0;
  const isBroken = (): boolean => (found ??= world.verdict.violation ?? check(world)) !== undefined;
  for (; step < steps && !isBroken(); step += 1) {
    const chance = root.fork(`step ${step}`);
    const action = chance.weighted(actions);
    const turns = chance.below(6);
    const did =
      action === undefined || without.has(action.name) ? undefined : await action.run(world, chance);
    await world.turns(turns);
    if (world.process.state === 'failed') await world.replaceFailed();
    if (step % AUDIT_EVERY === AUDIT_EVERY - 1) await calm(world);
    if (did === undefined || action === undefined) continue;
    const { process, time, oracle } = world;
    const line = {
      step,
      process: process.number,
      at: time.now(),
      commit: oracle.writes,
      action: action.name,
      did,
    };
    trace.push(line);
    if (trace.length > TRACE_KEPT) trace.shift();
  }
  if (!isBroken() && rests) await comeToRest(world, root.fork('rest'));
  isBroken();
  await world.process.kill();
  return { seed, steps: step, violation: found, trace, digest: world.oracle.digest, world };
}

/** Lets what is under way end, and looks at the whole disk. */
async function calm(world: World): Promise<void> {
  world.process.slowTurns = 0;
  await world.settle();
  if (world.process.isRunning) await audit(world);
}
