/** A process killed at every commit of a job's life, before it is written and after: the next one ends it well. */
import { expect, test } from 'vitest';
import type { Kill, Work } from './plan.js';
import { openWorld } from './world.js';

/** More than any of these lives has. */
const COMMITS_MAX = 60;
/** Intent, mark, answer, poll, its answer, fetch, settlement, delivery, turn, mark, sent, told: no life has fewer. */
const COMMITS_MIN = 11;

const lives: readonly Pick<Work, 'provider' | 'kind'>[] = [
  { provider: 'openai', kind: 'video' },
  { provider: 'kling', kind: 'video' },
  { provider: 'kling', kind: 'image' },
];
const phases: readonly Kill['phase'][] = ['before', 'after'];

for (const { provider, kind } of lives) {
  for (const phase of phases) {
    const what = `${provider} ${kind}`;
    test.concurrent(`killed ${phase} each commit of its life, one ${what} is billed once and delivered`, async () => {
      const world = await openWorld({ life: { queued: { polls: 0 }, running: { polls: 1 } } });
      const jobs: Work[] = [];
      let commits = 0;
      for (let ended = 'SIGKILL'; ended === 'SIGKILL'; commits += 1) {
        expect(commits, 'a life is not so long').toBeLessThan(COMMITS_MAX);
        const job: Work = { key: `${what} ${phase} ${commits + 1}`, provider, kind };
        jobs.push(job);
        const kill: Kill = { from: 'submit', commit: commits + 1, phase };
        const child = world.start({ jobs: [job], settleFirst: true, kill });
        ended = await child.ended;
        expect(ended === 'SIGKILL' ? ended : child.lines.at(-1)).toMatch(/^SIGKILL$|^quiet$/);
      }
      expect(commits).toBeGreaterThan(COMMITS_MIN);
      await world.finish(jobs);
      await world.audit(jobs);
    });
  }
}
