/**
 * rsclaw's images: `POST /v1/images/generations` is answered with a signed URL, and that URL tells how far
 * the image is. Nobody outside has written the shape of its answers down; these are likely ones.
 *
 * Callers: server.ts. Invariants:
 *  I1  The signed URL needs no key and is good for a week; one that is over or forged is refused (403).
 *  I2  A poll of a finished task gives fresh links, or the image itself where `response_format` is
 *      `b64_json`.
 */
import type { JsonObject } from '../../json.js';
import { jsonReply, subjectOf, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Reply, Subject, World } from '../dialect.js';
import { accessDenied, artifactLinks, artifactOf, artifactRoute } from '../object-store.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'rsclaw_image';
const MOUNT = '/rsclaw_image';
const IMAGES_MAX = 4;
const WEEK_MS = 7 * 86_400_000;

const statusWords: Readonly<Record<Sight['status'], string>> = {
  queued: 'queued',
  running: 'processing',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const rsclawImageDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    {
      action: 'submit',
      method: 'POST',
      path: /^\/v1\/images\/generations$/,
      guard: 'key',
      subjects: (call) => {
        const prompt = textField(call.fields, 'prompt');
        return [{ kind: 'image', ...(prompt === undefined ? {} : { prompt }) }];
      },
      run: submit,
    },
    { action: 'poll', method: 'GET', path: /^\/poll\/([^/]+)$/, guard: 'signature', subjects, run: poll },
    {
      action: 'poll',
      method: 'GET',
      path: /^\/v1\/videos\/([^/]+)$/,
      guard: 'key',
      subjects,
      run: ({ params }) => ({ reply: refusal(404, `${params[0] ?? ''} was not found`) }),
    },
    artifactRoute(PROVIDER),
  ],
  unauthorized: (why) => refusal(401, why === 'missing' ? 'missing bearer token' : 'invalid api key'),
  noRoute: (path) => refusal(404, `no route for ${path}`),
  malformed: (message) => refusal(400, message),
  rateLimited: () => refusal(429, 'too many requests'),
  failing: (status) => refusal(status, 'the request could not be served'),
};

function subjects(call: Call, world: World): readonly Subject[] {
  const taskId = call.params[0] ?? '';
  const task = world.tasks.byId(PROVIDER, taskId);
  return [task === undefined ? { taskId } : subjectOf(task)];
}

function submit(call: Call, world: World): Outcome {
  const request = requestOf(call);
  if ('body' in request) return { reply: request };
  const { terminal } = call;
  const created = world.tasks.create(terminal === undefined ? request : { ...request, terminal });
  const id = world.links.sign(`${MOUNT}/poll/${created.id}`, world.nowMs() + WEEK_MS);
  return {
    reply: jsonReply(200, { id, ...taskOf(created, world.tasks.glance(created), call, world) }),
    created,
  };
}

function requestOf(call: Call): TaskRequest | Reply {
  const { n = 1, size } = call.fields;
  const prompt = textField(call.fields, 'prompt');
  if (prompt === undefined) return refusal(400, 'prompt is required');
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > IMAGES_MAX) {
    return refusal(400, `n is an integer from 1 to ${IMAGES_MAX}`);
  }
  if (size !== undefined && (typeof size !== 'string' || !/^\d+x\d+$/.test(size))) {
    return refusal(400, 'size looks like 1024x1024');
  }
  const model = textField(call.fields, 'model') ?? 'rsclaw-image-v1';
  const echo = { format: textField(call.fields, 'response_format') };
  return { provider: PROVIDER, kind: 'image', prompt, model, count: n, echo };
}

function poll(call: Call, world: World): Outcome {
  const state = world.links.check(call.path, call.query);
  if (state !== 'good') {
    return { reply: accessDenied(state === 'expired' ? 'Request has expired' : 'The signature is wrong') };
  }
  const task = world.tasks.byId(PROVIDER, call.params[0] ?? '');
  const sight = task === undefined ? undefined : world.tasks.poll(task);
  if (task === undefined || sight === undefined) return { reply: refusal(404, 'no such image') };
  return { reply: jsonReply(200, taskOf(task, sight, call, world)) };
}

function taskOf(task: Task, sight: Sight | undefined, call: Call, world: World): JsonObject {
  const status = sight?.status ?? 'queued';
  const data = artifactLinks(MOUNT, task, status, world).map((url, index) =>
    task.echo.format === 'b64_json'
      ? { b64_json: Buffer.from(artifactOf(task, index, world).body).toString('base64') }
      : { url },
  );
  return {
    status: call.statusWord ?? statusWords[status],
    ...(data.length === 0 ? {} : { data }),
    ...(status === 'failed' ? { error: { message: task.failure.message } } : {}),
  };
}

function refusal(status: number, message: string): Reply {
  return jsonReply(status, { error: { message } });
}
