/**
 * The settlement of a job: what its outcome writes into the session and sends to the chat.
 *
 * Owns: the words of history entries, wakes and messages, and the ids of deliveries. Callers: job-setup.ts.
 * Invariants:
 *  T1  One history entry and one wake an outcome where there is a session; one delivery an outcome where one
 *      is wanted.
 *  T2  No two outcomes of a job share a delivery id, or the number of a wake.
 *  T3  Cancelled jobs and jobs of origin `userDirect` push nothing.
 */
import { envelopeOf } from './envelope.js';
import type { Change } from './job-rules.js';
import type { JobArtifact, JobContext, JobEvent, SettledStatus } from './job-words.js';
import type { DeliveryFile, DeliveryInput } from './delivery.js';
import type { ActorCreate, ActorSend, HistoryAppend } from './reserved.js';
import { wakeAsks } from './session-wake.js';

/** A durable action. */
export type SettlementAsk =
  | { readonly type: 'history.append'; readonly params: HistoryAppend }
  | { readonly type: 'actor.create'; readonly params: ActorCreate }
  | { readonly type: 'actor.send'; readonly params: ActorSend };

export interface Settlement {
  readonly change: Change;
  readonly asks: readonly SettlementAsk[];
}

/** Everything one outcome asks for, to be written in one batch. */
export function settlementOf(context: JobContext, event: JobEvent, status: SettledStatus): Settlement {
  const { at } = envelopeOf(event);
  const delivery = messageOf(context, status);
  const sent = delivery === undefined ? [] : [{ deliveryId: delivery.deliveryId, status: 'queued' as const }];
  return {
    change: {
      outcome: { status, at },
      outcomes: context.outcomes + 1,
      deliveries: [...context.deliveries, ...sent],
      nextPollAt: undefined,
      retryAt: undefined,
      ...(status === 'timedOut' ? { timedOutAt: at } : {}),
    },
    asks: [...toSession(context, status), ...(delivery === undefined ? [] : [toChat(delivery)])],
  };
}

function toSession(context: JobContext, status: SettledStatus): readonly SettlementAsk[] {
  const { sessionKey, wakeSession, historyRole: role, jobId } = context.input;
  if (sessionKey === undefined) return [];
  const entry = { role, content: historyText(context, status), externalJobId: jobId };
  return [
    { type: 'history.append', params: { session: sessionKey, entry } },
    ...(wakeSession === false ? [] : wake(context, status, sessionKey)),
  ];
}

function wake(context: JobContext, status: SettledStatus, session: string): readonly SettlementAsk[] {
  const { jobId, kind, label, sessionAttemptsMax } = context.input;
  return wakeAsks({
    ...{ processId: jobId, sequence: context.outcomes + 1, session, sessionAttemptsMax },
    ...{ eventType: `job.${status}`, causedBy: `job/${jobId}`, digest: status },
    input: { status, kind, label, text: historyText(context, status), ...resultOf(context, status) },
  });
}

function resultOf(context: JobContext, status: SettledStatus): object {
  if (status !== 'done') return { reason: reasonOf(context) };
  return { paths: context.artifacts.map(({ path }) => path) };
}

function toChat(input: DeliveryInput): SettlementAsk {
  return { type: 'actor.create', params: { kind: 'delivery', id: input.deliveryId, input } };
}

const HISTORY_WORDS = {
  done: 'complete',
  failed: 'failed',
  timedOut: 'timed out',
  cancelled: 'cancelled',
} as const;

function historyText(context: JobContext, status: SettledStatus): string {
  const rest = status === 'done' ? (context.artifacts[0]?.path ?? '') : reasonOf(context);
  return `[${context.input.kind} generation ${HISTORY_WORDS[status]}] ${rest}`;
}

function reasonOf({ error }: JobContext): string {
  return error?.message ?? 'no reason given';
}

function messageOf(context: JobContext, status: SettledStatus): DeliveryInput | undefined {
  const { delivery: target, deliveryPolicy, origin, jobId, kind, label } = context.input;
  if (target === undefined || origin === 'userDirect' || status === 'cancelled') return undefined;
  const { replyTo, ...address } = target;
  const files =
    status === 'done' ? context.artifacts.map((artifact, index) => fileOf(kind, artifact, index)) : [];
  return {
    ...address,
    ...(replyTo === undefined || origin === 'cron' ? {} : { replyTo }),
    ...(deliveryPolicy === undefined ? {} : { policy: deliveryPolicy }),
    deliveryId: deliveryIdOf(context),
    cause: `job/${jobId}`,
    jobId,
    text: status === 'done' ? `[${kind}] ${label}` : `[${kind} failed] ${label}: ${reasonOf(context)}`,
    files,
  };
}

function deliveryIdOf({ input, outcomes, outcome }: JobContext): string {
  if (outcomes === 0) return input.deliveryId;
  if (outcomes === 1 && outcome?.status === 'timedOut') return `${input.deliveryId}-late`;
  return `${input.deliveryId}-${outcomes + 1}`;
}

function fileOf(kind: string, { path, mime }: JobArtifact, index: number): DeliveryFile {
  const dot = path.lastIndexOf('.');
  const extension = dot > path.lastIndexOf('/') ? path.slice(dot) : '';
  return { name: `${kind}${index === 0 ? '' : `-${index + 1}`}${extension}`, mime, path };
}
