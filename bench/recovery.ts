/**
 * Recovery: how long a store full of sleeping actors takes from open to ready, and how much memory.
 *
 * Each number comes from a process of its own (recovery-child.ts), which does nothing but open. Callers:
 * run.ts.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dormantAfter } from './errand.js';
import { kernelSubject, withKernel } from './kernel.js';
import { errandId, median } from './lanes.js';
import { inFreshDirectory } from './place.js';

export interface Recovered {
  readonly actors: number;
  readonly readyMs: number;
  readonly rssMiB: number;
}

const LANES = 500;
const OPENS = 3;
const CHILD_TIMEOUT_MS = 30_000;

/** Puts `actors` errands to sleep behind a timer each, then opens their store three times; medians. */
export function measureRecovery(actors: number): Promise<Recovered> {
  return inFreshDirectory(async (directory) => {
    await withKernel(directory, 'process', async (kernel, store) => {
      const subject = kernelSubject(kernel, store, 'noIds');
      let created = 0;
      const lane = async (): Promise<void> => {
        while (created < actors) {
          const errand = errandId(created++);
          for (let step = 0; step <= dormantAfter; step += 1) await subject.step(errand, step);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    });
    const found: Recovered[] = [];
    for (let open = 0; open < OPENS; open += 1) found.push(await openInChild(directory, actors));
    return {
      actors,
      readyMs: median(found.map(({ readyMs }) => readyMs)),
      rssMiB: median(found.map(({ rssMiB }) => rssMiB)),
    };
  });
}

async function openInChild(directory: string, actors: number): Promise<Recovered> {
  const child = fileURLToPath(new URL('recovery-child.js', import.meta.url));
  const options = { timeout: CHILD_TIMEOUT_MS };
  const { stdout } = await promisify(execFile)(process.execPath, [child, directory], options);
  const [readyMs = Number.NaN, rssMiB = Number.NaN, sleeping = 0] = stdout.split(' ').map(Number);
  if (sleeping !== actors) throw new Error(`${sleeping} of ${actors} errands are asleep after the open`);
  return { actors, readyMs, rssMiB };
}
