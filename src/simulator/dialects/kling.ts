/**
 * Kling: the 2026 video API ("the model is the endpoint"), and the older one (kling-legacy.ts) beside it.
 *
 * `POST /text-to-video/{model}`, `/image-to-video/{model}`, `/omni-video/{model}`; `GET
 * /tasks?task_ids=|external_task_ids=`. Tasks end in `succeeded`. Artifacts are at signed links without
 * credentials. Callers: server.ts. Invariants:
 *  K1  `/tasks` knows the tasks of its own generation alone.
 *  K2  Every poll of a finished task gives fresh links.
 */
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { bounds } from '../bounds.js';
import { textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, Route, Subject, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';
import { klingAccess } from './kling-access.js';
import { legacyRoutes, legacyTask } from './kling-legacy.js';
import {
  answer,
  klingSubmit,
  MOUNT,
  progressWords,
  PROVIDER,
  refusal,
  subjectById,
  subjectByKey,
  taskRequest,
  wrong,
} from './kling-words.js';

const FAMILY = '2026';

const codesByStatus: Readonly<Record<number, number>> = {
  400: 1200,
  401: 1000,
  402: 1101,
  403: 1103,
  404: 1203,
  500: 5000,
  503: 5001,
  504: 5002,
};

const refusedKeys = {
  missing: refusal(401, 1001, 'Authorization is empty'),
  invalid: refusal(401, 1002, 'Authorization is invalid'),
  early: refusal(401, 1003, 'Authorization is not yet valid'),
  expired: refusal(401, 1004, 'Authorization has expired'),
} as const;

export const klingDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    klingSubmit(/^\/(text-to-video|image-to-video|omni-video)\/([^/]+)$/, videoRequest, videoOf),
    batchRoute('poll', 'task_ids'),
    batchRoute('lookup', 'external_task_ids'),
    ...legacyRoutes,
    artifactRoute(PROVIDER),
  ],
  access: klingAccess,
  callback: {
    signing: 'standard',
    at: ['running', 'succeeded', 'failed'],
    body: (task, sight, world) =>
      task.echo.family === FAMILY ? videoOf(task, sight, world) : legacyTask(task, sight, world),
  },
  unauthorized: (why) => refusedKeys[why],
  noRoute: (path) => refusal(404, 1202, `the requested path ${path} does not exist`),
  malformed: (message) => refusal(400, 1200, message),
  rateLimited: (code = '1302') =>
    refusal(429, Number(code) || 1302, 'the request was rejected by the rate limit'),
  failing: (status) =>
    refusal(status, codesByStatus[status] ?? (status >= 500 ? 5000 : 1200), 'the request failed'),
};

function videoRequest(call: Call): TaskRequest | Reply {
  const { contents, settings = {}, options = {} } = call.fields;
  if (!isPlainObject(settings) || !isPlainObject(options)) {
    return wrong('settings and options must be objects');
  }
  if (settings.duration !== undefined && !Number.isInteger(settings.duration)) {
    return wrong('settings.duration must be an integer');
  }
  const items = Array.isArray(contents) ? contents.filter(isPlainObject) : [];
  const item = items.find((candidate) => candidate.type === 'prompt');
  const prompt =
    textField(call.fields, 'prompt') ??
    (item === undefined ? undefined : (textField(item, 'text') ?? textField(item, 'prompt')));
  return taskRequest({
    kind: 'video',
    prompt,
    model: call.params[1] ?? '',
    key: options.external_task_id,
    callbackUrl: options.callback_url,
    count: 1,
    duration: typeof settings.duration === 'number' ? String(settings.duration) : '5',
    family: FAMILY,
  });
}

/** `GET /tasks` by ids or by keys: answers those it finds, in the order asked; the others are left out. */
function batchRoute(action: 'poll' | 'lookup', query: string): Route {
  const asked = (call: Call): readonly string[] =>
    (call.query.get(query) ?? '').split(',').filter((id) => id !== '');
  const find = (world: World, id: string): Task | undefined =>
    action === 'lookup' ? world.tasks.byKey(PROVIDER, id) : world.tasks.byId(PROVIDER, id);
  const subjects = (call: Call, world: World): readonly Subject[] =>
    asked(call)
      .slice(0, bounds.batchIdsMax)
      .map((id) => (action === 'lookup' ? subjectByKey(world, id) : subjectById(world, id)));
  const run = (call: Call, world: World): Outcome => {
    const ids = asked(call);
    if (ids.length === 0 || ids.length > bounds.batchIdsMax) {
      return { reply: wrong(`${query} holds 1 to ${bounds.batchIdsMax} ids`) };
    }
    const found = ids.flatMap((id) => {
      const task = find(world, id);
      const sight = task?.echo.family !== FAMILY ? undefined : world.tasks.poll(task);
      return task === undefined || sight === undefined ? [] : [videoOf(task, sight, world, call.statusWord)];
    });
    return { reply: answer(found) };
  };
  return { action, method: 'GET', path: /^\/tasks$/, query, guard: 'key', subjects, run };
}

function videoOf(task: Task, sight: Sight | undefined, world: World, word?: string): JsonObject {
  const status = sight?.status ?? 'queued';
  const outputs = artifactLinks(MOUNT, task, status, world).map((url) => ({
    type: 'video',
    url,
    duration: task.echo.duration ?? '',
  }));
  return {
    id: task.id,
    status: word ?? (status === 'succeeded' ? 'succeeded' : progressWords[status]),
    message: status === 'failed' ? task.failure.message : '',
    external_id: task.key ?? '',
    outputs,
    billing: [{ type: 'units', amount: '1' }],
    create_time: task.createdAt,
    update_time: sight?.since ?? task.createdAt,
  };
}
