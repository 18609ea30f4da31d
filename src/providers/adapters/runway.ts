/**
 * Runway: videos and images by task.
 *
 * Callers: users, who register `runway(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  W1  Every request names the version of the API that this file speaks; Runway refuses those that do not.
 *  W2  A body holds the fields that were asked for and no others: Runway refuses what a model does not know.
 *  W3  A task is asked for every five seconds at most.
 *  W4  Runway has no key of ours, no listing and no webhook: a submit whose answer was lost stays unknown.
 */
import type { JsonObject } from '../../json.js';
import { environment } from '../../options.js';
import { bearer, homeOf, keyOf, refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions } from '../account.js';
import {
  acceptedSubmit,
  failedCheck,
  failedPoll,
  providerError,
  refusedSubmit,
  soundsUnsafe,
  unusable,
  unusablePoll,
} from '../classify.js';
import type { ErrorWords } from '../classify.js';
import { nearestRatio } from '../pixels.js';
import type {
  HttpRequest,
  HttpResponse,
  JobKind,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderErrorClass,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asList, asText, asUrl, at, isSuccess, progressOf, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';

/**
 * The base URL is `RUNWAYML_BASE_URL`, else `https://api.dev.runwayml.com`; the key `RUNWAYML_API_SECRET`.
 */
export interface RunwayOptions extends AdapterOptions {
  /** The model of video requests that name none. Default `gen4.5`. */
  readonly videoModel?: string;
  /** The model of image requests that name none. Default `gen4_image`. */
  readonly imageModel?: string;
}

const VERSION = { 'x-runway-version': '2024-11-06' };
/** What a `ratio` is for most models: a size in pixels, out of a list. Of each shape the one they share. */
const VIDEO_RATIOS: Readonly<Record<string, string>> = {
  '16:9': '1280:720',
  '9:16': '720:1280',
  '4:3': '1104:832',
  '3:4': '832:1104',
  '1:1': '960:960',
  '21:9': '1584:672',
};
const IMAGE_RATIOS: Readonly<Record<string, string>> = {
  '16:9': '1920:1080',
  '9:16': '1080:1920',
  '4:3': '1440:1080',
  '3:4': '1080:1440',
  '1:1': '1024:1024',
  '21:9': '1808:768',
};
/** These want a shape where the others want pixels. */
const SHAPED_MODELS = /^(?:hailuo|h3_|grok)/;
/** Cannot do without a duration. */
const TIMED_MODELS = /^gen4\.5/;
const DURATION_SECONDS = 5;
const URL_TTL_MS = 24 * 3_600_000;

interface House {
  readonly videoModel: string;
  readonly imageModel: string;
  readonly now: () => number;
}

export function runway(options: RunwayOptions = {}): ProviderAdapter {
  checkOptions<RunwayOptions>('runway', options, { videoModel: 'text', imageModel: 'text' });
  const configured = options.baseUrl ?? (options.env ?? environment)().RUNWAYML_BASE_URL;
  const { clock, ...home } = homeOf('runway', options, 'https://api.dev.runwayml.com', configured);
  const house: House = {
    videoModel: options.videoModel ?? 'gen4.5',
    imageModel: options.imageModel ?? 'gen4_image',
    now: () => clock.now(),
  };
  return {
    id: 'runway',
    aliases: ['runwayml'],
    ...home,
    capabilities: {
      kinds: ['video', 'image'],
      webhook: 'none',
      cancel: 'any',
      pollMinMs: 5_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: { by: 'none' },
    check: {
      build: () => ({ method: 'GET', path: '/v1/organization', headers: VERSION }),
      parse: (response) =>
        failedCheck(response, errorWords(response.status, readObject(response.text)), clock.now()),
    },
    credential: (alias) => bearer(keyOf(options, alias, ['RUNWAYML_API_SECRET'])),
    refuse: refuseRunway,
    buildSubmit: (request) => submitRequest(house, request),
    parseSubmit: (response, request, credential) => parseSubmit(house, response, request, credential),
    buildPoll: (ref) => ({ method: 'GET', path: pathOf(ref), headers: VERSION }),
    parsePoll: (response, ref) => parsePoll(house, response, ref),
    buildCancel: (ref) => ({ method: 'DELETE', path: pathOf(ref), headers: VERSION }),
    cancelErases: true,
  };
}

function refuseRunway(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video', 'image']);
  if (shared !== undefined) return shared;
  if (request.durationSeconds !== undefined && !Number.isInteger(request.durationSeconds)) {
    return 'durationSeconds must be a whole number';
  }
  if (request.image?.startsWith('http:') === true) return 'image must be an https URL or a data:image/ URI';
  return undefined;
}

function submitRequest(house: House, request: ProviderRequest): HttpRequest {
  const { kind, prompt, image, negativePrompt, durationSeconds, seed } = request;
  const model = request.model ?? (kind === 'video' ? house.videoModel : house.imageModel);
  const ratio = ratioOf(request, model);
  const frame = kind === 'video' ? { promptImage: image } : { referenceImages: [{ uri: image }] };
  const json: JsonObject = {
    ...defaultsOf(kind, model),
    ...request.extra,
    model,
    promptText: prompt,
    ...(image === undefined ? {} : frame),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    ...(durationSeconds === undefined || kind === 'image' ? {} : { duration: durationSeconds }),
    ...(ratio === undefined ? {} : { ratio }),
    ...(seed === undefined ? {} : { seed }),
  };
  return { method: 'POST', path: `/v1/${endpointOf(request)}`, headers: VERSION, json };
}

/** What a model cannot do without. */
function defaultsOf(kind: JobKind, model: string): JsonObject {
  const isTimed = kind === 'video' && TIMED_MODELS.test(model);
  const ratio = (kind === 'video' ? VIDEO_RATIOS : IMAGE_RATIOS)['16:9'];
  return {
    ...(isTimed ? { duration: DURATION_SECONDS } : {}),
    ...(SHAPED_MODELS.test(model) ? {} : { ratio }),
  };
}

function ratioOf({ kind, size, aspectRatio }: ProviderRequest, model: string): string | undefined {
  const ratios = kind === 'video' ? VIDEO_RATIOS : IMAGE_RATIOS;
  if (SHAPED_MODELS.test(model)) return aspectRatio ?? nearestRatio(size, Object.keys(ratios));
  if (size !== undefined) return size.replace('x', ':');
  return aspectRatio === undefined ? undefined : (ratios[aspectRatio] ?? aspectRatio);
}

function parseSubmit(
  house: House,
  response: HttpResponse,
  request: ProviderRequest,
  credential: string,
): SubmitOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return refusedSubmit(response, errorWords(response.status, body), house.now());
  const taskId = asText(body?.id);
  if (body === undefined || taskId === undefined) {
    return { type: 'billed', error: unusable(response, 'a submit without a task id') };
  }
  const ref: TaskRef = {
    taskId,
    endpoint: endpointOf(request),
    generation: VERSION['x-runway-version'],
    credential,
  };
  // The reply has an id and a price, and no status.
  return acceptedSubmit(ref, body.status === undefined ? { type: 'pending' } : outcomeOf(response, body));
}

function parsePoll(house: House, response: HttpResponse, ref: TaskRef): PollOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, errorWords(response.status, body), house.now());
  if (body === undefined) return unusablePoll(response, 'a poll that is no JSON object');
  const echoed = asText(body.id);
  if (echoed !== undefined && echoed !== ref.taskId) return unusablePoll(response, 'a poll for another task');
  return outcomeOf(response, body);
}

