/**
 * `holdfast inspect [directory|url]`: the inspector of a directory, on a port of loopback, until it is told
 * to end.
 *
 * Of a directory that a process runs it shows what that process says, asked anew for each request: the
 * process may end and come back. One that nobody runs is held meanwhile. A URL is of an inspector that is
 * there already: it is asked whether it answers, and told. Callers: run.ts. Invariants: the line with the
 * URL is printed once it answers; SIGINT and SIGTERM end it well, and leave no server and no lock.
 */
import { spawn } from 'node:child_process';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../clock.js';
import { connectControl, errorFromWire, forwardTo } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import { openOffline, silentLogger, type Inspector, type InspectorOptions } from '../index.js';
import { checkInspector, createInspector, startInspector } from '../inspector/index.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { onInterrupt } from './interrupt.js';
import { defineMachines } from './module-machines.js';
import { portNumber } from './numbers.js';
import type { Terminal } from './terminal.js';

interface InspectArguments {
  readonly port: number;
  readonly module?: string;
  readonly allowActions?: boolean;
  readonly operator?: string;
  readonly open?: boolean;
  readonly json?: boolean;
}

/** What an inspector looks at, and how it is let go. */
interface Scene {
  readonly live: boolean;
  readonly inspector: (options: InspectorOptions) => Inspector;
  readonly close: () => Promise<void>;
}

export function inspectCommand(program: Command, terminal: Terminal): void {
  program
    .command('inspect [directory]')
    .description('open the inspector of a directory, or that of a URL, in a browser')
    .option('--port <port>', '0 for any free one', portNumber, 0)
    .option('--module <file>', 'machines of a directory that nobody runs, to take their steps again')
    .option('--allow-actions', 'let the page act on actors: cancel, retry, send')
    .option('--operator <name>', 'who acts, in the journal')
    .option('--open', 'open it in the browser')
    .option('--json', 'print the URL as JSON in one line')
    .action((place: string | undefined, options: InspectArguments) =>
      /^https?:\/\//.test(place ?? '')
        ? visit(place ?? '', options, terminal)
        : inspect(resolve(place ?? './.holdfast'), options, terminal),
    );
}

async function inspect(directory: string, options: InspectArguments, terminal: Terminal): Promise<void> {
  const { allowActions = false, operator } = options;
  let forget = (): void => undefined;
  const interrupted = new Promise<void>((heard) => (forget = onInterrupt(heard)));
  const scene = (await runningScene(directory)) ?? (await closedScene(directory, options.module));
  try {
    const given = { allowActions, ...(operator !== undefined && { operator }) };
    const listening = await startInspector(options.port, (port) => scene.inspector({ ...given, port }));
    try {
      const { live } = scene;
      tell({ url: listening.url, directory, live, allow_actions: allowActions }, options, terminal);
      await interrupted;
    } finally {
      await listening.close();
    }
  } finally {
    forget();
    await scene.close();
  }
}

/** Undefined when nobody runs the directory. */
async function runningScene(directory: string): Promise<Scene | undefined> {
  const client = await connectControl(directory);
  if (client === undefined) return undefined;
  await client.close();
  const forwarder = forwardTo(directory, systemClock);
  const about = { clock: systemClock, log: silentLogger, live: true, name: basename(directory) };
  return {
    live: true,
    inspector: (options) => createInspector({ ...checkInspector(options), ...about, api: forwarder.fetch }),
    close: async () => forwarder.close(),
  };
}

async function closedScene(directory: string, module: string | undefined): Promise<Scene> {
  const offline = await openOffline({ directory, log: silentLogger });
  try {
    if (module !== undefined) await defineMachines(offline, module);
  } catch (error) {
    await offline.close();
    throw error;
  }
  return {
    live: false,
    inspector: (options) => offline.inspector(options),
    close: () => offline.close(),
  };
}

/** One that is served already: whether it answers, and to this token. */
async function visit(url: string, options: InspectArguments, terminal: Terminal): Promise<void> {
  const place = URL.canParse(url) ? new URL(url) : undefined;
  const token = place?.searchParams.get('token') ?? '';
  if (place === undefined || token === '') {
    const message = 'directory: a URL is that of a running inspector, with its token (?token=...)';
    throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'directory' } });
  }
  const answer = await configOf(place, token);
  const error = errorFromWire(answer);
  if (error !== undefined) throw error;
  if (!isPlainObject(answer) || typeof answer['version'] !== 'string')
    throw new HoldfastError('CONTROL_FAILED', `no inspector answers at ${place.origin}${place.pathname}`);
  tell(
    { url, live: answer['live'] === true, allow_actions: answer['allowActions'] === true },
    options,
    terminal,
  );
}

async function configOf(place: URL, token: string): Promise<unknown> {
  try {
    const config = new URL('config.json', `${place.origin}${place.pathname}`);
    const headers = { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(limits.controlConnectTimeoutMs);
    return (await (await fetch(config, { headers, redirect: 'error', signal })).json()) as unknown;
  } catch (error) {
    const message = `no inspector answers at ${place.origin}${place.pathname}`;
    throw new HoldfastError('CONTROL_FAILED', message, { cause: error });
  }
}

interface Facts {
  readonly url: string;
  readonly directory?: string;
  readonly live: boolean;
  readonly allow_actions: boolean;
}

function tell(facts: Facts, { json, open }: InspectArguments, { out, err, colours }: Terminal): void {
  const what =
    facts.directory === undefined ? '' : ` ${facts.directory}${facts.live ? '' : ', which nobody runs'}`;
  out(json === true ? JSON.stringify(facts) : `holdfast inspects${what}: ${colours.cyan(facts.url)}`);
  if (open === true) openBrowser(facts.url, err);
}

/** The browser of `BROWSER`, or the system's; that there is none is no fault of the inspector's. */
function openBrowser(url: string, err: (text: string) => void): void {
  const opener = process.env['BROWSER'] ?? (process.platform === 'darwin' ? 'open' : 'xdg-open');
  const [program, ...words] =
    process.platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler', url] : [opener, url];
  const child = spawn(program ?? opener, words, { detached: true, stdio: 'ignore' });
  child.on('error', () => err(`holdfast: no browser could be opened with ${opener}; open the URL yourself`));
  child.unref();
}
