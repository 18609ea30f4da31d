/**
 * Google Veo through the Gemini API: a long-running operation a video.
 *
 * Callers: users, who register `veo(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  V1  The task id is the operation's name, `models/{model}/operations/{id}`: it is the path of the poll, so
 *      one of another shape is unusable.
 *  V2  The key travels in a header alone: a `key` in a URL that the provider gives is taken out of it.
 *  V3  A signed event proves who wrote it; what became of the task is asked of the API all the same.
 */
import type { JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { homeOf, keyOf, refuseShared, webhookSecretsOf } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions, WebhookSecret } from '../account.js';
import {
  acceptedSubmit,
  failedCheck,
  failedPoll,
  providerError,
  refusedSubmit,
  unusable,
  unusablePoll,
} from '../classify.js';
import { inlineData } from '../data-uri.js';
import { nearestRatio, nearestTier } from '../pixels.js';
import type {
  ArtifactSource,
  HttpRequest,
  HttpResponse,
  PollOutcome,
  ProviderAdapter,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
  Webhook,
} from '../port.js';
import {
  asList,
  asNumber,
  asObject,
  asText,
  asUrl,
  at,
  isSuccess,
  jsonObject,
  progressOf,
  readObject,
} from '../wire.js';
import type { WireObject } from '../wire.js';
import { veoFailure, veoWords } from './veo-errors.js';

/**
 * The base URL is `https://generativelanguage.googleapis.com/v1beta`, the key `GEMINI_API_KEY`,
 * `GOOGLE_API_KEY` or `GOOGLE_GENERATIVE_AI_API_KEY`.
 */
export interface VeoOptions extends AdapterOptions {
  /** The model of requests that name none. Default `veo-3.1-generate-preview`. */
  readonly model?: string;
  /** Ask for an event to the job's own hook, where the runtime has a public URL. Default true. */
  readonly dynamicWebhooks?: boolean;
  /** Of the project's static webhook, `whsec_...`. Default: `GEMINI_WEBHOOK_SECRET`. */
  readonly webhookSecret?: WebhookSecret;
  /** What the JWT of an event must be for. Default: whoever it is for. */
  readonly webhookAudience?: string;
  /** Whose keys sign the JWT of an event. Default: Google's. */
  readonly jwksUrl?: string;
}

const HOME = 'https://generativelanguage.googleapis.com/v1beta';
const KEYS = 'https://generativelanguage.googleapis.com/.well-known/jwks.json';
const VARIABLES = ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'];
const OPERATIONS = 'operations';
const OPERATION = /^(?:models\/\w[\w.-]*\/)?operations\/\w[\w.-]*$/;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const URL_TTL_MS = 2 * 24 * 3_600_000;
const RESOLUTIONS = { '720p': 720, '1080p': 1_080, '4k': 2_160 } as const;
const RATIOS = ['16:9', '9:16'] as const;

