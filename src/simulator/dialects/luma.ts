/**
 * Luma's Dream Machine: `POST /generations[/video|/image]`, `GET /generations[/{id}]`, `DELETE
 * /generations/{id}`.
 *
 * Artifacts are at signed links without credentials, fresh at every look. Callers: server.ts. Invariants:
 *  L1  Models, shapes, resolutions and durations are those of a list; all else is refused.
 *  L2  The listing is newest first and echoes the request of a generation, its callback URL included.
 *  L3  A generation that is forgotten is not found any more, whether it was over or not.
 */
import { dateOf } from '../../clock.js';
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { byId, submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'luma';
const MOUNT = '/luma/dream-machine/v1';
const GENERATION = /^\/generations\/([^/]+)$/;
const LIST_DEFAULT = 10;
const LIST_MAX = 100;

const models = { video: ['ray-2', 'ray-flash-2'], image: ['photon-1', 'photon-flash-1'] } as const;
const shapes = ['1:1', '16:9', '9:16', '4:3', '3:4', '21:9', '9:21'];
const tiers = ['540p', '720p', '1080p', '4k'];
const shared = ['model', 'prompt', 'aspect_ratio', 'callback_url', 'generation_type'];
const knownFields: Readonly<Record<'video' | 'image', readonly string[]>> = {
  video: [...shared, 'resolution', 'duration', 'loop', 'keyframes', 'concepts'],
  image: [...shared, 'format', 'image_ref', 'style_ref', 'character_ref', 'modify_image_ref'],
};

const words: Readonly<Record<Sight['status'], string>> = {
  queued: 'queued',
  running: 'dreaming',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'failed',
};

export const lumaDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    submitRoute(/^\/generations(?:\/(video|image))?$/, requestOf, (task, sight, call, world) =>
      jsonReply(201, generationOf(task, sight, world, call)),
    ),
    { action: 'list', method: 'GET', path: /^\/generations$/, guard: 'key', subjects: () => [], run: list },
    taskRoute({ action: 'poll', method: 'GET', path: GENERATION }, byId(PROVIDER), notFound, poll),
    taskRoute({ action: 'cancel', method: 'DELETE', path: GENERATION }, byId(PROVIDER), notFound, remove),
    {
      action: 'lookup',
      method: 'GET',
      path: /^\/credits$/,
      guard: 'key',
      subjects: () => [],
      run: () => ({ reply: jsonReply(200, { credit_balance: 100_000 }) }),
    },
    artifactRoute(PROVIDER),
  ],
  callback: {
    signing: 'none',
    at: ['running', 'succeeded', 'failed'],
    body: (task, sight, world) => generationOf(task, sight, world),
  },
  unauthorized: (why) =>
    refusal(why === 'missing' ? 403 : 401, why === 'missing' ? 'Not authenticated' : 'Invalid API key'),
  noRoute: () => refusal(404, 'Not Found'),
  malformed: (message) => refusal(400, message),
  rateLimited: () => refusal(429, 'Too many requests'),
  failing: (status) => refusal(status, status >= 500 ? 'Internal Server Error' : 'The request failed'),
};

function requestOf(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const kind = call.params[0] === 'image' ? 'image' : 'video';
  const model = models[kind].find((name) => name === fields.model);
  if (model === undefined) return refusal(400, `Invalid model: ${models[kind].join(', ')} are known`);
  const unknown = Object.keys(fields).find((name) => !knownFields[kind].includes(name));
  if (unknown !== undefined) return refusal(400, `Unknown field: ${unknown}`);
  const wrong = wrongField(fields);
  if (wrong !== undefined) return refusal(400, wrong);
  const prompt = textField(fields, 'prompt');
  if (prompt === undefined) return refusal(400, 'Prompt is required');
  const callbackUrl = textField(fields, 'callback_url');
  return {
    provider: PROVIDER,
    kind,
    prompt,
    model,
    count: 1,
    echo: {
      aspect_ratio: textField(fields, 'aspect_ratio') ?? '16:9',
      resolution: textField(fields, 'resolution'),
      duration: textField(fields, 'duration'),
    },
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
}

function wrongField({
  aspect_ratio: shape,
  resolution,
  duration,
  keyframes,
  callback_url: url,
}: Call['fields']): string | undefined {
  if (shape !== undefined && !shapes.some((one) => one === shape)) return 'Invalid aspect ratio';
  if (resolution !== undefined && !tiers.some((one) => one === resolution)) {
    return 'Invalid resolution';
  }
  if (duration !== undefined && duration !== '5s' && duration !== '9s') return 'Invalid duration';
  if (url !== undefined && !(typeof url === 'string' && URL.canParse(url))) return 'Invalid callback_url';
  if (keyframes === undefined) return undefined;
  const frames = isPlainObject(keyframes) ? Object.entries(keyframes) : [];
  const areFrames = frames.every(([name, frame]) => /^frame[01]$/.test(name) && isFrame(frame));
  return frames.length > 0 && areFrames ? undefined : 'Invalid keyframes';
}

function isFrame(frame: unknown): boolean {
  if (!isPlainObject(frame)) return false;
  if (frame.type === 'generation') return typeof frame.id === 'string';
  return frame.type === 'image' && typeof frame.url === 'string' && /^https?:/.test(frame.url);
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, generationOf(task, sight, world, call));
}

function remove(task: Task, _call: Call, world: World): Reply {
  world.tasks.remove(task);
  return { status: 204, headers: {}, body: new Uint8Array(0), isArtifact: false };
}

function list(call: Call, world: World): Outcome {
  const [limit, offset] = [
    Number(call.query.get('limit') ?? LIST_DEFAULT),
    Number(call.query.get('offset') ?? 0),
  ];
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX || !Number.isInteger(offset) || offset < 0) {
    return { reply: refusal(400, `limit is 1 to ${LIST_MAX}, offset 0 or more`) };
  }
  const tasks = world.tasks.newest(PROVIDER);
  const generations = tasks
    .slice(offset, offset + limit)
    .map((task) => generationOf(task, world.tasks.glance(task), world, call));
  const hasMore = offset + limit < tasks.length;
  return {
    reply: jsonReply(200, { generations, count: generations.length, has_more: hasMore, limit, offset }),
  };
}

function generationOf(task: Task, sight: Sight | undefined, world: World, call?: Call): JsonObject {
  const status = sight?.status ?? 'queued';
  const [link] = artifactLinks(MOUNT, task, status, world);
  return {
    id: task.id,
    generation_type: task.kind,
    state: call?.statusWord ?? words[status],
    failure_reason: status === 'failed' ? task.failure.message : null,
    created_at: dateOf(task.createdAt).toISOString(),
    assets: link === undefined ? null : { [task.kind]: link },
    model: task.model,
    request: {
      generation_type: task.kind,
      model: task.model,
      prompt: task.prompt,
      ...task.echo,
      ...(task.callbackUrl === undefined ? {} : { callback_url: task.callbackUrl }),
    },
  };
}

function notFound(): Reply {
  return refusal(404, 'Generation not found');
}

function refusal(status: number, detail: string): Reply {
  return jsonReply(status, { detail });
}
