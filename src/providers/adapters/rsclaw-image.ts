/**
 * rsclaw's images: the answer to a submit is a signed URL, and whoever has it may ask it for the image.
 *
 * Callers: users, who register `rsclawImage(...)` with a runtime; the jobs and the transport use what it
 * returns. Invariants: those of the port (P1 to P4), of rsclaw-house.ts; and
 *  I1  The signed URL is `TaskRef.secret`, sealed before it is kept; the task's id is a hash of it.
 *  I2  It is asked only when it leads to rsclaw's own hosts or to an origin that the user trusts. One that
 *      leads elsewhere is `billed`: the image is paid for, and the URL is nobody's to follow.
 *  I3  The URL is all there is: once it is refused (401, 403, 410), its task is lost. That is the one end by
 *      an HTTP status in this house, and it is not the account's trouble.
 */
import { stableId } from '../../ids.js';
import type { JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
import {
  acceptedSubmit,
  failedPoll,
  providerError,
  refusedSubmit,
  submitWithoutTask,
  taskFailure,
  unusablePoll,
} from '../classify.js';
import type {
  ArtifactSource,
  HttpRequest,
  HttpResponse,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asList, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { parseCheck, rsclawHouse, rsclawWords } from './rsclaw-house.js';
import type { RsclawHouse, RsclawHouseOptions } from './rsclaw-house.js';

export interface RsclawImageOptions extends RsclawHouseOptions {
  /** The model of requests that name none. Default `rsclaw-image-v1`. */
  readonly model?: string;
}

const IMAGES_PATH = '/v1/images/generations';

export function rsclawImage(options: RsclawImageOptions = {}): ProviderAdapter {
  checkOptions<RsclawImageOptions>('rsclaw_image', options, { fleetOrigins: 'texts', model: 'text' });
  const house = rsclawHouse('rsclaw_image', options);
  const { clock, ...home } = house;
  const model = options.model ?? 'rsclaw-image-v1';
  return {
    id: 'rsclaw_image',
    aliases: [],
    ...home,
    capabilities: { kinds: ['image'], webhook: 'none', cancel: 'none', pollMinMs: 1_000 },
    reconcile: { by: 'none' },
    check: {
      // A path that is known to ask for the key; images have none.
      build: () => ({ method: 'GET', path: '/v1/videos/holdfast-check' }),
      parse: (response) => parseCheck(response, clock.now()),
    },
    refuse: refuseImage,
    buildSubmit: (request) => ({
      method: 'POST',
      path: IMAGES_PATH,
      replyBytesMax: limits.inlineReplyBytesMax,
      json: imageBody(request, model),
    }),
    parseSubmit: (response, _request, alias) => parseSubmit(house, response, alias),
    buildPoll: pollRequest,
    parsePoll: (response, ref) => parsePoll(house, response, ref),
  };
}

function refuseImage(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['image']);
  if (shared !== undefined) return shared;
  return request.image === undefined ? undefined : 'image must be left out: there is no place for one';
}

function imageBody(request: ProviderRequest, model: string): JsonObject {
  return {
    ...request.extra,
    model: request.model ?? model,
    prompt: request.prompt,
    ...(request.size === undefined ? {} : { size: request.size }),
    ...(request.aspectRatio === undefined ? {} : { aspect_ratio: request.aspectRatio }),
  };
}

function parseSubmit(house: RsclawHouse, response: HttpResponse, credential: string): SubmitOutcome {
  const words = rsclawWords(response);
  if (!isSuccess(response)) return refusedSubmit(response, words, house.clock.now());
  const body = readObject(response.text);
  const url = body === undefined ? undefined : signedUrlOf(house, body);
  if (body !== undefined && url !== undefined) {
    if (!isOurs(house, url)) return { type: 'billed', error: strayUrl(url) };
    return acceptedSubmit(refOf(url.href, credential, url.href), outcomeOf(response, body));
  }
  const artifacts = body === undefined ? [] : artifactsOf(body);
  const [first] = artifacts;
  if (first !== undefined) {
    // Answered at once: there is nothing to ask, and nothing to ask it with.
    const ref = refOf('url' in first ? first.url : first.base64, credential);
    return { type: 'accepted', ref, settled: { type: 'done', artifacts } };
  }
  return submitWithoutTask(response, words, 'a submit without a signed URL');
}

/** The `id` itself, by all accounts; other names are tried because nobody has written its shape down. */
function signedUrlOf(house: RsclawHouse, body: WireObject): URL | undefined {
  const places = [body.id, body.poll_url, body.status_url, body.task_id, at(body, 'data', 'id')];
  const texts = places.map(asText).filter((text) => text !== undefined);
  const found = texts.find((text) => text.startsWith('/') || asUrl(text) !== undefined);
  return found !== undefined && URL.canParse(found, house.baseUrl)
    ? new URL(found, house.baseUrl)
    : undefined;
}

function isOurs({ baseUrl, trustedOrigins, fleet }: RsclawHouse, url: URL): boolean {
  if (url.username !== '' || url.password !== '') return false;
  return url.origin === new URL(baseUrl).origin || trustedOrigins.includes(url.origin) || fleet(url);
}

function strayUrl({ origin }: URL): ProviderError {
  const message =
    `it was accepted, and is to be asked for at ${origin}, which is not rsclaw's: ` +
    'list that origin in trustedOrigins if it is';
  return providerError('unusable', { code: 'strayUrl', message });
}

function pollRequest({ taskId, secret }: TaskRef): HttpRequest {
  const path = `${IMAGES_PATH}/${encodeURIComponent(taskId)}`;
  const reply = { replyBytesMax: limits.inlineReplyBytesMax };
  return { method: 'GET', path, ...reply, ...(secret === undefined ? {} : { signedUrl: secret }) };
}

function parsePoll(house: RsclawHouse, response: HttpResponse, { secret }: TaskRef): PollOutcome {
  if (secret !== undefined && [401, 403, 410].includes(response.status)) {
    const message = `HTTP ${response.status}: the signed URL of the task is no longer good`;
    return { type: 'failed', error: providerError('failed', { code: 'signatureExpired', message }) };
  }
  if (!isSuccess(response)) return failedPoll(response, rsclawWords(response), house.clock.now());
  const body = readObject(response.text);
  if (body !== undefined) return outcomeOf(response, body);
  return unusablePoll(response, 'a poll that is no JSON object');
}

function outcomeOf(response: HttpResponse, body: WireObject): PollOutcome {
  const status = (asText(body.status) ?? asText(body.state))?.toLowerCase();
  switch (status) {
    case 'queued':
    case 'pending':
    case 'processing':
    case 'in_progress':
      return { type: 'pending' };
    case 'failed':
    case 'error':
    case 'cancelled':
    case 'canceled':
    case 'expired': {
      const { code = status, message = `the provider says ${status}` } = rsclawWords(response);
      return { type: 'failed', error: taskFailure({ code, message }) };
    }
    case undefined:
    case 'completed':
    case 'succeeded':
    case 'done': {
      const artifacts = artifactsOf(body);
      if (artifacts.length > 0) return { type: 'done', artifacts };
      const what = status === undefined ? 'a task without a status' : 'a finished task without an image';
      return unusablePoll(response, what);
    }
    default:
      return { type: 'pending', unknownStatus: status };
  }
}

/** The first place that has one; `data` may have several. Their URLs are signed too. */
function artifactsOf(body: WireObject): readonly ArtifactSource[] {
  const several = asList(body.data).map((item) => sourceOf(at(item, 'url'), at(item, 'b64_json')));
  const ones = [body.url, body.image_url, at(body, 'output', 'url'), at(body, 'result', 'url')];
  const [url, imageUrl, output, result] = ones.map((place) => sourceOf(place, undefined));
  const found = [[url], [imageUrl], several, [output], [result], [sourceOf(undefined, body.b64_json)]];
  const sources = found.map((list) => list.filter((source) => source !== undefined));
  return sources.find((list) => list.length > 0) ?? [];
}

function sourceOf(url: unknown, base64: unknown): ArtifactSource | undefined {
  const given = asUrl(url);
  if (given !== undefined) return { url: given, authenticated: false };
  return typeof base64 === 'string' && base64 !== '' ? { base64 } : undefined;
}

function refOf(named: string, credential: string, secret?: string): TaskRef {
  const ref = { endpoint: 'images', generation: 'v1', credential };
  return { taskId: stableId('image', named), ...ref, ...(secret === undefined ? {} : { secret }) };
}
