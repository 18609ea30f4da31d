/**
 * Replicate: `POST /predictions`, `POST /models/{owner}/{name}/predictions`, `POST
 * /deployments/{owner}/{name}/predictions`, `GET /predictions[/{id}]`, `POST /predictions/{id}/cancel`.
 *
 * Artifacts are at signed links without credentials, fresh at every look. Callers: server.ts. Invariants:
 *  R1  A version goes to `/predictions` and nowhere else; a field that nobody knows is refused.
 *  R2  The listing is newest first, a page at a time, and echoes the webhook and the input of a prediction.
 *  R3  `Prefer: wait` is refused: the real one would hold the answer until the model has run.
 */
import { dateOf } from '../../clock.js';
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, Route, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { byId, submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'replicate';
const MOUNT = '/replicate/v1';
const PAGE_SIZE = 100;
const OUTPUTS_MAX = 4;
const IMAGE_MODEL = /flux|sdxl|stable-diffusion|imagen|recraft|ideogram|image/;
const FIELDS = ['version', 'input', 'webhook', 'webhook_events_filter', 'stream'];
const EVENTS = ['start', 'output', 'logs', 'completed'];

const words: Readonly<Record<Sight['status'], string>> = {
  queued: 'starting',
  running: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'canceled',
};

export const replicateDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    submitRoute(/^\/predictions$/, requestOf, created),
    submitRoute(/^\/models\/([\w.-]+)\/([\w.-]+)\/predictions$/, requestOf, created),
    submitRoute(/^\/(deployments)\/([\w.-]+)\/([\w.-]+)\/predictions$/, requestOf, created),
    { action: 'list', method: 'GET', path: /^\/predictions$/, guard: 'key', subjects: () => [], run: list },
    taskRoute(
      { action: 'poll', method: 'GET', path: /^\/predictions\/([^/]+)$/ },
      byId(PROVIDER),
      notFound,
      poll,
    ),
    taskRoute(
      { action: 'cancel', method: 'POST', path: /^\/predictions\/([^/]+)\/cancel$/ },
      byId(PROVIDER),
      notFound,
      cancel,
    ),
    plainRoute(/^\/account$/, () =>
      jsonReply(200, { type: 'user', username: 'simulated', name: 'Simulated' }),
    ),
    plainRoute(/^\/webhooks\/default\/secret$/, ({ webhookSecret }) =>
      webhookSecret === undefined ? notFound() : jsonReply(200, { key: webhookSecret }),
    ),
    artifactRoute(PROVIDER),
  ],
  callback: {
    signing: 'standard',
    at: ['succeeded', 'failed', 'cancelled'],
    body: (task, sight, world) => predictionOf(task, sight, world),
  },
  unauthorized: (why) =>
    refusal(
      401,
      'Unauthenticated',
      why === 'missing'
        ? 'You did not pass an authentication token'
        : 'You did not pass a valid authentication token',
    ),
  noRoute: () => notFound(),
  malformed: (message) => refusal(400, 'Bad request', message),
  rateLimited: () => refusal(429, 'Request was throttled', 'Your rate limit is reached.'),
  failing: (status) =>
    status === 402
      ? refusal(402, 'Insufficient credit', 'You have insufficient credit to run this model.')
      : refusal(status, status >= 500 ? 'Internal server error' : 'Request failed', 'The request failed.'),
};

function created(task: Task, sight: Sight | undefined, call: Call, world: World): Reply {
  return jsonReply(201, predictionOf(task, sight, world, call));
}

