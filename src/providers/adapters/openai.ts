/**
 * The OpenAI-videos protocol: OpenAI closed its own endpoint in September 2026, gateways and vLLM-Omni
 * speak it on.
 *
 * Callers: users, who register `openai(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  O1  `seconds` is a string, and the body is multipart unless `encoding` says otherwise.
 *  O2  The protocol has no idempotency key: a lost submit is looked for in the listing, and a listed task
 *      is taken for ours only when it echoes our prompt and contradicts nothing else.
 *  O3  Webhooks belong to the project, not to a job: they carry nothing of ours and say nothing but that
 *      there is news.
 */
import type { Clock } from '../../clock.js';
import type { JsonObject } from '../../json.js';
import { environment } from '../../options.js';
import { homeOf, refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
import {
  acceptedSubmit,
  failedCheck,
  failedPoll,
  refusedSubmit,
  submitWithoutTask,
  taskFailure,
  unusablePoll,
} from '../classify.js';
import { inlineData } from '../data-uri.js';
import { isUnordered, listedAt } from '../listing.js';
import {
  projectCredential,
  projectRules,
  projectWebhook,
  type OpenAiProjectOptions,
} from './openai-project.js';
import { openaiWords } from './openai-words.js';
import type {
  ArtifactSource,
  HttpRequest,
  HttpResponse,
  ListedTask,
  ListPage,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
  UploadFile,
} from '../port.js';
import { asList, asNumber, asObject, asText, asUrl, at, isSuccess, progressOf, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';

/**
 * The base URL is `OPENAI_BASE_URL`, else `https://api.openai.com/v1`.
 */
export interface OpenAiOptions extends OpenAiProjectOptions {
  /** Default `multipart`, as the official client sends; some gateways want `json`. */
  readonly encoding?: 'multipart' | 'json';
  /** What to do when a lost submit is in no listing. Default `hold`: an operator decides. */
  readonly onUnlisted?: 'resubmit' | 'hold';
  /** The model of requests that name none. Default `sora-2`. */
  readonly model?: string;
}

const VIDEOS = 'videos';
const EVENTS = ['video.completed', 'video.failed'];
const PAGE_SIZE = 100;

interface Protocol {
  readonly baseUrl: string;
  readonly model: string;
  readonly encoding: 'multipart' | 'json';
  readonly clock: Clock;
}

export function openai(options: OpenAiOptions = {}): ProviderAdapter {
  checkOptions<OpenAiOptions>('openai', options, {
    ...projectRules,
    encoding: ['multipart', 'json'],
    onUnlisted: ['resubmit', 'hold'],
    model: 'text',
  });
  const configured = options.baseUrl ?? (options.env ?? environment)().OPENAI_BASE_URL;
  const { clock, ...home } = homeOf('openai', options, 'https://api.openai.com/v1', configured);
  const protocol: Protocol = {
    baseUrl: home.baseUrl,
    model: options.model ?? 'sora-2',
    encoding: options.encoding ?? 'multipart',
    clock,
  };
  return {
    id: 'openai',
    aliases: [],
    ...home,
    capabilities: { kinds: ['video'], webhook: 'signed', cancel: 'none', pollMinMs: 1_000 },
    reconcile: {
      by: 'list',
      onUnlisted: options.onUnlisted ?? 'hold',
      buildPage: (_request, cursor) => ({ method: 'GET', path: pagePath(cursor) }),
      parsePage: (response, _request, credential) => parsePage(protocol, response, credential),
      tagged: () => false,
      sameRequest: (task, request) => sameRequest(protocol, task, request),
    },
    webhook: projectWebhook(options, EVENTS, refOf),
    check: {
      build: () => ({ method: 'GET', path: `/${VIDEOS}?limit=1` }),
      parse: (response) =>
        failedCheck(response, openaiWords(response, readObject(response.text)), clock.now()),
    },
    credential: (alias) => projectCredential(options, alias),
    refuse: refuseVideo,
    buildSubmit: (request) => submitRequest(protocol, request),
    parseSubmit: (response, _request, credential) => parseSubmit(protocol, response, credential),
    buildPoll: (ref) => ({ method: 'GET', path: `/videos/${encodeURIComponent(ref.taskId)}` }),
    parsePoll: (response, ref) => parsePoll(protocol, response, ref),
  };
}

function refuseVideo(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video']);
  if (shared !== undefined || request.image === undefined) return shared;
  const isUrl = /^https?:/.test(request.image);
  return isUrl || inlineData(request.image) !== undefined ? undefined : 'image must be a base64 data URI';
}

/** An image that is given as data is uploaded as a file: a form has no other place for it. */
function submitRequest(protocol: Protocol, request: ProviderRequest): HttpRequest {
  const submit = { method: 'POST', path: `/${VIDEOS}` } as const;
  if (protocol.encoding === 'json') return { ...submit, json: submitBody(protocol, request) };
  const { image, ...plain } = request;
  const data = image === undefined ? undefined : inlineData(image);
  if (data === undefined) return { ...submit, form: formOf(submitBody(protocol, request)) };
  const suffix = /^image\/(\w+)/.exec(data.mime)?.[1] ?? 'bin';
  const file: UploadFile = { name: `input_reference.${suffix}`, ...data };
  return { ...submit, form: formOf(submitBody(protocol, plain)), files: { input_reference: file } };
}

function submitBody(protocol: Protocol, request: ProviderRequest): JsonObject {
  return {
    ...request.extra,
    model: request.model ?? protocol.model,
    prompt: request.prompt,
    ...(request.durationSeconds === undefined ? {} : { seconds: String(request.durationSeconds) }),
    ...(request.size === undefined ? {} : { size: request.size }),
    ...(request.image === undefined ? {} : { input_reference: { image_url: request.image } }),
    ...(request.negativePrompt === undefined ? {} : { negative_prompt: request.negativePrompt }),
    ...(request.aspectRatio === undefined ? {} : { aspect_ratio: request.aspectRatio }),
    ...(request.seed === undefined ? {} : { seed: request.seed }),
  };
}

/** Form fields as the official client writes them: `outer[inner]` for objects; lists travel as JSON text. */
function formOf(body: JsonObject, prefix?: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const [key, value] of Object.entries(body)) {
    if (value === undefined || value === null) continue;
    const name = prefix === undefined ? key : `${prefix}[${key}]`;
    const nested = asObject(value);
    if (typeof value === 'string') fields[name] = value;
    else if (nested === undefined) fields[name] = JSON.stringify(value);
    else Object.assign(fields, formOf(nested as JsonObject, name));
  }
  return fields;
}

function parseSubmit(protocol: Protocol, response: HttpResponse, credential: string): SubmitOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return refusedSubmit(response, openaiWords(response, body), protocol.clock.now());
  const taskId = body === undefined ? undefined : taskIdOf(body);
  if (body !== undefined && taskId !== undefined) {
    const ref = refOf(taskId, credential);
    return acceptedSubmit(ref, outcomeOf(protocol, body, ref));
  }
  return submitWithoutTask(response, openaiWords(response, body));
}

