/**
 * The directory of a run's bundled programs (bundled.ts): empty before each run, gone after the last.
 *
 * Called by vitest (vitest.config.ts), in its own process. It is below node_modules, so that the packages
 * with a native addon are found from it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    readonly bundles: string;
  }
}

export function setup(project: TestProject): () => void {
  const cache = fileURLToPath(new URL('../node_modules/.cache/holdfast-tests', import.meta.url));
  const directory = join(cache, String(process.pid));
  const clear = (): void => rmSync(directory, { recursive: true, force: true });
  clear();
  project.provide('bundles', directory);
  project.onTestsRerun(clear);
  return clear;
}
