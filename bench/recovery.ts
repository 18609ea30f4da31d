/**
 * Recovery: how long a store with a million sleeping actors takes from open to armed, and how much memory;
 * after a clean close, and after SIGKILL in the middle of work.
 *
 * Each number comes from a process of its own (recovery-child.ts), which does nothing but open. Callers:
 * run.ts, as a process of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inChild } from './child.js';
import { atMost, report } from './gates.js';
import { median } from './lanes.js';
import { MILLION, millionSleepers } from './million.js';

const OPENS = 3;
/** Work before the kill, a little more each time: logs of different lengths to be read again. */
const WORK_MS = [1_000, 1_700, 2_400];

interface Opened {
  readonly armedMs: number;
  readonly grownMiB: number;
  readonly rssMiB: number;
}

async function open(directory: string): Promise<Opened> {
  const opened = await inChild('recovery-child', [directory]);
  const { armedMs = Number.NaN, grownMiB = Number.NaN, rssMiB = Number.NaN, asleep } = opened;
  if (asleep !== MILLION) throw new Error(`${asleep} of ${MILLION} sleepers are asleep after the open`);
  return { armedMs, grownMiB, rssMiB };
}

async function workAndKill(directory: string, workMs: number): Promise<void> {
  const file = fileURLToPath(new URL('worker-child.js', import.meta.url));
  const child = spawn(process.execPath, [file, directory, String(MILLION)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sleep(workMs);
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const directory = await millionSleepers();
const clean: Opened[] = [];
// The first open reads the files for the first time and is not counted.
await open(directory);
for (let round = 0; round < OPENS; round += 1) clean.push(await open(directory));
const killed: Opened[] = [];
for (const workMs of WORK_MS) {
  await workAndKill(directory, workMs);
  killed.push(await open(directory));
}
for (const [after, opened] of [
  ['a clean close', clean],
  ['SIGKILL', killed],
] as const) {
  const each = opened.map(({ armedMs, grownMiB }) => `${armedMs.toFixed(0)} ms, ${grownMiB.toFixed(1)} MiB`);
  console.log(`after ${after}: ${each.join(' · ')}`);
}
const all = [...clean, ...killed];
report(
  'recovery',
  [
    atMost(500, 'open and armed after a clean close', median(clean.map(({ armedMs }) => armedMs)), 'ms'),
    atMost(1_000, 'open and armed after SIGKILL', median(killed.map(({ armedMs }) => armedMs)), 'ms'),
    atMost(32, 'growth of resident memory', median(all.map(({ grownMiB }) => grownMiB)), 'MiB'),
  ],
  { actors: MILLION, clean, killed },
);
