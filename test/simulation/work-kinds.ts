/**
 * Work items, schedules and tasks, with the real charts: what their effects would do is done outside.
 *
 * Callers: kinds.ts. Invariant: what finds them and how long they stay is as the façades say.
 */
import { scheduleDefinition, taskDefinition, workDefinition } from '../../src/actors/house-machines.js';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { scheduleMachine, taskMachine, type PlanInput } from '../../src/machines/index.js';
import type { AnswerOf, Hands } from './outside.js';

export function workKinds(hands: Hands): readonly DefinitionOptions[] {
  const { plan, enqueue, run } = {
    plan: hands.promise('plan'),
    enqueue: hands.promise('enqueue'),
    run: hands.promise('run'),
  };
  return [
    workDefinition,
    { ...scheduleDefinition, machine: scheduleMachine.provide({ actors: { plan, enqueue } } as never) },
    { ...taskDefinition, machine: taskMachine.provide({ actors: { run } } as never) },
  ];
}

export const workAnswers: Readonly<Record<string, AnswerOf>> = {
  plan: (chance, input) => {
    if (chance.happens(0.05)) return { type: 'resolve', value: { type: 'never' } };
    const { after } = input as PlanInput;
    return { type: 'resolve', value: { type: 'next', at: after + 1 + chance.below(30_000) } };
  },
  enqueue: (chance) => {
    if (chance.happens(0.1)) return { type: 'reject', message: 'the payload is wrong' };
    const type = chance.oneOf(['enqueued', 'enqueued', 'overlapped']) ?? 'enqueued';
    return { type: 'resolve', value: { type, workId: `run${chance.below(1_000_000)}` } };
  },
  run: (chance) => {
    if (chance.happens(0.1)) return { type: 'reject', message: 'the runner is broken' };
    const answers = [
      { type: 'completed', output: { text: 'found', truncated: false } },
      { type: 'completed', output: { text: 'found', truncated: false } },
      { type: 'exhausted', of: 'tokens' },
      { type: 'failed', error: { code: 'server', message: 'it is down' } },
      { type: 'blocked' },
    ];
    return { type: 'resolve', value: chance.oneOf(answers) ?? {} };
  },
};
