/**
 * The rules of tasks: whose word counts, what a start finds, when it is given up.
 *
 * Owns: nothing; pure. Callers: task.ts, task-settlement.ts, the tasks façade. Invariants:
 *  R1  What a run says counts while it is the present one.
 *  R2  A tool call that must not run twice, and was begun by an earlier run, stops the task until somebody
 *      decides.
 *  R3  A task that is started again and again and achieves nothing is given up; a clean stop is no start in
 *      vain.
 */
import { envelopeOf } from './envelope.js';
import type { ActorSend, PayloadDelete } from './reserved.js';
import type {
  RunAnswer,
  TaskContext,
  TaskError,
  TaskEvent,
  TaskInput,
  TaskStatus,
  TaskUsage,
} from './task-words.js';

export const taskDefaults = {
  maxIterations: 10,
  timeoutMs: 86_400_000,
  retentionMs: 86_400_000,
} as const;

/** The rows beside a task's record. */
export const taskRows = {
  request: 'request',
  output: 'output',
  /** Part `n` of the checkpoint, from 0. */
  checkpoint: (n: number): string => `checkpoint.${n}`,
  /** What became of a tool call in that life of the task; `hash` is that of the call's id. */
  tool: (life: number, hash: string): string => `tool.${life}.${hash}`,
} as const;

export const taskRules = {
  /** Starts without a checkpoint, or a tool's end, between them. */
  idleStartsMax: 10,
  /** How long the runner of a cancelled task may take to come to its end. */
  letGoMs: 30_000,
} as const;

type Change = Partial<TaskContext>;

const NO_USAGE: TaskUsage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 };

export function startTask(input: TaskInput): TaskContext {
  const { request: _request, ...kept } = input;
  const { at } = envelopeOf({ input });
  return {
    ...{ input: kept, createdAt: at, updatedAt: at, idleStarts: 0, iterations: 0, usage: NO_USAGE },
    ...{ calls: [], callsEnded: 0, children: [], life: 0, outcomes: 0, deliveries: [] },
  };
}

const STATUS_OF_STATE = new Map<unknown, TaskStatus>([
  ['blocked', 'blocked'],
  ['interruptedTool', 'interruptedTool'],
  ['cancelling', 'cancelling'],
]);

/** What a snapshot is to a user. */
export function taskStatus({ value, context }: TaskMoment): TaskStatus {
  const plain = STATUS_OF_STATE.get(value);
  if (plain !== undefined) return plain;
  const { active, settled } = Object(value) as {
    readonly active?: TaskStatus;
    readonly settled?: TaskStatus;
  };
  // One that is closed, and not collected yet, is what it was.
  return active ?? settled ?? (context as Partial<TaskContext>).end ?? 'pending';
}

/** The parts of a snapshot that say where a task is. */
export interface TaskMoment {
  readonly value: unknown;
  readonly context: unknown;
}

export function isSettledTask(status: TaskStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled' || status === 'exhausted';
}

/** R1. */
export function isPresentRun({ run }: TaskContext, event: TaskEvent): boolean {
  return 'run' in event && event.run === run;
}

/** R2. */
export function meetsInterruptedCall({ calls }: TaskContext, event: TaskEvent): boolean {
  return event.type === 'task.started' && calls.some((call) => !call.idempotent && call.run !== event.run);
}

/** R3. */
export function startsInVain({ idleStarts }: TaskContext): boolean {
  return idleStarts >= taskRules.idleStartsMax;
}

/** Calls that an earlier run began and that may run twice are begun again by this one. */
export function started(context: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'task.started') return {};
  const { run, provider, model } = event;
  const { at } = envelopeOf(event);
  const { startedAt = at, timedFrom = at, idleStarts } = context;
  return { run, provider, model, startedAt, timedFrom, idleStarts: idleStarts + 1, calls: [] };
}

/** Its runner had no time to achieve anything, and is not to blame for it. */
export function stoppedCleanly({ idleStarts }: TaskContext): Change {
  return { idleStarts: Math.max(0, idleStarts - 1) };
}

export function iterated({ iterations }: TaskContext, event: TaskEvent): Change {
  return event.type === 'task.iteration' ? { iterations: Math.max(iterations, event.iteration) } : {};
}

export function used({ usage }: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'task.usage') return {};
  const { inputTokens, outputTokens, totalTokens } = event.usage;
  return {
    usage: {
      inputTokens: usage.inputTokens + inputTokens,
      outputTokens: usage.outputTokens + outputTokens,
      totalTokens: usage.totalTokens + totalTokens,
    },
  };
}

