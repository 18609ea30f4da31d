/**
 * `npm test`: every check of the repository, those that look at files two at a time, then the tests.
 *
 * Invariants:
 *  1  A failing stage names itself on stderr and gives a non-zero exit code; none is begun after it.
 *  2  What a check says is shown in one piece, below its name, when it has ended.
 *  3  vitest comes last, and its reporter's closing line is the last line of standard output.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Stage {
  readonly name: string;
  /** A program of node_modules/.bin and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
}

/** The longest first: what is begun last should not be waited for alone. */
const checks: readonly Stage[] = [
  { name: 'format', command: ['oxfmt', '--check'] },
  {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
  },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'types of the page', command: ['tsc', '-p', 'src/inspector/page'] },
  { name: 'unused', command: ['knip', '--no-progress'] },
  // Types are checked by a stage before it (CPU: 11.5 s, 4.9 s).
  { name: 'build', command: ['tsx', 'scripts/build.ts', '--noCheck'] },
];
const tests: Stage = { name: 'tests', command: ['vitest', 'run'] };

/** Most of them use one core and a half: one by one they left a fifth of two cores idle. */
const AT_A_TIME = 2;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs one stage; true when it succeeded. What it says is passed through, or shown at its end. */
async function runStage({ name, command }: Stage, output: 'inherit' | 'pipe'): Promise<boolean> {
  const [program, ...args] = command;
  const title = `== ${name}: ${command.join(' ')}\n`;
  const startedAtMs = performance.now();
  const child = spawn(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    stdio: ['inherit', output, output],
  });
  if (output === 'inherit') process.stdout.write(title);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const trouble = await troubleOf(child);
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  if (output === 'pipe') process.stdout.write(`${title}${said}`);
  if (trouble !== undefined) {
    process.stderr.write(`== ${name}: FAILED after ${seconds} s (${trouble}); later stages are not run\n`);
  } else if (output === 'pipe') process.stdout.write(`== ${name}: ok in ${seconds} s\n`);
  return trouble === undefined;
}

/** Why a process did not end well; undefined when it did. */
function troubleOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
}

/** True when all checks succeeded. */
async function runChecks(): Promise<boolean> {
  const waiting = [...checks];
  let isGood = true;
  const runLane = async (): Promise<void> => {
    for (let next = waiting.shift(); isGood && next !== undefined; next = waiting.shift()) {
      if (!(await runStage(next, 'pipe'))) isGood = false;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, runLane));
  return isGood;
}

const isGood = (await runChecks()) && (await runStage(tests, 'inherit'));
process.exitCode = isGood ? 0 : 1;
