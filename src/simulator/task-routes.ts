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

/**
 * `read` gives the task that is asked for, or the refusal; `answer` says what came of it. `known` answers,
 * or refuses, a request that is not to make a task.
 */
export function submitRoute(
  path: RegExp,
  read: (call: Call) => TaskRequest | Reply,
  answer: (created: Task, sight: Sight | undefined, call: Call, world: World) => Reply,
  known: (request: TaskRequest, call: Call, world: World) => Reply | undefined = () => undefined,
): Route {
  const subjects = (call: Call): readonly Subject[] => {
    const request = read(call);
    if ('body' in request) return [{}];
    const { kind, prompt, key } = request;
    return [{ kind, prompt, ...(key === undefined ? {} : { key }) }];
  };
  const run = (call: Call, world: World): Outcome => {
    const request = read(call);
    if ('body' in request) return { reply: request };
    const reply = known(request, call, world);
    if (reply !== undefined) return { reply };
    const { terminal } = call;
    const created = world.tasks.create(terminal === undefined ? request : { ...request, terminal });
    return { reply: answer(created, world.tasks.glance(created), call, world), created };
  };
  return { action: 'submit', method: 'POST', path, guard: 'key', subjects, run };
}

/** Which task a call is about. */
export interface Finder {
  /** What the call names it by. */
  readonly idIn: (call: Call) => string;
  readonly find: (call: Call, world: World) => Task | undefined;
}

/** By the group of the path that has this index; `isThere` says whether the path is one of the task's own. */
export function byId(
  provider: ProviderName,
  index = 0,
  isThere: (task: Task, call: Call) => boolean = () => true,
): Finder {
  const idIn = ({ params }: Call): string => params[index] ?? '';
  const find = (call: Call, world: World): Task | undefined => {
    const task = world.tasks.byId(provider, idIn(call));
    return task !== undefined && isThere(task, call) ? task : undefined;
  };
  return { idIn, find };
}

/** About one task; `missing` is the reply when there is none, or when `run` gives none. */
export function taskRoute(
  route: Pick<Route, 'action' | 'method' | 'path' | 'query'>,
  { idIn, find }: Finder,
  missing: (call: Call) => Reply,
  run: (task: Task, call: Call, world: World) => Reply | undefined,
): Route {
  return {
    ...route,
    guard: 'key',
    subjects: (call, world) => {
      const task = find(call, world);
      return [task === undefined ? { taskId: idIn(call) } : subjectOf(task)];
    },
    run: (call, world) => {
      const task = find(call, world);
      return { reply: (task === undefined ? undefined : run(task, call, world)) ?? missing(call) };
    },
  };
}