export function veo(options: VeoOptions = {}): ProviderAdapter {
  checkOptions<VeoOptions>('veo', options, {
    model: 'text',
    dynamicWebhooks: 'flag',
    webhookSecret: 'secrets',
    webhookAudience: 'text',
    jwksUrl: 'text',
  });
  const { clock, ...home } = homeOf('veo', options, HOME);
  const model = options.model ?? 'veo-3.1-generate-preview';
  return {
    id: 'veo',
    aliases: ['gemini'],
    ...home,
    capabilities: {
      kinds: ['video'],
      webhook: 'signed',
      cancel: 'none',
      pollMinMs: 1_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: { by: 'none' },
    webhook: webhookOf(options),
    check: {
      build: () => ({ method: 'GET', path: '/models?pageSize=1' }),
      parse: (response) => failedCheck(response, veoWords(response), clock.now()),
    },
    credential: (alias) => {
      const key = keyOf(options, alias, VARIABLES);
      return key === undefined ? undefined : { headers: { 'x-goog-api-key': key } };
    },
    refuse: refuseVeo,
    buildSubmit: (request, context) =>
      submitRequest(request, request.model ?? model, options.dynamicWebhooks === false ? {} : context),
    parseSubmit: (response, _request, credential) =>
      parseSubmit(response, credential, home.baseUrl, clock.now()),
    buildPoll: (ref) => ({
      method: 'GET',
      // A name that somebody made up leads to a 404, and nowhere else.
      path: `/${OPERATION.test(ref.taskId) ? ref.taskId : encodeURIComponent(ref.taskId)}`,
      replyBytesMax: limits.inlineReplyBytesMax,
    }),
    parsePoll: (response, ref) => parsePoll(response, ref, home.baseUrl, clock.now()),
  };
}

function refuseVeo(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video']);
  if (shared !== undefined) return shared;
  if (request.model !== undefined && !/^\w[\w.-]*$/.test(request.model)) return 'model must be a plain name';
  if (request.image !== undefined && inlineData(request.image) === undefined) {
    return 'image must be a base64 data URI: Veo fetches no URLs; read the file and send its bytes';
  }
  if (request.durationSeconds !== undefined && !Number.isInteger(request.durationSeconds)) {
    return 'durationSeconds must be a whole number';
  }
  return undefined;
}

/**
 * `extra` is laid under the body as Google has it: `instances: [{...}]`, `parameters: {...}` and the rest.
 */
function submitRequest(
  request: ProviderRequest,
  model: string,
  { key, callbackUrl }: Partial<SubmitContext>,
): HttpRequest {
  const { instances, parameters, ...extra } = request.extra ?? {};
  const image = request.image === undefined ? undefined : inlineData(request.image);
  const instance: JsonObject = {
    ...jsonObject(asList(instances)[0]),
    prompt: request.prompt,
    ...(image === undefined ? {} : { image: { bytesBase64Encoded: image.base64, mimeType: image.mime } }),
  };
  const body: JsonObject = {
    ...extra,
    instances: [instance],
    parameters: { ...jsonObject(parameters), ...parametersOf(request) },
    ...(key === undefined || callbackUrl === undefined
      ? {}
      : { webhookConfig: { uris: [callbackUrl], userMetadata: { holdfast_job: key } } }),
  };
  return { method: 'POST', path: `/models/${encodeURIComponent(model)}:predictLongRunning`, json: body };
}

function parametersOf(request: ProviderRequest): JsonObject {
  const { size, durationSeconds, negativePrompt, seed } = request;
  const aspectRatio = request.aspectRatio ?? nearestRatio(size, RATIOS);
  const resolution = nearestTier(size, RESOLUTIONS);
  return {
    ...(aspectRatio === undefined ? {} : { aspectRatio }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(durationSeconds === undefined ? {} : { durationSeconds }),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function parseSubmit(
  response: HttpResponse,
  credential: string,
  baseUrl: string,
  now: number,
): SubmitOutcome {
  if (!isSuccess(response)) return refusedSubmit(response, veoWords(response), now);
  const body = readObject(response.text);
  const name = asText(body?.name);
  if (body === undefined || name === undefined || !OPERATION.test(name)) {
    return { type: 'billed', error: unusable(response, 'a submit without the name of an operation') };
  }
  return acceptedSubmit(refOf(name, credential), outcomeOf(response, body, baseUrl));
}

function parsePoll(response: HttpResponse, ref: TaskRef, baseUrl: string, now: number): PollOutcome {
  if (!isSuccess(response)) return failedPoll(response, veoWords(response), now);
  const body = readObject(response.text);
  if (body === undefined) {
    return unusablePoll(response, 'a poll that is no JSON object');
  }
  const name = asText(body.name);
  if (name === undefined && body.done === undefined) {
    return unusablePoll(response, 'a poll that is no operation');
  }
  if (name !== undefined && name !== ref.taskId) {
    return unusablePoll(response, 'a poll that answers for another operation');
  }
  return outcomeOf(response, body, baseUrl);
}

function outcomeOf(response: HttpResponse, body: WireObject, baseUrl: string): PollOutcome {
  if (body.done !== true && body.done !== 'true') {
    return { type: 'pending', ...progressOf(at(body, 'metadata', 'progressPercent'), 100) };
  }
  if (asObject(body.error) !== undefined) return { type: 'failed', error: veoFailure(body.error) };
  const answer = asObject(at(body, 'response', 'generateVideoResponse')) ?? asObject(body.response);
  const artifacts = samplesIn(answer).flatMap((sample) => sourceOf(sample, baseUrl));
  if (artifacts.length > 0) return { type: 'done', artifacts };
  const reasons = asList(answer?.raiMediaFilteredReasons).map(asText);
  const filtered = asNumber(answer?.raiMediaFilteredCount) ?? 0;
  if (reasons.length > 0 || filtered > 0) {
    const said = reasons.filter((reason) => reason !== undefined).join(' ');
    const message = said === '' ? `${filtered} videos were filtered` : said;
    return { type: 'failed', error: providerError('safety', { code: 'raiMediaFiltered', message }) };
  }
  return unusablePoll(response, 'a finished operation without videos');
}

function samplesIn(answer: WireObject | undefined): readonly unknown[] {
  const samples = asList(answer?.generatedSamples);
  return samples.length > 0 ? samples : asList(answer?.generatedVideos);
}

function sourceOf(sample: unknown, baseUrl: string): readonly ArtifactSource[] {
  const video = asObject(at(sample, 'video')) ?? sample;
  const uri = asUrl(at(video, 'uri'));
  const base64 = asText(at(video, 'encodedVideo')) ?? asText(at(video, 'bytesBase64Encoded'));
  if (uri === undefined) return base64 === undefined ? [] : [{ base64 }];
  const url = new URL(uri);
  const authenticated = url.origin === new URL(baseUrl).origin;
  // To take something out writes the whole query anew, and a signature may be over how it was written.
  if (!url.searchParams.has('key')) return [{ url: uri, authenticated }];
  url.searchParams.delete('key');
  return [{ url: url.href, authenticated }];
}

/**
 * A static webhook signs with the project's secret; a dynamic one puts a JWT where the signature would be.
 */
function webhookOf(options: VeoOptions): Webhook {
  const { webhookSecret: given, webhookAudience: audience } = options;
  return {
    schemes: [
      {
        type: 'standard',
        secrets: (alias) => webhookSecretsOf(given, options, alias, 'GEMINI_WEBHOOK_SECRET'),
      },
      {
        type: 'jwt',
        jwksUrl: options.jwksUrl ?? KEYS,
        ...(audience === undefined ? {} : { audience }),
        token: tokenIn,
      },
    ],
    parse: (body, { credential }) => {
      const type = asText(body.type);
      if (type?.startsWith('video.') !== true) return undefined;
      const name = asText(at(body, 'data', 'id')) ?? asText(at(body, 'data', 'name'));
      return name !== undefined && OPERATION.test(name) ? { ref: refOf(name, credential) } : {};
    },
  };
}

function tokenIn(headers: Readonly<Record<string, string>>): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return [headers['webhook-signature'], bearer].find((text) => text !== undefined && JWT.test(text));
}

function refOf(name: string, credential: string): TaskRef {
  return { taskId: name, endpoint: OPERATIONS, generation: 'v1beta', credential };
}
