/**
 * Replicate: anybody's models as predictions.
 *
 * Callers: users, who register `replicate(...)` with a runtime; the jobs and the transport use what it
 * returns. Invariants: those of the port (P1 to P4); and
 *  R1  Replicate has no key of ours, and its listing echoes the webhook of a prediction. With a webhook, a
 *      lost submit is the listed prediction that names it; without one, a prediction of the same model with
 *      the same prompt, and then nothing unlisted is submitted again.
 *  R2  A prediction that names another webhook is never ours; one that names none may be, by its prompt.
 *  R3  No `Prefer` header: it would hold the submit open until the model has run.
 *  R4  Output is removed an hour after the end: what is gone then has failed for good.
 */
import type { JsonObject } from '../../json.js';
import { bearer, homeOf, keyOf, refuseShared, webhookSecretsOf } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions, WebhookSecret } from '../account.js';
import {
  acceptedSubmit,
  failedCheck,
  failedPoll,
  providerError,
  refusedSubmit,
  soundsUnsafe,
  taskFailure,
  unusable,
  unusablePoll,
} from '../classify.js';
import type { ErrorWords } from '../classify.js';
import { isOurCallback, isUnordered, listedAt } from '../listing.js';
import { mediaIn } from '../media.js';
import { nearestTier, pixelsOf } from '../pixels.js';
import type {
  HttpRequest,
  HttpResponse,
  ListedTask,
  ListPage,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
  WebhookBody,
  WebhookNews,
} from '../port.js';
import { asList, asObject, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';

/** The base URL is `https://api.replicate.com/v1`; the key `REPLICATE_API_TOKEN`. */
export interface ReplicateOptions extends AdapterOptions {
  /**
   * The model of video requests that name none. Default `wan-video/wan-2.2-t2v-fast`. A model is
   * `owner/name`, `owner/name:version`, a version alone, or `deployments/owner/name`.
   */
  readonly videoModel?: string;
  /** The same, with an image. Default `wan-video/wan-2.2-i2v-fast`. */
  readonly imageToVideoModel?: string;
  /** The model of image requests that name none. Default `black-forest-labs/flux-schnell`. */
  readonly imageModel?: string;
  /**
   * What signs the webhooks of the account, `whsec_...`; default `REPLICATE_WEBHOOK_SECRET`, and without one
   * Replicate is asked for it.
   */
  readonly webhookSecret?: WebhookSecret;
  /**
   * What to do when a lost submit without a webhook is in no listing. Default `hold`: an operator decides.
   */
  readonly onUnlisted?: 'resubmit' | 'hold';
}

const OWN_MODEL = /^[\w.-]+\/[\w.-]+$/;
const VERSIONED_MODEL = /^[\w.-]+\/[\w.-]+:(\w+)$/;
const VERSION = /^[\da-f]{64}$/;
const DEPLOYMENT = /^deployments\/[\w.-]+\/[\w.-]+$/;
const TIERS = { '480p': 480, '720p': 720, '1080p': 1_080 };
const URL_TTL_MS = 3_600_000;

interface House {
  readonly modelOf: (request: ProviderRequest) => string;
  readonly now: () => number;
}

export function replicate(options: ReplicateOptions = {}): ProviderAdapter {
  checkOptions<ReplicateOptions>('replicate', options, {
    videoModel: 'text',
    imageToVideoModel: 'text',
    imageModel: 'text',
    webhookSecret: 'secrets',
    onUnlisted: ['resubmit', 'hold'],
  });
  const { clock, ...home } = homeOf('replicate', options, 'https://api.replicate.com/v1');
  const house: House = { modelOf: (request) => modelOf(options, request), now: () => clock.now() };
  return {
    id: 'replicate',
    aliases: [],
    ...home,
    capabilities: {
      kinds: ['video', 'image'],
      webhook: 'signed',
      cancel: 'any',
      pollMinMs: 1_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: {
      by: 'list',
      onUnlisted: options.onUnlisted ?? 'hold',
      tagged: (_request, { callbackUrl }) => callbackUrl !== undefined,
      buildPage: (_request, cursor) => ({ method: 'GET', path: `/predictions${cursor ?? ''}` }),
      parsePage: (response, _request, credential) => parsePage(house, response, credential),
      sameRequest: (task, request, context) => sameRequest(house, task, request, context),
    },
    webhook: {
      schemes: [
        {
          type: 'standard',
          secrets: (alias) =>
            webhookSecretsOf(options.webhookSecret, options, alias, 'REPLICATE_WEBHOOK_SECRET'),
          told: {
            build: () => ({ method: 'GET', path: '/webhooks/default/secret' }),
            parse: (response) => asText(readObject(response.text)?.key),
          },
        },
      ],
      parse: (body, { credential }) => parseNews(body, credential),
    },
    check: {
      build: () => ({ method: 'GET', path: '/account' }),
      parse: (response) =>
        failedCheck(response, errorWords(response.status, readObject(response.text)), clock.now()),
    },
    credential: (alias) => bearer(keyOf(options, alias, ['REPLICATE_API_TOKEN'])),
    refuse: (request) => refuseReplicate(house, request),
    buildSubmit: (request, context) => submitRequest(house.modelOf(request), request, context),
    parseSubmit: (response, _request, credential) => parseSubmit(house, response, credential),
    buildPoll: (ref) => ({ method: 'GET', path: pathOf(ref) }),
    parsePoll: (response, ref) => parsePoll(house, response, ref),
    buildCancel: (ref) => ({ method: 'POST', path: `${pathOf(ref)}/cancel` }),
  };
}

function modelOf(options: ReplicateOptions, { kind, image, model }: ProviderRequest): string {
  if (model !== undefined) return model;
  if (kind === 'image') return options.imageModel ?? 'black-forest-labs/flux-schnell';
  if (image === undefined) return options.videoModel ?? 'wan-video/wan-2.2-t2v-fast';
  return options.imageToVideoModel ?? 'wan-video/wan-2.2-i2v-fast';
}

function refuseReplicate(house: House, request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video', 'image']);
  if (shared !== undefined) return shared;
  const model = house.modelOf(request);
  const isKnown = [OWN_MODEL, VERSIONED_MODEL, VERSION, DEPLOYMENT].some((form) => form.test(model));
  const isPlain = model.split('/').every((part) => !/^\.+$/.test(part));
  return isKnown && isPlain
    ? undefined
    : 'model must be owner/name, owner/name:version, a version or deployments/owner/name';
}

function submitRequest(model: string, request: ProviderRequest, { callbackUrl }: SubmitContext): HttpRequest {
  const version = VERSION.test(model) ? model : VERSIONED_MODEL.exec(model)?.[1];
  const body: JsonObject = {
    ...(version === undefined ? {} : { version }),
    input: inputOf(request),
    ...(callbackUrl === undefined ? {} : { webhook: callbackUrl, webhook_events_filter: ['completed'] }),
  };
  if (version !== undefined) return { method: 'POST', path: '/predictions', json: body };
  const owner = DEPLOYMENT.test(model) ? `/${model}` : `/models/${model}`;
  return { method: 'POST', path: `${owner}/predictions`, json: body };
}

/** The input fields that most models share; a model's own go through `extra`. */
function inputOf(request: ProviderRequest): JsonObject {
  const { image, negativePrompt, durationSeconds, aspectRatio, seed } = request;
  return {
    ...request.extra,
    prompt: request.prompt,
    ...(image === undefined ? {} : { image }),
    ...(negativePrompt === undefined ? {} : { negative_prompt: negativePrompt }),
    ...(durationSeconds === undefined ? {} : { duration: durationSeconds }),
    ...(aspectRatio === undefined ? {} : { aspect_ratio: aspectRatio }),
    ...sizeOf(request),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Images have a size in pixels, videos a tier. */
function sizeOf({ kind, size }: ProviderRequest): JsonObject {
  const pixels = pixelsOf(size);
  if (pixels === undefined) return {};
  if (kind === 'image') return { width: pixels[0], height: pixels[1] };
  return { resolution: nearestTier(size, TIERS) };
}

function parseSubmit(house: House, response: HttpResponse, credential: string): SubmitOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return refusedSubmit(response, errorWords(response.status, body), house.now());
  const taskId = asText(body?.id);
  if (body !== undefined && taskId !== undefined) {
    return acceptedSubmit(refOf(taskId, credential), outcomeOf(response, body));
  }
  return { type: 'billed', error: unusable(response, 'a submit without a prediction id') };
}

function parsePoll(house: House, response: HttpResponse, ref: TaskRef): PollOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, errorWords(response.status, body), house.now());
  if (body === undefined) return unusablePoll(response, 'a poll that is no JSON object');
  const echoed = asText(body.id);
  if (echoed !== undefined && echoed !== ref.taskId)
    return unusablePoll(response, 'a poll for another prediction');
  return outcomeOf(response, body);
}

/** `response` is for the words of what cannot be used. */
function outcomeOf(response: Pick<HttpResponse, 'status' | 'text'>, body: WireObject): PollOutcome {
  const status = asText(body.status)?.toLowerCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a prediction without a status');
    case 'starting':
    case 'processing':
    case 'queued':
      return { type: 'pending' };
    case 'succeeded': {
      const artifacts = mediaIn(body.output);
      if (artifacts.length > 0) return { type: 'done', artifacts };
      if (body.data_removed !== true) return unusablePoll(response, 'a finished prediction without output');
      const message = 'the output was removed: Replicate keeps it for an hour';
      return { type: 'failed', error: providerError('failed', { code: 'data_removed', message }) };
    }
    case 'failed':
    case 'canceled':
    case 'cancelled':
    case 'aborted':
      return { type: 'failed', error: failureOf(body, status) };
    default:
      return { type: 'pending', unknownStatus: status };
  }
}

