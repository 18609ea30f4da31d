/**
 * A runtime with something of everything in it, its inspector on loopback, and a browser that looks at it.
 *
 * Callers: the tests of this folder, in `beforeAll`. Invariants:
 *  1  What was opened is closed by `close`.
 *  2  All visits of a house are paid with one page, one after the other: a context and a process for each was
 *     half of what these tests cost. What a visit left in the browser is gone before the next.
 *  3  A visit remembers what no page should ever do: throw, open a dialog, ask anybody but the inspector.
 *  4  Times are real: nobody sleeps here, tests wait for what they name.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';
import { openRuntime, silentLogger, type JobHandle, type Runtime } from '../../src/index.js';
import { kling, openai } from '../../src/providers/index.js';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import { orderMachine } from '../runtime/orders.js';

const AT_ONCE = { queued: { polls: 0 }, running: { polls: 0 } } as const;
const NEVER = { queued: { polls: 0 }, running: { ms: 2_000_000_000 } } as const;

/** What somebody could write into a prompt, to have it run where it is shown. */
export const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script> a snail';

export interface BrowserHouse {
  readonly runtime: Runtime;
  readonly simulator: Simulator;
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  /** The address that opens the page, with its token. */
  readonly url: string;
  readonly browser: Browser;
  /** The one that `visit` leads somewhere. */
  readonly page: Page;
  /** A video whose provider is done with it at once. */
  film(prompt: string, more?: { readonly sessionKey?: string }): Promise<JobHandle>;
  /** A picture whose provider is done with it at once. */
  painting(prompt: string): Promise<JobHandle>;
  /** A video that its provider is at for ever. */
  longFilm(prompt: string, more?: { readonly sessionKey?: string }): Promise<JobHandle>;
  /** Creates an order: a user's machine. Its charge is answered when it is let. */
  order(id: string, amount?: number): Promise<{ send(event: object): Promise<unknown> }>;
  /** Answers so many charges, default all: those that wait, and then those to come. */
  letCharges(count?: number): void;
  close(): Promise<void>;
}

export interface HouseOptions {
  readonly allowActions?: boolean;
}

