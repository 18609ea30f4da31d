/**
 * A dozen jobs and a process that is killed at random, again and again, and told each time what it should
 * have.
 */
import { expect, test } from 'vitest';
import { bundled } from '../bundled.js';
import type { Work } from './plan.js';
import { chance, openWorld, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? (isDeep ? 220 : 15));
/** So many that a quick machine is not done with them between two kills. */
const JOBS = isDeep ? 40 : 12;
const KILL_AFTER_MIN_MS = 30;
const KILL_AFTER_MAX_MS = 280;
/** Fast milliseconds: a job lives through several kills. */
const LIFE = { queued: { minMs: 0, maxMs: 3_000 }, running: { minMs: 1_000, maxMs: 12_000 } } as const;

const agent = bundled('test/crash/children/agent.ts');

function work(index: number): Work {
  const provider = index % 2 === 0 ? 'openai' : 'kling';
  return { key: `random ${index}`, provider, kind: index % 4 === 3 ? 'image' : 'video' };
}

test(`killed ${KILLS} times at random, ${JOBS} jobs are billed once each and delivered`, async ({
  onTestFinished,
}) => {
  const seed = seedOf('crash/random');
  const world = await openWorld(agent, onTestFinished, {
    life: LIFE,
    artifacts: { bytesPerSecond: 2_000_000 },
  });
  const all = Array.from({ length: JOBS }, (_unused, index) => work(index));
  for (let kill = 0; kill < KILLS; kill += 1) {
    // New work comes all along, so that no kill hits an idle process.
    const jobs = all.slice(0, Math.ceil(((kill + 1) * JOBS) / KILLS));
    const child = world.start({ jobs, isKilled: true });
    await child.heard('open');
    const span = KILL_AFTER_MAX_MS - KILL_AFTER_MIN_MS;
    const timer = setTimeout(child.kill, KILL_AFTER_MIN_MS + span * chance(seed, kill));
    expect(await child.ended).toBe('SIGKILL');
    clearTimeout(timer);
  }
  await world.finish(all);
  await world.audit(all);
});
