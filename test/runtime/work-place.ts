/** A runtime with nothing but work items in it, and a clock that the test moves. */
import { onTestFinished } from 'vitest';
import type { ClaimedWork, ClaimOptions } from '../../src/index.js';
import type { Runtime } from '../../src/index.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';

export interface WorkPlace {
  readonly test: TestRuntime;
  /** Of the runtime that is open: after a crash another one. */
  readonly work: Runtime['work'];
  /** The next item, which there must be. */
  readonly claim: (kinds?: string | readonly string[], options?: ClaimOptions) => Promise<ClaimedWork>;
}

export async function opened(options: TestRuntimeOptions<undefined> = {}): Promise<WorkPlace> {
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
