/**
 * Kling: the 2026 video API ("the model is the endpoint") and the image endpoint of the older one.
 *
 * Videos: `POST /text-to-video/{model}`, `POST /image-to-video/{model}`, `GET
 * /tasks?task_ids=|external_task_ids=`; they end in `succeeded`. Images: `POST /v1/images/generations`, `GET
 * /v1/images/generations/{id}`; they end in `succeed`. Artifacts are at signed links without credentials.
 * Callers: server.ts. Invariants:
 *  K1  An `external_task_id` names one task for ever: a second submit with it is refused (1201) and bills
 *      nothing.
 *  K2  Every poll of a finished task gives fresh links.
 */
import { sha256Hex } from '../../ids.js';
import { isPlainObject } from '../../json.js';
import type { Json, JsonObject } from '../../json.js';
import { bounds } from '../bounds.js';
import { jsonReply, subjectOf, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, Route, Subject, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'kling';
const MOUNT = '/kling';
const PROMPT_CHARACTERS_MAX = 2_500;
const IMAGES_MAX = 9;
const IMAGES = /^\/v1\/images\/generations\/([^/]+)$/;

const progressWords = {
  queued: 'submitted',
  running: 'processing',
  failed: 'failed',
  cancelled: 'failed',
} as const;

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

export const klingDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    submitRoute(/^\/(text-to-video|image-to-video)\/([^/]+)$/, videoRequest, videoOf),
    submitRoute(/^\/v1\/images\/generations$/, imageRequest, imageOf),
    batchRoute('poll', 'task_ids'),
    batchRoute('lookup', 'external_task_ids'),
    { action: 'poll', method: 'GET', path: IMAGES, guard: 'key', subjects: imageSubjects, run: pollImage },
    artifactRoute(PROVIDER),
  ],
  unauthorized: (why) =>
    why === 'missing'
      ? refusal(401, 1001, 'Authorization is empty')
      : refusal(401, 1002, 'Authorization is invalid'),
  noRoute: (path) => refusal(404, 1202, `the requested path ${path} does not exist`),
  malformed: (message) => refusal(400, 1200, message),
  rateLimited: (code = '1302') =>
    refusal(429, Number(code) || 1302, 'the request was rejected by the rate limit'),
  failing: (status) =>
    refusal(status, codesByStatus[status] ?? (status >= 500 ? 5000 : 1200), 'the request failed'),
};

type ReadRequest = (call: Call) => TaskRequest | Reply;
type Render = (task: Task, sight: Sight | undefined, call: Call, world: World) => JsonObject;

function submitRoute(path: RegExp, read: ReadRequest, render: Render): Route {
  const subjects = (call: Call): readonly Subject[] => {
    const request = read(call);
    if ('body' in request) return [{}];
    const { kind, prompt, key } = request;
    return [{ kind, prompt, ...(key === undefined ? {} : { key }) }];
  };
  const run = (call: Call, world: World): Outcome => {
    const request = read(call);
    if ('body' in request) return { reply: request };
    if (request.key !== undefined && world.tasks.hasKey(PROVIDER, request.key)) {
      return { reply: refusal(400, 1201, `external_task_id already exists: ${request.key}`) };
    }
    const created = world.tasks.create(
      call.terminal === undefined ? request : { ...request, terminal: call.terminal },
    );
    return { reply: answer(render(created, world.tasks.glance(created), call, world)), created };
  };
  return { action: 'submit', method: 'POST', path, guard: 'key', subjects, run };
}

function videoRequest(call: Call): TaskRequest | Reply {
  const { contents, settings = {}, options = {} } = call.fields;
  if (!isPlainObject(settings) || !isPlainObject(options)) {
    return refusal(400, 1201, 'settings and options must be objects');
  }
  if (settings.duration !== undefined && !Number.isInteger(settings.duration)) {
    return refusal(400, 1201, 'settings.duration must be an integer');
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
    count: 1,
    duration: typeof settings.duration === 'number' ? String(settings.duration) : '5',
  });
}

function imageRequest(call: Call): TaskRequest | Reply {
  const { n = 1 } = call.fields;
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > IMAGES_MAX) {
    return refusal(400, 1201, `n must be an integer from 1 to ${IMAGES_MAX}`);
  }
  return taskRequest({
    kind: 'image',
    prompt: textField(call.fields, 'prompt'),
    model: textField(call.fields, 'model_name') ?? 'kling-v1',
    key: call.fields.external_task_id,
    count: n,
    duration: undefined,
  });
}

