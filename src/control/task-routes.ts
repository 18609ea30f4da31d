/**
 * The routes of background tasks.
 *
 *   GET  /v1/tasks   /v1/tasks/:id           POST /v1/tasks
 *   GET  /v1/tasks/:id/wait                  POST /v1/tasks/:id/{cancel,retry,resume}
 *
 * Owns: nothing. Callers: routes.ts. Invariants: those of routes.ts; and what is of users passes unchanged.
 */
import type { Context, Hono } from 'hono';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import type { NewTask, TaskView } from '../index.js';
import { limits } from '../limits.js';
import { bodyOf, respond } from './answer.js';
import { pageWire } from './codec.js';
import { accepted, cancelBody, retryTaskBody, tasksQuery, taskWaitQuery } from './input.js';
import { tasksAt } from './task-acts.js';
import { isNews, type ControlledTasks, type SeenTask, type WatchTask } from './task-port.js';
import { decisionFrom, newTaskWire, seenTaskWire, taskWire } from './task-wire.js';

export interface TaskRoutesOptions {
  readonly clock: Clock;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

export function taskRoutes(app: Hono, face: ControlledTasks, options: TaskRoutesOptions): void {
  const tasks = tasksAt(face);
  const act = (name: string, run: (id: string, body: unknown) => Promise<TaskView>): void => {
    app.post(`/v1/tasks/:id/${name}`, async (c) =>
      respond(c, taskWire.toWire(await run(c.req.param('id') ?? '', await bodyOf(c)))),
    );
  };
  app.post('/v1/tasks', async (c) => {
    // The façade checks what is in it.
    const asked = newTaskWire.fromWire(await bodyOf(c), '') as NewTask;
    const { task, deduplicated } = await tasks.submit(asked);
    return respond(c, taskWire.toWire(task), deduplicated ? 200 : 201);
  });
  app.get('/v1/tasks', async (c) => {
    const { parent, ...filter } = accepted(tasksQuery, c.req.query());
    return respond(c, pageWire(taskWire).toWire(await tasks.list({ ...filter, parentId: parent })));
  });
  app.get('/v1/tasks/:id', async (c) => respond(c, taskWire.toWire(await tasks.view(c.req.param('id')))));
  app.get('/v1/tasks/:id/wait', (c) => wait(c, face, options));
  act('cancel', async (id, body) => tasks.cancel(id, accepted(cancelBody, body).reason));
  act('retry', async (id, body) => tasks.retry(id, { fromStart: accepted(retryTaskBody, body).fromStart }));
  act('resume', async (id, body) => tasks.resume(id, decisionFrom(body)));
}

/** Answers when the task has settled, has changed since `seen`, or the time is over: as it is then. */
async function wait(
  c: Context<object, '/v1/tasks/:id/wait'>,
  tasks: ControlledTasks,
  { clock, closing }: TaskRoutesOptions,
): Promise<Response> {
  const { timeoutMs = limits.controlWaitMs, seen } = accepted(taskWaitQuery, c.req.query());
  const patience = new AbortController();
  const cancel = clock.schedule(timeoutMs, () => patience.abort());
  const signal = AbortSignal.any([patience.signal, closing, c.req.raw.signal]);
  try {
    const found = await watched(tasks, c.req.param('id'), {
      signal,
      ...(seen === undefined ? {} : { seen }),
    });
    // Who is told no news asks again, and would find nobody.
    if (closing.aborted && !isNews(found, seen))
      throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing');
    return respond(c, seenTaskWire.toWire(found));
  } finally {
    cancel();
  }
}

async function watched(tasks: ControlledTasks, id: string, { seen, signal }: WatchTask): Promise<SeenTask> {
  let found = await tasks.watch(id, { signal, ...(seen === undefined ? {} : { seen }) });
  // Who has seen nothing waits for the end.
  while (seen === undefined && !isNews(found, seen) && !signal.aborted)
    found = await tasks.watch(id, { seen: found.seen, signal });
  return found;
}
