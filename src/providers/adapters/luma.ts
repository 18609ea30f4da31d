/**
 * Luma's Dream Machine: videos (Ray) and images (Photon) as generations.
 *
 * Callers: users, who register `luma(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  L1  Luma has no key of ours, and a generation echoes its request. With a callback URL, a lost submit is
 *      the listed generation that names it; without one, a generation with the same model and prompt, and
 *      then nothing unlisted is submitted again.
 *  L2  In which order a listing comes is documented nowhere: one that is not newest first is read to its end.
 *  L3  The callback is unsigned and given up after three tries within a second: a hint, whatever it says.
 *  L4  `DELETE` forgets a generation and its files; it is no cancel, so none is offered.
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
  refusedSubmit,
  soundsUnsafe,
  taskFailure,
  unusable,
  unusablePoll,
} from '../classify.js';
import type { ErrorWords } from '../classify.js';
import { isOurCallback, isUnordered, listedAt } from '../listing.js';
import { nearestRatio, nearestTier } from '../pixels.js';
import type {
  HttpRequest,
  HttpResponse,
  ListedTask,
  ListPage,
  PollOutcome,
  ProviderAdapter,
  ProviderErrorClass,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
  WebhookBody,
  WebhookNews,
} from '../port.js';
import { asList, asNumber, asObject, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';

/**
 * The base URL is `LUMAAI_BASE_URL`, else `https://api.lumalabs.ai/dream-machine/v1`; the key
 * `LUMAAI_API_KEY`.
 */
export interface LumaOptions extends AdapterOptions {
  /** The model of video requests that name none. Default `ray-2`. */
  readonly videoModel?: string;
  /** The model of image requests that name none. Default `photon-1`. */
  readonly imageModel?: string;
  /**
   * What to do when a lost submit without a callback is in no listing. Default `hold`: an operator
   * decides.
   */
  readonly onUnlisted?: 'resubmit' | 'hold';
}

const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4', '21:9', '9:21'];
const TIERS = { '540p': 540, '720p': 720, '1080p': 1_080, '4k': 2_160 };
const PAGE_SIZE = 100;

interface House {
  readonly models: Readonly<Record<'video' | 'image', string>>;
  readonly now: () => number;
}

export function luma(options: LumaOptions = {}): ProviderAdapter {
  checkOptions<LumaOptions>('luma', options, {
    videoModel: 'text',
    imageModel: 'text',
    onUnlisted: ['resubmit', 'hold'],
  });
  const configured = options.baseUrl ?? (options.env ?? environment)().LUMAAI_BASE_URL;
  const { clock, ...home } = homeOf('luma', options, 'https://api.lumalabs.ai/dream-machine/v1', configured);
  const models = { video: options.videoModel ?? 'ray-2', image: options.imageModel ?? 'photon-1' };
  const house: House = { models, now: () => clock.now() };
  return {
    id: 'luma',
    aliases: ['lumaai'],
    ...home,
    capabilities: { kinds: ['video', 'image'], webhook: 'unsigned', cancel: 'none', pollMinMs: 1_000 },
    reconcile: {
      by: 'list',
      onUnlisted: options.onUnlisted ?? 'hold',
      tagged: (_request, { callbackUrl }) => callbackUrl !== undefined,
      buildPage: (_request, cursor = '0') => ({
        method: 'GET',
        path: `/generations?limit=${PAGE_SIZE}&offset=${encodeURIComponent(cursor)}`,
      }),
      parsePage: (response, _request, credential, cursor) => parsePage(house, response, credential, cursor),
      sameRequest: (task, request, context) => sameRequest(house, task, request, context),
    },
    webhook: {
      schemes: [{ type: 'unsigned' }],
      parse: (body, { credential }) => parseNews(body, credential),
    },
    check: {
      build: () => ({ method: 'GET', path: '/credits' }),
      parse: (response) =>
        failedCheck(response, errorWords(response.status, readObject(response.text)), clock.now()),
    },
    credential: (alias) => bearer(keyOf(options, alias, ['LUMAAI_API_KEY'])),
    refuse: refuseLuma,
    buildSubmit: (request, context) => submitRequest(house, request, context),
    parseSubmit: (response, _request, credential) => parseSubmit(house, response, credential),
    buildPoll: ({ taskId }) => ({ method: 'GET', path: `/generations/${encodeURIComponent(taskId)}` }),
    parsePoll: (response, ref) => parsePoll(house, response, ref),
  };
}

function refuseLuma(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video', 'image']);
  if (shared !== undefined) return shared;
  if (request.negativePrompt !== undefined) return 'luma knows no negativePrompt';
  if (request.seed !== undefined) return 'luma knows no seed';
  if (request.image?.startsWith('data:') === true) return 'image must be a URL: luma takes no data URI';
  const { durationSeconds: seconds } = request;
  if (seconds !== undefined && !Number.isInteger(seconds)) return 'durationSeconds must be a whole number';
  return undefined;
}

function submitRequest(house: House, request: ProviderRequest, { callbackUrl }: SubmitContext): HttpRequest {
  const { kind, image, size } = request;
  const ratio = request.aspectRatio ?? nearestRatio(size, RATIOS);
  const json: JsonObject = {
    ...request.extra,
    model: request.model ?? house.models[kind],
    prompt: request.prompt,
    ...(ratio === undefined ? {} : { aspect_ratio: ratio }),
    ...(kind === 'video' ? videoFields(request) : {}),
    ...(kind === 'image' && image !== undefined ? { image_ref: [{ url: image }] } : {}),
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  };
  return { method: 'POST', path: `/generations/${kind}`, json };
}

