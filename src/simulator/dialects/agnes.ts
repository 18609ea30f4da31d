/**
 * Agnes: `POST /v1/videos`, `GET /agnesapi?video_id=` beside it, and the older `GET /v1/videos/{task_id}`.
 *
 * The 2.0 models and those of 2.5 take different bodies, and 2.5 refuses the fields of 2.0. Artifacts are at
 * signed links without credentials. Callers: server.ts. Invariant: a task of a mode with images of 2.5 is
 * found by its video id only when its model is named.
 */
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Reply, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'agnes';
const MOUNT = '/agnes';
const TASK_PREFIX = 'task_';
const FRAMES_MAX = 441;
const IMAGES_MAX = 5;
const OF_20 = ['width', 'height', 'num_frames', 'frame_rate', 'negative_prompt', 'image', 'extra_body'];

const statusWords: Readonly<Record<Sight['status'], string>> = {
  queued: 'queued',
  running: 'in_progress',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const agnesDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    submitRoute(/^\/v1\/videos$/, requestOf, (created, sight, call, world) =>
      jsonReply(200, videoOf(created, sight, call, world)),
    ),
    taskRoute(
      { action: 'poll', method: 'GET', path: /^\/agnesapi$/, query: 'video_id' },
      { idIn, find: byVideoId },
      missing,
      poll,
    ),
    taskRoute(
      { action: 'poll', method: 'GET', path: /^\/v1\/videos\/([^/]+)$/ },
      { idIn, find: byTaskId },
      missing,
      poll,
    ),
    artifactRoute(PROVIDER),
  ],
  unauthorized: () => refusal(401, 'invalid_api_key', 'Invalid token'),
  noRoute: (path) => refusal(404, 'not_found', `Invalid URL (${path})`),
  malformed: (message) => refusal(400, 'invalid_request', message),
  rateLimited: (code = 'rate_limit_exceeded') => refusal(429, code, 'Too many requests for this tier'),
  failing: (status) => refusal(status, status >= 500 ? 'server_error' : 'invalid_request', 'It failed'),
};

function requestOf({ fields }: Call): TaskRequest | Reply {
  const prompt = textField(fields, 'prompt');
  const model = textField(fields, 'model');
  if (prompt === undefined || model === undefined) {
    return refusal(400, 'invalid_request', 'prompt and model are required');
  }
  const wrong = /2\.5/.test(model) ? wrongIn25(fields) : wrongIn20(fields);
  if (wrong !== undefined) return refusal(400, 'invalid_request', wrong);
  const echo = { mode: textField(fields, 'mode'), seconds: textField(fields, 'seconds') };
  return { provider: PROVIDER, kind: 'video', prompt, model, count: 1, echo };
}

type Fields = Readonly<Record<string, unknown>>;

function wrongIn20(fields: Fields): string | undefined {
  const { image, extra_body: nested = {}, mode = 'ti2vid' } = fields;
  if (image !== undefined && typeof image !== 'string') return 'image must be a string';
  if (!isPlainObject(nested)) return 'extra_body must be an object';
  if (nested['image'] !== undefined && !Array.isArray(nested['image']))
    return 'extra_body.image must be a list';
  if (mode !== 'ti2vid' && mode !== 'keyframes') return 'mode must be ti2vid or keyframes';
  const { num_frames: frames = 9, frame_rate: rate = 24, width = 64, height = 64 } = fields;
  if (!isWhole(frames) || frames > FRAMES_MAX || frames % 8 !== 1)
    return 'num_frames must be 8n+1, up to 441';
  if (typeof rate !== 'number' || rate < 1 || rate > 60) return 'frame_rate must be from 1 to 60';
  if (!isSide(width) || !isSide(height)) return 'width and height must be multiples of 64';
  return undefined;
}

function wrongIn25(fields: Fields): string | undefined {
  const stranger = OF_20.find((name) => fields[name] !== undefined);
  if (stranger !== undefined) return `${stranger} is not supported by this model`;
  const { seconds = '5', mode = 'text', images = [] } = fields;
  if (typeof seconds !== 'string') return 'seconds must be a string';
  if (!isWhole(Number(seconds)) || Number(seconds) < 4 || Number(seconds) > 12)
    return 'seconds is from 4 to 12';
  if (!['text', 'keyframe', 'reference'].includes(String(mode))) return 'mode is text, keyframe or reference';
  if (!Array.isArray(images) || images.length > IMAGES_MAX) return `images is a list of up to ${IMAGES_MAX}`;
  if (mode === 'reference' && images.length === 0) return 'reference needs images';
  const hasFrame = fields['first_frame'] !== undefined || fields['last_frame'] !== undefined;
  if ((mode === 'keyframe') !== hasFrame) return 'first_frame and last_frame belong to keyframe';
  return undefined;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

function isSide(value: unknown): boolean {
  return isWhole(value) && value > 0 && value % 64 === 0;
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, videoOf(task, sight, call, world));
}

function missing(call: Call): Reply {
  return refusal(404, 'task_not_found', `task ${idIn(call)} does not exist`);
}

function idIn(call: Call): string {
  return call.query.get('video_id') ?? call.params[0] ?? '';
}

function byVideoId(call: Call, world: World): Task | undefined {
  const task = world.tasks.byId(PROVIDER, idIn(call));
  const mode = task?.echo['mode'];
  const needsModel = mode === 'keyframe' || mode === 'reference';
  return needsModel && call.query.get('model_name') !== task?.model ? undefined : task;
}

function byTaskId(call: Call, world: World): Task | undefined {
  const id = idIn(call);
  return id.startsWith(TASK_PREFIX) ? world.tasks.byId(PROVIDER, id.slice(TASK_PREFIX.length)) : undefined;
}

/** The older models leave the link in `metadata`, the newer ones at the top. */
function videoOf(task: Task, sight: Sight | undefined, call: Call, world: World): JsonObject {
  const status = sight?.status ?? 'queued';
  const is25 = /2\.5/.test(task.model);
  const [url] = artifactLinks(MOUNT, task, status, world);
  const { code, message } = task.failure;
  const link: JsonObject = is25 ? { url } : { metadata: { url } };
  return {
    id: `${TASK_PREFIX}${task.id}`,
    task_id: `${TASK_PREFIX}${task.id}`,
    video_id: task.id,
    object: 'video',
    model: task.model,
    status: call.statusWord ?? statusWords[status],
    progress: Math.round((sight?.progress ?? 0) * 100),
    created_at: Math.floor(task.createdAt / 1_000),
    ...(url === undefined ? {} : link),
    ...(status === 'failed' ? { error: is25 ? { code, message } : message } : {}),
  };
}

function refusal(status: number, code: string, message: string): Reply {
  return jsonReply(status, { error: { message, type: 'agnes_api_error', param: '', code } });
}
