/** Promise 7: what a runtime reads when it opens depends on what was in flight, not on what exists. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openRuntime, silentLogger, type JobHandle, type Runtime } from '../../src/index.js';
import { openai } from '../../src/providers/index.js';
import { partsOf, type ScanOptions, type Store } from '../../src/store/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';

const MANY = 3_000;
const FEW = 100;
const AT_ONCE = 500;

/** What was read of a store, and how much of it. */
interface Reads {
  /** Addresses of the actors whose records were read. */
  readonly records: string[];
  /** Reads of one row, or of one page. */
  calls: number;
  /** Rows that came back from pages. */
  rows: number;
}

/** Everything as `inner` does it, with its reads written down. */
function counted(inner: Store, reads: Reads): Store {
  const note = (...keys: readonly string[]): void => {
    for (const key of keys) if (key.startsWith('s\0')) reads.records.push(partsOf(key)[0] ?? '');
  };
  return {
    generation: inner.generation,
    get lastCommit() {
      return inner.lastCommit;
    },
    get: (key) => {
      reads.calls += 1;
      note(key);
      return inner.get(key);
    },
    getMany: (keys) => {
      reads.calls += keys.length;
      note(...keys);
      return inner.getMany(keys);
    },
    scan: async (options: ScanOptions) => {
      const page = await inner.scan(options);
      reads.calls += 1;
      reads.rows += page.length;
      note(...page.map(([key]) => key));
      return page;
    },
    commit: (commit) => inner.commit(commit),
    view: () => inner.view(),
    close: () => inner.close(),
  };
}

async function opened(directory: string, reads: Reads): Promise<Runtime> {
  // A clock that stands still: nothing becomes due, so nothing is in flight but what a test asks for.
  const clock = createSimulatedClock();
  const runtime = await openRuntime({
    directory,
    // Nothing listens there, and nobody asks.
    providers: [openai({ apiKey: 'sk-test', baseUrl: 'http://127.0.0.1:9/v1', clock })],
    control: false,
    durability: 'process',
    log: silentLogger,
    clock,
    wrapStore: (store) => counted(store, reads),
  });
  onTestFinished(() => runtime.close({ timeoutMs: 0 }));
  return runtime;
}

/** A closed directory with so many jobs: three of four wait for their provider, the fourth is cancelled. */
async function directoryWith(jobs: number): Promise<{ directory: string; one: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-dormant-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const runtime = await opened(directory, { records: [], calls: 0, rows: 0 });
  const track = async (index: number): Promise<JobHandle> => {
    const ref = { taskId: `task-${index}`, endpoint: 'videos', generation: 'videos-v1' };
    const job = await runtime.jobs.track({ provider: 'openai', ref });
    if (index % 4 === 3) await job.cancel();
    return job;
  };
  let one = '';
  for (let from = 0; from < jobs; from += AT_ONCE) {
    const indexes = Array.from({ length: Math.min(AT_ONCE, jobs - from) }, (_unused, at) => from + at);
    one = (await Promise.all(indexes.map(track)))[0]?.id ?? '';
  }
  await runtime.close();
  return { directory, one };
}

test('opening reads no dormant job, and no more of three thousand than of a hundred', async () => {
  const counted: Reads = { records: [], calls: 0, rows: 0 };
  const few = await directoryWith(FEW);
  const runtimeOfFew = await opened(few.directory, counted);
  // Closing reads as well.
  const ofFew = { ...counted };
  await runtimeOfFew.close();

  const ofMany: Reads = { records: [], calls: 0, rows: 0 };
  const many = await directoryWith(MANY);
  const runtime = await opened(many.directory, ofMany);
  expect(ofMany.records).toEqual([]);
  expect(ofMany.rows).toBe(ofFew.rows);
  // The first look at the timers may still be under way, so the calls differ by a few.
  for (const { calls } of [ofFew, ofMany]) expect(calls).toBeLessThan(FEW / 2);
  expect(ofMany.calls).toBeGreaterThan(0);

  // They are all there, and one that is asked for is read alone.
  const counts = runtime.inspect.counts('job').map(({ count }) => count);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(MANY);
  expect(await runtime.jobs.view(many.one)).toMatchObject({ status: 'pending', id: many.one });
  expect(new Set(ofMany.records)).toEqual(new Set([`job/${many.one}`]));
});
