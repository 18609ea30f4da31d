/**
 * Veo behind the Gemini API: `POST /models/{model}:predictLongRunning`, `GET {operation}`, files behind the
 * key, `GET /models`.
 *
 * A failure whose code is `SAFETY` is played as a success without videos that names the filter's reasons.
 * Callers: server.ts. Invariants: a file needs the key header and a link that is good; an event goes to the
 * URL that came with the submit, signed by a JWT.
 */
import { dateOf } from '../../clock.js';
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { judged } from '../access.js';
import { jsonReply, subjectOf, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, Subject, World } from '../dialect.js';
import { artifactOf } from '../object-store.js';
import type { Sight, Task } from '../tasks.js';

const PROVIDER = 'veo';
const MOUNT = '/veo/v1beta';
const SAFETY = 'SAFETY';
const SAMPLES_MAX = 4;
const INTERNAL = 13;

const wordOfStatus: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export const veoDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    {
      action: 'submit',
      method: 'POST',
      path: /^\/models\/([^/:]+):predictLongRunning$/,
      guard: 'key',
      subjects: submitSubjects,
      run: submit,
    },
    {
      action: 'poll',
      method: 'GET',
      path: /^\/models\/([^/]+)\/operations\/([^/]+)$/,
      guard: 'key',
      subjects: (call, world) => subjects(call.params[1], world),
      run: poll,
    },
    {
      action: 'download',
      method: 'GET',
      path: /^\/files\/([^/:]+):download$/,
      guard: 'key',
      subjects: (call, world) => subjects(call.params[0]?.replace(/-\d+$/, ''), world),
      run: download,
    },
    { action: 'list', method: 'GET', path: /^\/models$/, guard: 'key', subjects: () => [], run: models },
  ],
  access: (header, lock) => judged(header('x-goog-api-key'), lock),
  callback: { signing: 'jwt', at: ['succeeded'], body: eventOf },
  // What Google says to a bad key is that the argument is invalid.
  unauthorized: (why) =>
    why === 'missing'
      ? refusal(403, 'Method doesn’t allow unregistered callers.')
      : refusal(400, 'API key not valid. Please pass a valid API key.', [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
        ]),
  noRoute: (path) => refusal(404, `The requested URL ${path} was not found on this server.`),
  malformed: (message) => refusal(400, message),
  rateLimited: () =>
    refusal(429, 'Resource has been exhausted (e.g. check quota).', [
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1s' },
    ]),
  failing: (status) => refusal(status, 'The request could not be served.'),
};

function subjects(id: string | undefined, world: World): readonly Subject[] {
  const task = world.tasks.byId(PROVIDER, id ?? '');
  return [task === undefined ? { taskId: id ?? '' } : subjectOf(task)];
}

function instanceOf(call: Call): Readonly<Record<string, unknown>> {
  const { instances } = call.fields;
  const first: unknown = Array.isArray(instances) ? instances[0] : undefined;
  return isPlainObject(first) ? first : {};
}

function submitSubjects(call: Call): readonly Subject[] {
  const prompt = textField(instanceOf(call), 'prompt');
  return [{ kind: 'video', ...(prompt === undefined ? {} : { prompt }) }];
}

function submit(call: Call, world: World): Outcome {
  const instance = instanceOf(call);
  const prompt = textField(instance, 'prompt');
  if (prompt === undefined) return { reply: refusal(400, 'instances[0].prompt is required') };
  const { parameters = {}, webhookConfig = {} } = call.fields;
  const wrong = wrongIn(instance, parameters, webhookConfig);
  if (wrong !== undefined) return { reply: refusal(400, wrong) };
  const config = isPlainObject(webhookConfig) ? webhookConfig : {};
  const [callbackUrl] = Array.isArray(config['uris']) ? config['uris'].map(String) : [];
  const count: unknown = isPlainObject(parameters) ? parameters['sampleCount'] : undefined;
  const created = world.tasks.create({
    provider: PROVIDER,
    kind: 'video',
    prompt,
    model: call.params[0] ?? '',
    count: typeof count === 'number' ? count : 1,
    echo: { userMetadata: JSON.stringify(config['userMetadata'] ?? {}) },
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    ...(call.terminal === undefined ? {} : { terminal: call.terminal }),
  });
  return { reply: jsonReply(200, operationOf(created, world.tasks.glance(created), world)), created };
}

