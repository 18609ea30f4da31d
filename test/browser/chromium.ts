/**
 * The one Chromium of a run: out of an npm package, without a window, for all files of the browser tests.
 *
 * Called by vitest (vitest.config.ts), in its own process, before the first of those files. Invariant: it is
 * gone when the run is over.
 */
import chromiumPackage from '@sparticuz/chromium';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser is driven from. */
    readonly chromium: string;
  }
}

/**
 * What the package asks for, but for these: one process for all cannot close a context, and a browser whose
 * walls are down would not show that the page’s hold. To draw by a graphics card that is none, in the
 * browser's own process, took 54 s of CPU of a run's 116; to start each renderer anew, 10 s.
 */
const REFUSED = new RegExp(
  `^--(${[
    ...['single-process', 'disable-web-security', 'allow-running-insecure-content', 'disable-site-isolation'],
    ...['in-process-gpu', 'use-gl', 'use-angle', 'enable-unsafe-swiftshader', 'ignore-gpu-blocklist'],
    'no-zygote',
  ].join('|')})`,
);
const ADDED = ['--disable-gpu', '--disable-software-rasterizer'];

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await chromium.launchServer({
    executablePath: await chromiumPackage.executablePath(),
    args: [...chromiumPackage.args.filter((word) => !REFUSED.test(word)), ...ADDED],
    host: '127.0.0.1',
  });
  project.provide('chromium', server.wsEndpoint());
  return () => server.close();
}
