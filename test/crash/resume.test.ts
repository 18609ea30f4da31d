/** A process killed in the middle of a download: the next one asks for the rest, and for nothing twice. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.js';
import { bundled } from '../bundled.js';
import type { Work } from './plan.js';
import { openWorld } from './world.js';

const agent = bundled('test/crash/children/agent.ts');
const jobs: readonly Work[] = [{ key: 'a long video', provider: 'kling', kind: 'video' }];
const BYTES = 3 * limits.downloadNoteBytes;

test.each([true, false])(
  'a download goes on after a SIGKILL where the provider knows ranges: %s',
  async (ranges) => {
    const world = await openWorld(agent, (tidy) => onTestFinished(tidy), {
      life: { queued: { polls: 0 }, running: { polls: 1 } },
      artifacts: { videoBytes: BYTES, bytesPerSecond: 600_000, chunkBytes: 65_536, ranges },
    });
    const child = world.start({ jobs });
    const folder = join(world.directory, 'artifacts', 'parts');
    const kept = async (): Promise<readonly string[]> => await readdir(folder).catch(() => []);
    const sign = ranges ? /\.note$/ : /\.part$/;
    await expect
      .poll(async () => (await kept()).some((name) => sign.test(name)), { timeout: 40_000 })
      .toBe(true);
    child.kill();
    expect(await child.ended).toBe('SIGKILL');
    await world.finish(jobs);
    await world.audit(jobs);
    const sent = world.simulator.ledger().filter(({ event }) => event === 'download.finished');
    expect(sent.map(({ status }) => status)).toEqual([ranges ? 206 : 200]);
    if (ranges) expect(sent[0]?.bytes).toBeLessThanOrEqual(BYTES - limits.downloadNoteBytes + 10_000);
    expect(await kept()).toEqual([]);
  },
);
