/**
 * Takes a path once without a crash, and then once for every point it can crash at.
 *
 * Callers: the tests of this folder. Invariants: every fault that is counted has struck; a run that was not
 * interrupted ends with the very rows of the run without a crash.
 */
import { strict as assert } from 'node:assert';
import { auditLedger, auditWorld, interruptedIn, tracesOf, type Traces } from './compare.js';
import type { Path } from './paths.js';
import type { Fault } from './process.js';
import { World, type Chart, type Move, type OpenStore } from './world.js';

/** What was enumerated, to be printed and held against a floor. */
export interface Tally {
  paths: number;
  /** A path and where it crashed: one run each. */
  points: number;
  crashes: number;
  /** Effects called again, under the same id. */
  reruns: number;
  /** Effects that came back as interrupted. */
  interruptions: number;
  /** Effects that a probe found done. */
  proven: number;
  /** Events sent again by a caller without an answer, that had been applied. */
  repeats: number;
}

/** What befalls each process of a run in turn; the next ones are spared. */
type Faults = readonly Fault[];

export interface Enumeration {
  readonly chart: Chart;
  readonly paths: readonly Path[];
  readonly tally: Tally;
  /** Which faults of a path, of all `faultsOf` gives. Default: all. */
  readonly choose?: (faults: readonly Faults[], path: number) => readonly Faults[];
  /** A new place for each run. Default: in memory. */
  readonly newPlace?: () => OpenStore;
  /** What holds beyond the rows: of the run without a crash, and of one with it. */
  readonly check?: (reference: World, world: World) => Promise<void>;
}

interface Reference {
  readonly moves: readonly Move[];
  readonly traces: Traces;
  readonly world: World;
  readonly faults: readonly Faults[];
}

export function newTally(): Tally {
  return { paths: 0, points: 0, crashes: 0, reruns: 0, interruptions: 0, proven: 0, repeats: 0 };
}

/** Prints what was enumerated: how much a passing check has checked. */
export function report(what: string, tally: Tally): void {
  const said = Object.entries(tally).map(([name, count]) => `${String(count)} ${name}`);
  process.stdout.write(`crash points of ${what}: ${said.join(', ')}\n`);
}

export async function enumerate(enumeration: Enumeration): Promise<void> {
  const { paths, tally, choose = (faults) => faults } = enumeration;
  for (const [index, path] of paths.entries()) {
    const reference = await referenceOf(enumeration, path);
    tally.paths += 1;
    for (const faults of choose(reference.faults, index)) {
      try {
        await crashed(enumeration, reference, faults);
      } catch (error) {
        throw new Error(`${path.name}, with ${JSON.stringify(faults)}: ${String(error)}`, { cause: error });
      }
      tally.points += 1;
    }
    await reference.world.end();
  }
}

/** Some of the points, beginning elsewhere on each path: together they strike everywhere. */
export function everyNth(n: number): (faults: readonly Faults[], path: number) => readonly Faults[] {
  return (faults, path) => faults.filter((_fault, index) => (index + path) % n === 0);
}

/** Twice in a row: in the middle of a life, and again in the middle of the recovery from that. */
export function twice(faults: readonly Faults[], commits: number): Fault[][] {
  const kinds = ['failAfter', 'killBefore', 'killAfter'] as const;
  const second = kinds.flatMap((how) =>
    Array.from({ length: commits }, (_unused, index): Fault => ({ at: 'commit', number: index + 1, how })),
  );
  return faults.flatMap((first) => second.map((then) => [...first, then]));
}

async function referenceOf({ chart, newPlace }: Enumeration, path: Path): Promise<Reference> {
  const world = new World(chart, [], newPlace?.());
  await world.start();
  for (const move of path.moves) await world.do(move);
  const moves = [...path.moves, ...(await world.runOut('end'))];
  await auditWorld(world);
  await auditLedger(world);
  const { commits, calls } = world.process;
  return { moves, traces: await tracesOf(world), world, faults: faultsOf(commits, calls) };
}

function faultsOf(commits: number, calls: number): Fault[][] {
  const kinds = ['failBefore', 'failAfter', 'killBefore', 'killAfter'] as const;
  const faults: Fault[][] = [];
  for (let number = 1; number <= commits; number += 1) {
    for (const how of kinds) faults.push([{ at: 'commit', number, how }]);
  }
  for (let number = 1; number <= calls; number += 1) faults.push([{ at: 'call', number, how: 'killAfter' }]);
  return faults;
}

async function crashed(
  { chart, tally, newPlace, check }: Enumeration,
  reference: Reference,
  faults: readonly Fault[],
): Promise<void> {
  const world = new World(chart, faults, newPlace?.());
  await world.start();
  await follow(world, reference.moves);
  assert.ok(world.crashes >= 1, 'the fault never struck');
  await auditWorld(world);
  await auditLedger(world);
  const interrupted = await interruptedIn(world);
  if (interrupted.length === 0) {
    assert.deepEqual(await tracesOf(world), reference.traces);
    auditCalls(reference.world, world);
  }
  await check?.(reference.world, world);
  tally.crashes += world.crashes;
  tally.reruns += world.ledger.length - new Set(world.ledger.map(({ effectId }) => effectId)).size;
  tally.interruptions += interrupted.length;
  tally.proven += world.provenDone.size;
  tally.repeats += world.repeats;
  await world.end();
}

/**
 * Does the same moves. From an interrupted effect on the actor is on another way, where answers and waits
 * come as they are needed, and only what users send is the same.
 */
async function follow(world: World, moves: readonly Move[]): Promise<void> {
  let interrupted = false;
  let seen = 0;
  for (const move of moves) {
    if (world.crashes > seen) {
      seen = world.crashes;
      interrupted = (await interruptedIn(world)).length > 0;
    }
    if (!interrupted || move.type === 'send') await world.do(move);
  }
  await world.runOut('late');
}

/** Whatever was done without a crash was done with one, under the same ids, and nothing else was. */
function auditCalls(reference: World, world: World): void {
  const idsOf = ({ ledger }: World): string[] => [...new Set(ledger.map(({ effectId }) => effectId))];
  assert.deepEqual(idsOf(world).toSorted(), idsOf(reference).toSorted(), 'calls');
}
