/**
 * `npm run test:deep`: what is too long for `npm test`, part by part, and a table at the end.
 *
 * Parts can be named: `npm run test:deep -- simulation node`. Each has a time of its own and is ended, and
 * failed, when that is over: that is for what hangs, and no measure of a slow machine. Exit code 1 when a
 * part failed.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Part {
  readonly name: string;
  readonly minutesMax: number;
  /** A program of node_modules/.bin and its arguments. */
  readonly command: readonly [program: string, ...words: string[]];
}

const parts: readonly Part[] = [
  { name: 'simulation', minutesMax: 40, command: ['vitest', 'run', 'test/simulation/'] },
  { name: 'sessions', minutesMax: 30, command: ['vitest', 'run', 'test/sessions/'] },
  { name: 'corruption', minutesMax: 15, command: ['vitest', 'run', 'test/doctor/', 'test/store/corruption'] },
  { name: 'mutants', minutesMax: 60, command: ['vitest', 'run', 'test/mutants/'] },
  {
    name: 'crash',
    minutesMax: 25,
    // The matrix is in this folder and has a part of its own.
    command: [
      ...([
        'vitest',
        'run',
        'test/crash/',
        'test/crash-points/',
        'test/differential/',
        'test/demo/',
      ] as const),
      ...(['--exclude', 'test/crash/matrix*'] as const),
    ],
  },
  { name: 'matrix', minutesMax: 90, command: ['vitest', 'run', 'test/crash/matrix'] },
  { name: 'jest', minutesMax: 5, command: ['vitest', 'run', 'test/testing/jest'] },
  { name: 'node', minutesMax: 40, command: ['tsx', 'scripts/test-node.ts'] },
];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

interface Outcome {
  readonly name: string;
  readonly seconds: number;
  /** Undefined when all went well. */
  readonly trouble: string | undefined;
}

function runPart({ name, minutesMax, command }: Part): Outcome {
  const [program, ...words] = command;
  process.stdout.write(`\n== ${name}: ${command.join(' ')}\n`);
  const startedAtMs = performance.now();
  const { status, signal, error } = spawnSync(join(root, 'node_modules', '.bin', program), words, {
    cwd: root,
    env: { ...process.env, HOLDFAST_DEEP: '1' },
    stdio: 'inherit',
    timeout: minutesMax * 60_000,
  });
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
  if (status === 0) return { name, seconds, trouble: undefined };
  const over = seconds >= minutesMax * 60;
  const trouble = over
    ? `not done in ${minutesMax} min`
    : (error?.message ?? signal ?? `exit code ${status}`);
  return { name, seconds, trouble };
}

const named = process.argv.slice(2);
const unknown = named.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  throw new Error(
    `no such part: ${unknown.join(', ')}; there are ${parts.map(({ name }) => name).join(', ')}`,
  );
}
const outcomes = parts.filter(({ name }) => named.length === 0 || named.includes(name)).map(runPart);

process.stdout.write('\npart         seconds\n');
for (const { name, seconds, trouble } of outcomes) {
  process.stdout.write(`${name.padEnd(11)} ${String(seconds).padStart(8)}  ${trouble ?? 'ok'}\n`);
}
process.exitCode = outcomes.every(({ trouble }) => trouble === undefined) ? 0 : 1;
