/**
 * `npm run test:node`: the tests under every Node we promise, and a table of what they said.
 *
 * The running Node, and the newest 22 and 24 of the registry (npm's own `node` package). Each runs vitest
 * itself, so that children started by `process.execPath` and native addons run under it too. Versions can be
 * named: `npm run test:node -- 24`. Exit code 1 when a test failed, or none ran, under any of them.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const projects = ['unit', 'shared', 'crash'].flatMap((name) => ['--project', name]);
const RUN_MS_MAX = 900_000;
const INSTALL_MS_MAX = 120_000;
const CLOSING = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m;

interface Row {
  readonly node: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a program to its end, or to its time; what it says is kept, and shown when `aloud`. */
async function run(
  program: string,
  words: readonly string[],
  options: { readonly cwd: string; readonly timeoutMs: number; readonly aloud: boolean },
): Promise<Ended> {
  const { cwd, timeoutMs, aloud } = options;
  const environment = { ...process.env, HOLDFAST_DEEP: '0', PATH: pathWith(program) };
  const child = spawn(program, words, { cwd, env: environment, timeout: timeoutMs, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (aloud) process.stdout.write(text);
    });
  }
  // Ended by test-deep.ts when its time is over, this takes the tests along.
  const end = (): void => {
    child.kill();
    process.exit(1);
  };
  process.once('SIGTERM', end);
  try {
    const ok = await new Promise<boolean>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code === 0));
    });
    return { ok, output };
  } finally {
    process.off('SIGTERM', end);
  }
}

/** Programs that tests start by name (`node`, `npx`) are of the same Node. */
function pathWith(program: string): string {
  const path = process.env['PATH'] ?? '';
  return program.includes('/') ? `${dirname(program)}:${path}` : path;
}

/** Where a Node of this major version is: this one, or one that npm brings into `place`. */
async function nodeOf(major: string, place: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const words = ['install', '--prefix', place, '--no-save', '--no-audit', '--no-fund', `node@${major}`];
  const installed = await run('npm', words, { cwd: place, timeoutMs: INSTALL_MS_MAX, aloud: false });
  if (!installed.ok) throw new Error(`npm install node@${major}: ${installed.output}`);
  return join(place, 'node_modules', 'node', 'bin', 'node');
}

async function testUnder(major: string): Promise<Row> {
  const place = mkdtempSync(join(tmpdir(), `holdfast-node-${major}-`));
  try {
    const node = await nodeOf(major, place);
    const { output: version } = await run(node, ['--version'], {
      cwd: place,
      timeoutMs: 10_000,
      aloud: false,
    });
    const startedAtMs = performance.now();
    process.stdout.write(`\n== node ${version}`);
    const words = [vitest, 'run', ...projects];
    const { ok, output } = await run(node, words, { cwd: root, timeoutMs: RUN_MS_MAX, aloud: true });
    const [passed = 0, failed = 0, skipped = 0] = (CLOSING.exec(output) ?? []).slice(1).map(Number);
    const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
    // A run that was cut off, or failed without a failed test, did not pass.
    return { node: version.trim(), passed, failed: ok ? failed : Math.max(1, failed), skipped, seconds };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const running = String(process.versions.node.split('.')[0]);
const named = process.argv.slice(2);
const majors = named.length > 0 ? named : [...new Set([running, '22', '24'])];

const rows: Row[] = [];
for (const major of majors) rows.push(await testUnder(major));

process.stdout.write('\nnode         passed  failed  skipped  seconds\n');
for (const { node, passed, failed, skipped, seconds } of rows) {
  const numbers = [passed, failed, skipped, seconds].map((number, at) =>
    String(number).padStart(at < 2 ? 7 : 8),
  );
  process.stdout.write(`${node.padEnd(11)}${numbers.join(' ')}\n`);
}
process.exitCode = rows.every(({ passed, failed }) => passed > 0 && failed === 0) ? 0 : 1;
