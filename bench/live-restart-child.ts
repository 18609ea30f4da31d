/**
 * The restart of the hand-written program, in the directory given: every snapshot is read and its actor
 * started. Prints milliseconds, resident MiB and how many. Started by jobs.ts.
 */
import { performance } from 'node:perf_hooks';
import { createActor, type AnyActorRef, type Snapshot } from 'xstate';
import { withLevel } from './live.js';
import { sleeperMachine } from './sleeper.js';

const MIB = 1_048_576;

const [directory = ''] = process.argv.slice(2);
const startedAt = performance.now();
const actors = new Map<string, AnyActorRef>();
await withLevel(directory, async (level) => {
  for await (const [key, text] of level.iterator({ highWaterMarkBytes: MIB } as object)) {
    const snapshot = JSON.parse(text) as Snapshot<unknown>;
    actors.set(key, createActor(sleeperMachine, { snapshot } as never).start());
  }
  const restartMs = performance.now() - startedAt;
  const rssMiB = process.memoryUsage().rss / MIB;
  console.log(JSON.stringify({ restartMs, rssMiB, actors: actors.size }));
});
// The actors' timers are gone: XState restores none. Nothing keeps this process alive.