function failureOf(body: WireObject, status: string): ProviderError {
  const message = asText(body.error) ?? asText(at(body, 'error', 'detail')) ?? `the provider says ${status}`;
  return taskFailure({ code: status, message });
}

function errorWords(status: number, body: WireObject | undefined): ErrorWords {
  const [title, detail] = [asText(body?.title), asText(body?.detail) ?? asText(body?.error)];
  const message = [title, detail].filter((text) => text !== undefined).join(': ');
  const isUnsafe = (status === 400 || status === 422) && soundsUnsafe(title, detail);
  return {
    ...(message === '' ? {} : { message }),
    ...(isUnsafe ? { class: 'safety' } : {}),
  };
}

function parsePage(house: House, response: HttpResponse, credential: string): ListPage {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, errorWords(response.status, body), house.now());
  if (body === undefined || !Array.isArray(body.results))
    return unusablePoll(response, 'a listing without results');
  const tasks = asList(body.results).flatMap((item) => listedTask(asObject(item), credential));
  const unordered = isUnordered(tasks);
  const next = asUrl(body.next);
  if (next === undefined) return { type: 'page', tasks, unordered };
  const { search } = new URL(next);
  // A next page that is this one again would never end.
  if (search === '') return unusablePoll(response, 'a next page without a cursor');
  return { type: 'page', tasks, unordered, next: search };
}

