/**
 * The work item chart: one piece of local work, done by whoever claims it.
 *
 *   scheduled ⇄ ready ⇄ running ──▶ done
 *       ▲         ▲        │ claim lost, failed: another attempt, or
 *       └─────────┴────────┴──────▶ failed (a dead letter) ── retry ──▶ ready
 *   any of these but done ──▶ cancelled            done, cancelled ──▶ closed
 *
 * Owns: the claim, the attempts, the times. Asks for: payload.put (its payload, where a step asked for it),
 * actor.send of `work.settled` to whom it is to notify.
 * Never: has two claims; is ended by another token than that of its claim; repeats an attempt unasked after
 * the last.
 */
import { assign, emit, enqueueActions, setup } from 'xstate';
import { envelopeOf } from './envelope.js';
import { reservedActions, type ActorSend, type PayloadPut } from './reserved.js';
import * as rules from './work-rules.js';
import type { WorkEnd, WorkItemContext, WorkItemEvent, WorkItemInput, WorkNotice } from './work-words.js';

const { workDefaults } = rules;

/** The rows beside an item's record. */
export const workRows = { payload: 'payload', result: 'result' } as const;

type Ask =
  | { readonly type: 'payload.put'; readonly params: PayloadPut }
  | { readonly type: 'actor.send'; readonly params: ActorSend };

function payloadIn(event: unknown): unknown {
  const { input } = Object(event) as { readonly input?: WorkItemInput };
  return input?.payload;
}

