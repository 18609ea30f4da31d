/**
 * An inspector over a runtime that a test holds, a page of three files, and requests as a browser makes them.
 *
 * Callers: test/inspector. Invariant: everything is closed and removed when its test ends.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { checkInspector, createInspector, type Inspector } from '../../src/inspector/index.js';
import type { InspectorOptions, Runtime } from '../../src/index.js';
import { silentLogger } from '../../src/index.js';
import { newDirectory } from '../control/world.js';
import { opened } from '../control/world.js';
import { orderMachine } from '../inspection/orders.js';

export const TOKEN = 'a-token-of-at-least-21-characters';
export const ORIGIN = 'http://127.0.0.1:4000';

export interface Place {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly inspector: Inspector;
}

/** A runtime with one kind, `order`, and an inspector of it at the root of `ORIGIN`. */
export async function newPlace(options: InspectorOptions = {}): Promise<Place> {
  const directory = await newDirectory();
  const runtime = await opened({ directory, log: silentLogger, durability: 'process', control: false });
  runtime.define(orderMachine);
  return { directory, runtime, inspector: runtime.inspector({ token: TOKEN, port: 4_000, ...options }) };
}

/** An inspector over an `api` of the test's own, with a page of three files. */
export async function overApi(
  api: (request: Request) => Promise<Response>,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const inspector = createInspector({
    ...checkInspector({ token: TOKEN, port: 4_000, ...options }),
    ...{ api, clock: systemClock, log: silentLogger, live: true, name: 'here', page: await newPage() },
  });
  onTestFinished(() => inspector.close());
  return inspector;
}

async function newPage(): Promise<string> {
  const above = await newDirectory();
  const page = join(above, 'page');
  await mkdir(join(page, 'assets'), { recursive: true });
  await writeFile(join(page, 'index.html'), '<!doctype html><title>holdfast</title>');
  await writeFile(join(page, 'assets', 'main-BxT3k9Qz.js'), 'export {};');
  await writeFile(join(above, 'secret.txt'), 'nobody’s business');
  return page;
}

/** The headers that a browser sends from the inspector's own page. */
const OWN: Readonly<Record<string, string>> = {
  host: '127.0.0.1:4000',
  authorization: `Bearer ${TOKEN}`,
};

/** As it comes from the page itself, but for the headers that are given; '' leaves one out. */
export function asked(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  init: RequestInit = {},
): Request {
  const all = Object.entries({ ...OWN, ...headers }).filter(([, value]) => value !== '');
  return new Request(`${ORIGIN}${path}`, { ...init, headers: all });
}

/** A POST of JSON. */
export function posted(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Request {
  const json = { 'content-type': 'application/json', origin: ORIGIN, 'sec-fetch-site': 'same-origin' };
  return asked(path, { ...json, ...headers }, { method: 'POST', body: JSON.stringify(body) });
}

/** Status and code of an error answer; '' where it is none. */
export async function outcome(answer: Response | Promise<Response>): Promise<string> {
  const { status, headers, body } = await answer;
  const isJson = (headers.get('content-type') ?? '').includes('json');
  const text = body === null ? '' : await new Response(body).text();
  const { error } = (isJson ? JSON.parse(text) : {}) as { readonly error?: { readonly code?: string } };
  return `${status} ${error?.code ?? ''}`.trim();
}
