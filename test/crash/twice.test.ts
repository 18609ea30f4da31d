/** Two deaths in a row: in the middle of a life, and again in the middle of the recovery from that. */
import { expect, test } from 'vitest';
import { bundled } from '../bundled.js';
import type { Kill, Work } from './plan.js';
import { chance, openWorld, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const SAMPLES = isDeep ? 60 : 8;
/** Some lives and recoveries have fewer: how many steps share a commit is the machine's affair. */
const LIFE_COMMITS = 12;
const RECOVERY_COMMITS = 6;

const agent = bundled('test/crash/children/agent.ts');

test(`killed in its life and in its recovery, ${SAMPLES} times, each job is billed once`, async ({
  onTestFinished,
}) => {
  const seed = seedOf('crash/twice');
  const world = await openWorld(agent, onTestFinished, {
    life: { queued: { polls: 0 }, running: { polls: 1 } },
  });
  const jobs: Work[] = [];
  let kills = 0;
  const run = async (job: Work, kill: Kill): Promise<void> => {
    const settleFirst = kill.from === 'submit';
    const ended = await world.start({ jobs: [job], settleFirst, kill }).ended;
    expect(ended).toMatch(/^SIGKILL$|^0$/);
    if (ended === 'SIGKILL') kills += 1;
  };
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const at = (n: number, below: number): number => Math.floor(chance(seed, sample * 10 + n) * below);
    const phase = (n: number): Kill['phase'] => (at(n, 2) === 0 ? 'before' : 'after');
    const provider = at(0, 2) === 0 ? 'openai' : 'kling';
    const job: Work = { key: `twice ${sample}`, provider, kind: 'video' };
    jobs.push(job);
    await run(job, { from: 'submit', commit: 1 + at(1, LIFE_COMMITS), phase: phase(2) });
    await run(job, { from: 'open', commit: 1 + at(3, RECOVERY_COMMITS), phase: phase(4) });
  }
  // Of twice as many tries; those whose commit never came end by themselves.
  expect(kills).toBeGreaterThan(SAMPLES / 2);
  await world.finish(jobs);
  await world.audit(jobs);
});
