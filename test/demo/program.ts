/**
 * The demo as a user runs it: a process of its own, its output piped.
 *
 * Callers: the tests beside it. Invariants: every run has a deadline; what is left of it is ended by its
 * own handle.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { driverEntry, readEntries } from '../../src/cli/demo/facts.js';
import { isPlainObject } from '../../src/json.js';
import { bundled } from '../bundled.js';

const entry = bundled('test/demo/children/entry.ts');
const DEADLINE_MS = 250_000;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** The last line of standard output, parsed. */
  readonly json: () => Record<string, unknown>;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function startDemo(words: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [entry, 'demo', ...words], {
    // CI, set or not, decides nothing: colour libraries like to take it for a terminal.
    env: { ...process.env, CI: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      const text = Buffer.concat(out).toString('utf8');
      const json = (): Record<string, unknown> => {
        const parsed: unknown = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
        return isPlainObject(parsed) ? parsed : {};
      };
      resolve({ code, out: text, err: Buffer.concat(err).toString('utf8'), json });
    });
  });
  return { process: child, ended };
}

/** Looks every few milliseconds until `look` finds something; rejects after two minutes. */
export async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + 120_000;
  while (performance.now() < deadline) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`gave up waiting until ${what}`);
}

/** The agents that the driver's ledger in `directory` tells of. */
export function agentPids(directory: string): readonly number[] {
  const entries = readEntries(`${directory}/ledger-driver.ndjson`, driverEntry);
  return entries.flatMap((one) => (one.event === 'agent.ready' ? [one.pid] : []));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
