/**
 * The population in a real browser while the runtime takes steps: how long its longest task is, and so for
 * how long somebody who types or scrolls could wait. A browser tells of tasks from 50 ms on.
 *
 * Owns: the browser and the server of its run. Caller: inspector.ts. The page must have been built: `npm run
 * build`.
 */
import { setTimeout } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { chromium, type Page } from 'playwright-core';
import type { Inspector } from '../src/index.js';
import { pageFile } from '../src/inspector/page-files.js';
import { chromiumOptions } from '../test/browser/chromium-options.js';

const PER_SECOND = 40;
const SECONDS = 5;
/** Built beside the sources, where the bench is started. */
const BUILT = join(process.cwd(), 'dist', 'inspector', 'page');
const OBSERVE = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push({ startTime, duration });
  }).observe({ type: 'longtask', buffered: true });
`;
/** Its counts are exact up to a hundred thousand. */
const COUNTS = '[data-kind="errand"] tbody';
/** A task as long as this one must be told of: an instrument that is broken would find none. */
const TRIED_MS = 300;
const TRY = `new Promise((resolve) => setTimeout(() => {
  const end = performance.now() + ${TRIED_MS};
  while (performance.now() < end);
  setTimeout(resolve, 100);
}))`;
const TOLD = 'Math.max(0, ...longTasks.map(({ duration }) => duration))';

export interface Watched {
  readonly steps: number;
  /** Of those that the steps were met by, longest first. */
  readonly tasksMs: readonly number[];
  /** Of those of its first seconds: the charts are drawn. */
  readonly openingMs: readonly number[];
}

/** `step` takes the next step of some actor, and now and then creates one. */
export async function watched(
  inspector: Inspector,
  token: string,
  step: () => Promise<unknown>,
): Promise<Watched> {
  const server = createAdaptorServer({ fetch: (request) => answer(inspector, request) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch(await chromiumOptions());
  try {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      extraHTTPHeaders: { authorization: `Bearer ${token}` },
    });
    const page = await context.newPage();
    await page.addInitScript(OBSERVE);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.locator('svg.chart').first().waitFor();
    await page.locator(COUNTS).waitFor();
    return await measured(page, step);
  } finally {
    await browser.close();
    server.close();
  }
}

async function measured(page: Page, step: () => Promise<unknown>): Promise<Watched> {
  const before = await page.locator(COUNTS).textContent();
  const from = await page.evaluate<number>('performance.now()');
  const startedAt = performance.now();
  const steps = PER_SECOND * SECONDS;
  for (let taken = 1; taken <= steps; taken += 1) {
    await step();
    await setTimeout(Math.max(0, startedAt + (taken * 1_000) / PER_SECOND - performance.now()));
  }
  const tasks = await page.evaluate<readonly { startTime: number; duration: number }[]>('longTasks');
  const after = await page.locator(COUNTS).textContent();
  await page.evaluate(TRY);
  const toldMs = await page.evaluate<number>(TOLD);
  if (toldMs < TRIED_MS) throw new Error(`a task of ${TRIED_MS} ms was told as ${toldMs} ms`);
  if (before === after) throw new Error(`the page did not follow: ${after ?? 'no counts'}`);
  const ms = (of: typeof tasks): readonly number[] =>
    of.map((task) => task.duration).toSorted((a, b) => b - a);
  return {
    steps,
    tasksMs: ms(tasks.filter(({ startTime }) => startTime >= from)),
    openingMs: ms(tasks.filter(({ startTime }) => startTime < from)),
  };
}

/** The page's files are not beside the bench's compiled sources. */
async function answer(inspector: Inspector, request: Request): Promise<Response> {
  const name = new URL(request.url).pathname.slice(1) || 'index.html';
  const isFile = name === 'index.html' || name.startsWith('assets/') || name === 'icon.svg';
  if (!isFile) return inspector.fetch(request);
  return (await pageFile(request, name, BUILT)) ?? new Response('no such file', { status: 404 });
}
