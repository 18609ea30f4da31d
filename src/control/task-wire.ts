/**
 * What is said about tasks on the wire: one table a thing, for both directions.
 *
 * Pure. Callers: task-routes.ts, task-client.ts, the CLI. Invariants: those of codec.ts; and what is of users
 * and their tools (meta, a tool's result) passes as it is.
 */
import type { NewTask, TaskUsage, TaskView, ToolDecision } from '../index.js';
import type { Json } from '../json.js';
import { fieldsOf, listOf, refused, same } from './codec.js';
import type { SeenTask } from './task-port.js';

type Delivery = NonNullable<NewTask['delivery']>;

export const newTaskWire = fieldsOf<NewTask>({
  ...{ prompt: same, systemPrompt: same, runner: same, meta: same, idempotencyKey: same },
  ...{ sessionKey: same, wakeSession: same, historyRole: same },
  ...{ maxIterations: same, tokenBudget: same, timeoutMs: same, retentionMs: same },
  turn: fieldsOf<NonNullable<NewTask['turn']>>({ sessionId: same, turnId: same }),
  delivery: fieldsOf<Delivery>({
    ...{ channel: same, target: same, isGroup: same, replyTo: same, account: same, meta: same },
  }),
});

export const taskWire = fieldsOf<TaskView>({
  ...{ id: same, status: same, label: same, runner: same, provider: same, model: same },
  ...{ prompt: same, systemPrompt: same, meta: same, sessionKey: same, parentId: same, children: same },
  createdAt: { name: 'created_at_ms', codec: same },
  updatedAt: { name: 'updated_at_ms', codec: same },
  startedAt: { name: 'started_at_ms', codec: same },
  endedAt: { name: 'ended_at_ms', codec: same },
  ...{ iterations: same, maxIterations: same, tokenBudget: same, toolCalls: same },
  usage: fieldsOf<TaskUsage>({ inputTokens: same, outputTokens: same, totalTokens: same }),
  checkpoint: fieldsOf<NonNullable<TaskView['checkpoint']>>({
    ...{ index: same, chars: same },
    at: { name: 'at_ms', codec: same },
  }),
  openCalls: listOf(
    fieldsOf<TaskView['openCalls'][number]>({
      ...{ callId: same, name: same, idempotent: same },
      startedAt: { name: 'started_at_ms', codec: same },
    }),
  ),
  ...{ result: same, resultTruncated: same, exhausted: same, error: same, cancelReason: same },
  deliveryStatus: same,
});

export const seenTaskWire = fieldsOf<SeenTask>({ task: taskWire, seen: same });

const decision = { callId: same, result: same, rerun: same };
export const decisionWire = fieldsOf<Record<keyof typeof decision, unknown>>(decision);

/** A decision as it came over the wire. Throws INVALID_INPUT unless it says one thing. */
export function decisionFrom(body: unknown): ToolDecision {
  const given = Object(decisionWire.fromWire(body, '')) as Readonly<Record<string, unknown>>;
  const { callId, result, rerun } = given;
  if (typeof callId !== 'string') throw refused('call_id', 'is not the id of a call');
  if ('result' in given === (rerun !== undefined))
    throw refused('result', 'give a result, or "rerun": true, and not both');
  // The body was JSON.
  if (rerun === undefined) return { callId, result: result as Json };
  if (rerun !== true) throw refused('rerun', 'is nothing but true');
  return { callId, rerun };
}
