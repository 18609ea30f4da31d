/**
 * A process killed at every commit of a job's life, before it is written and after: the next one ends it
 * well.
 */
import { expect, test } from 'vitest';
import { bundled } from '../bundled.js';
import type { Kill, Work } from './plan.js';
import { openWorld } from './world.js';

/** More than any of these lives has. */
const COMMITS_MAX = 60;
/**
 * Intent, mark, answer, poll, its answer, fetch, settlement, delivery, turn, mark, sent, told: no life has
 * fewer.
 */
const COMMITS_MIN = 11;

/** What the first of two providers says to everything. */
const REFUSAL = { route: 'kling.submit', fault: { type: 'status', status: 400 } } as const;

interface Life extends Pick<Work, 'provider' | 'kind' | 'fallback'>, Pick<Kill, 'phase'> {
  /** Left out of the short run: its commits are those of another life. */
  readonly deep?: boolean;
}

const lives: readonly Life[] = [
  { provider: 'openai', kind: 'video', phase: 'before' },
  { provider: 'openai', kind: 'video', phase: 'after' },
  { provider: 'kling', kind: 'video', phase: 'before' },
  { provider: 'kling', kind: 'image', phase: 'after' },
  { provider: 'kling', fallback: 'openai', kind: 'video', phase: 'before' },
  { provider: 'kling', fallback: 'openai', kind: 'video', phase: 'after' },
  { provider: 'kling', kind: 'video', phase: 'after', deep: true },
  { provider: 'kling', kind: 'image', phase: 'before', deep: true },
];

const agent = bundled('test/crash/children/agent.ts');
const isDeep = process.env['HOLDFAST_DEEP'] === '1';

for (const { provider, kind, phase, fallback, deep } of lives) {
  if (deep === true && !isDeep) continue;
  const what = `${provider} ${kind}${fallback === undefined ? '' : ` that ${fallback} makes instead`}`;
  test.concurrent(
    `killed ${phase} each commit of its life, one ${what} is billed once and delivered`,
    async ({ onTestFinished }) => {
      const world = await openWorld(agent, onTestFinished, {
        life: { queued: { polls: 0 }, running: { polls: 1 } },
        faults: fallback === undefined ? [] : [REFUSAL],
      });
      const jobs: Work[] = [];
      for (let ended = 'SIGKILL'; ended === 'SIGKILL';) {
        expect(jobs.length, 'a life is not so long').toBeLessThan(COMMITS_MAX);
        const commit = jobs.length + 1;
        const key = `${what} ${phase} ${commit}`;
        const job: Work = { key, provider, kind, ...(fallback === undefined ? {} : { fallback }) };
        jobs.push(job);
        const child = world.start({
          jobs: [job],
          settleFirst: true,
          kill: { from: 'submit', commit, phase },
        });
        ended = await child.ended;
        expect(ended === 'SIGKILL' ? ended : child.lines.at(-1)).toMatch(/^SIGKILL$|^quiet$/);
      }
      expect(jobs.length).toBeGreaterThan(COMMITS_MIN);
      await world.finish(jobs);
      await world.audit(jobs);
      if (fallback === undefined) return;
      const billed = world.simulator.ledger().filter(({ event }) => event === 'submit.billed');
      expect(new Set(billed.map((entry) => entry.provider))).toEqual(new Set([fallback]));
    },
  );
}
