/**
 * The words of background tasks: what goes into the chart, what it hears, what it remembers.
 *
 * Owns: types only. Callers: task.ts, task-rules.ts, the tasks façade and its runs.
 * Invariants: everything here is plain JSON; prompt, checkpoint, results of tools and the output are rows
 * beside the context.
 */
import type { DeliveryPolicy, DeliverySettled, DeliveryTarget, JobDelivery, TurnName } from './job-words.js';
import type { EffectError } from './reserved.js';

export type TaskEnd = 'completed' | 'failed' | 'cancelled' | 'exhausted';
export type TaskStatus =
  /** No runner of that name is registered here: it waits for one. */
  | 'blocked'
  | 'pending'
  | 'running'
  /** A tool that must not run twice was cut off: it waits for a decision. */
  | 'interruptedTool'
  | 'cancelling'
  | TaskEnd;

export interface TaskUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
}

export interface TaskRequest {
  readonly prompt: string;
  readonly systemPrompt?: string;
  /** For the runner: JSON, passed on as it is. */
  readonly meta?: unknown;
}

export interface TaskInput {
  readonly taskId: string;
  /** The name of a registered runner. */
  readonly runner: string;
  /** The beginning of the prompt, at most 80 graphemes. */
  readonly label: string;
  /** For who asks for a task in a step: it becomes a row. The façade gives the row itself. */
  readonly request?: TaskRequest;
  readonly sessionKey?: string;
  readonly wakeSession?: false;
  /** The turn that asked for it; absent where nobody said so. */
  readonly turn?: TurnName;
  readonly sessionAttemptsMax?: number;
  readonly historyRole: string;
  readonly delivery?: DeliveryTarget;
  readonly deliveryPolicy?: DeliveryPolicy;
  /** The task that asked for it: cancelled, it cancels this one. */
  readonly parentId?: string;
  /** How many parents it has; 0 for a task of its own. */
  readonly depth: number;
  readonly maxIterations: number;
  /** Tokens in all; absent: no budget. */
  readonly tokenBudget?: number;
  /** From its first start; again from a retry, a decision, or the coming of its runner; ms. */
  readonly timeoutMs: number;
  readonly retentionMs: number;
}

/** A tool call that was begun and has not ended. */
export interface OpenCall {
  readonly callId: string;
  /** The tool, for people. */
  readonly name: string;
  readonly idempotent: boolean;
  /** The run that began it. */
  readonly run: string;
  readonly startedAt: number;
}

export interface TaskError {
  readonly code: string;
  readonly message: string;
}

export interface TaskCheckpoint {
  /** 1, 2, ...: how many there have been. */
  readonly index: number;
  readonly at: number;
  /** Rows that hold it, and characters in all. */
  readonly parts: number;
  readonly chars: number;
}

/** What a finished task has to say, cut for histories and messages; the whole is a row. */
export interface TaskOutput {
  readonly text: string;
  /** True when the row has less than the runner returned. */
  readonly truncated: boolean;
}

export interface TaskContext {
  readonly input: Omit<TaskInput, 'request'>;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  /** From when its time counts: its first start, and again from a retry, a decision or a runner's coming. */
  readonly timedFrom?: number | undefined;
  /** What the present run is known by: whatever another says is refused. */
  readonly run?: string | undefined;
  /** How often a runner was started since something was last achieved: a checkpoint, a tool's end. */
  readonly idleStarts: number;
  readonly iterations: number;
  readonly usage: TaskUsage;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly checkpoint?: TaskCheckpoint | undefined;
  readonly calls: readonly OpenCall[];
  /** Tool calls that have ended. */
  readonly callsEnded: number;
  /** Sub-tasks that have not ended. */
  readonly children: readonly string[];
  readonly output?: TaskOutput | undefined;
  readonly error?: TaskError | undefined;
  readonly exhausted?: 'iterations' | 'tokens' | undefined;
  readonly cancelReason?: string | undefined;
  /** Times it was begun anew: tool results of an earlier life are not found any more. */
  readonly life: number;
  /** The last end, for as long as it stands. */
  readonly end?: TaskEnd | undefined;
  /** Ends so far: a retried task has several, and each has its own delivery. */
  readonly outcomes: number;
  readonly deliveries: readonly JobDelivery[];
}

export interface RunInput {
  readonly taskId: string;
  readonly runner: string;
  readonly depth: number;
}

/** How a runner's run ended. The output's row comes with `task.output`, before it. */
export type RunAnswer =
  | { readonly type: 'completed'; readonly output: TaskOutput }
  | {
      readonly type: 'exhausted';
      readonly of: 'iterations' | 'tokens';
      readonly output?: TaskOutput;
    }
  | { readonly type: 'failed'; readonly error: TaskError }
  /** No such runner here. */
  | { readonly type: 'blocked' };

/** Of a run: refused unless it is the present one. */
interface OfRun {
  readonly run: string;
}

export type TaskEvent =
  | ({ readonly type: 'task.started'; readonly provider?: string; readonly model?: string } & OfRun)
  | ({ readonly type: 'task.iteration'; readonly iteration: number } & OfRun)
  /** What was used since the last such event. */
  | ({ readonly type: 'task.usage'; readonly usage: TaskUsage } & OfRun)
  /** Its rows come with the event. */
  | ({ readonly type: 'task.checkpoint'; readonly parts: number; readonly chars: number } & OfRun)
  | ({
      readonly type: 'tool.started';
      readonly callId: string;
      readonly name: string;
      readonly idempotent: boolean;
    } & OfRun)
  /** Its result, or what it threw, is a row that comes with the event. */
  | ({ readonly type: 'tool.ended'; readonly callId: string } & OfRun)
  /** The whole output is a row that comes with the event. */
  | ({ readonly type: 'task.output' } & OfRun)
  /** A sub-task, made in this step. */
  | ({ readonly type: 'task.spawn'; readonly child: TaskInput } & OfRun)
  | { readonly type: 'child.settled'; readonly taskId: string }
  /** The runner has come to its end without an answer: its task was cancelled, or its process goes. */
  | ({ readonly type: 'run.released' } & OfRun)
  | { readonly type: 'runner.available' }
  | DeliverySettled
  /** An operator's decision on a tool call; a result is a row that comes with the event. */
  | { readonly type: 'tool.resolve'; readonly callId: string; readonly as: 'result' | 'rerun' }
  | { readonly type: 'task.cancel'; readonly reason?: string }
  | { readonly type: 'task.retry'; readonly fromStart: boolean }
  | { readonly type: 'xstate.done.actor.run'; readonly output: RunAnswer }
  | { readonly type: 'xstate.error.actor.run'; readonly error: EffectError };