function parsePoll(protocol: Protocol, response: HttpResponse, ref: TaskRef): PollOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, openaiWords(response, body), protocol.clock.now());
  if (body === undefined) return unusablePoll(response, 'a poll that is no JSON object');
  const echoed = taskIdOf(body);
  if (echoed !== undefined && echoed !== ref.taskId) {
    return unusablePoll(response, 'a poll that answers for another task');
  }
  if (asText(body.status) === undefined) {
    return unusablePoll(response, 'a poll without a status');
  }
  return outcomeOf(protocol, body, ref);
}

function outcomeOf(protocol: Protocol, body: WireObject, ref: TaskRef): PollOutcome {
  const status = asText(body.status)?.toLowerCase();
  switch (status) {
    case 'completed':
    case 'succeeded':
      return { type: 'done', artifacts: [artifactOf(protocol, body, ref)] };
    case 'failed':
    case 'error':
    case 'cancelled':
    case 'canceled':
      return { type: 'failed', error: failureOf(body, status) };
    default: {
      const known =
        status === undefined || ['queued', 'in_progress', 'processing', 'pending'].includes(status);
      return {
        type: 'pending',
        ...progressOf(body.progress, 100),
        ...(known ? {} : { unknownStatus: status }),
      };
    }
  }
}

/**
 * Gateways give a URL in one of several fields; without one the content is behind the key, at our own base
 * URL.
 */
