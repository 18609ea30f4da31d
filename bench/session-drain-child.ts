/**
 * Fills the directory given with so many sessions of one batch each, or drains them and prints how much
 * resident memory that took. Started by session-drain.ts.
 *
 * The drain walks the index of sessions that are ready a page at a time, claims and completes, 64 sessions
 * at once. Of actors with nothing to do a thousand stay in memory, so that the bound is reached by the
 * smallest of the three sizes.
 */
import { performance } from 'node:perf_hooks';
import { sessionIndexes } from '../src/actors/session/session-index.js';
import { answer, MESSAGE, withSessions, type Host } from './session-host.js';

const MIB = 1_048_576;
const FILL_LANES = 200;
const DRAIN_LANES = 64;
const PAGE = 500;

const [what = '', directory = '', count = '0'] = process.argv.slice(2);
const sessionsWanted = Number(count);

async function fill({ sessions }: Host): Promise<void> {
  let filled = 0;
  await inLanes(FILL_LANES, () => {
    if (filled === sessionsWanted) return undefined;
    filled += 1;
    return sessions.get(`conversation-${filled}`).enqueue(MESSAGE);
  });
}

/** As many as were ready. */
async function drain({ kernel, sessions }: Host): Promise<number> {
  let drained = 0;
  for (;;) {
    const { items } = await kernel.reader.byIndex(sessionIndexes.ready, [], { limit: PAGE });
    if (items.length === 0) return drained;
    const left = items.values();
    await inLanes(DRAIN_LANES, () => {
      const { value: address, done } = left.next();
      return done === true ? undefined : answer(sessions.get(address.slice('session/'.length)));
    });
    drained += items.length;
  }
}

/** Takes from `next` until there is nothing more, in so many lanes. */
async function inLanes(lanes: number, next: () => Promise<unknown> | undefined): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let work = next(); work !== undefined; work = next()) await work;
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

await withSessions({ directory, durability: 'process', memory: { actorsMax: 1_000 } }, async (host) => {
  if (what === 'fill') {
    await fill(host);
    console.log(JSON.stringify({ filled: sessionsWanted }));
    return;
  }
  globalThis.gc?.();
  const startMiB = process.memoryUsage().rss / MIB;
  const startedAt = performance.now();
  const drained = await drain(host);
  const ms = performance.now() - startedAt;
  const peakMiB = process.resourceUsage().maxRSS / 1_024;
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(
    JSON.stringify({
      ...{ drained, sessionsPerSecond: (drained / ms) * 1_000, startMiB, peakMiB },
      ...{ endMiB: rss / MIB, heapMiB: heapUsed / MIB },
    }),
  );
});