export async function openHouse({ allowActions = false }: HouseOptions = {}): Promise<BrowserHouse> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-browser-'));
  const simulator = await startSimulator({ script: { life: AT_ONCE } });
  const account = { apiKey: 'sk-test' };
  const runtime = await openRuntime({
    directory,
    providers: [
      openai({ ...account, baseUrl: `${simulator.url}/openai/v1` }),
      kling({ ...account, baseUrl: `${simulator.url}/kling` }),
    ],
    channels: { chat: () => Promise.resolve({ ok: true }) },
    jobs: { reconcileAfterMs: 0, poll: { everyMs: 1_000, slowMs: 1_000 } },
    tasks: { runners: { reader: { run: (_task, { signal }) => untilAborted(signal) } } },
    control: false,
    durability: 'process',
    log: silentLogger,
  });
  const charges = turnstile();
  const orders = runtime.define(
    orderMachine(async () => {
      await charges.wait();
      return 'receipt-1';
    }),
  );
  const inspector = runtime.inspector({ allowActions });
  const server = createAdaptorServer({ fetch: (request) => inspector.fetch(request) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await chromium.connect(inject('chromium'));
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  // For what hangs: a chart is drawn within seconds, on a slow machine within many.
  page.setDefaultTimeout(60_000);
  const submit = (prompt: string, more: object): Promise<JobHandle> =>
    runtime.jobs.submit({
      provider: 'openai',
      prompt,
      sessionKey: 'chat:1',
      delivery: { channel: 'chat', target: '1' },
      ...more,
    });
  return {
    ...{ runtime, simulator, origin, browser, page },
    url: `${origin}${inspector.path}`,
    film: (prompt, more = {}) => submit(prompt, more),
    painting: (prompt) => submit(prompt, { provider: 'kling', kind: 'image' }),
    longFilm: async (prompt, more = {}) => {
      simulator.setScript({ life: NEVER });
      const job = await submit(prompt, more);
      await statusOf(runtime, job, 'pending');
      simulator.setScript({ life: AT_ONCE });
      return job;
    },
    order: (id, amount = 20) => orders.create({ id, input: { amount } }),
    letCharges: charges.let,
    close: async () => {
      await browser.close();
      charges.let();
      inspector.close();
      await new Promise((resolve) => {
        server.close(resolve);
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      await runtime.close({ timeoutMs: 0 });
      await simulator.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A house with one of each, as a working day leaves it. */
export async function fillHouse(house: BrowserHouse): Promise<void> {
  const { runtime } = house;
  const done = await Promise.all(
    ['a cat on a bicycle through the rain', 'a harbour at dawn', HOSTILE].map((prompt) => house.film(prompt)),
  );
  await Promise.all(done.map((job) => job.settled()));
  await house.longFilm('a very long film about moss', { sessionKey: 'telegram:42' });
  const [waiting, charging, broken] = await Promise.all(['1', '2', '3'].map((id) => house.order(id)));
  await waiting?.send({ type: 'note', text: 'gift wrap' });
  await charging?.send({ type: 'pay' });
  await broken?.send({ type: 'break' }).catch(() => undefined);
  await runtime.sessions.get('telegram:42').enqueue({ id: 'update-1', text: 'How long will it take?' });
  await runtime.work.enqueue('index', { document: 'manual' });
  await runtime.tasks.submit({
    prompt: 'Read the three manuals',
    runner: 'reader',
    sessionKey: 'telegram:42',
  });
}

/** Resolves when a job is there. */
async function statusOf(runtime: Runtime, job: JobHandle, status: string): Promise<void> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    const stepped = new Promise<void>((resolve) => {
      const stop = runtime.on('step', () => {
        stop();
        resolve();
      });
    });
    if ((await job.view()).status === status) return;
    await stepped;
  }
  throw new Error(`job ${job.id} did not become ${status}`);
}

/** A run that goes on until it is stopped. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
  });
}

function turnstile(): { readonly wait: () => Promise<void>; readonly let: (count?: number) => void } {
  const waiting: (() => void)[] = [];
  let free = 0;
  return {
    wait: () => {
      if (free === 0) return new Promise((resolve) => waiting.push(resolve));
      free -= 1;
      return Promise.resolve();
    },
    let: (count = Infinity) => {
      const passing = waiting.splice(0, count);
      free += count - passing.length;
      for (const pass of passing) pass();
    },
  };
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What no page should do: empty, unless it did. */
  readonly faults: string[];
}

export interface VisitOptions {
  /** Where to, behind the address: `#/actors?kind=job`. Default: the population. */
  readonly hash?: string;
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

/** Opens the page as its printed address does, in a browser that was never there. */
export async function visit({ page, origin, url }: BrowserHouse, options: VisitOptions = {}): Promise<Visit> {
  const { hash = '#/', width = 1280, height = 800, dark = false } = options;
  const context = page.context();
  if (page.url().startsWith(origin)) await page.evaluate('localStorage.clear()');
  // Left first: the page of before would go on asking, as nobody, and be heard.
  await page.goto('about:blank');
  await context.clearCookies();
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  const faults = faultsOf(page, origin);
  onTestFinished(async () => {
    page.removeAllListeners();
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });
  await page.goto(`${url}${hash}`);
  return { page, context, faults };
}

function faultsOf(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`threw: ${error.message}`));
  page.on('console', (line) => {
    if (line.type() === 'error') faults.push(`said: ${line.text()}`);
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(origin) && !asked.startsWith('data:')) faults.push(`asked: ${asked}`);
  });
  return faults;
}

/** What axe-core finds to be a serious or a critical barrier, each with where. */
export async function barriers(page: Page): Promise<readonly string[]> {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // By the debugger: the page's own policy lets no script in.
  await page.evaluate(source);
  const results = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`),
    );
}

/** How far the page goes beyond its window to the right; 0: it does not. */
export function overflowPx(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}