interface Asked extends Pick<TaskRequest, 'kind' | 'model' | 'count'> {
  readonly prompt: string | undefined;
  readonly key: unknown;
  readonly duration: string | undefined;
}

function taskRequest(asked: Asked): TaskRequest | Reply {
  const { prompt, key, kind, model, count, duration } = asked;
  if (prompt === undefined) return refusal(400, 1201, 'prompt must not be empty');
  if (Array.from(prompt).length > PROMPT_CHARACTERS_MAX) {
    return refusal(400, 1201, `prompt has more than ${PROMPT_CHARACTERS_MAX} characters`);
  }
  if (key !== undefined && (typeof key !== 'string' || key === '')) {
    return refusal(400, 1201, 'external_task_id must be a string');
  }
  return {
    provider: PROVIDER,
    kind,
    prompt,
    model,
    count,
    echo: { duration },
    ...(key === undefined ? {} : { key }),
  };
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
      return { reply: refusal(400, 1201, `${query} holds 1 to ${bounds.batchIdsMax} ids`) };
    }
    const found = ids.flatMap((id) => {
      const task = find(world, id);
      const sight = task === undefined || task.kind !== 'video' ? undefined : world.tasks.poll(task);
      return task === undefined || sight === undefined ? [] : [videoOf(task, sight, call, world)];
    });
    return { reply: answer(found) };
  };
  return { action, method: 'GET', path: /^\/tasks$/, query, guard: 'key', subjects, run };
}

function imageSubjects(call: Call, world: World): readonly Subject[] {
  const id = call.params[0] ?? '';
  return [world.tasks.byId(PROVIDER, id) === undefined ? subjectByKey(world, id) : subjectById(world, id)];
}

function pollImage(call: Call, world: World): Outcome {
  const id = call.params[0] ?? '';
  const task = world.tasks.byId(PROVIDER, id) ?? world.tasks.byKey(PROVIDER, id);
  const sight = task === undefined || task.kind !== 'image' ? undefined : world.tasks.poll(task);
  if (task === undefined || sight === undefined) {
    return { reply: refusal(404, 1203, `the requested task ${id} does not exist`) };
  }
  return { reply: answer(imageOf(task, sight, call, world)) };
}

function videoOf(task: Task, sight: Sight | undefined, call: Call, world: World): JsonObject {
  const status = sight?.status ?? 'queued';
  const outputs = artifactLinks(MOUNT, task, status, world).map((url) => ({
    type: 'video',
    url,
    duration: task.echo.duration ?? '',
  }));
  return {
    id: task.id,
    status: call.statusWord ?? (status === 'succeeded' ? 'succeeded' : progressWords[status]),
    message: status === 'failed' ? task.failure.message : '',
    external_id: task.key ?? '',
    outputs,
    billing: [{ type: 'units', amount: '1' }],
    create_time: task.createdAt,
    update_time: sight?.since ?? task.createdAt,
  };
}

function imageOf(task: Task, sight: Sight | undefined, call: Call, world: World): JsonObject {
  const status = sight?.status ?? 'queued';
  const images = artifactLinks(MOUNT, task, status, world).map((url, index) => ({ index, url }));
  return {
    task_id: task.id,
    task_status: call.statusWord ?? (status === 'succeeded' ? 'succeed' : progressWords[status]),
    task_status_msg: status === 'failed' ? task.failure.message : '',
    task_info: task.key === undefined ? {} : { external_task_id: task.key },
    created_at: task.createdAt,
    updated_at: sight?.since ?? task.createdAt,
    ...(images.length === 0 ? {} : { task_result: { images } }),
  };
}

function subjectById(world: World, id: string): Subject {
  const task = world.tasks.byId(PROVIDER, id);
  return task === undefined ? { taskId: id } : subjectOf(task);
}

function subjectByKey(world: World, key: string): Subject {
  const task = world.tasks.byKey(PROVIDER, key);
  return { ...(task === undefined ? { key } : subjectOf(task)), isByKey: true };
}

function answer(data: Json): Reply {
  return jsonReply(200, { code: 0, message: 'SUCCEED', request_id: requestId(data), data });
}

function refusal(status: number, code: number, message: string): Reply {
  return jsonReply(status, { code, message, request_id: requestId(message) });
}

/** Shaped like Kling's; of no meaning. */
function requestId(content: Json): string {
  return `sim-${sha256Hex(JSON.stringify(content)).slice(0, 24)}`;
}
