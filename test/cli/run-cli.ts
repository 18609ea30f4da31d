/**
 * The command line as a user has it, in a process of its own (`cli`), and the same words in this process
 * where a second one would show nothing more (`told`).
 *
 * Callers: test/cli. Invariant: every process has ended when its test ends.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import pc from 'picocolors';
import { onTestFinished } from 'vitest';
import { runCommandLine } from '../../src/cli/run.js';
import { bundled } from '../bundled.js';

const MAIN = bundled('src/cli/main.ts');
const UNPRIVILEGED = bundled('test/cli/children/unprivileged.ts');

export interface CliEnd {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<CliEnd>;
  /** The first line of standard output; rejects when there is none. */
  readonly firstLine: Promise<string>;
}

export interface CliOptions {
  readonly columns?: number;
  /** Run as this user. */
  readonly uid?: number;
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

export function startCli(words: readonly string[], options: CliOptions = {}): CliProcess {
  const entry = options.uid === undefined ? MAIN : UNPRIVILEGED;
  const child = spawn(process.execPath, [entry, ...words], {
    env: {
      ...process.env,
      // Colour libraries like to take it for a terminal.
      CI: 'true',
      COLUMNS: String(options.columns ?? 100),
      HOLDFAST_UID: options.uid === undefined ? undefined : String(options.uid),
      ...options.env,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const [line, ...more] = out.split('\n');
      if (line !== undefined && more.length > 0) resolve(line);
    });
    child.once('close', () => reject(new Error(`no line was printed; ${err}`)));
  });
  firstLine.catch(() => undefined);
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, out, err }));
  return { child, ended, firstLine };
}

export function cli(words: readonly string[], options?: CliOptions): Promise<CliEnd> {
  return startCli(words, options).ended;
}

/** Runs a command line in this process, on a terminal without colours. */
export async function told(words: readonly string[], input = '', columns = 100): Promise<CliEnd> {
  let out = '';
  let err = '';
  const code = await runCommandLine(words, {
    columns,
    colours: pc.createColors(false),
    out: (text) => void (out += `${text}\n`),
    err: (text) => void (err += `${text}\n`),
    input: Readable.from([Buffer.from(input)]),
  });
  return { code: code ?? 0, out, err };
}
