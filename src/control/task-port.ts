/**
 * What other processes, and the CLI in a directory nobody holds, may do with tasks.
 *
 * Types, and what is news. Callers: task-acts.ts, task-client.ts, task-routes.ts, the CLI. Invariant: both
 * implementations mean the same by every method, errors included.
 */
import type { ListTasks, NewTask, Page, RetryTask, TasksFace, TaskView, ToolDecision } from '../index.js';

/** The part of the façade that needs no process that runs. */
export type TaskActsFace = Pick<TasksFace, 'submit' | 'view' | 'list' | 'cancel' | 'retry' | 'resume'>;

/** The part of a runtime's façade that other processes may reach. */
export type ControlledTasks = TaskActsFace & Pick<TasksFace, 'watch'>;

export interface SubmittedTask {
  readonly task: TaskView;
  /** True when the task was found under its idempotency key. */
  readonly deduplicated: boolean;
}

/** A task as it was at its step `seen`. */
export interface SeenTask {
  readonly task: TaskView;
  readonly seen: number;
}

export interface WatchTask {
  /** Answers at the first change after this step; without it, at the end alone. */
  readonly seen?: number;
  readonly signal: AbortSignal;
}

/** A method that needs a task throws ACTOR_NOT_FOUND where there is none of that id. */
export interface TaskActs {
  /** Throws as `TasksFace.submit`. */
  submit(task: NewTask): Promise<SubmittedTask>;
  view(id: string): Promise<TaskView>;
  /** Newest first. */
  list(filter?: ListTasks): Promise<Page<TaskView>>;
  /** The task afterwards. Throws TASK_SETTLED. */
  cancel(id: string, reason?: string): Promise<TaskView>;
  /** The task afterwards. Throws TASK_NOT_RETRYABLE. */
  retry(id: string, options?: RetryTask): Promise<TaskView>;
  /** The task afterwards. Throws TASK_NOT_INTERRUPTED. */
  resume(id: string, decision: ToolDecision): Promise<TaskView>;
}

/** Of a runtime that runs. */
export interface ControlTasks extends TaskActs {
  /** Resolves when the task has settled or changed, however long that takes; rejects when `signal` aborts. */
  watch(id: string, options: WatchTask): Promise<SeenTask>;
}

/** Does it answer who has seen step `seen`, or, without one, who waits for the end? */
export function isNews({ task, seen: at }: SeenTask, seen: number | undefined): boolean {
  return task.endedAt !== undefined || (seen !== undefined && at !== seen);
}