function wrongIn(
  { image }: Readonly<Record<string, unknown>>,
  parameters: unknown,
  webhookConfig: unknown,
): string | undefined {
  if (image !== undefined) {
    const isInline =
      isPlainObject(image) &&
      textField(image, 'bytesBase64Encoded') !== undefined &&
      textField(image, 'mimeType') !== undefined;
    if (!isInline) return 'image needs bytesBase64Encoded and mimeType';
  }
  if (!isPlainObject(parameters)) return 'parameters must be an object';
  const { durationSeconds, sampleCount = 1, aspectRatio = '16:9', resolution = '720p' } = parameters;
  if (durationSeconds !== undefined && typeof durationSeconds !== 'number') {
    return 'durationSeconds needs to be a number';
  }
  if (!['16:9', '9:16'].includes(String(aspectRatio))) return 'aspectRatio must be 16:9 or 9:16';
  if (!['720p', '1080p', '4k'].includes(String(resolution))) return 'resolution must be 720p, 1080p or 4k';
  const isCount = typeof sampleCount === 'number' && Number.isInteger(sampleCount);
  if (!isCount || sampleCount < 1 || sampleCount > SAMPLES_MAX) return `sampleCount is 1 to ${SAMPLES_MAX}`;
  const isConfig =
    isPlainObject(webhookConfig) &&
    (webhookConfig['uris'] === undefined || Array.isArray(webhookConfig['uris']));
  return isConfig ? undefined : 'webhookConfig.uris must be a list';
}

function poll(call: Call, world: World): Outcome {
  const task = world.tasks.byId(PROVIDER, call.params[1] ?? '');
  const sight = task === undefined || task.model !== call.params[0] ? undefined : world.tasks.poll(task);
  if (task === undefined || sight === undefined) return { reply: refusal(404, 'Operation not found.') };
  return { reply: jsonReply(200, operationOf(task, sight, world)) };
}

function nameOf(task: Task): string {
  return `models/${task.model}/operations/${task.id}`;
}

function operationOf(task: Task, sight: Sight | undefined, world: World): JsonObject {
  const status = sight?.status ?? 'queued';
  const name = nameOf(task);
  if (status === 'queued' || status === 'running') return { name };
  const { code, message } = task.failure;
  if (status === 'failed' && code === SAFETY) {
    const filtered = { raiMediaFilteredCount: 1, raiMediaFilteredReasons: [message] };
    return { name, done: true, response: { generateVideoResponse: filtered } };
  }
  if (status !== 'succeeded') return { name, done: true, error: { code: INTERNAL, message } };
  const generatedSamples = filesOf(task, world).map((uri) => ({ video: { uri } }));
  return { name, done: true, response: { generateVideoResponse: { generatedSamples } } };
}

/** Behind the key, and good for as long as the script says. */
function filesOf(task: Task, world: World): readonly string[] {
  return Array.from({ length: task.count }, (_, index) => {
    const path = `${MOUNT}/files/${task.id}-${index}:download`;
    return `${world.links.sign(path, world.nowMs() + task.urlTtlMs)}&alt=media`;
  });
}

function download(call: Call, world: World): Outcome {
  const [, id = '', index = '0'] = /^(.*)-(\d+)$/.exec(call.params[0] ?? '') ?? [];
  const task = world.tasks.byId(PROVIDER, id);
  const isGood = world.links.check(call.path, call.query) === 'good';
  if (task === undefined || !isGood || Number(index) >= task.count) {
    return { reply: refusal(403, 'You do not have permission to access the file or it may not exist.') };
  }
  return { reply: artifactOf(task, Number(index), world) };
}

function models(): Outcome {
  return { reply: jsonReply(200, { models: [{ name: 'models/veo-3.1-generate-preview' }] }) };
}

function eventOf(task: Task, { since }: Sight, world: World): JsonObject {
  const metadata: unknown = JSON.parse(task.echo['userMetadata'] ?? '{}');
  return {
    type: 'video.generated',
    version: 'v1',
    timestamp: dateOf(since).toISOString(),
    data: { id: nameOf(task), output_file_uri: filesOf(task, world)[0] },
    ...(isPlainObject(metadata) ? { user_metadata: metadata as JsonObject } : {}),
  };
}

function refusal(status: number, message: string, details: readonly JsonObject[] = []): Reply {
  const word = wordOfStatus[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT');
  return jsonReply(status, { error: { code: status, message, status: word, details } });
}
