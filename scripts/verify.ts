/**
 * `npm test`: every check of the repository, in order of cost, stopping at the first that fails.
 *
 * Invariants:
 *  1  A failing stage names itself on stderr and gives a non-zero exit code.
 *  2  vitest comes last, and its reporter's closing line is the last line of standard output.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Stage {
  readonly name: string;
  /** A program of node_modules/.bin and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
}

const stages: readonly Stage[] = [
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
  },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'unused', command: ['knip', '--no-progress'] },
  { name: 'build', command: ['tsx', 'scripts/build.ts'] },
  { name: 'tests', command: ['vitest', 'run'] },
];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs one stage with its output passed through; true when it succeeded. */
function runStage({ name, command }: Stage): boolean {
  const [program, ...args] = command;
  const startedAtMs = performance.now();
  process.stdout.write(`== ${name}: ${command.join(' ')}\n`);
  const result = spawnSync(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    stdio: 'inherit',
  });
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  if (result.status === 0) {
    if (name !== 'tests') process.stdout.write(`== ${name}: ok in ${seconds} s\n`);
    return true;
  }
  const reason = result.error?.message ?? result.signal ?? `exit code ${result.status}`;
  process.stderr.write(`== ${name}: FAILED after ${seconds} s (${reason}); later stages were not run\n`);
  return false;
}

process.exitCode = stages.every(runStage) ? 0 : 1;
