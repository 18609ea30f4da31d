/**
 * MiniMax's videos in both generations of its API: v1 (Hailuo) and v2 (H3), whichever the model belongs to.
 *
 * v1 answers HTTP 200 to everything and says what it means in `base_resp`, and a finished task names a file,
 * whose link is asked for by a second call. v2 has HTTP codes, and the link in the task.
 * Callers: users, who register `minimax(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  M1  Either generation's envelope is read on either path: they were seen mixed.
 *  M2  `TaskRef.generation` says which paths know the task.
 *  M3  A refusal is believed for its code, and only where no task id came with it.
 *  M4  A lost submit is not looked for. v1 has no listing; that of v2 echoes nothing that tells one request
 *      from another, so what it shows may be somebody else's video.
 */
import { bearer, homeOf, keyOf } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions } from '../account.js';
import {
  acceptedSubmit,
  failedPoll,
  providerError,
  refusedSubmit,
  soundsUnsafe,
  unusable,
  unusablePoll,
} from '../classify.js';
import type {
  HttpRequest,
  HttpResponse,
  PollOutcome,
  PollReading,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
  WebhookBody,
  WebhookNews,
} from '../port.js';
import { asObject, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { generationOf, minimaxBody, refuseMinimax } from './minimax-body.js';
import type { Generation } from './minimax-body.js';
import { isUnknownTask, minimaxWords } from './minimax-errors.js';

/** The key is `MINIMAX_API_KEY`; it is good in one region alone. */
export interface MinimaxOptions extends AdapterOptions {
  /** Whose key it is: `cn` of api.minimaxi.com, `intl` of api.minimax.io. Default `intl`. */
  readonly region?: 'cn' | 'intl';
  /** Which API is spoken. Default: v2 for models whose name begins with `MiniMax-H3`, v1 for all others. */
  readonly generation?: Generation;
  /** The model of requests that name none. Default `MiniMax-Hailuo-2.3`, with generation v2 `MiniMax-H3`. */
  readonly model?: string;
}

const BASE_URLS = { cn: 'https://api.minimaxi.com', intl: 'https://api.minimax.io' } as const;
const URL_TTL_MS = 3_600_000;
/** What no task has for an id. */
const NO_TASK = '0';
const PENDING = ['preparing', 'queueing', 'queued', 'processing', 'running'];
const DONE = ['success', 'succeeded'];
const FAILED = ['fail', 'failed', 'cancelled', 'canceled', 'expired'];

interface House {
  readonly region: 'cn' | 'intl';
  readonly forced: Generation | undefined;
  readonly model: string;
  readonly now: () => number;
}

export function minimax(options: MinimaxOptions = {}): ProviderAdapter {
  checkOptions<MinimaxOptions>('minimax', options, {
    region: ['intl', 'cn'],
    generation: ['v1', 'v2'],
    model: 'text',
  });
  const { region = 'intl', generation: forced } = options;
  const { clock, ...home } = homeOf('minimax', options, BASE_URLS[region]);
  const model = options.model ?? (forced === 'v2' ? 'MiniMax-H3' : 'MiniMax-Hailuo-2.3');
  const house: House = { region, forced, model, now: () => clock.now() };
  return {
    id: 'minimax',
    aliases: [],
    ...home,
    capabilities: {
      kinds: ['video'],
      webhook: 'unsigned',
      cancel: forced === 'v1' ? 'none' : 'queued',
      pollMinMs: 1_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: { by: 'none' },
    webhook: {
      schemes: [{ type: 'unsigned' }],
      challenge: challengeAnswer,
      parse: (body, { request, credential }) => parseNews(house, body, request, credential),
    },
    check: { build: () => checkRequest(house), parse: (response) => parseCheck(house, response) },
    credential: (alias) => bearer(keyOf(options, alias, ['MINIMAX_API_KEY'])),
    refuse: (request) => refuseMinimax(request, familyOf(house, request)),
    buildSubmit: (request, { callbackUrl }) => {
      const family = familyOf(house, request);
      const json = minimaxBody(request, family, request.model ?? house.model, callbackUrl);
      return { method: 'POST', path: `/${family}/video_generation`, json };
    },
    parseSubmit: (response, request, credential) => parseSubmit(house, response, request, credential),
    buildPoll: pollRequest,
    parsePoll: (response, ref) => parsePoll(house, response, ref),
    parseMore: (response) => parseFile(house, response),
    ...(forced === 'v1' ? {} : { buildCancel: cancelRequest, cancelErases: true }),
  };
}

function familyOf({ forced, model }: House, request: ProviderRequest): Generation {
  return forced ?? generationOf(request.model ?? model);
}

function pollRequest({ taskId, generation }: TaskRef): HttpRequest {
  const id = encodeURIComponent(taskId);
  const path =
    generation === 'v2' ? `/v2/query/video_generation/${id}` : `/v1/query/video_generation?task_id=${id}`;
  return { method: 'GET', path };
}

/** Only a queued task of v2 is called off; a finished one is forgotten there. */
function cancelRequest({ taskId, generation }: TaskRef): HttpRequest | undefined {
  if (generation !== 'v2') return undefined;
  return { method: 'DELETE', path: `/v2/video_generation/${encodeURIComponent(taskId)}` };
}

function parseSubmit(
  house: House,
  response: HttpResponse,
  request: ProviderRequest,
  credential: string,
): SubmitOutcome {
  const body = readObject(response.text);
  const words = minimaxWords(response.status, body);
  if (!isSuccess(response)) return refusedSubmit(response, words, house.now());
  const taskId = body === undefined ? undefined : taskIdOf(body);
  if (body !== undefined && taskId !== undefined) {
    const ref = refOf(house, taskId, familyOf(house, request), credential);
    const reading = readTask(house, response, body);
    return reading.type === 'more' ? { type: 'accepted', ref } : acceptedSubmit(ref, reading);
  }
  if (words.code === undefined) {
    return { type: 'billed', error: unusable(response, 'a submit without a task id') };
  }
  const refused = refusedSubmit(response, words, house.now());
  if (words.class === undefined && refused.type === 'rejected') {
    return { type: 'ambiguous', error: refused.error };
  }
  return refused;
}

function parsePoll(house: House, response: HttpResponse, ref: TaskRef): PollReading {
  const body = readObject(response.text);
  if (body === undefined && isSuccess(response)) {
    return unusablePoll(response, 'a poll that is no JSON object');
  }
  if (body === undefined || !isSuccess(response)) {
    return failedPoll(response, minimaxWords(response.status, body), house.now());
  }
  const echoed = taskIdOf(body);
  if (echoed !== undefined && echoed !== ref.taskId) {
    return unusablePoll(response, 'a poll that answers for another task');
  }
  return readTask(house, response, body);
}

/** What a body under a 2xx says of its task. */
function readTask(house: House, response: HttpResponse, body: WireObject): PollReading {
  const task = taskOf(body);
  const status = asText(task.status)?.toLowerCase();
  const words = minimaxWords(response.status, body);
  if (FAILED.includes(status ?? '')) return { type: 'failed', error: failureOf(body, status) };
  if (DONE.includes(status ?? '')) {
    const found = artifactOf(task);
    if (found !== undefined) return found;
  } else if (words.code !== undefined) {
    // The output was refused, and some answers say so by the code alone.
    if (status === undefined && words.class === 'safety') {
      return { type: 'failed', error: failureOf(body, status) };
    }
    return failedPoll(response, isUnknownTask(words) ? { ...words, class: 'notFound' } : words, house.now());
  } else if (status !== undefined) {
    return { type: 'pending', ...(PENDING.includes(status) ? {} : { unknownStatus: status }) };
  }
  const what = status === undefined ? 'a task without a status' : 'a finished task without a video';
  return unusablePoll(response, what);
}

/** v2 gives the link; v1 a file, which a second call gives the link of. */
function artifactOf(task: WireObject): PollReading | undefined {
  const url =
    asUrl(at(task, 'content', 'url')) ?? asUrl(at(task, 'content', 'video_url')) ?? asUrl(task.video_url);
  if (url !== undefined) return { type: 'done', artifacts: [{ url, authenticated: false }] };
  const file = asText(task.file_id);
  if (file === undefined) return undefined;
  const path = `/v1/files/retrieve?file_id=${encodeURIComponent(file)}`;
  return { type: 'more', request: { method: 'GET', path } };
}

function parseFile(house: House, response: HttpResponse): PollOutcome {
  const body = readObject(response.text);
  const words = minimaxWords(response.status, body);
  if (!isSuccess(response) || words.code !== undefined) {
    // A file that is not found is no task that is not found: the next poll names it again.
    return failedPoll(response, response.status === 404 ? { ...words, class: 'server' } : words, house.now());
  }
  const url = asUrl(at(body, 'file', 'download_url')) ?? asUrl(body?.download_url);
  if (url !== undefined) return { type: 'done', artifacts: [{ url, authenticated: false }] };
  return unusablePoll(response, 'a file without a link');
}

/** `status` is undefined when only a code says it. */
function failureOf(body: WireObject, status: string | undefined): ProviderError {
  const outer = minimaxWords(200, body);
  const inner = minimaxWords(200, taskOf(body));
  const told = [inner.message, outer.message].find((text) => text !== undefined && !/^success$/i.test(text));
  const message = told ?? `the provider says ${status ?? 'failed'}`;
  const isUnsafe = [inner.class, outer.class].includes('safety') || soundsUnsafe(message);
  const code = inner.code ?? outer.code ?? status;
  return providerError(isUnsafe ? 'safety' : 'failed', { code, message });
}

function parseNews(
  house: House,
  body: WebhookBody,
  request: ProviderRequest | undefined,
  credential: string,
): WebhookNews | undefined {
  const taskId = taskIdOf(body);
  if (taskId === undefined) return undefined;
  const shaped = house.forced ?? (asObject(body.task) === undefined ? 'v1' : 'v2');
  const ref = refOf(house, taskId, request === undefined ? shaped : familyOf(house, request), credential);
  const reading = readTask(house, { status: 200, headers: {}, text: '' }, body);
  if (reading.type === 'more' || reading.type === 'transient') return { ref };
  return { ref, outcome: reading };
}

/** MiniMax sends no news to a URL that has not repeated its challenge within 3 s. */
function challengeAnswer({ challenge }: WebhookBody): string | undefined {
  return typeof challenge === 'string' ? challenge : undefined;
}

/** v1 has no listing: a task that cannot exist is asked for, and its refusal proves the key. */
function checkRequest({ forced, model }: House): HttpRequest {
  const family = forced ?? generationOf(model);
  const query = family === 'v1' ? `task_id=${NO_TASK}` : 'page_size=1';
  return { method: 'GET', path: `/${family}/query/video_generation?${query}` };
}

function parseCheck(house: House, response: HttpResponse): ProviderError | undefined {
  const body = readObject(response.text);
  const words = minimaxWords(response.status, body);
  if (isSuccess(response) && body === undefined) return unusable(response, 'a check that is no JSON object');
  if (isSuccess(response) && words.code === undefined) return undefined;
  const { error } = failedPoll(response, words, house.now());
  return error.class === 'validation' || error.class === 'notFound' ? undefined : error;
}

/** v2 wraps its task, v1 does not. */
function taskOf(body: WireObject): WireObject {
  return asObject(body.task) ?? body;
}

function taskIdOf(body: WireObject): string | undefined {
  const task = taskOf(body);
  const id = asText(task.task_id) ?? asText(task.id) ?? asText(body.task_id);
  return id === NO_TASK ? undefined : id;
}

function refOf({ region }: House, taskId: string, generation: Generation, credential: string): TaskRef {
  return { taskId, endpoint: 'video_generation', generation, region, credential };
}
