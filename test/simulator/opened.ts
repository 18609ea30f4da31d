/**
 * A simulator for one test, and the plain requests the tests make of it.
 *
 * Callers: the tests of this folder. Invariant: every simulator is closed when its test ends.
 */
import { onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import type { LedgerEntry, Simulator, SimulatorOptions } from '../../src/simulator/index.js';

export const AT_ONCE = { queued: { polls: 0 }, running: { polls: 0 } } as const;
export const KEY = { authorization: 'Bearer sk-test' } as const;
const WAIT_MS = 50_000;

export async function opened(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options);
  onTestFinished(() => simulator.close());
  return simulator;
}

/** The first entry with this event, past or to come. */
export function entry(simulator: Simulator, event: LedgerEntry['event']): Promise<LedgerEntry> {
  return simulator.waitForEntry((candidate) => candidate.event === event, AbortSignal.timeout(WAIT_MS));
}

export function events(simulator: Simulator): readonly string[] {
  return simulator.ledger().map((one) => one.event);
}

export function post(url: string, body: unknown, headers: Record<string, string> = KEY): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export function get(url: string, headers: Record<string, string> = KEY): Promise<Response> {
  return fetch(url, { headers, redirect: 'manual' });
}

export function submitVideo(simulator: Simulator, prompt = 'a cat'): Promise<Response> {
  return post(`${simulator.url}/openai/v1/videos`, { prompt });
}

/** The id of a video that was submitted and answered. */
export async function videoId(simulator: Simulator, prompt = 'a cat'): Promise<string> {
  return String(field(await json(await submitVideo(simulator, prompt)), 'id'));
}

export async function json(response: Response): Promise<unknown> {
  return JSON.parse(await response.text());
}

/** The value at a dotted path; undefined where there is none. */
export function field(value: unknown, path: string): unknown {
  let current: unknown = value;
  for (const name of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Reflect.get(current, name);
  }
  return current;
}
