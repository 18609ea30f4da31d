/**
 * The runner port: how an agent's own loop is run as a background task, durably.
 *
 * Types. Callers: users' runners, src/runners, the façade's run. Invariants a runner may rely on:
 *  1  What a call of the context resolves with is on disk (K1).
 *  2  After a crash it is called again with the last checkpoint. A tool call that ended then is not run
 *     again: its result is given back. One that was cut off runs again if it is idempotent; else the task
 *     waits for a decision, and the runner is not called.
 *  3  Once its signal has fired nothing it says counts: every call of the context rejects with TASK_RUN_OVER.
 */
import type { Json } from '../../json.js';
import type { TaskUsage } from '../../machines/index.js';
import type { NewTask, TaskHandle } from './face.js';

export interface RunnerInput {
  readonly taskId: string;
  readonly prompt: string;
  readonly systemPrompt?: string;
  readonly sessionKey?: string;
  /** What the task was submitted with for its runner. */
  readonly meta?: Json;
  /** The last checkpoint's state; undefined at a first start. */
  readonly checkpoint?: Json;
  /** Iterations so far, of earlier runs too. */
  readonly iterations: number;
  readonly maxIterations: number;
  readonly tokenBudget?: number;
  /** Tokens so far. */
  readonly usage: TaskUsage;
}

export interface ToolOptions {
  /** True: after a crash in its middle it may run again. Default false. */
  readonly idempotent?: boolean;
  /** The tool, for people; default the call's id. */
  readonly name?: string;
}

export interface ToolContext {
  /** Fires when the task is cancelled, and at the very end of a close; a close lets tools end. */
  readonly signal: AbortSignal;
}

export interface RunnerContext {
  /** Fires on cancel, on the deadline, and when the runtime drains and no tool runs. */
  readonly signal: AbortSignal;
  /**
   * Notes that iteration `n` (1, 2, ...) begins. Rejects with TASK_EXHAUSTED when it is beyond the budget:
   * let that pass, and the task ends `exhausted`.
   */
  iteration(n: number): Promise<void>;
  /** Adds tokens to the task's usage. Rejects with TASK_EXHAUSTED when the budget is used up. */
  usage(used: Partial<TaskUsage>): Promise<void>;
  /** Keeps a state to go on from: JSON of 4 MiB at most. */
  checkpoint(state: Json): Promise<void>;
  /**
   * Runs a tool once. `callId` names the call: the same at every run, 1 to 300 characters. What it returns is
   * JSON of 256 KiB at most; what it throws is recorded, too, and thrown again. Rejects with INVALID_INPUT.
   */
  tool<Result>(
    callId: string,
    options: ToolOptions,
    run: (context: ToolContext) => Result | Promise<Result>,
  ): Promise<Result>;
  /**
   * A sub-task, once for each key: cancelled with this task. Its `settled` rejects with TASK_RUN_OVER once
   * the signal of this run has fired.
   */
  subtask(key: string, task: NewTask): Promise<TaskHandle>;
}

export interface RunnerResult {
  /** What there is to say: 200 KiB at most as JSON, longer ones are cut. */
  readonly output: string;
  readonly usage?: Partial<TaskUsage>;
  /** Given when a budget of the runner's own is used up: the task is not completed. */
  readonly exhausted?: 'iterations' | 'tokens';
}

export type Runner = RunnerFunction | RunnerObject;

export type RunnerFunction = (input: RunnerInput, context: RunnerContext) => Promise<RunnerResult>;

export interface RunnerObject {
  /** Shown with the task once it has started. */
  readonly provider?: string;
  readonly model?: string;
  readonly run: RunnerFunction;
}
