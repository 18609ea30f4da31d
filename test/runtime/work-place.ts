/** A runtime with nothing but work items in it, and a clock that the test moves. */
import { tmpdir } from 'node:os';
import { onTestFinished } from 'vitest';
import type { ClaimedWork, ClaimOptions } from '../../src/index.js';
import { silentLogger, type Runtime, type RuntimeOptions } from '../../src/index.js';
import { openOver } from '../../src/runtime.js';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/index.js';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';

export interface WorkPlace {
  readonly test: TestRuntime;
  /** Of the runtime that is open: after a crash another one. */
  readonly work: Runtime['work'];
  /** The next item, which there must be. */
  readonly claim: (kinds?: string | readonly string[], options?: ClaimOptions) => Promise<ClaimedWork>;
}

export async function placeOpened(options: TestRuntimeOptions<undefined> = {}): Promise<WorkPlace> {
  const test = await createTestRuntime(options);
  onTestFinished(() => test.close());
  return {
    test,
    get work() {
      return test.runtime.work;
    },
    claim: async (kinds, claiming) => {
      const item = await test.runtime.work.claimNext(kinds, claiming);
      if (item === undefined) throw new Error('nothing is ready');
      return item;
    },
  };
}

/** The same with a wall clock that can be set back, over a store in memory. */
export async function movableOpened(
  options: Partial<RuntimeOptions> = {},
): Promise<{ readonly clock: SimulatedClock; readonly runtime: Runtime; readonly disk: MemoryDisk }> {
  const clock = createSimulatedClock();
  const disk = createMemoryDisk();
  const given = { directory: tmpdir(), control: false, log: silentLogger, ...options };
  const runtime = await openOver(await openMemoryStore({ disk }), { ...given, clock });
  onTestFinished(() => runtime.close({ timeoutMs: 0 }));
  return { clock, runtime, disk };
}