export const workItemMachine = setup({
  types: {
    context: {} as WorkItemContext,
    events: {} as WorkItemEvent,
    input: {} as WorkItemInput,
    emitted: {} as WorkNotice,
  },
  actions: {
    ...reservedActions,
    keepPayload: enqueueActions<
      WorkItemContext,
      WorkItemEvent,
      undefined,
      WorkItemEvent,
      never,
      Ask,
      never,
      never,
      WorkNotice
    >(({ event, enqueue }) => {
      const value = payloadIn(event);
      if (value !== undefined) enqueue({ type: 'payload.put', params: { name: workRows.payload, value } });
    }),
    claim: assign(({ event }) => rules.claimed(event)),
    extend: assign(({ context, event }) => rules.extended(context, event)),
    releaseDone: assign(({ context }) => rules.released(context, 'done')),
    releaseFailed: assign(({ context }) => rules.released(context, 'failed')),
    releaseGivenBack: assign(({ context }) => rules.released(context, 'requeued')),
    withdraw: assign(({ context }) => rules.withdrawn(context)),
    takeAway: assign(({ context, event }) => rules.reclaimed(context, event)),
    noteFailure: assign(({ context, event }) => rules.noteFailure(context, event)),
    rest: assign(({ context, event }) => rules.rest(context, event)),
    noteReady: assign(({ event }) => ({ runAt: envelopeOf(event).at })),
    renewBudget: assign({ attempts: 0, endedAt: undefined }),
    noteEnd: assign(({ event }) => ({ endedAt: envelopeOf(event).at })),
    noteResult: assign(({ event }) => ({ hasResult: event.type === 'work.done' && event.hasResult })),
    tell: enqueueActions<
      WorkItemContext,
      WorkItemEvent,
      { readonly status: WorkEnd },
      WorkItemEvent,
      never,
      Ask,
      never,
      never,
      WorkNotice
    >(({ context, event, enqueue }, { status }) => {
      const params = rules.settledFor(context, event, status);
      if (params !== undefined) enqueue({ type: 'actor.send', params });
    }),
    announce: emit(({ context }) => rules.noticeOf(context)),
  },
  guards: {
    isLater: ({ context, event }) => context.runAt > envelopeOf(event).at,
    holdsClaim: ({ context, event }) => rules.holdsClaim(context, event),
    mayTryAgain: ({ context, event }) =>
      rules.holdsClaim(context, event) && rules.mayTryAgain(context, event),
    isLastAttempt: ({ context }) => rules.isLastAttempt(context),
    isExpired: ({ context, event }) => rules.isExpired(context, event),
    isExpiredAtLast: ({ context, event }) => rules.isExpired(context, event) && rules.isLastAttempt(context),
    isOrphaned: ({ context, event }) => rules.isOrphaned(context, event),
    isOrphanedAtLast: ({ context, event }) =>
      rules.isOrphaned(context, event) && rules.isLastAttempt(context),
  },
  delays: {
    runAt: ({ context, event }) => Math.max(0, context.runAt - envelopeOf(event).at),
    claim: ({ context, event }) => rules.msOfClaim(context, event),
    keep: ({ context }) => context.input.retentionMs ?? workDefaults.retentionMs,
    deadLetter: workDefaults.deadLetterMs,
  },
}).createMachine({
  id: 'work',
  version: '1',
  description: 'One piece of local work: claimed by one worker at a time, until it is done or given up.',
  context: ({ input }) => rules.startWork(input),
  initial: 'starting',
  states: {
    starting: {
      description: 'Now or later.',
      entry: 'keepPayload',
      always: [{ guard: 'isLater', target: 'scheduled' }, { target: 'ready' }],
    },
    scheduled: {
      description: 'For later: enqueued so, or resting after a failure.',
      on: { 'work.cancel': 'cancelled', 'work.retry': { target: 'ready', actions: 'noteReady' } },
      after: { runAt: 'ready' },
    },
    ready: {
      description: 'Waits for a worker that claims it.',
      on: {
        'work.claim': { target: 'running', actions: 'claim' },
        'work.cancel': 'cancelled',
      },
    },
    running: {
      description: 'A worker has it, for as long as its claim lasts.',
      on: {
        'work.heartbeat': { guard: 'holdsClaim', target: 'running', reenter: true, actions: 'extend' },
        'work.done': {
          guard: 'holdsClaim',
          target: 'done',
          actions: ['releaseDone', 'noteResult'],
        },
        'work.fail': [
          {
            guard: 'mayTryAgain',
            target: 'scheduled',
            actions: ['noteFailure', 'rest', 'releaseFailed'],
          },
          {
            guard: 'holdsClaim',
            target: 'failed',
            actions: ['noteFailure', 'releaseFailed'],
          },
        ],
        'work.requeue': {
          guard: 'holdsClaim',
          target: 'ready',
          actions: ['noteReady', 'releaseGivenBack'],
        },
        'work.reclaim': [
          { guard: 'isExpiredAtLast', target: 'failed', actions: 'takeAway' },
          { guard: 'isExpired', target: 'ready', actions: 'takeAway' },
        ],
        'generation.began': [
          { guard: 'isOrphanedAtLast', target: 'failed', actions: 'takeAway' },
          { guard: 'isOrphaned', target: 'ready', actions: 'takeAway' },
        ],
        'work.cancel': { target: 'cancelled', actions: 'withdraw' },
      },
      after: {
        claim: [
          { guard: 'isLastAttempt', target: 'failed', actions: 'takeAway' },
          { target: 'ready', actions: 'takeAway' },
        ],
      },
    },
    failed: {
      description: 'A dead letter: listed, its key is free, can be retried by hand.',
      entry: ['noteEnd', { type: 'tell', params: { status: 'failed' } }, 'announce'],
      on: {
        'work.retry': { target: 'ready', actions: ['renewBudget', 'noteReady'] },
        'work.cancel': 'cancelled',
      },
      after: { deadLetter: 'closed' },
    },
    done: {
      description: 'A worker has done it.',
      entry: ['noteEnd', { type: 'tell', params: { status: 'done' } }],
      after: { keep: 'closed' },
    },
    cancelled: {
      description: 'Not wanted any more.',
      entry: ['noteEnd', { type: 'tell', params: { status: 'cancelled' } }],
      after: { keep: 'closed' },
    },
    closed: { description: 'Looked at long enough.', type: 'final' },
  },
});