function listedTask(item: WireObject | undefined, credential: string): readonly ListedTask[] {
  const taskId = asText(item?.id);
  if (item === undefined || taskId === undefined) return [];
  const { createdAt, dated } = listedAt(asText(item.created_at));
  const echo = {
    webhook: asText(item.webhook),
    model: asText(item.model),
    version: asText(item.version),
    prompt: asText(at(item, 'input', 'prompt')),
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
  if (echo.webhook !== undefined) return isOurCallback(echo.webhook, context);
  if (echo.dated === undefined || echo.prompt !== request.prompt) return false;
  const model = house.modelOf(request);
  if (VERSION.test(model)) return echo.version === model;
  return echo.model === undefined || DEPLOYMENT.test(model) || echo.model === model.split(':')[0];
}

function parseNews(body: WebhookBody, credential: string): WebhookNews | undefined {
  const taskId = asText(body.id);
  if (taskId === undefined) return undefined;
  const outcome = outcomeOf({ status: 200, text: '' }, body);
  return { ref: refOf(taskId, credential), ...(outcome.type === 'transient' ? {} : { outcome }) };
}

function refOf(taskId: string, credential: string): TaskRef {
  return { taskId, endpoint: 'predictions', generation: 'v1', credential };
}

function pathOf({ taskId }: TaskRef): string {
  return `/predictions/${encodeURIComponent(taskId)}`;
}
