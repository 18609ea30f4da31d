/**
 * A copy of the repository that a mutant can be put into, and runs of vitest in it.
 *
 * Owns: a temporary folder. Callers: kill.test.ts. Invariants:
 *  1  The checkout itself is never changed: what is mutated is a copy of what git does not ignore.
 *  2  A run ends within its time: its whole process group is killed otherwise.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../tidy/sources.js';
import { mutated, type Mutant } from './mutant.js';

/** What became of one test. */
export interface TestResult {
  readonly file: string;
  readonly title: string;
  readonly status: string;
  /** What it says of its failure, if it failed. */
  readonly failure: string;
  readonly durationMs: number;
}

export interface Run {
  readonly tests: readonly TestResult[];
  /** What kept files from running at all. */
  readonly broken: readonly string[];
  /** The end of what it printed, for who must find out why. */
  readonly output: string;
}

const OUTPUT_CHARS_KEPT = 2_000;

export class Place {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-mutants-'));
    const command = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const listed = execFileSync('git', command, { cwd: root, encoding: 'utf8' });
    for (const path of listed.split('\0')) {
      if (path === '' || !existsSync(join(root, path))) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await cp(join(root, path), join(folder, path));
    }
    // A folder of links, not a link: what tools keep in it is this copy's own.
    await mkdir(join(folder, 'node_modules'));
    for (const name of await readdir(join(root, 'node_modules'))) {
      if (name.startsWith('.') && name !== '.bin') continue;
      await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
    return new Place(folder);
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs `work` with the mutant in its file, and takes it out again. */
  async during<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, mutant.file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, mutated(text, mutant));
    try {
      return await work();
    } finally {
      await writeFile(path, text);
    }
  }

  /** Runs the tests of these files whose names match. */
  async run(
    files: readonly string[],
    names: string,
    options: readonly string[],
    limitMs: number,
  ): Promise<Run> {
    const report = join(this.#folder, 'report.json');
    await rm(report, { force: true });
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    const reporter = ['--experimental.fsModuleCache', '--reporter=json', `--outputFile=${report}`];
    const output = await this.#node([vitest, 'run', ...files, '-t', names, ...reporter, ...options], limitMs);
    return { ...parsed(await readFile(report, 'utf8').catch(() => ''), this.#folder), output };
  }

  #node(args: readonly string[], limitMs: number): Promise<string> {
    // Of vitest's own variables a nested run must not know: it would take itself for a worker.
    const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|HOLDFAST|NODE_ENV$)/.test(name));
    const env = { ...Object.fromEntries(own), NO_COLOR: '1' };
    const child = spawn(process.execPath, args, { cwd: this.#folder, env, detached: true });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_KEPT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const kill = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const deadline = setTimeout(kill, limitMs);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => {
        clearTimeout(deadline);
        resolve(output);
      });
    });
  }
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
      readonly duration?: number;
    }[];
  }[];
}

function parsed(text: string, folder: string): Omit<Run, 'output'> {
  if (text === '') return { tests: [], broken: ['no report was written'] };
  // Vitest's own format.
  const { testResults } = JSON.parse(text) as Report;
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status, failureMessages, duration = 0 }) => {
      const file = name.slice(name.indexOf(folder) + folder.length + 1);
      return { file, title, status, failure: failureMessages.join('\n'), durationMs: duration };
    }),
  );
  const broken = testResults.filter((file) => file.message !== '').map(({ message }) => message);
  return { tests, broken };
}
