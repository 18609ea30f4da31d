/**
 * Where the task commands do their work.
 *
 * Callers: the task commands. Invariant: in-directory.ts's; only a process that runs has something to watch.
 */
import { tasksAt, type ControlTasks, type TaskActs } from '../control/index.js';
import { inDirectory } from './in-directory.js';

/**
 * Runs `work` on the tasks of a directory and gives it back; `running` are those of the process that runs it.
 * Throws what `openOffline` throws.
 */
export async function atTasks<T>(
  directory: string,
  work: (tasks: TaskActs, running: ControlTasks | undefined) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: ({ tasks }) => work(tasks, tasks),
    closed: ({ tasks }) => work(tasksAt(tasks), undefined),
  });
}
