/**
 * MiniMax's first video API (Hailuo): `POST /v1/video_generation`, `GET
 * /v1/query/video_generation?task_id=`, `GET /v1/files/retrieve?file_id=`.
 *
 * Callers: server.ts. Invariants:
 *  H1  Every answer is HTTP 200; what it means is in `base_resp`.
 *  H2  A finished task names a file. Its link is told by a second call, fresh each time.
 *  H3  Resolutions are named tiers: pixels are refused.
 */
import type { JsonObject } from '../../json.js';
import { jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Reply, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { submitRoute, taskRoute } from '../task-routes.js';
import type { Finder } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';
import {
  BASE,
  fileIdOf,
  minimaxCallback,
  PROVIDER,
  taskIdOfFile,
  taskOf,
  taskOfV1,
  taskRequest,
} from './minimax-tasks.js';

const MOUNT = `${BASE}/v1`;
const PROMPT_CHARACTERS_MAX = 2_000;
const MS = 1_000;

const INVALID = 2013;

const byTask = finder((call) => call.query.get('task_id') ?? '');
const byFile = finder((call) => taskIdOfFile(call.query.get('file_id') ?? ''));

export const minimaxV1Dialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  base: BASE,
  routes: [
    submitRoute(/^\/video_generation$/, requestOf, made),
    taskRoute({ action: 'poll', method: 'GET', path: /^\/query\/video_generation$/ }, byTask, noTask, poll),
    taskRoute({ action: 'poll', method: 'GET', path: /^\/files\/retrieve$/ }, byFile, noFile, retrieve),
    artifactRoute(PROVIDER),
  ],
  callback: minimaxCallback,
  unauthorized: (why) =>
    why === 'missing'
      ? refusal(1004, 'login fail: please carry the API secret key in the header')
      : refusal(2049, 'invalid api key'),
  noRoute: (path) => refusal(INVALID, `invalid params, no such path: ${path}`),
  malformed: (message) => refusal(INVALID, `invalid params, ${message}`),
  rateLimited: (code = '1002') => refusal(Number(code) || 1002, 'rate limit exceeded'),
  failing: (status) => refusal(codeOf(status), 'the request failed'),
};

function codeOf(status: number): number {
  if (status >= 500) return 1000;
  if (status === 401 || status === 403) return 1004;
  return status === 402 ? 1008 : INVALID;
}

function finder(idIn: Finder['idIn']): Finder {
  return { idIn, find: (call, world) => taskOf('v1', idIn(call), world) };
}

function made(created: Task, sight: Sight | undefined, call: Call, world: World): Reply {
  const isOver = call.terminal !== undefined && sight !== undefined;
  return answer(isOver ? taskOfV1(created, sight, call, world) : { task_id: created.id });
}

function requestOf(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const model = textField(fields, 'model');
  const prompt = textField(fields, 'prompt');
  if (model === undefined || /^minimax-h3/i.test(model)) return invalid('model');
  if (prompt === undefined || Array.from(prompt).length > PROMPT_CHARACTERS_MAX) return invalid('prompt');
  const { duration } = fields;
  if (duration !== undefined && duration !== 6 && duration !== 10) return invalid('duration');
  for (const name of ['resolution', 'first_frame_image', 'last_frame_image', 'callback_url']) {
    if (fields[name] !== undefined && textField(fields, name) === undefined) return invalid(name);
  }
  const tier = textField(fields, 'resolution') ?? '768P';
  if (!['512P', '768P', '1080P'].includes(tier)) return invalid('resolution');
  return taskRequest('v1', call, { model, prompt });
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, taskOfV1(task, sight, call, world));
}

function noTask(): Reply {
  return refusal(INVALID, 'invalid params, the task does not exist');
}

function retrieve(task: Task, call: Call, world: World): Reply | undefined {
  const file = call.query.get('file_id') ?? '';
  const sight = world.tasks.glance(task);
  const [url] = sight === undefined ? [] : artifactLinks(MOUNT, task, sight.status, world);
  if (url === undefined || fileIdOf(task) !== file) return undefined;
  const told = {
    file_id: file,
    bytes: 0,
    created_at: Math.floor((sight?.since ?? task.createdAt) / MS),
    filename: 'output_aigc.mp4',
    purpose: 'video_generation',
    download_url: url,
  };
  return answer({ file: told });
}

function noFile(): Reply {
  return refusal(INVALID, 'invalid params, the file does not exist');
}

function answer(body: JsonObject): Reply {
  return jsonReply(200, { base_resp: { status_code: 0, status_msg: 'success' }, ...body });
}

function invalid(name: string): Reply {
  return refusal(INVALID, `invalid params, ${name}`);
}

function refusal(code: number, message: string): Reply {
  return jsonReply(200, { base_resp: { status_code: code, status_msg: message } });
}
