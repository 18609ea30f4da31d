/**
 * MiniMax's second video API (H3): `POST /v2/video_generation`, `GET /v2/query/video_generation[/{task_id}]`,
 * `DELETE /v2/video_generation/{task_id}`.
 *
 * Callers: server.ts. Invariants:
 *  H1  A task is wrapped in `task`; an error has the HTTP status it names.
 *  H2  A task is forgotten after 7 days.
 *  H3  Only a queued task can be called off: a running one is refused, one that is over is forgotten.
 */
import { sha256Hex } from '../../ids.js';
import { jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, World } from '../dialect.js';
import { artifactRoute } from '../object-store.js';
import { submitRoute, taskRoute } from '../task-routes.js';
import type { Finder } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';
import { contentOf } from './content-items.js';
import { BASE, minimaxCallback, PROVIDER, taskOf, taskOfV2, taskRequest } from './minimax-tasks.js';

const PROMPT_CHARACTERS_MAX = 7_000;
const MEMORY_MS = 7 * 86_400_000;
const PAGE_SIZE_MAX = 100;
const TASK = /^\/query\/video_generation\/([^/]+)$/;

const remembered: Finder = {
  idIn: ({ params: [id = ''] }) => id,
  find: (call, world) => {
    const task = taskOf('v2', call.params[0] ?? '', world);
    return task !== undefined && isRemembered(task, world) ? task : undefined;
  },
};

export const minimaxV2Dialect: Dialect = {
  provider: PROVIDER,
  mount: `${BASE}/v2`,
  base: BASE,
  routes: [
    submitRoute(/^\/video_generation$/, requestOf, made),
    {
      action: 'list',
      method: 'GET',
      path: /^\/query\/video_generation$/,
      guard: 'key',
      subjects: () => [],
      run: list,
    },
    taskRoute({ action: 'poll', method: 'GET', path: TASK }, remembered, missing, poll),
    taskRoute(
      { action: 'cancel', method: 'DELETE', path: /^\/video_generation\/([^/]+)$/ },
      remembered,
      missing,
      remove,
    ),
    artifactRoute(PROVIDER),
  ],
  callback: minimaxCallback,
  unauthorized: (why) =>
    refusal(401, why === 'missing' ? 'the API key in the header is missing' : 'the API key is not valid'),
  noRoute: (path) => refusal(404, `no such path: ${path}`),
  malformed: (message) => refusal(400, message),
  rateLimited: (code) => refusal(429, 'too many requests', code),
  failing: (status) => refusal(status, 'the request failed'),
};

function typeOf(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: 'authentication_error',
    402: 'insufficient_balance_error',
    404: 'not_found_error',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  };
  return types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

function made(created: Task, sight: Sight | undefined, call: Call, world: World): Reply {
  const isOver = call.terminal !== undefined && sight !== undefined;
  return jsonReply(200, {
    task_id: created.id,
    ...(isOver ? taskOfV2(created, sight, call, world) : {}),
  });
}

function requestOf(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const model = textField(fields, 'model');
  if (model === undefined || !/^minimax-h3/i.test(model)) return refusal(400, 'model is not valid');
  const prompt = contentOf(fields.content);
  if (typeof prompt !== 'string') return refusal(400, `content is not valid: ${prompt.wrong}`);
  if (Array.from(prompt).length > PROMPT_CHARACTERS_MAX)
    return refusal(400, 'the text of content is too long');
  const wrong = wrongField(fields);
  return wrong === undefined
    ? taskRequest('v2', call, { model, prompt })
    : refusal(400, `${wrong} is not valid`);
}

function wrongField(fields: Readonly<Record<string, unknown>>): string | undefined {
  const ratios = ['16:9', '9:16', '1:1', '4:3', '3:4', '21:9', 'adaptive'];
  const rules: Readonly<Record<string, (value: unknown) => boolean>> = {
    resolution: (value) => value === '768P' || value === '2K',
    ratio: (value) => ratios.includes(String(value)),
    duration: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 4 && value <= 15,
    callback_url: (value) => typeof value === 'string' && URL.canParse(value),
  };
  return Object.keys(rules).find(
    (name) => fields[name] !== undefined && rules[name]?.(fields[name]) !== true,
  );
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, taskOfV2(task, sight, call, world));
}

function list(call: Call, world: World): Outcome {
  const number = Number(call.query.get('page_num') ?? 1);
  const size = Number(call.query.get('page_size') ?? 10);
  const isWrong = (value: number): boolean => !Number.isInteger(value) || value < 1 || value > PAGE_SIZE_MAX;
  if (isWrong(number) || isWrong(size)) return { reply: refusal(400, 'page_num and page_size are 1 to 100') };
  const tasks = world.tasks.newest(PROVIDER).flatMap((task) => {
    const sight: Sight | undefined = isRemembered(task, world) ? world.tasks.glance(task) : undefined;
    return sight === undefined ? [] : [taskOfV2(task, sight, call, world).task ?? null];
  });
  const start = (number - 1) * size;
  return { reply: jsonReply(200, { tasks: tasks.slice(start, start + size), total: tasks.length }) };
}

function remove(task: Task, _call: Call, world: World): Reply {
  const status = world.tasks.glance(task)?.status;
  if (status === 'running') return refusal(400, 'the task is running');
  if (!world.tasks.cancel(task)) world.tasks.remove(task);
  return jsonReply(200, { task_id: task.id });
}

function isRemembered({ echo, createdAt }: Task, world: World): boolean {
  return echo.generation === 'v2' && world.nowMs() - createdAt < MEMORY_MS;
}

function missing(call: Call): Reply {
  return refusal(404, `the task ${call.params[0] ?? ''} does not exist`);
}

function refusal(status: number, message: string, type = typeOf(status)): Reply {
  const error = { type, message, http_code: String(status) };
  return jsonReply(status, { type: 'error', error, request_id: `sim-${sha256Hex(message).slice(0, 16)}` });
}
