/**
 * A house in which anything may happen: machines of every kind that walk at random, sessions, work, jobs, and
 * a crash now and then.
 *
 * Callers: the properties of this folder. Invariant: a seed gives the same life again (HOLDFAST_SEED).
 */
import { onTestFinished } from 'vitest';
import type { CommittedStep } from '../../src/index.js';
import { openai } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';
import { walkMachine } from './walkers.js';

export const SEED = Number(process.env['HOLDFAST_SEED'] ?? Math.trunc(performance.timeOrigin % 1_000_000));

export function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const define = (runtime: TestRuntime['runtime']) => ({
  each: runtime.define(walkMachine, { kind: 'each' }),
  fold: runtime.define(walkMachine, { kind: 'fold', snapshot: 'amortized' }),
  anew: runtime.define(walkMachine, {
    kind: 'anew',
    supervision: { onFailure: 'restart', budget: { failuresMax: 50, periodMs: 1_000 } },
  }),
});

/** `hear` is told of each step of each of its processes. */
export async function openedHouse(hear: (step: CommittedStep) => void = () => undefined) {
  const house = await createTestRuntime({
    define: (runtime) => {
      runtime.on('step', hear);
      return define(runtime);
    },
    providers: [openai({ apiKey: 'sk-test' })],
    answers: {
      'job.submit': () => ({
        type: 'accepted',
        ref: { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' },
      }),
      'job.poll': () => ({ type: 'pending', progress: 0.5 }),
    },
  });
  onTestFinished(() => house.close());
  return house;
}

const TYPES = ['left', 'right', 'pause', 'back', 'again', 'drop', 'boom', 'put', 'put', 'unheard'] as const;

export type RandomHouse = Awaited<ReturnType<typeof openedHouse>>;

/** So many things happen, and now and then a crash. */
export async function live(house: RandomHouse, below: (n: number) => number, deeds: number): Promise<void> {
  for (let deed = 0; deed < deeds; deed += 1) {
    const { runtime, kinds } = house;
    const kind = (['each', 'fold', 'anew'] as const)[below(3)] ?? 'each';
    const type = TYPES[below(TYPES.length)] ?? 'left';
    const value = [below(9), { list: ['x'.repeat(below(40)), below(3)], none: null }, 'text'][below(3)];
    const event = type === 'put' ? { type, name: `p${below(4)}`, value } : { type };
    const actor = kinds[kind].get(String(below(2)));
    await actor.send(event as never).catch(() => undefined);
    const address = `${kind}/${actor.id}`;
    const { fault } = await runtime.inspection.actor(address);
    if (fault !== undefined) await runtime.quarantine.skip(address, { operator: 'o' }).catch(() => undefined);
    const session = runtime.sessions.get('chat:1');
    if (below(8) === 0) await session.enqueue({ text: `message ${deed}` });
    if (below(12) === 0) await runtime.work.enqueue('chunk', { deed });
    if (below(12) === 0) await work(runtime);
    if (below(20) === 0)
      await runtime.jobs.submit({ provider: 'openai', prompt: 'a cat', sessionKey: 'chat:1' });
    if (below(6) === 0) await house.advance(below(2_000));
    if (below(40) === 0) await house.crash();
  }
  await house.settle();
}

async function work(runtime: TestRuntime['runtime']): Promise<void> {
  const item = await runtime.work.claimNext('chunk', { workerId: 'w' });
  if (item !== undefined) await runtime.work.done(item.token, { ok: true });
}