function requestOf(call: Call): TaskRequest | Reply {
  const { fields, params } = call;
  const { input, version, webhook, webhook_events_filter: filter } = fields;
  if (call.header('prefer') !== undefined) return invalid('Prefer is not played');
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return invalid(`Additional property ${unknown} is not allowed`);
  if (!isPlainObject(input)) return invalid('input is required');
  const needsVersion = params.length === 0;
  if (needsVersion && typeof version !== 'string') return invalid('version is required');
  if (!needsVersion && version !== undefined) return invalid('Additional property version is not allowed');
  if (webhook !== undefined && !isWebhook(webhook)) return invalid('webhook must be an HTTPS URL');
  if (filter !== undefined && !isFilter(filter)) return invalid('webhook_events_filter holds unknown events');
  const prompt = textField(input, 'prompt');
  if (prompt === undefined) return invalid('input.prompt is required');
  const { num_outputs: count = 1 } = input;
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > OUTPUTS_MAX) {
    return invalid(`input.num_outputs must be from 1 to ${OUTPUTS_MAX}`);
  }
  const model = needsVersion ? 'simulated/versioned-model' : params.slice(-2).join('/');
  return {
    provider: PROVIDER,
    kind: IMAGE_MODEL.test(model) || input.num_outputs !== undefined ? 'image' : 'video',
    prompt,
    model,
    count,
    echo: { version: needsVersion ? String(version) : 'hidden' },
    ...(typeof webhook === 'string' ? { callbackUrl: webhook } : {}),
  };
}

function isWebhook(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  // The real one takes https alone; receivers of tests are on loopback.
  return protocol === 'https:' || (protocol === 'http:' && hostname === '127.0.0.1');
}

function isFilter(value: unknown): boolean {
  return Array.isArray(value) && value.every((event) => EVENTS.includes(String(event)));
}

/** What is asked of the account, and of no task. */
function plainRoute(path: RegExp, answer: (world: World) => Reply): Route {
  const run = (_call: Call, world: World): Outcome => ({ reply: answer(world) });
  return { action: 'lookup', method: 'GET', path, guard: 'key', subjects: () => [], run };
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, predictionOf(task, sight, world, call));
}

function cancel(task: Task, call: Call, world: World): Reply {
  world.tasks.cancel(task);
  return jsonReply(200, predictionOf(task, world.tasks.glance(task), world, call));
}

function list(call: Call, world: World): Outcome {
  const tasks = world.tasks.newest(PROVIDER);
  const cursor = call.query.get('cursor');
  const start = cursor === null ? 0 : tasks.findIndex(({ id }) => id === cursor) + 1;
  if (cursor !== null && start === 0)
    return { reply: refusal(400, 'Bad request', 'The cursor is not known.') };
  const page = tasks.slice(start, start + PAGE_SIZE);
  const last = page.at(-1);
  const isMore = last !== undefined && start + PAGE_SIZE < tasks.length;
  const results = page.map((task) => predictionOf(task, world.tasks.glance(task), world, call));
  const next = isMore ? `${world.origins.same}${MOUNT}/predictions?cursor=${last.id}` : null;
  return { reply: jsonReply(200, { previous: null, next, results }) };
}

function predictionOf(task: Task, sight: Sight | undefined, world: World, call?: Call): JsonObject {
  const status = sight?.status ?? 'queued';
  const links = artifactLinks(MOUNT, task, status, world);
  const isOver = status !== 'queued' && status !== 'running';
  const url = `${world.origins.same}${MOUNT}/predictions/${task.id}`;
  return {
    id: task.id,
    model: task.model,
    version: task.echo.version ?? 'hidden',
    input: { prompt: task.prompt },
    status: call?.statusWord ?? words[status],
    // One file is a text, several are a list.
    output: links.length > 1 ? links : (links[0] ?? null),
    error: status === 'failed' ? task.failure.message : null,
    logs: '',
    metrics: isOver ? { predict_time: 1.5 } : {},
    data_removed: false,
    source: 'api',
    ...(task.callbackUrl === undefined ? {} : { webhook: task.callbackUrl }),
    created_at: dateOf(task.createdAt).toISOString(),
    completed_at: isOver && sight !== undefined ? dateOf(sight.since).toISOString() : null,
    urls: { get: url, cancel: `${url}/cancel`, web: `https://replicate.com/p/${task.id}` },
  };
}

function invalid(detail: string): Reply {
  return refusal(422, 'Input validation failed', `- ${detail}\n`);
}

function notFound(): Reply {
  return refusal(404, 'Not found', 'The requested resource could not be found.');
}

function refusal(status: number, title: string, detail: string): Reply {
  return jsonReply(status, { title, detail, status });
}
