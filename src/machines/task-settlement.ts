/**
 * The settlement of a task: what its end writes into the session, sends to the chat and tells its parent.
 *
 * Owns: the words of history entries, wakes and messages, and the ids of deliveries. Callers: task.ts.
 * Invariants: one history entry and one wake an end where there is a session, one delivery where one is
 * wanted, each with an id of its own; a cancelled task pushes nothing.
 */
import type { DeliveryInput } from './delivery.js';
import { envelopeOf } from './envelope.js';
import type { ActorCreate, ActorSend, HistoryAppend } from './reserved.js';
import { wakeAsks } from './session-wake.js';
import type { TaskContext, TaskEnd, TaskEvent } from './task-words.js';

export type TaskSettlementAsk =
  | { readonly type: 'history.append'; readonly params: HistoryAppend }
  | { readonly type: 'actor.create'; readonly params: ActorCreate }
  | { readonly type: 'actor.send'; readonly params: ActorSend };

export interface TaskSettlement {
  readonly change: Partial<TaskContext>;
  readonly asks: readonly TaskSettlementAsk[];
}

/** Everything one end asks for, to be written in one batch. */
export function taskSettlementOf(context: TaskContext, event: TaskEvent, status: TaskEnd): TaskSettlement {
  const { at } = envelopeOf(event);
  const { taskId, parentId } = context.input;
  const delivery = messageOf(context, status);
  const sent = delivery === undefined ? [] : [{ deliveryId: delivery.deliveryId, status: 'queued' as const }];
  const change = {
    ...{ end: status, endedAt: at, updatedAt: at, outcomes: context.outcomes + 1 },
    deliveries: [...context.deliveries, ...sent],
  };
  const toChat: readonly TaskSettlementAsk[] = delivery === undefined ? [] : [sendOf(delivery)];
  const toParent: readonly TaskSettlementAsk[] = parentId === undefined ? [] : [tellParent(parentId, taskId)];
  return { change, asks: [...toSession(context, status), ...toChat, ...toParent] };
}

function sendOf(input: DeliveryInput): TaskSettlementAsk {
  return { type: 'actor.create', params: { kind: 'delivery', id: input.deliveryId, input } };
}

function tellParent(parentId: string, taskId: string): TaskSettlementAsk {
  const event: Extract<TaskEvent, { type: 'child.settled' }> = { type: 'child.settled', taskId };
  return { type: 'actor.send', params: { to: `task/${parentId}`, event } };
}

function toSession(context: TaskContext, status: TaskEnd): readonly TaskSettlementAsk[] {
  const { taskId, label, sessionKey, wakeSession, sessionAttemptsMax, historyRole } = context.input;
  if (sessionKey === undefined) return [];
  const text = textOf(context, status);
  const entry = { role: historyRole, content: text, taskId };
  const wake = wakeAsks({
    ...{ processId: taskId, sequence: context.outcomes + 1, session: sessionKey, sessionAttemptsMax },
    ...{ eventType: `task.${status}`, causedBy: `task/${taskId}`, digest: status },
    input: { status, label, text },
  });
  return [
    { type: 'history.append', params: { session: sessionKey, entry } },
    ...(wakeSession === false ? [] : wake),
  ];
}

const WORDS = {
  completed: 'complete',
  failed: 'failed',
  cancelled: 'cancelled',
  exhausted: 'stopped: its budget is used up',
} as const satisfies Record<TaskEnd, string>;

function textOf(context: TaskContext, status: TaskEnd): string {
  const { output, error, cancelReason } = context;
  const said = status === 'failed' ? error?.message : (output?.text ?? cancelReason);
  return `[task ${WORDS[status]}]${said === undefined || said === '' ? '' : ` ${said}`}`;
}

function messageOf(context: TaskContext, status: TaskEnd): DeliveryInput | undefined {
  const { delivery, deliveryPolicy, taskId, label } = context.input;
  if (delivery === undefined || status === 'cancelled') return undefined;
  const text = status === 'completed' ? (context.output?.text ?? '') : textOf(context, status);
  return {
    ...delivery,
    ...(deliveryPolicy === undefined ? {} : { policy: deliveryPolicy }),
    deliveryId: `delivery_${taskId}-${context.outcomes + 1}`,
    cause: `task/${taskId}`,
    text: text === '' ? `[task ${WORDS[status]}] ${label}` : text,
    files: [],
  };
}
