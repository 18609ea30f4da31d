/**
 * What the doors do with tasks, done on the façade of a runtime, or of a directory that nobody runs.
 *
 * Owns: nothing. Callers: task-routes.ts, the CLI. Invariant: what is wrong is said before anything is
 * written.
 */
import type { TaskView } from '../index.js';
import type { TaskActs, TaskActsFace } from './task-port.js';

export function tasksAt(tasks: TaskActsFace): TaskActs {
  const after = async (id: string, act: Promise<void>): Promise<TaskView> => {
    await act;
    return tasks.view(id);
  };
  return {
    submit: async (task) => {
      const handle = await tasks.submit(task);
      return { task: await handle.view(), deduplicated: handle.deduplicated };
    },
    view: (id) => tasks.view(id),
    list: (filter) => tasks.list(filter),
    cancel: (id, reason) => after(id, tasks.cancel(id, reason)),
    retry: (id, options) => after(id, tasks.retry(id, options)),
    resume: (id, decision) => after(id, tasks.resume(id, decision)),
  };
}
