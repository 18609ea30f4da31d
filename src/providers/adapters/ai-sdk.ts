/**
 * Any AI SDK video model that can start a task and ask for it (`doStart`, `doStatus`), as an adapter.
 *
 * The model makes the calls; nothing of the AI SDK is imported. Callers: users, who register
 * `fromAiSdkVideoModel(model)` with a runtime. Invariants:
 *  A1  One `doStart` an intent, with the job's id as its `idempotency-key`: the retries are those of the
 *      SDK's own functions, which are not called.
 *  A2  The operation is kept as it came, beside the model it belongs to, and sealed: it may hold signed URLs.
 *      The task id is its hash.
 *  A3  `status: 'error'` is a suspicion: models say it of a 429 and of a gateway's page. It is believed after
 *      several in a row over several minutes.
 *  A4  What is thrown is judged by its status (ai-sdk-errors.ts). A reply that the model could not read is
 *      read here, for a word and an address that every provider uses.
 *  A5  A key in the query of an artifact's URL goes no further: it is asked with headers, at its own origin.
 *  A6  The artifact is fetched by the house's own download, guarded like any other.
 */
import { firstNonJson } from '../../json.js';
import type { Json, JsonObject } from '../../json.js';
import { sha256Hex } from '../../ids.js';
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Clock } from '../../clock.js';
import { defaultCredential, homeOf, refuseShared } from '../account.js';
import type { AdapterOptions } from '../account.js';
import { providerError } from '../classify.js';
import { inlineData } from '../data-uri.js';
import { Deadline } from '../deadline.js';
import { mediaIn } from '../media.js';
import type {
  ArtifactSource,
  DirectCalls,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asList, asObject, asText, asUrl, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { failedStart, failedStatus, responseOf, Suspicions } from './ai-sdk-errors.js';

/** The part of the AI SDK's video model that is used: specification v4, of AI SDK 7. */
export interface AiSdkVideoModel {
  readonly provider: string;
  readonly modelId: string;
  doStart?(options: AiSdkStart): PromiseLike<unknown>;
  doStatus?(options: AiSdkStatus): PromiseLike<unknown>;
}

export interface AiSdkStart {
  readonly prompt: string | undefined;
  readonly n: number;
  readonly aspectRatio: string | undefined;
  readonly resolution: string | undefined;
  readonly duration: number | undefined;
  readonly fps: number | undefined;
  readonly seed: number | undefined;
  readonly image: AiSdkFile | undefined;
  readonly frameImages: readonly unknown[] | undefined;
  readonly inputReferences: readonly unknown[] | undefined;
  readonly generateAudio: boolean | undefined;
  readonly providerOptions: Readonly<Record<string, JsonObject>>;
  readonly abortSignal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export type AiSdkFile =
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'file'; readonly mediaType: string; readonly data: string | Uint8Array };

export interface AiSdkStatus {
  readonly operation: Json;
  readonly abortSignal?: AbortSignal;
}

export interface AiSdkOptions extends Pick<AdapterOptions, 'trustedOrigins' | 'limits' | 'jobs' | 'clock'> {
  /** Default `ai-sdk-<provider of the model>`. Two models of one provider need two. */
  readonly id?: string;
  /**
   * Where artifacts need `credentialHeaders`; of Google's models
   * `https://generativelanguage.googleapis.com`.
   */
  readonly baseUrl?: string;
  /** Asked at each download from `baseUrl`, such as `{'x-goog-api-key': key}`. */
  readonly credentialHeaders?: () => Readonly<Record<string, string>>;
  /** What `extra` is called in `providerOptions`. Default: the model's provider up to its first dot. */
  readonly optionsName?: string;
  /** A task is taken for failed after so many `error`s in a row (default 5) over so long (default 10 min). */
  readonly suspect?: { readonly errorsMin?: number; readonly forMs?: number };
}

/** Never asked: the model knows where its provider is. */
const NOWHERE = 'https://ai-sdk.invalid';
const ERRORS_MIN = 5;
const SUSPECT_MS = 600_000;
const DONE_WORDS = ['succeeded', 'completed', 'success'];
const FAILED_WORDS = ['failed', 'error', 'canceled', 'cancelled', 'aborted', 'expired'];
const PLACES = ['output', 'outputs', 'video', 'videos', 'video_url', 'result', 'assets'];

interface Bridge {
  readonly model: AiSdkVideoModel;
  readonly doStart: (options: AiSdkStart) => PromiseLike<unknown>;
  readonly doStatus: (options: AiSdkStatus) => PromiseLike<unknown>;
  readonly optionsName: string;
  /** Where the headers go; undefined without any. */
  readonly keyedOrigin: string | undefined;
  readonly suspicions: Suspicions;
  readonly clock: Clock;
}

/**
 * The model as an adapter. Its key is the model's own. Throws `INVALID_OPTIONS` for a model without `doStart`
 * and `doStatus`.
 */
export function fromAiSdkVideoModel(model: AiSdkVideoModel, options: AiSdkOptions = {}): ProviderAdapter {
  const id = options.id ?? `ai-sdk-${model.provider.toLowerCase().replaceAll(/[^\w-]+/g, '-')}`;
  const { clock, ...home } = homeOf(id, options, NOWHERE);
  const { credentialHeaders } = options;
  const bridge = bridgeOf(model, options, clock, id);
  return {
    id,
    aliases: [],
    ...home,
    capabilities: { kinds: ['video'], webhook: 'none', cancel: 'none', pollMinMs: 1_000 },
    reconcile: { by: 'none' },
    direct: callsOf(bridge),
    credential: (alias) =>
      alias === defaultCredential ? { headers: credentialHeaders?.() ?? {} } : undefined,
    refuse: (request) => refuse(model, request),
    buildSubmit: unasked,
    parseSubmit: unasked,
    buildPoll: unasked,
    parsePoll: unasked,
  };
}

function bridgeOf(model: AiSdkVideoModel, options: AiSdkOptions, clock: Clock, id: string): Bridge {
  const { baseUrl, credentialHeaders, suspect = {} } = options;
  const { doStart, doStatus } = model;
  if (doStart === undefined || doStatus === undefined) {
    const message = `${id}: the model ${model.modelId} has no doStart and doStatus: it cannot be asked again`;
    throw new HoldfastError('INVALID_OPTIONS', message, { details: { option: 'model' } });
  }
  const isKeyed = baseUrl !== undefined && credentialHeaders !== undefined;
  return {
    model,
    doStart: doStart.bind(model),
    doStatus: doStatus.bind(model),
    optionsName: options.optionsName ?? model.provider.split('.')[0] ?? model.provider,
    keyedOrigin: isKeyed ? new URL(baseUrl).origin : undefined,
    suspicions: new Suspicions(suspect.errorsMin ?? ERRORS_MIN, suspect.forMs ?? SUSPECT_MS),
    clock,
  };
}

function callsOf(bridge: Bridge): DirectCalls {
  return {
    submit: (request, context) => start(bridge, request, context),
    poll: (ref, { signal }) => ask(bridge, ref, signal),
  };
}

function refuse(model: AiSdkVideoModel, request: ProviderRequest): string | undefined {
  if (request.model !== undefined && request.model !== model.modelId) {
    return `model must be ${model.modelId}, or left out: the adapter is for one model`;
  }
  return refuseShared(request, ['video']);
}

async function start(
  bridge: Bridge,
  request: ProviderRequest,
  { key, credential, signal }: SubmitContext & { readonly credential: string; readonly signal: AbortSignal },
): Promise<SubmitOutcome> {
  const { model, clock } = bridge;
  if (credential !== defaultCredential) {
    const message = `${model.provider} has the model's own account alone, "${defaultCredential}"`;
    return { type: 'rejected', error: providerError('validation', { message }) };
  }
  if (signal.aborted) {
    const message = 'it was aborted before the model was asked';
    return { type: 'rejected', error: providerError('network', { message }) };
  }
  let started: unknown;
  try {
    started = await within(clock, signal, limits.providerSubmitTimeoutMs, async (abortSignal) =>
      bridge.doStart({ ...optionsOf(bridge, request), headers: { 'idempotency-key': key }, abortSignal }),
    );
  } catch (cause) {
    return failedStart(cause, clock.now());
  }
  const operation = asObject(started)?.operation;
  if (operation === undefined || firstNonJson(operation) !== undefined) {
    const message = 'the model started something and gave no operation that can be kept';
    return { type: 'billed', error: providerError('unusable', { message }) };
  }
  return { type: 'accepted', ref: refOf(model, operation, credential) };
}

function optionsOf(bridge: Bridge, request: ProviderRequest): AiSdkStart {
  const { negativePrompt, extra, image } = request;
  const own = { ...extra, ...(negativePrompt === undefined ? {} : { negativePrompt }) };
  return {
    prompt: request.prompt,
    n: 1,
    aspectRatio: request.aspectRatio,
    resolution: request.size,
    duration: request.durationSeconds,
    fps: undefined,
    seed: request.seed,
    image: image === undefined ? undefined : fileOf(image),
    frameImages: undefined,
    inputReferences: undefined,
    generateAudio: undefined,
    providerOptions: Object.keys(own).length === 0 ? {} : { [bridge.optionsName]: own },
  };
}

function fileOf(image: string): AiSdkFile {
  const data = inlineData(image);
  if (data === undefined) return { type: 'url', url: image };
  return { type: 'file', mediaType: data.mime, data: data.base64 };
}

function refOf(model: AiSdkVideoModel, operation: unknown, credential: string): TaskRef {
  const { provider, modelId } = model;
  const secret = JSON.stringify({ provider, modelId, operation });
  const taskId = `op_${sha256Hex(secret).slice(0, 40)}`;
  return { taskId, endpoint: provider, generation: modelId, credential, secret };
}

async function ask(bridge: Bridge, ref: TaskRef, signal: AbortSignal): Promise<PollOutcome> {
  const { model, clock } = bridge;
  const kept = readObject(ref.secret ?? '');
  if (kept?.operation === undefined || kept.provider !== model.provider || kept.modelId !== model.modelId) {
    return lost(`its operation is one of ${ref.endpoint} ${ref.generation}`);
  }
  // It was JSON when it was kept.
  const operation = kept.operation as Json;
  try {
    const status = await within(clock, signal, limits.providerCallTimeoutMs, async (abortSignal) =>
      bridge.doStatus({ operation, abortSignal }),
    );
    return outcomeOf(bridge, ref, asObject(status) ?? {});
  } catch (cause) {
    return readAnyway(bridge, ref, cause) ?? failedStatus(cause, clock.now());
  }
}

function outcomeOf({ suspicions, clock, keyedOrigin }: Bridge, ref: TaskRef, said: WireObject): PollOutcome {
  const status = asText(said.status);
  if (status === 'error') {
    const message = asText(said.error) ?? 'the model says error';
    return suspicions.outcome(ref.taskId, message, clock.monotonicMs());
  }
  suspicions.clear(ref.taskId);
  if (status === 'pending') return { type: 'pending' };
  if (status === undefined) return lost('the model gave no status');
  if (status !== 'completed') return { type: 'pending', unknownStatus: status };
  return done(asList(said.videos).map(sourceOf), keyedOrigin);
}

/** A video as a URL, as base64, or as bytes. */
function sourceOf(video: unknown): ArtifactSource | undefined {
  const { url, data } = asObject(video) ?? {};
  const address = asUrl(url);
  if (address !== undefined) return { url: address, authenticated: false };
  if (data instanceof Uint8Array) return { base64: Buffer.from(data).toString('base64') };
  const base64 = asText(data);
  return base64 === undefined ? undefined : { base64 };
}

/**
 * What the model threw over: the reply to its GET, where a provider's word and a place for what it made can
 * be read without knowing more. Replicate's list of outputs, and its `aborted`, are such.
 */
function readAnyway(bridge: Bridge, ref: TaskRef, cause: unknown): PollOutcome | undefined {
  const response = responseOf(cause);
  if (response === undefined || !isSuccess(response)) return undefined;
  const body = readObject(response.text);
  const word = (asText(body?.status) ?? asText(body?.state))?.toLowerCase() ?? '';
  if (FAILED_WORDS.includes(word)) {
    const message = asText(body?.error) ?? `the provider says ${word}`;
    return bridge.suspicions.outcome(ref.taskId, message, bridge.clock.monotonicMs());
  }
  const sources = mediaIn(PLACES.map((place) => body?.[place]));
  return DONE_WORDS.includes(word) && sources.length > 0 ? done(sources, bridge.keyedOrigin) : undefined;
}

function done(
  sources: readonly (ArtifactSource | undefined)[],
  keyedOrigin: string | undefined,
): PollOutcome {
  const artifacts: ArtifactSource[] = [];
  for (const source of sources) {
    if (source === undefined) continue;
    const open = 'url' in source ? withoutKey(source.url, keyedOrigin) : source;
    if ('class' in open) return { type: 'transient', error: open };
    artifacts.push(open);
  }
  return artifacts.length > 0 ? { type: 'done', artifacts } : lost('the model finished without a video');
}

/**
 * The URL as it may be asked. Google's models put their API key into it; without an origin for headers there
 * is no other way to ask, and a person must give one: the account is paused and the task waits.
 */
function withoutKey(url: string, keyedOrigin: string | undefined): ArtifactSource | ProviderError {
  const { origin, hostname, pathname, search } = new URL(url);
  const isKeyed = origin === keyedOrigin;
  const isGoogle = hostname === 'googleapis.com' || hostname.endsWith('.googleapis.com');
  const parts = search.slice(1).split('&');
  const others = parts.filter((part) => !part.startsWith('key='));
  const hasKey = others.length < parts.length;
  if (!hasKey || (!isKeyed && !isGoogle)) return { url, authenticated: isKeyed };
  if (isKeyed) {
    const query = others.length === 0 ? '' : `?${others.join('&')}`;
    return { url: `${origin}${pathname}${query}`, authenticated: true };
  }
  const message = `the model gives URLs of ${origin} with its key in them: set baseUrl and credentialHeaders`;
  return providerError('auth', { code: 'keyInUrl', message });
}

function lost(message: string): PollOutcome {
  return { type: 'transient', error: providerError('unusable', { message }) };
}

/** Ends with the call, the signal or the time, also when the model heeds no signal. */
async function within<Result>(
  clock: Clock,
  signal: AbortSignal,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = new Deadline(clock, signal, timeoutMs);
  try {
    deadline.signal.throwIfAborted();
    const aborted = new Promise<never>((_resolve, reject) => {
      deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error), {
        once: true,
      });
    });
    return await Promise.race([call(deadline.signal), aborted]);
  } finally {
    deadline.end();
  }
}

function unasked(): never {
  throw new TypeError('an AI SDK model makes its calls itself');
}
