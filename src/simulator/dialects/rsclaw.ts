/**
 * rsclaw's videos, as its older servers and its newer ones.
 *
 * Older: `POST /v1/videos`, `/v1/videos/avatar`, `/v1/videos/mv`, `GET /v1/videos/{id}`, `GET
 * /v1/videos/{id}/content`, which redirects to a storage. Newer: `POST /v1/jobs` with an `Idempotency-Key`,
 * `GET /v1/jobs/{id}`, which tells the progress, `GET /v1/jobs/{id}/content`, which serves the bytes
 * itself. Callers: server.ts. Invariants:
 *  R1  An idempotency key names one job for ever: the same body again is answered with that job, another
 *      body is refused (409), and neither is billed.
 *  R2  A task is found below the path it was made at.
 */
import { sha256Hex } from '../../ids.js';
import { canonicalJson, isPlainObject } from '../../json.js';
import type { Json, JsonObject } from '../../json.js';
import { bytesReply, jsonReply, textField } from '../dialect.js';
import type { Call, Dialect, Reply, World } from '../dialect.js';
import { artifactLinks, artifactOf, artifactRoute } from '../object-store.js';
import { byId, submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'rsclaw';
const MOUNT = '/rsclaw';
const TASK = /^\/v1\/(videos|jobs)\/([^/]+)$/;
const CONTENT = /^\/v1\/(videos|jobs)\/([^/]+)\/content$/;
const JOB_MODEL = 'rsclaw-video-v3';
const RESOLUTIONS = ['480p', '720p', '1080p', '2k'];

const statusWords: Readonly<Record<Sight['status'], string>> = {
  queued: 'queued',
  running: 'in_progress',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

type Protocol = 'videos' | 'jobs';

const here = byId(PROVIDER, 1, (task, { params: [protocol] }) => task.echo.protocol === protocol);

export const rsclawDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    submitRoute(/^\/v1\/videos(|\/avatar|\/mv)$/, videoRequest, made),
    submitRoute(/^\/v1\/jobs$/, jobRequest, made, knownJob),
    taskRoute({ action: 'poll', method: 'GET', path: TASK }, here, missing, poll),
    taskRoute({ action: 'download', method: 'GET', path: CONTENT }, here, missing, content),
    artifactRoute(PROVIDER),
  ],
  unauthorized: (why) => refusal(401, why === 'missing' ? 'missing bearer token' : 'invalid api key'),
  noRoute: (path) => refusal(404, `no route for ${path}`),
  malformed: (message) => refusal(400, message),
  rateLimited: () => refusal(429, 'too many requests'),
  failing: (status) => refusal(status, 'the request could not be served'),
};

/** The job that a key names, or the refusal of another body under it. */
function knownJob(request: TaskRequest, call: Call, world: World): Reply | undefined {
  const known = request.key === undefined ? undefined : world.tasks.byKey(PROVIDER, request.key);
  if (known === undefined) return undefined;
  return known.echo.digest === request.echo.digest
    ? jsonReply(200, taskOf(known, world.tasks.glance(known), call))
    : refusal(409, 'the idempotency key was used with another body');
}

function made(created: Task, sight: Sight | undefined, call: Call): Reply {
  return jsonReply(200, taskOf(created, sight, call));
}

function videoRequest(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const family = call.params[0] ?? '';
  const { duration, input_reference: reference } = fields;
  const prompt = textField(fields, 'prompt');
  if (prompt === undefined && family === '') return refusal(400, 'prompt is required');
  if (duration !== undefined && !Number.isInteger(duration)) return refusal(400, 'duration is an integer');
  const hasImage = isPlainObject(reference) && textField(reference, 'image_url') !== undefined;
  if (reference !== undefined && !hasImage) return refusal(400, 'input_reference needs an image_url');
  if (family !== '' && !hasImage) return refusal(400, 'a character image is required');
  if (family === '/mv' && textField(fields, 'lyrics') === undefined)
    return refusal(400, 'lyrics are required');
  return requestOf('videos', {
    prompt: prompt ?? '',
    model: textField(fields, 'model') ?? JOB_MODEL,
  });
}

function jobRequest(call: Call): TaskRequest | Reply {
  const { kind, metadata = {} } = call.fields;
  if (!isPlainObject(kind) || kind.kind !== 'video') return refusal(422, 'kind: expected a video');
  if (!isPlainObject(metadata)) return refusal(422, 'metadata: expected an object');
  const { model, resolution, duration_secs: duration, frames = {}, references = [] } = kind;
  const prompt = textField(kind, 'prompt');
  if (prompt === undefined) return refusal(422, 'kind.prompt: expected a string');
  if (model !== JOB_MODEL) return refusal(422, `kind.model: expected ${JOB_MODEL}`);
  if (resolution !== undefined && !RESOLUTIONS.some((one) => one === resolution)) {
    return refusal(422, `kind.resolution: expected one of ${RESOLUTIONS.join(', ')}`);
  }
  if (duration !== undefined && !Number.isInteger(duration)) {
    return refusal(422, 'kind.duration_secs: expected an integer');
  }
  if (!isPlainObject(frames) || !Object.values(frames).every(isAsset)) {
    return refusal(422, 'kind.frames: expected assets with a type');
  }
  if (!Array.isArray(references)) return refusal(422, 'kind.references: expected a list');
  const key = call.header('idempotency-key');
  const digest = sha256Hex(canonicalJson(call.fields));
  return requestOf('jobs', { prompt, model, digest, ...(key === undefined ? {} : { key }) });
}

function isAsset(asset: unknown): boolean {
  if (!isPlainObject(asset)) return false;
  if (asset.type === 'url') return textField(asset, 'url') !== undefined;
  return asset.type === 'data_uri' && textField(asset, 'data_uri')?.startsWith('data:') === true;
}

interface Asked {
  readonly prompt: string;
  readonly model: string;
  readonly key?: string;
  readonly digest?: string;
}

function requestOf(protocol: Protocol, { prompt, model, key, digest }: Asked): TaskRequest {
  const echo = { protocol, digest };
  const own = key === undefined ? {} : { key };
  return { provider: PROVIDER, kind: 'video', prompt, model, count: 1, echo, ...own };
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, taskOf(task, sight, call));
}

/** Older servers keep what they rendered in a storage of its own; newer ones hand it out. */
function content(task: Task, _call: Call, world: World): Reply | undefined {
  const status = world.tasks.glance(task)?.status ?? 'queued';
  const [location] = artifactLinks(MOUNT, task, status, world);
  if (location === undefined) return undefined;
  if (task.echo.protocol === 'jobs') return artifactOf(task, 0, world);
  return bytesReply(307, 'text/plain', new Uint8Array(0), { location });
}

function taskOf(task: Task, sight: Sight | undefined, call: Call): JsonObject {
  const status = sight?.status ?? 'queued';
  return {
    id: task.id,
    status: call.statusWord ?? statusWords[status],
    ...(task.echo.protocol === 'jobs' ? { progress: sight?.progress ?? 0 } : {}),
    ...(status === 'failed' ? { error: { message: task.failure.message } } : {}),
  };
}

function missing({ params: [, id = ''] }: Call): Reply {
  return refusal(404, `${id} was not found`);
}

function refusal(status: number, message: string): Reply {
  const body: Json = { error: { message } };
  return jsonReply(status, body);
}
