/**
 * Tasks of a running runtime, over HTTP.
 *
 * Owns: nothing; its calls are client.ts's. Callers: client.ts. Invariant: asking.ts's.
 */
import type { Page, TaskView } from '../index.js';
import { limits } from '../limits.js';
import { askingOver, segment } from './asking.js';
import type { Answer, Call } from './client.js';
import { pageWire } from './codec.js';
import { isNews, type ControlTasks, type SeenTask } from './task-port.js';
import { decisionWire, newTaskWire, seenTaskWire, taskWire } from './task-wire.js';
import { toWire } from './wire.js';

const CREATED = 201;

export function tasksOver(call: (call: Call) => Promise<Answer>): ControlTasks {
  const { answer, get, post } = askingOver(call);
  const act = async (id: string, name: string, body: unknown): Promise<TaskView> =>
    post<TaskView>(taskWire, taskPath(id, name), body);

  return {
    submit: async (task) => {
      const asked = { method: 'POST', path: '/v1/tasks', body: newTaskWire.toWire(task) } as const;
      const { status, body } = await answer<TaskView>(taskWire, asked);
      return { task: body, deduplicated: status !== CREATED };
    },
    view: async (id) => get<TaskView>(taskWire, taskPath(id)),
    list: async ({ parentId, ...filter } = {}) =>
      get<Page<TaskView>>(pageWire(taskWire), '/v1/tasks', { ...filter, parent: parentId }),
    cancel: async (id, reason) => act(id, 'cancel', reason === undefined ? {} : { reason }),
    retry: async (id, options = {}) => act(id, 'retry', toWire(options)),
    resume: async (id, decision) => act(id, 'resume', decisionWire.toWire(decision)),
    watch: async (id, { seen, signal }) => {
      const query = { timeout_ms: limits.controlWaitMs, seen };
      const timeoutMs = limits.controlWaitMs + limits.controlCallTimeoutMs;
      const path = taskPath(id, 'wait');
      for (;;) {
        signal.throwIfAborted();
        const asked = { method: 'GET', path, query, timeoutMs, signal } as const;
        const { body: found } = await answer<SeenTask>(seenTaskWire, asked);
        if (isNews(found, seen)) return found;
      }
    },
  };
}

function taskPath(id: string, action?: string): string {
  return ['/v1/tasks', segment('id', id), ...(action === undefined ? [] : [action])].join('/');
}
