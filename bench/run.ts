/**
 * `npm run bench`: all parts, or those named: `npm run bench -- steps jobs sessions work crowd flat recovery
 * doctor inspector storm`.
 *
 * Each part is a process of its own, so that none meets another's heap or compiled code; those that need a
 * million sleeping actors share one store. Exit code 1 when a gate of any part failed. Callers: people, CI.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchRoot, fileSystemOf, inFreshDirectory } from './place.js';

/** In this order: the storm wakes a tenth of the sleepers that the others want asleep. */
const parts = [
  'steps',
  'jobs',
  'sessions',
  'work',
  'crowd',
  'flat',
  'recovery',
  'doctor',
  'inspector',
  'storm',
] as const;

/** What a host with a budget of memory would set: with 24 GiB of it V8 would rather grow than collect. */
const flagsOf: Partial<Record<(typeof parts)[number], readonly string[]>> = {
  crowd: ['--max-old-space-size=192'],
};

async function runPart(part: (typeof parts)[number], shared: string): Promise<boolean> {
  console.log(`\n== ${part} ==`);
  const file = fileURLToPath(new URL(`${part}.js`, import.meta.url));
  const child = spawn(process.execPath, [...(flagsOf[part] ?? []), file, shared], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

const named = process.argv.slice(2);
const unknown = named.filter((name) => !parts.some((part) => part === name));
if (unknown.length > 0) throw new Error(`no such part: ${unknown.join(', ')}; there are ${parts.join(', ')}`);

const machine = {
  node: process.version,
  system: `${process.platform} ${process.arch} ${release()}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  fileSystem: await fileSystemOf(benchRoot()),
  load: loadavg()
    .map((load) => load.toFixed(1))
    .join(' '),
};
for (const [name, value] of Object.entries(machine)) console.log(`${name}: ${value}`);

await inFreshDirectory(async (shared) => {
  for (const part of parts) {
    if (named.length > 0 && !named.includes(part)) continue;
    if (!(await runPart(part, shared))) process.exitCode = 1;
  }
});
