/**
 * A process at work that is backed up: pairs of actors, stepped by many callers at once.
 *
 * Callers: ../backup.test.ts. Arguments: the directory, the number of pairs, and at which page of a backup it
 * dies (0: never). Every line it prints is a fact that has happened: `seeded`, `working`, `page <n> commit
 * <number>`, and at the end, which standard input asks for by closing, `summary <JSON>`.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openRuntime, silentLogger } from '../../../src/index.js';
import { pagedBy } from '../../backup/paged.js';
import { giver, taker } from '../pairs.js';

const [directory = '', pairsText = '', dieAtText = ''] = process.argv.slice(2);
const pairs = Number(pairsText);
const CALLERS = 32;
const STEPS_WARM = 1_000;

interface Phase {
  readonly fromMs: number;
  untilMs: number;
  /** What each `give` waited for its commit. */
  readonly waitsMs: number[];
}

let phase: Phase = newPhase();
const quiet = phase;
let backup: Phase | undefined;

function newPhase(): Phase {
  const now = performance.now();
  return { fromMs: now, untilMs: now, waitsMs: [] };
}

function say(fact: string): void {
  writeSync(1, `${fact}\n`);
}

function summaryOf({ fromMs, untilMs, waitsMs }: Phase) {
  const sorted = waitsMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  // Each give is a step of the giver and one of the taker.
  const stepsPerSecond = (sorted.length * 2_000) / Math.max(1, untilMs - fromMs);
  return { steps: sorted.length * 2, stepsPerSecond, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) };
}

const wrapStore = pagedBy((page, store) => {
  say(`page ${page} commit ${store.lastCommit}`);
  if (page === Number(dieAtText)) process.kill(process.pid, 'SIGKILL');
  backup ??= newPhase();
  phase = backup;
});
const runtime = await openRuntime({ directory, durability: 'process', log: silentLogger, wrapStore });
const takers = runtime.define(taker);
const givers = runtime.define(giver);
const ids = Array.from({ length: pairs }, (_unused, index) => String(index));
await takers.createMany(ids.map((id) => ({ id })));
await givers.createMany(ids.map((id) => ({ id, input: { to: `taker/${id}` } })));
say('seeded');

let stopping = false;
const callers = Array.from({ length: CALLERS }, async (_unused, caller) => {
  for (let turn = caller; !stopping; turn += CALLERS) {
    const begun = performance.now();
    await givers.get(String(turn % pairs)).send({ type: 'give' });
    const now = performance.now();
    phase.waitsMs.push(now - begun);
    phase.untilMs = now;
    if (quiet.waitsMs.length === STEPS_WARM) say('working');
  }
});
process.stdin.resume();
await once(process.stdin, 'end');
stopping = true;
await Promise.all(callers);
await runtime.close();
say(`summary ${JSON.stringify({ quiet: summaryOf(quiet), backup: backup && summaryOf(backup) })}`);
