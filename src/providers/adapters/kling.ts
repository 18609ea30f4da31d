/**
 * Kling, with a plain API key: videos through the 2026 API (the model is in the path), images through the
 * endpoint that has the model in its body.
 *
 * Callers: users, who register `kling(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  G1  Every submit carries the job's key as `external_task_id`, which Kling keeps unique in an account: a
 *      lost submit is looked up by it, and a repeated one is refused. That refusal is `ambiguous`, never a
 *      failure.
 *  G2  A task is read only from an entry that has its id (or, in a lookup, our key).
 *  G3  `TaskRef.endpoint` says which family of paths knows the task.
 */
import type { JsonObject } from '../../json.js';
import { homeOf, keyOf, refuseShared } from '../account.js';
import type { AdapterOptions } from '../account.js';
import {
  acceptedSubmit,
  failedPoll,
  providerError,
  refusedSubmit,
  soundsUnsafe,
  unusable,
} from '../classify.js';
import { klingWords, saysKeyUsed, saysUnknownTask } from './kling-errors.js';
import type {
  ArtifactSource,
  HttpRequest,
  HttpResponse,
  KeyLookup,
  PollOutcome,
  ProviderAdapter,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asList, asObject, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';

/** The base URL is `https://api-singapore.klingai.com`, the key `KLING_API_KEY` or `KLINGAI_API_KEY`. */
export interface KlingOptions extends AdapterOptions {
  /** The model of video requests that name none. Default `kling-3.0-turbo`. */
  readonly videoModel?: string;
  /** The model of image requests that name none. Default `kling-v2-1`. */
  readonly imageModel?: string;
}

const PROMPT_CHARS_MAX = 2_500;
const URL_TTL_MS = 30 * 24 * 3_600_000;
const IMAGES_PATH = '/v1/images/generations';

type Endpoint = 'text-to-video' | 'image-to-video' | 'images';

export function kling(options: KlingOptions = {}): ProviderAdapter {
  const { clock, ...home } = homeOf('kling', options, 'https://api-singapore.klingai.com');
  const models = {
    video: options.videoModel ?? 'kling-3.0-turbo',
    image: options.imageModel ?? 'kling-v2-1',
  };
  return {
    id: 'kling',
    aliases: [],
    ...home,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    capabilities: {
      kinds: ['video', 'image'],
      webhook: 'signed',
      cancel: 'none',
      pollMinMs: 1_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: {
      by: 'key',
      buildLookup: (request, { key }) => lookupRequest(endpointOf(request), key),
      parseLookup: (response, request, credential, key) =>
        parseLookup(response, request, credential, key, clock.now()),
    },
    credential: (alias) => {
      const key = keyOf(options, alias, ['KLING_API_KEY', 'KLINGAI_API_KEY']);
      return key === undefined ? undefined : { headers: { authorization: `Bearer ${key}` } };
    },
    refuse: refuseKling,
    buildSubmit: (request, { key, callbackUrl }) => {
      const model = request.model ?? models[request.kind];
      if (request.kind === 'image') return imageSubmit(request, model, key, callbackUrl);
      return videoSubmit(request, model, key, callbackUrl);
    },
    parseSubmit: (response, request, credential) => parseSubmit(response, request, credential, clock.now()),
    buildPoll: pollRequest,
    parsePoll: (response, ref) => parsePoll(response, ref, clock.now()),
  };
}

function refuseKling(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video', 'image']);
  if (shared !== undefined) return shared;
  if (request.prompt.length > PROMPT_CHARS_MAX)
    return `prompt must have at most ${PROMPT_CHARS_MAX} characters`;
  if (request.durationSeconds !== undefined && !Number.isInteger(request.durationSeconds)) {
    return 'durationSeconds must be a whole number';
  }
  if (request.model !== undefined && !/^[\w.-]+$/.test(request.model)) return 'model must be a plain name';
  return undefined;
}

function videoSubmit(
  request: ProviderRequest,
  model: string,
  key: string,
  callbackUrl: string | undefined,
): HttpRequest {
  const { settings, options, ...extra } = request.extra ?? {};
  const content: JsonObject =
    request.image === undefined
      ? { prompt: request.prompt }
      : {
          contents: [
            { type: 'prompt', text: request.prompt },
            { type: 'first_frame', url: withoutDataPrefix(request.image) },
          ],
        };
  const body: JsonObject = {
    ...extra,
    ...content,
    ...(request.negativePrompt === undefined ? {} : { negative_prompt: request.negativePrompt }),
    settings: { ...jsonObject(settings), ...settingsOf(request) },
    options: {
      ...jsonObject(options),
      external_task_id: key,
      ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
    },
  };
  return { method: 'POST', path: `/${endpointOf(request)}/${encodeURIComponent(model)}`, json: body };
}

/** Kling knows a resolution and an aspect ratio, not a size in pixels. */
function settingsOf(request: ProviderRequest): JsonObject {
  const aspectRatio = request.aspectRatio ?? ratioOfSize(request.size);
  const resolution = resolutionOfSize(request.size);
  return {
    ...(resolution === undefined ? {} : { resolution }),
    ...(aspectRatio === undefined ? {} : { aspect_ratio: aspectRatio }),
    ...(request.durationSeconds === undefined ? {} : { duration: request.durationSeconds }),
    ...(request.seed === undefined ? {} : { seed: request.seed }),
  };
}

function imageSubmit(
  request: ProviderRequest,
  model: string,
  key: string,
  callbackUrl: string | undefined,
): HttpRequest {
  const aspectRatio = request.aspectRatio ?? ratioOfSize(request.size);
  const body: JsonObject = {
    ...request.extra,
    model_name: model,
    prompt: request.prompt,
    ...(request.negativePrompt === undefined ? {} : { negative_prompt: request.negativePrompt }),
    ...(request.image === undefined ? {} : { image: withoutDataPrefix(request.image) }),
    ...(aspectRatio === undefined ? {} : { aspect_ratio: aspectRatio }),
    external_task_id: key,
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  };
  return { method: 'POST', path: IMAGES_PATH, json: body };
}

function parseSubmit(
  response: HttpResponse,
  request: ProviderRequest,
  credential: string,
  now: number,
): SubmitOutcome {
  const words = klingWords(response.text);
  if (!isSuccess(response) || words.code !== undefined) {
    const refused = refusedSubmit(response, words, now);
    const isUnclear = isSuccess(response) && words.class === undefined;
    if (refused.type === 'rejected' && (saysKeyUsed(words) || isUnclear)) {
      return { type: 'ambiguous', error: refused.error };
    }
    return refused;
  }
  const task = asObject(readObject(response.text)?.data);
  const taskId = task === undefined ? undefined : taskIdOf(task);
  if (task === undefined || taskId === undefined) {
    return { type: 'billed', error: unusable(response, 'a submit without a task id') };
  }
  return acceptedSubmit(refOf(taskId, request, credential), outcomeOf(response, task));
}

function lookupRequest(endpoint: Endpoint, key: string): HttpRequest {
  const id = encodeURIComponent(key);
  return {
    method: 'GET',
    path: endpoint === 'images' ? `${IMAGES_PATH}/${id}` : `/tasks?external_task_ids=${id}`,
  };
}

function pollRequest(ref: TaskRef): HttpRequest {
  const id = encodeURIComponent(ref.taskId);
  return {
    method: 'GET',
    path: ref.endpoint === 'images' ? `${IMAGES_PATH}/${id}` : `/tasks?task_ids=${id}`,
  };
}

function parseLookup(
  response: HttpResponse,
  request: ProviderRequest,
  credential: string,
  key: string,
  now: number,
): KeyLookup {
  const words = klingWords(response.text);
  if (saysUnknownTask(response.status, words) && (!isSuccess(response) || words.code !== undefined)) {
    // An answer from something that is not Kling (a gateway's HTML 404) says nothing about Kling's tasks.
    return readObject(response.text) === undefined
      ? { type: 'transient', error: unusable(response, 'a lookup that is no JSON object') }
      : { type: 'absent' };
  }
  if (!isSuccess(response) || words.code !== undefined) return failedPoll(response, words, now);
  const tasks = tasksOf(response.text);
  if (tasks === undefined) return { type: 'transient', error: unusable(response, 'a lookup without data') };
  const taskId = ownTaskId(tasks, key);
  if (taskId !== undefined) return { type: 'found', ref: refOf(taskId, request, credential) };
  // Entries that carry neither our key nor another one: there is a task, and nothing says whose.
  const unclear = tasks.some((task) => externalIdOf(task) === undefined);
  if (unclear)
    return { type: 'transient', error: unusable(response, 'a lookup that does not name its keys') };
  return { type: 'absent' };
}

/**
 * The task that carries our key; a single entry without any key is taken, since the provider did the
 * filtering.
 */
function ownTaskId(tasks: readonly WireObject[], key: string): string | undefined {
  const named = tasks.find((task) => externalIdOf(task) === key);
  const [only] = tasks;
  const unnamed =
    tasks.length === 1 && only !== undefined && externalIdOf(only) === undefined ? only : undefined;
  const own = named ?? unnamed;
  return own === undefined ? undefined : taskIdOf(own);
}

function parsePoll(response: HttpResponse, ref: TaskRef, now: number): PollOutcome {
  const words = klingWords(response.text);
  if (!isSuccess(response) || words.code !== undefined) {
    const lost = readObject(response.text) !== undefined && saysUnknownTask(response.status, words);
    return failedPoll(response, lost ? { ...words, class: 'notFound' } : words, now);
  }
  const tasks = tasksOf(response.text);
  if (tasks === undefined) return { type: 'transient', error: unusable(response, 'a poll without data') };
  const task = tasks.find((entry) => taskIdOf(entry) === ref.taskId);
  if (task !== undefined) return outcomeOf(response, task);
  const message = `the provider does not list task ${ref.taskId}`;
  return { type: 'transient', error: providerError('notFound', { message }) };
}

function outcomeOf(response: HttpResponse, task: WireObject): PollOutcome {
  const status = (asText(task.status) ?? asText(task.task_status))?.toLowerCase();
  switch (status) {
    case undefined:
      return { type: 'transient', error: unusable(response, 'a task without a status') };
    case 'submitted':
    case 'processing':
      return { type: 'pending' };
    case 'succeed':
    case 'succeeded': {
      const artifacts = artifactsOf(task);
      if (artifacts.length > 0) return { type: 'done', artifacts };
      return { type: 'transient', error: unusable(response, 'a finished task without outputs') };
    }
    case 'failed': {
      const message = asText(task.message) ?? asText(task.task_status_msg) ?? 'the provider says failed';
      return {
        type: 'failed',
        error: providerError(soundsUnsafe(message) ? 'safety' : 'failed', { message }),
      };
    }
    default:
      return { type: 'pending', unknownStatus: status };
  }
}

/** Signed URLs that need no key: `outputs[]` of 2026, `task_result` of the older family. */
function artifactsOf(task: WireObject): readonly ArtifactSource[] {
  const lists = [
    task.outputs,
    at(task, 'task_result', 'outputs'),
    at(task, 'task_result', 'images'),
    at(task, 'task_result', 'videos'),
  ];
  const urls = lists.flatMap(asList).map((output) => asUrl(at(output, 'url')));
  return [...new Set(urls.filter((url) => url !== undefined))].map((url) => ({ url, authenticated: false }));
}

/** `data` is one task (images) or a list of them (videos); undefined when it is neither. */
function tasksOf(text: string): readonly WireObject[] | undefined {
  const data = readObject(text)?.data;
  if (Array.isArray(data)) return data.map(asObject).filter((task) => task !== undefined);
  const task = asObject(data);
  return task === undefined ? undefined : [task];
}

function taskIdOf(task: WireObject): string | undefined {
  return asText(task.id) ?? asText(task.task_id);
}

function externalIdOf(task: WireObject): string | undefined {
  return (
    asText(task.external_id) ??
    asText(task.external_task_id) ??
    asText(at(task, 'task_info', 'external_task_id'))
  );
}

function endpointOf(request: ProviderRequest): Endpoint {
  if (request.kind === 'image') return 'images';
  return request.image === undefined ? 'text-to-video' : 'image-to-video';
}

function refOf(taskId: string, request: ProviderRequest, credential: string): TaskRef {
  const endpoint = endpointOf(request);
  return { taskId, endpoint, generation: endpoint === 'images' ? 'v1' : '2026', credential };
}

/** Kling wants bare base64 where others take a data URI. */
function withoutDataPrefix(image: string): string {
  return image.replace(/^data:[^,]*;base64,/, '');
}

function ratioOfSize(size: string | undefined): string | undefined {
  const pixels = pixelsOf(size);
  if (pixels === undefined) return undefined;
  let [a, b] = pixels;
  while (b > 0) [a, b] = [b, a % b];
  return `${pixels[0] / a}:${pixels[1] / a}`;
}

function resolutionOfSize(size: string | undefined): string | undefined {
  const pixels = pixelsOf(size);
  return pixels === undefined ? undefined : `${Math.min(...pixels)}p`;
}

function pixelsOf(size: string | undefined): readonly [number, number] | undefined {
  const [width, height] = (size ?? '').split('x').map(Number);
  return width !== undefined && height !== undefined && width > 0 && height > 0 ? [width, height] : undefined;
}

function jsonObject(value: unknown): JsonObject {
  return (asObject(value) as JsonObject | undefined) ?? {};
}
