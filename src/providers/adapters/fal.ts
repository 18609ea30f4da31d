/**
 * fal's queue: anybody's models, each at a path of its own.
 *
 * Callers: users, who register `fal(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  F1  The model is the path of a submit; everything later lives below its first two parts (`owner/alias`),
 *      which `TaskRef.endpoint` keeps. The URLs that fal's replies offer are never asked.
 *  F2  `COMPLETED` says that the request is over, not that it went well: the result tells.
 *  F3  fal has no key of ours and no listing: a lost submit is known by its webhook alone.
 */
import type { JsonObject } from '../../json.js';
import { environment } from '../../options.js';
import { defaultCredential, homeOf, keyOf, refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions } from '../account.js';
import { acceptedSubmit, failedPoll, refusedSubmit, unusable, unusablePoll } from '../classify.js';
import { mediaIn } from '../media.js';
import { nearestTier, pixelsOf } from '../pixels.js';
import type {
  ArtifactSource,
  HttpRequest,
  HttpResponse,
  PollOutcome,
  PollReading,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
  WebhookBody,
  WebhookNews,
} from '../port.js';
import { asObject, asText, isSuccess, readObject } from '../wire.js';
import { failureOf, falWords, saysInProgress, verdictOf, wordsIn } from './fal-errors.js';

/**
 * The base URL is `https://queue.fal.run`; the key `FAL_KEY`, else `FAL_API_KEY`, else `FAL_KEY_ID` and
 * `FAL_KEY_SECRET` together.
 */
export interface FalOptions extends AdapterOptions {
  /** The model of video requests that name none. Default `fal-ai/wan/v2.2-a14b/text-to-video`. */
  readonly videoModel?: string;
  /** The same, with an image. Default `fal-ai/wan/v2.2-a14b/image-to-video`. */
  readonly imageToVideoModel?: string;
  /** The model of image requests that name none. Default `fal-ai/flux/dev`. */
  readonly imageModel?: string;
  /** Where fal tells the keys that sign its webhooks. Default `https://rest.fal.ai/.well-known/jwks.json`. */
  readonly jwksUrl?: string;
}

const JWKS_URL = 'https://rest.fal.ai/.well-known/jwks.json';
const NOBODYS_REQUEST = '/fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status';
/** Owners whose apps have one part more. */
const NAMESPACES = ['workflows', 'comfy'];
const TIERS = { '480p': 480, '580p': 580, '720p': 720, '1080p': 1_080, '2160p': 2_160 };
/** Where fal's models put what they made; elsewhere a result may repeat what it was given. */
const PLACES = ['video', 'videos', 'images', 'image', 'output', 'outputs', 'result', 'results', 'data'];

interface House {
  readonly modelOf: (request: ProviderRequest) => string;
  readonly now: () => number;
}

export function fal(options: FalOptions = {}): ProviderAdapter {
  checkOptions<FalOptions>('fal', options, {
    videoModel: 'text',
    imageToVideoModel: 'text',
    imageModel: 'text',
    jwksUrl: 'text',
  });
  const { clock, ...home } = homeOf('fal', options, 'https://queue.fal.run');
  const house: House = { modelOf: (request) => modelOf(options, request), now: () => clock.now() };
  return {
    id: 'fal',
    aliases: [],
    ...home,
    capabilities: { kinds: ['video', 'image'], webhook: 'signed', cancel: 'any', pollMinMs: 1_000 },
    reconcile: { by: 'none' },
    webhook: {
      schemes: [{ type: 'fal', jwksUrl: options.jwksUrl ?? JWKS_URL }],
      parse: (body, { request, credential }) => parseNews(house, body, request, credential),
    },
    check: {
      build: () => ({ method: 'GET', path: NOBODYS_REQUEST }),
      parse: (response) => parseCheck(house, response),
    },
    credential: (alias) => {
      const key = keyOf(options, alias, ['FAL_KEY', 'FAL_API_KEY']) ?? splitKey(options, alias);
      return key === undefined ? undefined : { headers: { authorization: `Key ${key}` } };
    },
    refuse: (request) => refuseFal(house, request),
    buildSubmit: (request, context) => submitRequest(house.modelOf(request), request, context),
    parseSubmit: (response, request, credential) => parseSubmit(house, response, request, credential),
    buildPoll: (ref) => ({ method: 'GET', path: `${pathOf(ref)}/status` }),
    parsePoll: (response, ref) => parsePoll(house, response, ref),
    parseMore: (response) => parseResult(house, response),
    buildCancel: (ref) => ({ method: 'PUT', path: `${pathOf(ref)}/cancel` }),
  };
}

/** The two halves that older set-ups have in two variables. */
function splitKey(options: AdapterOptions, alias: string): string | undefined {
  if (alias !== defaultCredential) return undefined;
  const env = (options.env ?? environment)();
  const [id, secret] = [env.FAL_KEY_ID?.trim() ?? '', env.FAL_KEY_SECRET?.trim() ?? ''];
  return id === '' || secret === '' ? undefined : `${id}:${secret}`;
}

function modelOf(options: FalOptions, { kind, image, model }: ProviderRequest): string {
  if (model !== undefined) return model;
  if (kind === 'image') return options.imageModel ?? 'fal-ai/flux/dev';
  if (image === undefined) return options.videoModel ?? 'fal-ai/wan/v2.2-a14b/text-to-video';
  return options.imageToVideoModel ?? 'fal-ai/wan/v2.2-a14b/image-to-video';
}

function refuseFal(house: House, request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video', 'image']);
  if (shared !== undefined) return shared;
  const parts = house.modelOf(request).split('/');
  const isPath = parts.every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part));
  const partsMin = NAMESPACES.includes(parts[0] ?? '') ? 3 : 2;
  return isPath && parts.length >= partsMin ? undefined : 'model must be a path such as fal-ai/flux/dev';
}