function videoFields({ image, size, durationSeconds, extra }: ProviderRequest): JsonObject {
  const resolution = nearestTier(size, TIERS);
  const others = asObject(extra?.keyframes) as JsonObject | undefined;
  return {
    ...(resolution === undefined ? {} : { resolution }),
    ...(durationSeconds === undefined ? {} : { duration: `${durationSeconds}s` }),
    ...(image === undefined ? {} : { keyframes: { ...others, frame0: { type: 'image', url: image } } }),
  };
}

function parseSubmit(house: House, response: HttpResponse, credential: string): SubmitOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return refusedSubmit(response, errorWords(response.status, body), house.now());
  const taskId = asText(body?.id);
  if (body !== undefined && taskId !== undefined) {
    return acceptedSubmit(refOf(taskId, credential), outcomeOf(response, body));
  }
  return { type: 'billed', error: unusable(response, 'a submit without a generation id') };
}

function parsePoll(house: House, response: HttpResponse, ref: TaskRef): PollOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, errorWords(response.status, body), house.now());
  if (body === undefined) return unusablePoll(response, 'a poll that is no JSON object');
  const echoed = asText(body.id);
  if (echoed !== undefined && echoed !== ref.taskId)
    return unusablePoll(response, 'a poll for another generation');
  return outcomeOf(response, body);
}

/** `response` is for the words of what cannot be used. */
function outcomeOf(response: Pick<HttpResponse, 'status' | 'text'>, body: WireObject): PollOutcome {
  const state = asText(body.state)?.toLowerCase();
  switch (state) {
    case undefined:
      return unusablePoll(response, 'a generation without a state');
    case 'pending':
    case 'queued':
    case 'dreaming':
      return { type: 'pending' };
    case 'completed': {
      // `progress_video` beside them is a preview.
      const url = asUrl(at(body, 'assets', 'video')) ?? asUrl(at(body, 'assets', 'image'));
      if (url !== undefined) return { type: 'done', artifacts: [{ url, authenticated: false }] };
      return unusablePoll(response, 'a finished generation without assets');
    }
    case 'failed': {
      const message = asText(body.failure_reason) ?? 'the provider says failed';
      return { type: 'failed', error: taskFailure({ message }) };
    }
    default:
      return { type: 'pending', unknownStatus: state };
  }
}

function errorWords(status: number, body: WireObject | undefined): ErrorWords {
  const { detail } = body ?? {};
  const message = asText(detail) ?? asText(at(detail, 0, 'msg')) ?? asText(body?.message);
  return message === undefined ? {} : { message, class: classOfRefusal(status, message) };
}

/** A 400 says three things: wrong, unpaid, and unsafe. */
function classOfRefusal(status: number, message: string): ProviderErrorClass | undefined {
  if (status !== 400 && status !== 403) return undefined;
  if (/insufficient (?:credits|balance)|out of credits/i.test(message)) return 'billing';
  return soundsUnsafe(message) ? 'safety' : undefined;
}

function parsePage(
  house: House,
  response: HttpResponse,
  credential: string,
  cursor: string | undefined,
): ListPage {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, errorWords(response.status, body), house.now());
  if (body === undefined || !Array.isArray(body.generations)) {
    return unusablePoll(response, 'a listing without generations');
  }
  const items = asList(body.generations);
  const tasks = items.flatMap((item) => listedTask(asObject(item), credential));
  const isMore = body.has_more === true && items.length > 0;
  return {
    type: 'page',
    tasks,
    unordered: isUnordered(tasks),
    ...(isMore ? { next: String((asNumber(cursor) ?? 0) + items.length) } : {}),
  };
}

function listedTask(item: WireObject | undefined, credential: string): readonly ListedTask[] {
  const taskId = asText(item?.id);
  const { createdAt, dated } = listedAt(asText(item?.created_at));
  if (item === undefined || taskId === undefined) return [];
  const echo = {
    callback: asText(at(item, 'request', 'callback_url')),
    prompt: asText(at(item, 'request', 'prompt')),
    model: asText(at(item, 'request', 'model')) ?? asText(item.model),
    kind: asText(item.generation_type),
    dated: dated ? 'yes' : undefined,
  };
  return [{ ref: refOf(taskId, credential), createdAt, echo }];
}

function sameRequest(
  house: House,
  { echo }: ListedTask,
  request: ProviderRequest,
  context: SubmitContext,
): boolean {
  if (echo.callback !== undefined) return isOurCallback(echo.callback, context);
  if (echo.dated === undefined || echo.prompt !== request.prompt) return false;
  if (echo.kind !== undefined && echo.kind !== request.kind) return false;
  return echo.model === undefined || echo.model === (request.model ?? house.models[request.kind]);
}

function parseNews(body: WebhookBody, credential: string): WebhookNews | undefined {
  const taskId = asText(body.id);
  if (taskId === undefined) return undefined;
  const outcome = outcomeOf({ status: 200, text: '' }, body);
  return { ref: refOf(taskId, credential), ...(outcome.type === 'transient' ? {} : { outcome }) };
}

function refOf(taskId: string, credential: string): TaskRef {
  return { taskId, endpoint: 'generations', generation: 'v1', credential };
}