export function checkpointed({ checkpoint }: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'task.checkpoint') return {};
  const { parts, chars } = event;
  const index = (checkpoint?.index ?? 0) + 1;
  return { checkpoint: { index, at: envelopeOf(event).at, parts, chars }, idleStarts: 0 };
}

export function toolStarted({ calls }: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'tool.started') return {};
  const { callId, name, idempotent, run } = event;
  const others = calls.filter((call) => call.callId !== callId);
  return { calls: [...others, { callId, name, idempotent, run, startedAt: envelopeOf(event).at }] };
}

export function toolEnded({ calls, callsEnded }: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'tool.ended') return {};
  return {
    calls: calls.filter(({ callId }) => callId !== event.callId),
    callsEnded: callsEnded + 1,
    idleStarts: 0,
  };
}

/** The rows of the last checkpoint from part `first` on: those that a new one does not write over. */
export function leftoverParts({ checkpoint }: TaskContext, first: number): readonly PayloadDelete[] {
  const parts = checkpoint?.parts ?? 0;
  return Array.from({ length: Math.max(0, parts - first) }, (_none, at) => ({
    name: taskRows.checkpoint(first + at),
  }));
}

/** False for a call that is not open. */
export function isOpenCall({ calls }: TaskContext, event: TaskEvent): boolean {
  return event.type === 'tool.resolve' && calls.some(({ callId }) => callId === event.callId);
}

/** Asked before the decision is noted: is it the last that was missing? */
export function resolvesAll({ calls }: TaskContext, event: TaskEvent): boolean {
  if (event.type !== 'tool.resolve') return false;
  const waiting = calls.filter(({ idempotent }) => !idempotent);
  return waiting.length === 1 && waiting[0]?.callId === event.callId;
}

export function resolved({ calls, callsEnded }: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'tool.resolve') return {};
  return {
    calls: calls.filter(({ callId }) => callId !== event.callId),
    callsEnded: event.as === 'result' ? callsEnded + 1 : callsEnded,
    timedFrom: undefined,
    idleStarts: 0,
  };
}

export function spawned({ children }: TaskContext, event: TaskEvent): Change {
  if (event.type !== 'task.spawn' || children.includes(event.child.taskId)) return {};
  return { children: [...children, event.child.taskId] };
}

export function withoutChild({ children }: TaskContext, event: TaskEvent): Change {
  return event.type === 'child.settled' ? { children: children.filter((id) => id !== event.taskId) } : {};
}

/** Why a sub-task was cancelled that nobody cancelled by itself. */
export const CANCELLED_WITH_PARENT = 'the task that asked for it was cancelled';

export function cancelChildren({ children }: TaskContext): readonly ActorSend[] {
  const event: TaskEvent = { type: 'task.cancel', reason: CANCELLED_WITH_PARENT };
  return children.map((id) => ({ to: `task/${id}`, event }));
}

/** What a run that came to its end leaves. */
export function answered(event: TaskEvent): Change {
  if (event.type === 'xstate.error.actor.run') {
    const { name, message, code = name } = event.error;
    return { error: { code, message } };
  }
  const answer: RunAnswer | undefined = event.type === 'xstate.done.actor.run' ? event.output : undefined;
  if (answer?.type === 'completed') return { output: answer.output, error: undefined };
  if (answer?.type === 'exhausted') return { output: answer.output, exhausted: answer.of };
  return answer?.type === 'failed' ? { error: answer.error } : {};
}

export function failure(error: TaskError): Change {
  return { error };
}

/** A task that is tried again: its budgets are new, and with `fromStart` nothing of before is known. */
export function retried({ life }: TaskContext, event: TaskEvent): Change {
  const again: Change = {
    ...{ error: undefined, exhausted: undefined, output: undefined, endedAt: undefined, end: undefined },
    ...{ startedAt: undefined, timedFrom: undefined, cancelReason: undefined, run: undefined },
    ...{ idleStarts: 0, iterations: 0, usage: NO_USAGE },
  };
  if (!forgets(event)) return again;
  return { ...again, checkpoint: undefined, calls: [], callsEnded: 0, life: life + 1 };
}

export function forgets(event: TaskEvent): boolean {
  return event.type === 'task.retry' && event.fromStart;
}

export function cancelled(event: TaskEvent): Change {
  return event.type === 'task.cancel' ? { cancelReason: event.reason } : {};
}

/** From now until it has run for as long as it may. */
export function msUntilDeadline({ input, timedFrom }: TaskContext, event: TaskEvent): number {
  const { at } = envelopeOf(event);
  return Math.max(0, (timedFrom ?? at) + input.timeoutMs - at);
}
