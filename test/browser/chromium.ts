/**
 * The one Chromium of a run: out of an npm package, without a window, for all files of the browser tests.
 *
 * Called by vitest (vitest.config.ts), in its own process, before the first of those files. Invariant: it is
 * gone when the run is over.
 */
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { chromiumOptions } from './chromium-options.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser is driven from. */
    readonly chromium: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await chromium.launchServer({ ...(await chromiumOptions()), host: '127.0.0.1' });
  project.provide('chromium', server.wsEndpoint());
  return () => server.close();
}
