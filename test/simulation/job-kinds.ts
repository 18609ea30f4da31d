/**
 * Jobs and their deliveries, with the real charts: what their effects would do is done outside.
 *
 * Callers: kinds.ts, and tests of one incident. Invariant: the policies, indexes and references are those of
 * the façades.
 */
import type { Channel } from '../../src/channels/index.js';
import { Deliveries } from '../../src/actors/deliveries.js';
import { jobIndexRows, jobReferences } from '../../src/actors/job-index.js';
import { jobPolicies } from '../../src/actors/job-pools.js';
import type { DefinitionOptions, Kernel } from '../../src/actors/kernel/index.js';
import type { Logger } from '../../src/log.js';
import { jobMachine } from '../../src/machines/index.js';
import type { AnyStateMachine } from 'xstate';
import { ARTIFACT, REF } from '../machines/job-fixture.js';
import type { Chance } from './chance.js';
import { ONLY_EFFECT, type Answer, type AnswerOf, type Hands } from './outside.js';

/** The job chart as the façade defines it; `machine` may be one with a defect. */
export function jobKind(hands: Hands, machine: AnyStateMachine = jobMachine): DefinitionOptions {
  const actors = {
    submit: hands.promise('submit'),
    reconcile: hands.promise('reconcile'),
    poll: hands.promise('poll'),
    fetch: hands.promise('fetch'),
    cancelRemote: hands.promise('cancelRemote'),
  };
  return {
    kind: 'job',
    machine: machine.provide({ actors } as never),
    effects: jobPolicies(),
    indexes: jobIndexRows,
    references: jobReferences,
    retentionMs: 0,
    tombstoneMs: 604_800_000,
  };
}

/** Defines deliveries; returns what brings them back after a start. */
export function defineDeliveries(kernel: Kernel, hands: Hands, log: Logger): () => Promise<void> {
  const chat: Channel = {
    policy: { kind: 'fixed', delayMs: 5_000, attemptsMax: 4 },
    send: (_message, { deliveryId, attempt, signal }) =>
      hands.work('send', `delivery/${deliveryId}/${ONLY_EFFECT}`, { attempt }, signal),
  };
  const deliveries = new Deliveries(kernel, { channels: { chat }, retentionMs: 60_000 }, log);
  return () => deliveries.recover();
}

const fault = { class: 'server', code: 'busy', message: 'busy', retryable: true };

function oneOf(chance: Chance, ...answers: readonly object[]): Answer {
  const value = chance.oneOf(answers) ?? {};
  return { type: 'resolve', value };
}

/** What a provider says, by effect. */
export const jobAnswers: Readonly<Record<string, AnswerOf>> = {
  submit: (chance, input) => {
    const { jobId } = input as { readonly jobId?: string };
    const ref = { ...REF, taskId: `task-${jobId ?? chance.below(1_000_000)}-${chance.below(1_000_000)}` };
    const accepted = { type: 'accepted', ref };
    const ambiguous = { type: 'ambiguous', error: fault };
    return oneOf(chance, accepted, accepted, accepted, ambiguous, { type: 'rejected', error: fault });
  },
  reconcile: (chance) => {
    const ref = { ...REF, taskId: `task-${chance.below(1_000_000)}` };
    return oneOf(chance, { type: 'found', ref }, { type: 'absent' }, { type: 'wait' });
  },
  poll: (chance) => {
    const pending = { type: 'pending', progress: 0.5 };
    return oneOf(chance, pending, pending, { type: 'done' }, { type: 'failed', error: fault });
  },
  fetch: (chance) => {
    const done = { type: 'done', artifacts: [ARTIFACT] };
    return oneOf(
      chance,
      done,
      done,
      { type: 'transient', error: fault },
      { type: 'permanent', error: fault },
    );
  },
  cancelRemote: (chance) => oneOf(chance, { type: 'ok' }, { type: 'error' }),
  send: (chance) =>
    chance.happens(0.3) ? { type: 'reject', message: 'no chat' } : { type: 'resolve', value: {} },
};
