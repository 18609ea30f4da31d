/**
 * fal's queue: `POST /{owner}/{alias}[/{path}]`, `GET .../requests/{id}/status`, `GET .../requests/{id}`,
 * `PUT .../requests/{id}/cancel`.
 *
 * What is asked after the submit lies below `{owner}/{alias}`, without the rest of the model's path. A
 * request that failed is `COMPLETED` too; its result is the model's own 422. Artifacts are at signed links
 * without credentials. Callers: server.ts. Invariants:
 *  F1  The URLs in a reply lead to fal's own host, as the real ones do: who follows them leaves the
 *      simulator.
 *  F2  The result of a request that is over is no poll; before, it is one, and says 400.
 *  F3  A submit without a prompt is refused at once. The real queue takes anything, and the model refuses.
 */
import type { Json, JsonObject } from '../../json.js';
import { judged } from '../access.js';
import { jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Reply, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { byId, submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'fal';
const MOUNT = '/fal';
const HOST = 'https://queue.fal.run';
const IMAGES_MAX = 4;
const NAMESPACES = ['workflows', 'comfy'];
/** The models of images, by their names. */
const IMAGE_MODEL = /flux|sdxl|stable-diffusion|imagen|recraft|ideogram|text-to-image/;
const APP = String.raw`(?:(?:workflows|comfy)\/)?[\w.-]+\/[\w.-]+`;

const words = {
  queued: 'IN_QUEUE',
  running: 'IN_PROGRESS',
  succeeded: 'COMPLETED',
  failed: 'COMPLETED',
  cancelled: 'COMPLETED',
} as const;

/** Below the first parts of its model alone. */
const here = byId(PROVIDER, 1, (task, { params: [app] }) => task.echo.app === app);

export const falDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  access: (header, lock) => judged(/^Key\s+(\S+)$/i.exec(header('authorization') ?? '')?.[1], lock),
  routes: [
    submitRoute(new RegExp(String.raw`^\/(${APP}(?:\/[\w.-]+)*)$`), requestOf, (task, sight, call) =>
      jsonReply(200, { ...queueOf(task, sight, call), queue_position: 0 }),
    ),
    taskRoute({ action: 'poll', method: 'GET', path: below('/status') }, here, notFound, status),
    taskRoute({ action: 'poll', method: 'GET', path: below('') }, here, notFound, result),
    taskRoute({ action: 'cancel', method: 'PUT', path: below('/cancel') }, here, notFound, cancel),
    artifactRoute(PROVIDER),
  ],
  callback: { signing: 'fal', at: ['succeeded', 'failed', 'cancelled'], body: news },
  unauthorized: (why) =>
    why === 'missing'
      ? refusal(401, 'Authentication is required to access this application')
      : refusal(401, 'No user found for Key ID and Secret'),
  noRoute: () => refusal(404, 'Not Found'),
  malformed: (message) => refusal(422, [{ loc: ['body'], msg: message, type: 'json_invalid' }]),
  rateLimited: () => refusal(429, 'Rate limit exceeded'),
  failing: (code) => refusal(code, code >= 500 ? 'Internal Server Error' : 'Bad Request'),
};

function below(end: string): RegExp {
  return new RegExp(String.raw`^\/(${APP})\/requests\/([^/]+)${end}$`);
}

function requestOf(call: Call): TaskRequest | Reply {
  const [model = ''] = call.params;
  const prompt = textField(call.fields, 'prompt');
  if (prompt === undefined) return invalid('prompt', 'Field required', 'missing');
  const { num_images: count = 1, duration } = call.fields;
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > IMAGES_MAX) {
    return invalid('num_images', `Input should be from 1 to ${IMAGES_MAX}`, 'less_than_equal');
  }
  if (duration !== undefined && typeof duration !== 'string') {
    return invalid('duration', 'Input should be a valid string', 'string_type');
  }
  const parts = model.split('/');
  const callbackUrl = call.query.get('fal_webhook');
  return {
    provider: PROVIDER,
    kind: IMAGE_MODEL.test(model) && !model.includes('video') ? 'image' : 'video',
    prompt,
    model,
    count,
    echo: { app: parts.slice(0, NAMESPACES.includes(parts[0] ?? '') ? 3 : 2).join('/') },
    ...(callbackUrl === null ? {} : { callbackUrl }),
  };
}

function status(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  if (sight === undefined) return undefined;
  const isOver = words[sight.status] === 'COMPLETED';
  return jsonReply(isOver ? 200 : 202, queueOf(task, sight, call));
}

function result(task: Task, _call: Call, world: World): Reply | undefined {
  const before = world.tasks.glance(task);
  const isOver = before !== undefined && words[before.status] === 'COMPLETED';
  const sight = isOver ? before : world.tasks.poll(task);
  if (sight === undefined) return undefined;
  switch (sight.status) {
    case 'queued':
    case 'running':
      return refusal(400, 'Request is still in progress');
    case 'cancelled':
      return jsonReply(499, { detail: 'Request was cancelled', error_type: 'client_cancelled' });
    case 'failed':
      return jsonReply(422, failureOf(task), { 'x-fal-error-type': task.failure.code });
    case 'succeeded':
      return jsonReply(200, outputOf(task, world));
  }
}

function cancel(task: Task, _call: Call, world: World): Reply {
  const isCancelled = world.tasks.cancel(task);
  return isCancelled
    ? jsonReply(202, { status: 'CANCELLATION_REQUESTED' })
    : jsonReply(400, { status: 'ALREADY_COMPLETED' });
}

function queueOf(task: Task, sight: Sight | undefined, call: Call): JsonObject {
  const url = `${HOST}/${task.echo.app ?? ''}/requests/${task.id}`;
  return {
    status: call.statusWord ?? words[sight?.status ?? 'queued'],
    request_id: task.id,
    response_url: url,
    status_url: `${url}/status`,
    cancel_url: `${url}/cancel`,
    logs: null,
    metrics: {},
    ...(sight?.status === 'queued' ? { queue_position: 0 } : {}),
  };
}

function outputOf(task: Task, world: World): JsonObject {
  const links = artifactLinks(MOUNT, task, 'succeeded', world);
  if (task.kind === 'image') {
    const images = links.map((url) => ({ url, content_type: 'image/png', width: 1_024, height: 768 }));
    return { images, prompt: task.prompt, seed: 1, has_nsfw_concepts: images.map(() => false) };
  }
  return { video: { url: links[0] ?? '', content_type: 'video/mp4', file_name: 'output.mp4' }, seed: 1 };
}

function failureOf(task: Task): JsonObject {
  return { detail: [{ loc: ['body', 'prompt'], msg: task.failure.message, type: task.failure.code }] };
}

function news(task: Task, sight: Sight, world: World): Json {
  const named = { request_id: task.id, gateway_request_id: task.id };
  if (sight.status === 'succeeded') return { ...named, status: 'OK', payload: outputOf(task, world) };
  const payload = sight.status === 'failed' ? failureOf(task) : { detail: 'Request was cancelled' };
  return { ...named, status: 'ERROR', error: 'Invalid status code: 422', payload };
}

function invalid(field: string, message: string, type: string): Reply {
  return refusal(422, [{ loc: ['body', field], msg: message, type }]);
}

function notFound(): Reply {
  return refusal(404, 'Request not found');
}

function refusal(code: number, detail: Json): Reply {
  return jsonReply(code, { detail });
}
