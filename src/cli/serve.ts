/**
 * `holdfast serve MODULE`: a runtime by itself, with the door for providers open, until it is told to end;
 * with `--inspect` its inspector, too, on a port of loopback of its own.
 *
 * The module's default export is the options of a runtime, or a function that makes them. Callers:
 * run.ts; providers.ts reads the module.
 * Invariants: the line with the URL is printed once it listens; SIGINT and SIGTERM let requests under way
 * end, then the runtime; a store that fails ends the process, so that whoever watches it starts it again.
 */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Command } from 'commander';
import { systemClock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { openRuntime, type Runtime, type RuntimeOptions } from '../index.js';
import { startInspector, type ListeningInspector } from '../inspector/index.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { onInterrupt } from './interrupt.js';
import { portNumber } from './numbers.js';
import { faultOf, loaded } from './module-machines.js';
import type { Terminal } from './terminal.js';

interface ServeArguments {
  readonly port: number;
  readonly host: string;
  readonly inspect?: boolean;
  readonly inspectPort: number;
  readonly allowActions?: boolean;
  readonly json?: boolean;
}

export function serveCommand(program: Command, terminal: Terminal): void {
  program
    .command('serve <module>')
    .description('run a directory by itself, with its doors for providers and for workers elsewhere')
    .option('--port <port>', '0 for any free port', portNumber, 8_080)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--inspect', 'open its inspector, too, on loopback')
    .option('--inspect-port <port>', '0 for any free port', portNumber, 0)
    .option('--allow-actions', 'let the inspector’s page act on actors')
    .option('--json', 'print the URL as JSON in one line')
    .action((module: string, options: ServeArguments) => serve(module, options, terminal));
}

async function serve(
  module: string,
  { port, host, json, ...asked }: ServeArguments,
  { out, colours }: Terminal,
): Promise<void> {
  const options = await optionsIn(module);
  let forget = (): void => undefined;
  const interrupted = new Promise<void>((resolve) => (forget = onInterrupt(resolve)));
  const runtime = await openRuntime(options);
  const failed = new Promise<unknown>((resolve) => void runtime.on('failed', resolve));
  const server = createServer();
  let inspector: ListeningInspector | undefined;
  try {
    const url = await listening(server, runtime, { port, host });
    inspector = await inspecting(runtime, asked);
    const { directory } = runtime;
    const facts = { url, directory, public_url: options.webhooks?.publicUrl, inspector: inspector?.url };
    const doors = options.work?.token === undefined ? ['hooks'] : ['hooks', 'v1/work'];
    const served = doors.map((door) => colours.cyan(`${url}/${door}`)).join(' and ');
    out(json === true ? JSON.stringify(facts) : `holdfast serves ${served}`);
    if (json !== true && inspector !== undefined) out(`its inspector: ${colours.cyan(inspector.url)}`);
    const failure = await Promise.race([interrupted, failed]);
    if (failure !== undefined) throw failure;
  } finally {
    forget();
    await inspector?.close();
    await stopped(server);
    await runtime.close();
  }
}

/** Undefined where it was not asked for. */
async function inspecting(
  runtime: Runtime,
  {
    inspect,
    inspectPort,
    allowActions = false,
  }: Pick<ServeArguments, 'inspect' | 'inspectPort' | 'allowActions'>,
): Promise<ListeningInspector | undefined> {
  if (inspect !== true) return undefined;
  return startInspector(inspectPort, (port) => runtime.inspector({ allowActions, port }));
}

/** Throws INVALID_INPUT for a module that has none; what is wrong with them, the runtime says. */
export async function optionsIn(module: string): Promise<RuntimeOptions> {
  const given = (await loaded(module))['default'];
  const made: unknown = typeof given === 'function' ? await madeBy(module, given as () => unknown) : given;
  if (isPlainObject(made) && typeof made['directory'] === 'string')
    return made as Readonly<Record<string, unknown>> & RuntimeOptions;
  const message = `"module": the default export of ${module} makes no options with a directory`;
  throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'module' } });
}

/** What the user's function throws is the module's fault, and not ours. */
async function madeBy(module: string, make: () => unknown): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    throw faultOf(module, 'its function threw', error);
  }
}

async function listening(
  server: Server,
  runtime: Runtime,
  place: { readonly port: number; readonly host: string },
): Promise<string> {
  const listener = getRequestListener((request) => runtime.fetch(request), { overrideGlobalObjects: false });
  server.on('request', (request, response) => void listener(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const message = `port: ${place.host}:${place.port} cannot be listened on (${error.message})`;
      reject(new HoldfastError('INVALID_OPTIONS', message, { cause: error }));
    });
    server.listen(place, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : place.port;
  return `http://${place.host.includes(':') ? `[${place.host}]` : place.host}:${port}`;
}

/** What is under way may end, for as long as a close may take. */
async function stopped(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cancel = systemClock.schedule(limits.closeTimeoutMs, () => server.closeAllConnections());
  await closed;
  cancel();
}
