/**
 * The delivery chart: one message to one chat, at least once, under one id.
 *
 *   queued → sending → delivered
 *              │ ▲ └──▶ exhausted → (retry) queued | dismissed
 *              ▼ │
 *            waiting        sending, interrupted by a crash → reconciling → delivered | sending
 *
 * Owns: the attempts, the next due time, the receipt. Asks for: `send` (manual: never repeated unasked),
 * `reconcile` (rerun); actor.send of `delivery.settled` to its cause.
 * Never: sends before the head of its lane is granted (`lane.turn`); gives up in silence; changes its id.
 */
import { assign, emit, setup } from 'xstate';
import { backoffMs, clampRetryAfterMs } from './backoff.js';
import { envelopeOf } from './envelope.js';
import type { DeliveryPolicy, DeliverySettled, DeliveryTarget } from './job-words.js';
import { providedByRuntime, reservedActions } from './reserved.js';
import type { ActorSend, EffectError } from './reserved.js';

export interface DeliveryFile {
  readonly name: string;
  readonly mime: string;
  readonly path: string;
}

export interface DeliveryInput extends DeliveryTarget {
  readonly deliveryId: string;
  /** Address of the actor that is told how it ended, `job/<id>`. */
  readonly cause: string;
  readonly text: string;
  readonly files: readonly DeliveryFile[];
  readonly images?: readonly string[];
  readonly jobId?: string;
  /** Every 30 s, 60 attempts, when absent. */
  readonly policy?: DeliveryPolicy;
}

export interface SendFault {
  readonly code: string;
  readonly message: string;
  readonly permanent: boolean;
  readonly retryAfterMs?: number;
}

export type SendAnswer =
  | { readonly type: 'sent'; readonly receipt?: unknown }
  | { readonly type: 'failed'; readonly error: SendFault };

export interface DeliveryReconcileAnswer {
  readonly type: 'sent' | 'notSent' | 'unknown' | 'unsupported';
  readonly receipt?: unknown;
}

/** What `send` is given: the message, and which attempt this is (1, 2, ...). */
export interface SendInput {
  readonly message: DeliveryInput;
  readonly attempt: number;
}

export interface DeliveryReconcileInput extends DeliveryTarget {
  readonly deliveryId: string;
}

export interface DeliveryContext {
  readonly input: DeliveryInput;
  readonly policy: DeliveryPolicy;
  readonly queuedAt: number;
  /** Attempts in all. */
  readonly attempts: number;
  /** Failures since it was queued: what the policy counts. */
  readonly failures: number;
  readonly retryAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly receipt?: unknown;
}

export type DeliveryEvent =
  | { readonly type: 'lane.turn' }
  | { readonly type: 'delivery.retry' }
  | { readonly type: 'delivery.dismiss' }
  | { readonly type: 'effect.interrupted'; readonly effect: string; readonly src: string }
  | { readonly type: 'xstate.done.actor.send'; readonly output: SendAnswer }
  | { readonly type: 'xstate.done.actor.reconcile'; readonly output: DeliveryReconcileAnswer }
  | { readonly type: `xstate.error.actor.${'send' | 'reconcile'}`; readonly error: EffectError };

export type DeliveryStatus =
  | 'queued'
  | 'sending'
  | 'reconciling'
  | 'waiting'
  | 'delivered'
  | 'exhausted'
  | 'dismissed';

/** Emitted for logs and alerts when a delivery becomes a dead letter or a dead letter is let go. */
export interface DeliveryNotice {
  readonly type: 'delivery.exhausted' | 'delivery.dismissed';
  readonly deliveryId: string;
  readonly cause: string;
  readonly attempts: number;
  readonly code?: string;
  readonly message?: string;
}

export const deliveryDefaults = {
  policy: { kind: 'fixed', delayMs: 30_000, attemptsMax: 60 },
  deadLetterMs: 30 * 86_400_000,
} as const;

/** Deliveries of one lane go out strictly one after the other. */
export function deliveryLane(target: DeliveryTarget): string {
  return [target.channel, target.account ?? '', target.target].map(encodeURIComponent).join('/');
}

const IN_LANE: ReadonlySet<unknown> = new Set(['queued', 'sending', 'reconciling', 'waiting']);

/** True while the delivery stands in its lane: a waiting head keeps it, an ended one gives it up. */
export function holdsLane(snapshot: { readonly value: unknown }): boolean {
  return IN_LANE.has(snapshot.value);
}

function faultOf(event: DeliveryEvent): SendFault {
  if (event.type === 'xstate.done.actor.send' && event.output.type === 'failed') return event.output.error;
  if ('error' in event) {
    const { code = event.error.name, message } = event.error;
    return { code, message, permanent: false };
  }
  return { code: 'interrupted', message: 'the process died while sending', permanent: false };
}

function receiptOf(event: DeliveryEvent): unknown {
  return 'output' in event && event.output.type === 'sent' ? event.output.receipt : undefined;
}

function restUntil({ policy, failures }: DeliveryContext, event: DeliveryEvent): number {
  const { retryAfterMs } = faultOf(event);
  const { at } = envelopeOf(event);
  return at + (retryAfterMs === undefined ? backoffMs(policy, failures) : clampRetryAfterMs(retryAfterMs));
}