function submitRequest(model: string, request: ProviderRequest, { callbackUrl }: SubmitContext): HttpRequest {
  const query =
    callbackUrl === undefined ? '' : `?${new URLSearchParams({ fal_webhook: callbackUrl }).toString()}`;
  return { method: 'POST', path: `/${model}${query}`, json: inputOf(request) };
}

/** The input fields that most of fal's models share; a model's own go through `extra`. */
function inputOf(request: ProviderRequest): JsonObject {
  const { image, negativePrompt, durationSeconds, aspectRatio, seed } = request;
  return {
    ...request.extra,
    prompt: request.prompt,
    ...(image === undefined ? {} : { image_url: image }),
    ...(negativePrompt === undefined ? {} : { negative_prompt: negativePrompt }),
    ...(durationSeconds === undefined ? {} : { duration: String(durationSeconds) }),
    ...(aspectRatio === undefined ? {} : { aspect_ratio: aspectRatio }),
    ...sizeOf(request),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Images have a size in pixels, videos a tier. */
function sizeOf({ kind, size }: ProviderRequest): JsonObject {
  const pixels = pixelsOf(size);
  if (pixels === undefined) return {};
  if (kind === 'image') return { image_size: { width: pixels[0], height: pixels[1] } };
  return { resolution: nearestTier(size, TIERS) };
}

function parseSubmit(
  house: House,
  response: HttpResponse,
  request: ProviderRequest,
  credential: string,
): SubmitOutcome {
  if (!isSuccess(response)) return refusedSubmit(response, falWords(response), house.now());
  const taskId = asText(readObject(response.text)?.request_id);
  // Over or not, the result is a GET of its own: nothing is settled by this reply.
  if (taskId !== undefined)
    return acceptedSubmit(refOf(house, taskId, request, credential), { type: 'pending' });
  return { type: 'billed', error: unusable(response, 'a submit without a request id') };
}

function parsePoll(house: House, response: HttpResponse, ref: TaskRef): PollReading {
  if (!isSuccess(response)) return failedPoll(response, falWords(response), house.now());
  const body = readObject(response.text);
  const status = asText(body?.status);
  if (body === undefined || status === undefined) return unusablePoll(response, 'a poll without a status');
  const echoed = asText(body.request_id);
  if (echoed !== undefined && echoed !== ref.taskId)
    return unusablePoll(response, 'a poll for another request');
  switch (status.toUpperCase()) {
    case 'IN_QUEUE':
    case 'IN_PROGRESS':
      return { type: 'pending' };
    case 'COMPLETED':
      return { type: 'more', request: { method: 'GET', path: pathOf(ref) } };
    default:
      return { type: 'pending', unknownStatus: status };
  }
}

/** The model's reply, which the queue has kept (fal-errors.ts says which of its errors are final). */
function parseResult(house: House, response: HttpResponse): PollOutcome {
  if (isSuccess(response)) {
    const artifacts = artifactsOf(readObject(response.text));
    if (artifacts.length > 0) return { type: 'done', artifacts };
    return unusablePoll(response, 'a result without an artifact');
  }
  if (saysInProgress(response)) return { type: 'pending' };
  const error = verdictOf(response);
  if (error !== undefined) return { type: 'failed', error };
  return failedPoll(response, falWords(response), house.now());
}

function artifactsOf(result: Readonly<Record<string, unknown>> | undefined): readonly ArtifactSource[] {
  const known = mediaIn(PLACES.map((place) => result?.[place]));
  return known.length > 0 ? known : mediaIn(result);
}

function parseNews(
  house: House,
  body: WebhookBody,
  request: ProviderRequest | undefined,
  credential: string,
): WebhookNews | undefined {
  const taskId = asText(body.request_id);
  const status = asText(body.status);
  if (taskId === undefined || status === undefined) return undefined;
  const outcome = outcomeOfNews(status, asObject(body.payload));
  return {
    // The body does not name the model, and without it there is no path to the task.
    ...(request === undefined ? {} : { ref: refOf(house, taskId, request, credential) }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

/** Undefined when the body says only that the request is over: the poll that follows finds out. */
function outcomeOfNews(
  status: string,
  payload: Readonly<Record<string, unknown>> | undefined,
): PollOutcome | undefined {
  if (status.toUpperCase() === 'OK') {
    const artifacts = artifactsOf(payload);
    return artifacts.length === 0 ? undefined : { type: 'done', artifacts };
  }
  const isTold = status.toUpperCase() === 'ERROR' && payload?.detail !== undefined;
  return isTold ? { type: 'failed', error: failureOf(wordsIn(payload)) } : undefined;
}

/** Nobody's request is not found: that the key is good is all it proves. */
function parseCheck(house: House, response: HttpResponse): ProviderError | undefined {
  if (isSuccess(response)) return undefined;
  const { error } = failedPoll(response, falWords(response), house.now());
  return error.class === 'notFound' || error.class === 'validation' ? undefined : error;
}

function refOf(house: House, taskId: string, request: ProviderRequest, credential: string): TaskRef {
  const parts = house.modelOf(request).split('/');
  const endpoint = parts.slice(0, NAMESPACES.includes(parts[0] ?? '') ? 3 : 2).join('/');
  return { taskId, endpoint, generation: 'queue', credential };
}

function pathOf({ endpoint, taskId }: TaskRef): string {
  const app = endpoint.split('/').map(encodeURIComponent).join('/');
  return `/${app}/requests/${encodeURIComponent(taskId)}`;
}
