/**
 * Ark's video generation, as Volcengine and BytePlus have it: `POST|GET /contents/generations/tasks`,
 * `GET|DELETE /contents/generations/tasks/{id}`.
 *
 * No key of the client's; the seed is echoed, and chosen here when none was given. A task that is not over
 * when `execution_expires_after` has passed is `expired`. Callers: server.ts. Invariants:
 *  A1  A submit is answered with an id and nothing else, unless the script wants the task to be over at once.
 *  A2  Only a queued task can be called off: a running one is refused, one that is over is forgotten.
 *  A3  News are signed by nobody, and are the body of a poll.
 */
import { sha256Hex } from '../../ids.js';
import type { JsonObject } from '../../json.js';
import { bytesReply, jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { byId, submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';
import { contentOf } from './content-items.js';

const PROVIDER = 'seedance';
const MOUNT = '/seedance/api/v3';
const TASKS = /^\/contents\/generations\/tasks$/;
const TASK = /^\/contents\/generations\/tasks\/([^/]+)$/;
const SEED_MAX = 2 ** 32 - 1;
const PAGE_SIZE_MAX = 500;
const EXPIRES_DEFAULT_S = 172_800;
const MS = 1_000;

export const seedanceDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    submitRoute(TASKS, requestOf, made),
    { action: 'list', method: 'GET', path: TASKS, guard: 'key', subjects: () => [], run: list },
    taskRoute({ action: 'poll', method: 'GET', path: TASK }, byId(PROVIDER), missing, poll),
    taskRoute({ action: 'cancel', method: 'DELETE', path: TASK }, byId(PROVIDER), missing, remove),
    artifactRoute(PROVIDER),
  ],
  callback: {
    signing: 'none',
    at: ['queued', 'running', 'succeeded', 'failed'],
    body: (task, sight, world) => taskOf(task, sight, {}, world),
  },
  unauthorized: (why) =>
    refusal(
      401,
      'AuthenticationError',
      why === 'missing' ? 'the API key in the request is missing' : 'the API key does not exist',
    ),
  noRoute: (path) => refusal(404, 'NotFound', `no such path: ${path}`),
  malformed: (message) => refusal(400, 'InvalidParameter', message),
  rateLimited: (code = 'RateLimitExceeded.EndpointRPMExceeded') =>
    refusal(429, code, 'the requests per minute exceed the limit of the endpoint'),
  failing: (status) => refusal(status, codeOf(status), 'the request failed'),
};

function codeOf(status: number): string {
  if (status >= 500) return 'InternalServiceError';
  if (status === 401) return 'AuthenticationError';
  if (status === 402 || status === 403) return 'AccountOverdueError';
  return status === 404 ? 'ResourceNotFound' : 'InvalidParameter';
}

/** An id and nothing else, unless it is over at once. */
function made(created: Task, sight: Sight | undefined, call: Call, world: World): Reply {
  const isOver = call.terminal !== undefined && sight !== undefined;
  return jsonReply(200, isOver ? taskOf(created, sight, call, world) : { id: created.id });
}

function requestOf(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const model = textField(fields, 'model');
  if (model === undefined) return invalid('model');
  const prompt = contentOf(fields.content);
  if (typeof prompt !== 'string') return invalid(`content.${prompt.wrong}`);
  const wrong = wrongField(fields);
  if (wrong !== undefined) return invalid(wrong);
  const callbackUrl = textField(fields, 'callback_url');
  const echoed = ['seed', 'resolution', 'ratio', 'duration', 'service_tier', 'execution_expires_after'];
  const told = echoed.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)] as const] : [];
  });
  return {
    provider: PROVIDER,
    kind: 'video',
    prompt,
    model,
    count: 1,
    echo: Object.fromEntries(told),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
}

