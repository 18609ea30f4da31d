/** Empty projects outside of the repository, and npm in them. Callers: the package tests. */
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Packed {
  /** Where the tarball is. */
  readonly file: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: readonly string[];
}

export interface Ended {
  readonly status: number | null;
  /** Standard output, and standard error behind it where something was written there. */
  readonly output: string;
}

export async function emptyProject(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-package-'));
  await writeFile(join(directory, 'package.json'), '{"type":"module","private":true}');
  return directory;
}

/** Packs the repository as it is built, or another package, into a directory. */
export async function packed(directory: string, source: string = root): Promise<Packed> {
  const words = ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', directory];
  const { output, status } = await run('npm', words, source);
  if (status !== 0) throw new Error(`npm pack: ${output}`);
  const [pack] = JSON.parse(output) as readonly {
    readonly filename: string;
    readonly size: number;
    readonly unpackedSize: number;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (pack === undefined) throw new Error('npm pack said nothing');
  const files = pack.files.map(({ path }) => path);
  return { file: join(directory, pack.filename), bytes: pack.size, unpackedBytes: pack.unpackedSize, files };
}

/** Installs into a project. Throws with npm's words when npm refuses. */
export async function install(project: string, ...packages: readonly string[]): Promise<void> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { output, status } = await run('npm', ['install', ...quiet, ...packages], project);
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')}: ${output}`);
}

/** Runs a program to its end. */
export async function run(program: string, words: readonly string[], cwd: string): Promise<Ended> {
  const child = spawn(program, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, output: output + complaints };
}