function tellCause(
  { input, attempts }: DeliveryContext,
  event: unknown,
  status: DeliverySettled['status'],
): ActorSend {
  const { deliveryId, cause: to } = input;
  const { at } = envelopeOf(event);
  const told: DeliverySettled = { type: 'delivery.settled', deliveryId, status, at, attempts };
  return { to, event: told };
}

function noticeOf(type: DeliveryNotice['type'], { input, attempts, error }: DeliveryContext): DeliveryNotice {
  return { type, deliveryId: input.deliveryId, cause: input.cause, attempts, ...error };
}

const startDelivery = (input: DeliveryInput): DeliveryContext => ({
  input: { ...input },
  policy: input.policy ?? deliveryDefaults.policy,
  queuedAt: envelopeOf({ input }).at,
  attempts: 0,
  failures: 0,
});

export const deliveryMachine = setup({
  types: {
    context: {} as DeliveryContext,
    events: {} as DeliveryEvent,
    input: {} as DeliveryInput,
    emitted: {} as DeliveryNotice,
  },
  actors: {
    send: providedByRuntime<SendAnswer, SendInput>(),
    reconcile: providedByRuntime<DeliveryReconcileAnswer, DeliveryReconcileInput>(),
  },
  actions: {
    ...reservedActions,
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1, retryAt: undefined }),
    noteFault: assign(({ context, event }) => {
      const { code, message } = faultOf(event);
      return { error: { code, message }, failures: context.failures + 1 };
    }),
    keepReceipt: assign(({ event }) => ({ receipt: receiptOf(event), error: undefined })),
    rest: assign(({ context, event }) => ({ retryAt: restUntil(context, event) })),
    renewBudget: assign({ failures: 0, endedAt: undefined }),
    noteEnd: assign(({ event }) => ({ endedAt: envelopeOf(event).at })),
    announceExhausted: emit(({ context }) => noticeOf('delivery.exhausted', context)),
    announceDismissed: emit(({ context }) => noticeOf('delivery.dismissed', context)),
  },
  guards: {
    sent: ({ event }) => 'output' in event && event.output.type === 'sent',
    budgetLeft: ({ context }) => context.failures < context.policy.attemptsMax,
    // Asked before the failure is counted.
    mayRetry: ({ context, event }) =>
      !faultOf(event).permanent && context.failures + 1 < context.policy.attemptsMax,
  },
  delays: {
    retry: ({ context, event }) => Math.max(0, (context.retryAt ?? 0) - envelopeOf(event).at),
    deadLetter: deliveryDefaults.deadLetterMs,
  },
}).createMachine({
  id: 'delivery',
  version: '1',
  description: 'One message to one chat: sent at least once, always under the same id.',
  context: ({ input }) => startDelivery(input),
  initial: 'queued',
  states: {
    queued: {
      description: 'Stands in its lane behind earlier messages to the same target.',
      on: { 'lane.turn': 'sending', 'delivery.dismiss': 'dismissed' },
    },
    sending: {
      description: 'Head of its lane: one attempt is out.',
      entry: 'countAttempt',
      invoke: {
        id: 'send',
        src: 'send',
        input: ({ context }) => ({ message: context.input, attempt: context.attempts }),
        onDone: [
          { guard: 'sent', target: 'delivered', actions: 'keepReceipt' },
          { guard: 'mayRetry', target: 'waiting', actions: 'noteFault' },
          { target: 'exhausted', actions: 'noteFault' },
        ],
        onError: [
          { guard: 'mayRetry', target: 'waiting', actions: 'noteFault' },
          { target: 'exhausted', actions: 'noteFault' },
        ],
      },
      on: {
        'effect.interrupted': { target: 'reconciling', actions: 'noteFault' },
        'delivery.dismiss': 'dismissed',
      },
    },
    reconciling: {
      description: 'The process died while sending: the channel is asked whether the message went out.',
      invoke: {
        id: 'reconcile',
        src: 'reconcile',
        input: ({ context }) => context.input,
        onDone: [
          { guard: 'sent', target: 'delivered', actions: 'keepReceipt' },
          { guard: 'budgetLeft', target: 'sending' },
          { target: 'exhausted' },
        ],
        onError: [{ guard: 'budgetLeft', target: 'sending' }, { target: 'exhausted' }],
      },
      on: { 'delivery.dismiss': 'dismissed' },
    },
    waiting: {
      description: 'An attempt failed; keeps its lane until the next one.',
      entry: 'rest',
      on: { 'delivery.dismiss': 'dismissed' },
      after: { retry: 'sending' },
    },
    exhausted: {
      description: 'A dead letter: listed, out of its lane, can be retried by hand.',
      entry: [
        'noteEnd',
        { type: 'actor.send', params: ({ context, event }) => tellCause(context, event, 'exhausted') },
        'announceExhausted',
      ],
      on: {
        'delivery.retry': { target: 'queued', actions: 'renewBudget' },
        'delivery.dismiss': 'dismissed',
      },
      after: { deadLetter: 'dismissed' },
    },
    delivered: {
      description: 'The channel took it.',
      type: 'final',
      entry: [
        'noteEnd',
        { type: 'actor.send', params: ({ context, event }) => tellCause(context, event, 'delivered') },
      ],
    },
    dismissed: {
      description: 'Given up, by an operator or after 30 days as a dead letter.',
      type: 'final',
      entry: [
        'noteEnd',
        { type: 'actor.send', params: ({ context, event }) => tellCause(context, event, 'dismissed') },
        'announceDismissed',
      ],
    },
  },
});
