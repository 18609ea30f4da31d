/**
 * The words of the tasks façade: what callers and the doors see of background tasks.
 *
 * Types. Callers: the façade's own files, the doors, users. Invariant: everything a caller is shown is plain
 * JSON; times are epoch milliseconds.
 */
import type { Json, JsonObject } from '../../json.js';
import type { TaskError, TaskStatus, TaskUsage } from '../../machines/index.js';
import type { Page, PageOptions } from '../kernel/index.js';
import type { OperatorOptions } from '../operator.js';
import type { Runner } from './runner.js';

/** Defaults for every task of a runtime, and who runs them (`tasks`). */
export interface TasksOptions {
  /** By name; a task that names none takes `default`, or the only one. */
  readonly runners?: Readonly<Record<string, Runner>>;
  /** Tasks that run at once; 1 to 1,000, default 8. Sub-tasks have as many places of their own a depth. */
  readonly concurrency?: number;
  /**
   * How far apart tasks are started that were incomplete when the runtime was opened; ms, 0 to an hour,
   * default 250.
   */
  readonly staggerMs?: number;
  /** 1 to 10,000; default 10. */
  readonly maxIterations?: number;
  /** From its first start, and anew from a retry or a decision; ms, 1 to 366 days, default 24 h. */
  readonly timeoutMs?: number;
  /** How long a finished task stays; ms, up to 366 days, default 24 h. */
  readonly retentionMs?: number;
}

export interface NewTask {
  /** With the system prompt and `meta`: 256 KiB at most as JSON. */
  readonly prompt: string;
  readonly systemPrompt?: string;
  /** The name of a runner; default `default`, or the only one. */
  readonly runner?: string;
  /** Its end is written into this session's history, and wakes it. 1 to 500 characters. */
  readonly sessionKey?: string;
  /** False: the session is not woken. */
  readonly wakeSession?: boolean;
  /**
   * The turn that asks for it, a `Turn` for one: what stories are told by. Default: what ran in its session
   * then.
   */
  readonly turn?: { readonly sessionId: string; readonly turnId: string };
  /** Who gets its end as a message. */
  readonly delivery?: {
    readonly channel: string;
    readonly target: string;
    readonly isGroup?: boolean;
    readonly replyTo?: string;
    readonly account?: string;
    readonly meta?: JsonObject;
  };
  /** Submitted twice under one key, it is one task. 1 to 300 characters. */
  readonly idempotencyKey?: string;
  /** 1 to 10,000; default the runtime's, or 10. */
  readonly maxIterations?: number;
  /** Tokens in all, from 1; default: no budget. */
  readonly tokenBudget?: number;
  /** As in the runtime's options, which are its default. */
  readonly timeoutMs?: number;
  /** As in the runtime's options; of a sub-task no less than its parent's `timeoutMs`. */
  readonly retentionMs?: number;
  /** Of the entry in the history; 1 to 50 characters, default `assistant`. */
  readonly historyRole?: string;
  /** For the runner, as it is. */
  readonly meta?: JsonObject;
}

export interface TaskView {
  readonly id: string;
  readonly status: TaskStatus;
  /** The beginning of the prompt, at most 80 graphemes. */
  readonly label: string;
  readonly runner: string;
  readonly provider?: string;
  readonly model?: string;
  readonly prompt?: string;
  readonly systemPrompt?: string;
  readonly meta?: JsonObject;
  readonly sessionKey?: string;
  readonly parentId?: string;
  /** Sub-tasks that have not ended. */
  readonly children: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly iterations: number;
  readonly maxIterations: number;
  readonly usage: TaskUsage;
  readonly tokenBudget?: number;
  readonly checkpoint?: { readonly index: number; readonly at: number; readonly chars: number };
  readonly toolCalls: number;
  /** Calls that have begun and not ended; of `interruptedTool`, those to decide about. */
  readonly openCalls: readonly {
    readonly callId: string;
    readonly name: string;
    readonly idempotent: boolean;
    readonly startedAt: number;
  }[];
  readonly result?: string;
  readonly resultTruncated?: boolean;
  readonly exhausted?: 'iterations' | 'tokens';
  readonly error?: TaskError;
  readonly cancelReason?: string;
  readonly deliveryStatus: 'none' | 'queued' | 'delivered' | 'exhausted' | 'dismissed';
}

export interface ListTasks extends Omit<PageOptions, 'newestFirst'> {
  /** One of these at most. Newest first. */
  readonly status?: TaskStatus | undefined;
  readonly parentId?: string | undefined;
}

/** What became of a tool call that was cut off: its result (256 KiB as JSON), or that it is to run again. */
export type ToolDecision =
  | { readonly callId: string; readonly result: Json }
  | { readonly callId: string; readonly rerun: true };

export interface RetryTask {
  /** True: checkpoint and tool results are forgotten. Default: it goes on from the last checkpoint. */
  readonly fromStart?: boolean;
}

/** One task, to look at, to wait for and to act on. Holds nothing. */
export interface TaskHandle {
  readonly id: string;
  /** True when `submit` found the task under its idempotency key. */
  readonly deduplicated: boolean;
  /** Throws ACTOR_NOT_FOUND. */
  view(): Promise<TaskView>;
  /** Resolves for every end; rejects with ACTOR_NOT_FOUND once the task was removed. */
  settled(options?: { readonly signal?: AbortSignal }): Promise<TaskView>;
  /** These three as those of `TasksFace`. */
  cancel(reason?: string): Promise<void>;
  retry(options?: RetryTask): Promise<void>;
  resume(decision: ToolDecision): Promise<void>;
}

/** What a caller outside of the process may do as well: the doors are written against this. */
export interface TasksFace {
  /** Throws INVALID_INPUT, RUNNER_UNKNOWN. */
  submit(task: NewTask): Promise<TaskHandle>;
  /** Without looking whether there is such a task. */
  get(id: string): TaskHandle;
  /** What names a task that is not there throws ACTOR_NOT_FOUND, here and below. */
  view(id: string): Promise<TaskView>;
  status(id: string): Promise<TaskStatus>;
  /** Newest first; without prompts and results. Throws INVALID_INPUT. */
  list(options?: ListTasks): Promise<Page<TaskView>>;
  /** `reason` has 1 to 1,000 characters. Throws TASK_SETTLED naming the status. */
  cancel(id: string, reason?: string, by?: OperatorOptions): Promise<void>;
  /** Throws TASK_NOT_RETRYABLE. */
  retry(id: string, options?: RetryTask, by?: OperatorOptions): Promise<void>;
  /** Throws TASK_NOT_INTERRUPTED. */
  resume(id: string, decision: ToolDecision, by?: OperatorOptions): Promise<void>;
  /** Resolves when the task has settled, has changed since step `seen`, or `signal` aborts: as it is then. */
  watch(
    id: string,
    options: { readonly seen?: number; readonly signal: AbortSignal },
  ): Promise<{ readonly task: TaskView; readonly seen: number }>;
}