function outcomeOf(response: HttpResponse, body: WireObject): PollOutcome {
  const status = asText(body.status)?.toUpperCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a task without a status');
    case 'PENDING':
    case 'THROTTLED':
    case 'RUNNING':
      return { type: 'pending', ...progressOf(body.progress) };
    case 'SUCCEEDED': {
      const urls = asList(body.output)
        .map(asUrl)
        .filter((url) => url !== undefined);
      if (urls.length === 0) return unusablePoll(response, 'a finished task without output');
      return { type: 'done', artifacts: urls.map((url) => ({ url, authenticated: false })) };
    }
    case 'FAILED':
    case 'CANCELLED':
    case 'CANCELED':
      return { type: 'failed', error: failureOf(body, status) };
    default:
      return { type: 'pending', unknownStatus: asText(body.status) ?? status };
  }
}

function failureOf(body: WireObject, status: string): ProviderError {
  const code = asText(body.failureCode);
  const message = asText(body.failure) ?? `the provider says ${status}`;
  return providerError(classOfFailure(code, message), { code: code ?? status.toLowerCase(), message });
}

/** What a failure code, such as `SAFETY.INPUT.TEXT`, says about trying again. */
function classOfFailure(code: string | undefined, message: string): ProviderErrorClass {
  if (code === undefined) return soundsUnsafe(message) ? 'safety' : 'failed';
  if (/(?:^|\.)SAFETY(?:\.|$)/.test(code)) return 'safety';
  if (code.startsWith('ASSET.')) return 'validation';
  // The same prompt would end the same way.
  if (code.startsWith('INTERNAL.BAD_OUTPUT')) return 'failed';
  // Nothing was wrong with the request: a new job may succeed.
  if (/^(?:INTERNAL|THIRD_PARTY)(?:\.|$)|^INPUT_PREPROCESSING\.INTERNAL/.test(code)) return 'server';
  return 'failed';
}

function errorWords(status: number, body: WireObject | undefined): ErrorWords {
  const issue = at(body, 'issues', 0);
  const place = asList(at(issue, 'path'))
    .map(asText)
    .filter((part) => part !== undefined)
    .join('.');
  const detail = asText(at(issue, 'message'));
  const named = detail === undefined || place === '' ? detail : `${place}: ${detail}`;
  const parts = [asText(body?.error) ?? asText(body?.message), named].filter((part) => part !== undefined);
  if (parts.length === 0) return {};
  const message = parts.join(': ');
  return { message, class: classOfRefusal(status, message) };
}

/** A 400 says three things: wrong, unpaid, and unsafe. */
function classOfRefusal(status: number, message: string): ProviderErrorClass | undefined {
  if (status !== 400) return undefined;
  if (/(?:insufficient|not (?:have )?enough) credits/i.test(message)) return 'billing';
  return soundsUnsafe(message) ? 'safety' : undefined;
}

function endpointOf({ kind, image }: ProviderRequest): string {
  if (kind === 'image') return 'text_to_image';
  return image === undefined ? 'text_to_video' : 'image_to_video';
}

function pathOf({ taskId }: TaskRef): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`;
}