function artifactOf(protocol: Protocol, body: WireObject, ref: TaskRef): ArtifactSource {
  const places = [body.video_url, body.url, at(body, 'data', 0, 'url'), at(body, 'metadata', 'url')];
  const given = places.map(asUrl).find((url) => url !== undefined);
  if (given === undefined) {
    const url = `${protocol.baseUrl}/videos/${encodeURIComponent(ref.taskId)}/content`;
    return { url, authenticated: true };
  }
  return { url: given, authenticated: new URL(given).origin === new URL(protocol.baseUrl).origin };
}

function failureOf(body: WireObject, status: string): ProviderError {
  const code = asText(at(body, 'error', 'code'));
  const message = asText(at(body, 'error', 'message')) ?? asText(body.error) ?? `the provider says ${status}`;
  return taskFailure({ code: code ?? (status === 'error' ? 'failed' : status), message });
}

function pagePath(cursor: string | undefined): string {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE), order: 'desc' });
  if (cursor !== undefined) query.set('after', cursor);
  return `/videos?${query.toString()}`;
}

function parsePage(protocol: Protocol, response: HttpResponse, credential: string): ListPage {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, openaiWords(response, body), protocol.clock.now());
  if (body === undefined || !Array.isArray(body.data)) {
    return unusablePoll(response, 'a listing without data');
  }
  const tasks = asList(body.data).flatMap((item) => listedTask(asObject(item), credential));
  const last = asText(body.last_id) ?? tasks.at(-1)?.ref.taskId;
  const more = body.has_more === true && tasks.length > 0 && last !== undefined;
  // Asked for newest first; a gateway may not heed it.
  return { type: 'page', tasks, unordered: isUnordered(tasks), ...(more ? { next: last } : {}) };
}

function listedTask(item: WireObject | undefined, credential: string): readonly ListedTask[] {
  const taskId = item === undefined ? undefined : taskIdOf(item);
  if (item === undefined || taskId === undefined) return [];
  const { createdAt, dated } = listedAt(asNumber(item.created_at));
  const echo = {
    // What nobody dates may be any earlier job's.
    dated: dated ? 'yes' : undefined,
    model: asText(item.model),
    prompt: asText(item.prompt),
    seconds: asText(item.seconds),
    size: asText(item.size),
  };
  return [{ ref: refOf(taskId, credential), createdAt, echo }];
}

function sameRequest(protocol: Protocol, task: ListedTask, request: ProviderRequest): boolean {
  const { dated, model, prompt, seconds, size } = task.echo;
  if (dated === undefined || prompt !== request.prompt) return false;
  const wanted = request.model ?? protocol.model;
  // Providers answer with a dated snapshot of the model that was asked for.
  if (model !== undefined && model !== wanted && !model.startsWith(`${wanted}-`)) return false;
  if (seconds !== undefined && request.durationSeconds !== undefined) {
    if (asNumber(seconds) !== request.durationSeconds) return false;
  }
  return size === undefined || request.size === undefined || size === request.size;
}

function refOf(taskId: string, credential: string): TaskRef {
  return { taskId, endpoint: VIDEOS, generation: 'v1', credential };
}

function taskIdOf(body: WireObject): string | undefined {
  return asText(body.id) ?? asText(body.video_id) ?? asText(body.task_id);
}
