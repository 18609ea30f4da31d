/**
 * The process that is killed among families: a kernel on a LevelDB directory, with clans in it.
 *
 * Callers: ../children.test.ts, with `{directory, clans, kill?}` as JSON in its one argument. It prints
 * `quiet` when nothing is under way any more, and dies at the commit it is told to.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { z } from 'zod';
import { Kernel, type ActorRecord } from '../../../src/actors/kernel/index.js';
import { systemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/log.js';
import { openLevelStore, type Store } from '../../../src/store/index.js';
import { rangeOf } from '../../../src/store/keys.js';
import { faultyStore, type CommitPhase } from '../../../src/testing/faulty-store.js';
import { clan } from '../clan.js';

const LOOKS_MAX = 100_000;

const plan = z
  .object({
    directory: z.string(),
    clans: z.number(),
    kill: z.object({ commit: z.number(), phase: z.enum(['before', 'after']) }).optional(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

let committed: (() => void) | undefined;
let commits = 0;

/** Commits are counted from the opening. */
async function reach(phase: CommitPhase): Promise<void> {
  if (phase === 'before') commits += 1;
  else committed?.();
  if (plan.kill?.commit !== commits || plan.kill.phase !== phase) return;
  process.kill(process.pid, 'SIGKILL');
  await once(process, 'a death that has no event');
}

async function isQuiet(store: Store): Promise<boolean> {
  const waiting = await store.scan({ ...rangeOf('i'), limit: 1 });
  if (waiting.length > 0) return false;
  const records = await store.scan({ ...rangeOf('s'), limit: 100_000 });
  return records.every(([, text]) => (JSON.parse(text) as ActorRecord).status !== 'active');
}

/** Looks again after each commit: what is refused leaves no step, but its row goes. */
async function quiet(store: Store): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const changed = new Promise<void>((resolve) => {
      committed = resolve;
    });
    if (await isQuiet(store)) return;
    await changed;
  }
  throw new Error('too many looks');
}

const store = faultyStore(await openLevelStore({ directory: plan.directory }), {
  onCommit: (_number, phase) => reach(phase),
});
const kernel = await Kernel.open({ store, clock: systemClock, log: silentLogger });
kernel.define({ kind: 'clan', machine: clan });
await kernel.start();
await kernel.createMany(
  'clan',
  Array.from({ length: plan.clans }, (_unused, number) => ({ id: `${number}` })),
);
await quiet(store);
writeSync(1, 'quiet\n');
await kernel.close();
await store.close();
