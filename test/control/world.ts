/**
 * A runtime with a simulator for one test, and the raw HTTP that goes through its control door.
 *
 * Callers: test/control, test/cli. Invariant: everything is closed and removed when its test ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { onTestFinished } from 'vitest';
import { openRuntime, silentLogger, type Runtime, type RuntimeOptions } from '../../src/index.js';
import { openai } from '../../src/providers/index.js';
import { field } from '../simulator/opened.js';
import { startSimulator, type Simulator, type SimulatorScript } from '../../src/simulator/index.js';

export interface World {
  readonly directory: string;
  readonly runtime: Runtime;
  readonly simulator: Simulator;
  /** What a runtime of this world is opened with, for opening it again. */
  readonly options: RuntimeOptions;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Jobs poll every 20 ms and the tasks of the default script need three polls, so a job is done at once. */
export async function newWorld(
  script: SimulatorScript = {},
  more: Partial<RuntimeOptions> = {},
): Promise<World> {
  const directory = more.directory ?? (await newDirectory());
  const simulator = await startSimulator({ script });
  onTestFinished(() => simulator.close());
  const adapter = openai({ baseUrl: `${simulator.url}/openai/v1`, apiKey: 'sk-test' });
  const provider = { ...adapter, capabilities: { ...adapter.capabilities, pollMinMs: 1 } };
  const options: RuntimeOptions = {
    providers: [provider],
    log: silentLogger,
    durability: 'process',
    jobs: { poll: { everyMs: 20 } },
    ...more,
    directory,
  };
  return { directory, simulator, options, runtime: await opened(options) };
}

export async function opened(options: RuntimeOptions): Promise<Runtime> {
  const runtime = await openRuntime(options);
  onTestFinished(() => runtime.close({ timeoutMs: 1_000 }));
  return runtime;
}

/** Tasks that never end by themselves. */
export const ENDLESS: SimulatorScript = { life: { queued: { ms: 2_000_000_000 } } };

/** One request through the socket of a directory. */
export async function ask(
  directory: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const dispatcher = new Agent({ connect: { socketPath: join(directory, 'control.sock') } });
  try {
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
    const sent = text === undefined ? {} : { body: text };
    const response = await request(`http://localhost${path}`, { method, dispatcher, ...sent });
    return { status: response.statusCode, body: Object(JSON.parse(await response.body.text())) };
  } finally {
    await dispatcher.destroy();
  }
}

/** The code of an error answer. */
export function codeOf({ body }: Answer): unknown {
  return field(body, 'error.code');
}
