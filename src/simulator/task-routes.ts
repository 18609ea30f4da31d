/**
 * The routes that most dialects have: one that makes a task, and those that are about one.
 *
 * Callers: the dialects. Invariant: a request that is refused makes no task, and a task of another provider
 * is not found.
 */
import { subjectOf } from './dialect.js';
import type { Call, Outcome, Reply, Route, Subject, World } from './dialect.js';
import type { ProviderName } from './script.js';
import type { Sight, Task, TaskRequest } from './tasks.js';

/** `read` gives the task that is asked for, or the refusal; `answer` says what came of it. */
export function submitRoute(
  path: RegExp,
  read: (call: Call) => TaskRequest | Reply,
  answer: (created: Task, sight: Sight | undefined, call: Call, world: World) => Reply,
): Route {
  const subjects = (call: Call): readonly Subject[] => {
    const request = read(call);
    return 'body' in request ? [{}] : [{ kind: request.kind, prompt: request.prompt }];
  };
  const run = (call: Call, world: World): Outcome => {
    const request = read(call);
    if ('body' in request) return { reply: request };
    const { terminal } = call;
    const created = world.tasks.create(terminal === undefined ? request : { ...request, terminal });
    return { reply: answer(created, world.tasks.glance(created), call, world), created };
  };
  return { action: 'submit', method: 'POST', path, guard: 'key', subjects, run };
}

/** About the task whose id is the first group of the path; `missing` is the reply when there is none. */
export function taskRoute(
  provider: ProviderName,
  route: Pick<Route, 'action' | 'method' | 'path'>,
  missing: () => Reply,
  run: (task: Task, call: Call, world: World) => Reply,
): Route {
  const find = ({ params: [id = ''] }: Call, world: World): Task | undefined =>
    world.tasks.byId(provider, id);
  return {
    ...route,
    guard: 'key',
    subjects: (call, world) => {
      const task = find(call, world);
      return [task === undefined ? { taskId: call.params[0] ?? '' } : subjectOf(task)];
    },
    run: (call, world) => {
      const task = find(call, world);
      return { reply: task === undefined ? missing() : run(task, call, world) };
    },
  };
}
