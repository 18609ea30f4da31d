/**
 * A process killed at every commit of a job's life, before it is written and after: the next one ends it
 * well.
 *
 * The short run kills at every commit of three lives: at every other one before it is written, at the rest
 * after it, for a process costs half a second. The long one (HOLDFAST_DEEP) does both at every commit.
 * Every adapter, with every trouble, is the matrix's (matrix/rows.ts).
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

interface Life extends Pick<Work, 'provider' | 'kind' | 'fallback'> {
  /** `in turn`: before the first commit, after the second. */
  readonly phase: Kill['phase'] | 'in turn';
  /** Left out of the short run. */
  readonly deep?: boolean;
}

const lives: readonly Life[] = [
  { provider: 'openai', kind: 'video', phase: 'in turn' },
  { provider: 'kling', kind: 'image', phase: 'in turn' },
  { provider: 'kling', fallback: 'openai', kind: 'video', phase: 'in turn' },
  { provider: 'openai', kind: 'video', phase: 'before', deep: true },
  { provider: 'openai', kind: 'video', phase: 'after', deep: true },
  { provider: 'kling', kind: 'video', phase: 'before', deep: true },
  { provider: 'kling', kind: 'video', phase: 'after', deep: true },
  { provider: 'kling', kind: 'image', phase: 'before', deep: true },
  { provider: 'kling', kind: 'image', phase: 'after', deep: true },
  { provider: 'kling', fallback: 'openai', kind: 'video', phase: 'before', deep: true },
  { provider: 'kling', fallback: 'openai', kind: 'video', phase: 'after', deep: true },
];

/** Where the process dies that makes a life's n-th job. */
function killAt(commit: number, phase: Life['phase']): Kill {
  const turn = commit % 2 === 1 ? 'before' : 'after';
  return { from: 'submit', commit, phase: phase === 'in turn' ? turn : phase };
}

const agent = bundled('test/crash/children/agent.ts');
const isDeep = process.env['HOLDFAST_DEEP'] === '1';

for (const { provider, kind, phase, fallback, deep } of lives) {
  if (deep === true && !isDeep) continue;
  const when = phase === 'in turn' ? 'before or after' : phase;
  const what = `${provider} ${kind}${fallback === undefined ? '' : ` that ${fallback} makes instead`}`;
  test.concurrent(`killed ${when} each commit of its life, one ${what} is billed once and delivered`, async ({
    onTestFinished,
  }) => {
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
        kill: killAt(commit, phase),
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
  });
}