/** The first field whose value Ark would refuse. */
function wrongField(fields: Readonly<Record<string, unknown>>): string | undefined {
  const tiers = ['480p', '720p', '1080p'];
  const ratios = ['16:9', '9:16', '1:1', '4:3', '3:4', '21:9', 'adaptive'];
  const rules: Readonly<Record<string, (value: unknown) => boolean>> = {
    resolution: (value) => tiers.includes(String(value)),
    ratio: (value) => ratios.includes(String(value)),
    duration: (value) => value === -1 || isWhole(value, 2, 15),
    seed: (value) => isWhole(value, -1, SEED_MAX),
    execution_expires_after: (value) => isWhole(value, 3_600, 259_200),
    service_tier: (value) => value === 'default' || value === 'flex',
    callback_url: (value) => typeof value === 'string' && URL.canParse(value),
    generate_audio: (value) => typeof value === 'boolean',
    return_last_frame: (value) => typeof value === 'boolean',
  };
  return Object.keys(rules).find(
    (name) => fields[name] !== undefined && rules[name]?.(fields[name]) !== true,
  );
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, taskOf(task, sight, call, world));
}

function list(call: Call, world: World): Outcome {
  const number = Number(call.query.get('page_num') ?? 1);
  const size = Number(call.query.get('page_size') ?? 10);
  if (!isWhole(number, 1, PAGE_SIZE_MAX)) return { reply: invalid('page_num') };
  if (!isWhole(size, 1, PAGE_SIZE_MAX)) return { reply: invalid('page_size') };
  const ids = call.query.getAll('filter.task_ids');
  const wanted = { status: call.query.get('filter.status'), model: call.query.get('filter.model') };
  const items = world.tasks.newest(PROVIDER).flatMap((task) => {
    const sight = world.tasks.glance(task);
    if (sight === undefined || (ids.length > 0 && !ids.includes(task.id))) return [];
    const item = taskOf(task, sight, call, world);
    const { status, model } = item;
    return (wanted.status ?? status) === status && (wanted.model ?? model) === model ? [item] : [];
  });
  const start = (number - 1) * size;
  return { reply: jsonReply(200, { total: items.length, items: items.slice(start, start + size) }) };
}

function remove(task: Task, _call: Call, world: World): Reply {
  const status = world.tasks.glance(task)?.status;
  if (status === 'running') {
    return refusal(409, 'InvalidAction.RunningTaskDeletion', 'the task is running');
  }
  if (!world.tasks.cancel(task)) world.tasks.remove(task);
  return bytesReply(200, 'application/json', new Uint8Array(0));
}

function taskOf(task: Task, sight: Sight, call: Pick<Call, 'statusWord'>, world: World): JsonObject {
  const { echo } = task;
  const expiresAfter = Number(echo.execution_expires_after ?? EXPIRES_DEFAULT_S);
  const status = wordOf(sight, task.createdAt + expiresAfter * MS, world.nowMs());
  const [url] = status === 'succeeded' ? artifactLinks(MOUNT, task, 'succeeded', world) : [];
  const isFailed = status === 'failed';
  return {
    id: task.id,
    model: task.model,
    status: call.statusWord ?? status,
    ...(isFailed ? { error: { code: task.failure.code, message: task.failure.message } } : {}),
    ...(url === undefined
      ? {}
      : { content: { video_url: url }, usage: { completion_tokens: 19_845, total_tokens: 19_845 } }),
    created_at: Math.floor(task.createdAt / MS),
    updated_at: Math.floor(sight.since / MS),
    seed: seedOf(task),
    resolution: echo.resolution ?? '720p',
    ratio: echo.ratio ?? '16:9',
    duration: Number(echo.duration ?? 5),
    framespersecond: 24,
    service_tier: echo.service_tier ?? 'default',
    execution_expires_after: expiresAfter,
  };
}

/** What was not over by then never will be. */
function wordOf({ status, since }: Sight, expiresAtMs: number, nowMs: number): string {
  const isOver = status !== 'queued' && status !== 'running';
  return (isOver ? since : nowMs) >= expiresAtMs ? 'expired' : status;
}

/** The one that was given, or one drawn for the task. */
function seedOf({ id, echo }: Task): number {
  const given = Number(echo.seed ?? -1);
  return given >= 0 ? given : Number.parseInt(sha256Hex(id).slice(0, 8), 16);
}

function missing(call: Call): Reply {
  return refusal(404, 'ResourceNotFound', `the task ${call.params[0] ?? ''} does not exist`);
}

function invalid(param: string): Reply {
  return refusal(400, 'InvalidParameter', `the parameter ${param} is not valid`, param);
}

function refusal(status: number, code: string, message: string, param = ''): Reply {
  const type = status >= 500 ? 'InternalServerError' : 'BadRequest';
  return jsonReply(status, { error: { code, message, param, type } });
}
