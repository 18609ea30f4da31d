/**
 * The closing line of a test run: `N passed, N failed, N skipped`, plain, alone on the last line.
 *
 * Called by vitest (vitest.config.ts). Invariants:
 *  1  What vitest calls an error outside of any test (a file that does not load, an unhandled rejection)
 *     counts as failed, so that the line never says `0 failed` about a run that failed.
 *  2  The line is written when the process exits, after everything other reporters have to say.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts tests by outcome; a test that never got a result did not pass. */
function tallyOf(tests: readonly TestCase[], otherFailures: number): Tally {
  const states = tests.map((test) => test.result().state);
  const count = (state: string): number => states.filter((one) => one === state).length;
  return {
    passed: count('passed'),
    failed: count('failed') + count('pending') + otherFailures,
    skipped: count('skipped'),
  };
}

function testsOf(modules: readonly TestModule[]): readonly TestCase[] {
  return modules.flatMap((module) => [...module.children.allTests()]);
}

/** The reporter; `write` gets the line, and `whenDone` runs it at the end of the process. */
export function closingLine(
  write: (line: string) => void = (line) => void process.stdout.write(line),
  whenDone: (run: () => void) => void = (run) => void process.once('exit', run),
): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const brokenModules = modules.flatMap((module) => module.errors()).length;
      const { passed, failed, skipped } = tallyOf(testsOf(modules), brokenModules + unhandledErrors.length);
      whenDone(() => write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`));
    },
  };
}
