/**
 * rsclaw's videos, in both of its protocols: `/v1/videos`, and `/v1/jobs`, which knows idempotency keys.
 *
 * Callers: users, who register `rsclaw(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4), of rsclaw-house.ts; and
 *  R1  `TaskRef.endpoint` says which protocol knows the task; the option decides for submits alone.
 *  R2  In `/v1/jobs` the job's key is the idempotency key: a lost submit is looked up by sending it again. In
 *      `/v1/videos` nothing of ours comes back: a lost submit waits for an operator.
 *  R3  The artifact is behind the key at our own base URL. Where that redirects to a storage, the download
 *      drops the key.
 */
import { refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
import {
  acceptedSubmit,
  failedPoll,
  refusedSubmit,
  submitWithoutTask,
  taskFailure,
  unusablePoll,
} from '../classify.js';
import type {
  ArtifactSource,
  HttpRequest,
  HttpResponse,
  KeyLookup,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  Reconcile,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asNumber, asText, asUrl, at, isSuccess, progressOf, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { familyOf, jobBody, videoBody } from './rsclaw-body.js';
import { parseCheck, rsclawHouse, rsclawWords } from './rsclaw-house.js';
import type { RsclawHouseOptions } from './rsclaw-house.js';

export interface RsclawOptions extends RsclawHouseOptions {
  /** Which API takes submits. Default `videos`. */
  readonly protocol?: 'videos' | 'jobs';
  /**
   * The model of requests that name none; avatar and music videos choose their own. Default `rsclaw-
   * video-v3`.
   */
  readonly model?: string;
}

interface Protocol {
  readonly name: 'videos' | 'jobs';
  readonly model: string;
  readonly baseUrl: string;
  readonly now: () => number;
}

export function rsclaw(options: RsclawOptions = {}): ProviderAdapter {
  checkOptions<RsclawOptions>('rsclaw', options, {
    fleetOrigins: 'texts',
    protocol: ['videos', 'jobs'],
    model: 'text',
  });
  const { clock, ...home } = rsclawHouse('rsclaw', options);
  const protocol: Protocol = {
    name: options.protocol ?? 'videos',
    model: options.model ?? 'rsclaw-video-v3',
    baseUrl: home.baseUrl,
    now: () => clock.now(),
  };
  return {
    id: 'rsclaw',
    aliases: [],
    ...home,
    capabilities: { kinds: ['video'], webhook: 'none', cancel: 'none', pollMinMs: 1_000 },
    reconcile: protocol.name === 'jobs' ? byKey(protocol) : { by: 'none' },
    check: {
      build: () => ({ method: 'GET', path: `/v1/${protocol.name}/holdfast-check` }),
      parse: (response) => parseCheck(response, clock.now()),
    },
    refuse: (request) => refuseVideo(protocol, request),
    buildSubmit: (request, context) => submitRequest(protocol, request, context),
    parseSubmit: (response, _request, alias) => parseSubmit(protocol, response, alias),
    buildPoll: (ref) => ({ method: 'GET', path: taskPath(ref) }),
    parsePoll: (response, ref) => parsePoll(protocol, response, ref),
  };
}

function refuseVideo(protocol: Protocol, request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video']);
  if (shared !== undefined) return shared;
  if (request.durationSeconds !== undefined && !Number.isInteger(request.durationSeconds)) {
    return 'durationSeconds must be a whole number';
  }
  const family = familyOf(request);
  if (family !== '' && protocol.name === 'jobs') {
    return 'extra.audio and extra.lyrics must be left out: avatar and music videos are for protocol "videos"';
  }
  return family !== '' && request.image === undefined
    ? 'image must be given where extra.audio or extra.lyrics drives it'
    : undefined;
}

function submitRequest(protocol: Protocol, request: ProviderRequest, context: SubmitContext): HttpRequest {
  if (protocol.name === 'videos') {
    const json = videoBody(request, protocol.model);
    return { method: 'POST', path: `/v1/videos${familyOf(request)}`, json };
  }
  const headers = { 'idempotency-key': context.key };
  return { method: 'POST', path: '/v1/jobs', headers, json: jobBody(request, protocol.model) };
}

function parseSubmit(protocol: Protocol, response: HttpResponse, credential: string): SubmitOutcome {
  const words = rsclawWords(response);
  if (!isSuccess(response)) return refusedSubmit(response, words, protocol.now());
  const body = readObject(response.text);
  const taskId = body === undefined ? undefined : taskIdOf(body);
  if (body !== undefined && taskId !== undefined) {
    const ref = refOf(protocol, taskId, credential);
    return acceptedSubmit(ref, outcomeOf(protocol, response, body, ref));
  }
  return submitWithoutTask(response, words);
}

function byKey(protocol: Protocol): Reconcile {
  return {
    by: 'key',
    buildLookup: (request, context) => submitRequest(protocol, request, context),
    parseLookup: (response, _request, credential) => {
      const outcome = parseSubmit(protocol, response, credential);
      return lookupOf(response, outcome);
    },
  };
}

/** What is refused as it is was refused before: nothing is there, and the next submit is told why. */
function lookupOf(response: HttpResponse, outcome: SubmitOutcome): KeyLookup {
  if (outcome.type === 'accepted') return { type: 'found', ref: outcome.ref };
  const isRefused = outcome.type === 'rejected' && (response.status === 400 || response.status === 422);
  return isRefused ? { type: 'absent' } : { type: 'transient', error: outcome.error };
}

function parsePoll(protocol: Protocol, response: HttpResponse, ref: TaskRef): PollOutcome {
  if (!isSuccess(response)) return failedPoll(response, rsclawWords(response), protocol.now());
  const body = readObject(response.text);
  if (body === undefined) return unusablePoll(response, 'a poll that is no JSON object');
  const echoed = taskIdOf(body);
  if (echoed !== undefined && echoed !== ref.taskId) {
    return unusablePoll(response, 'a poll that answers for another task');
  }
  return outcomeOf(protocol, response, body, ref);
}

function outcomeOf(protocol: Protocol, response: HttpResponse, body: WireObject, ref: TaskRef): PollOutcome {
  const status = (asText(body.status) ?? asText(body.state))?.toLowerCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a task without a status');
    case 'completed':
    case 'succeeded':
    case 'done':
      return { type: 'done', artifacts: [artifactOf(protocol, body, ref)] };
    case 'failed':
    case 'error':
    case 'cancelled':
    case 'canceled':
      return { type: 'failed', error: failureOf(response, status) };
    default: {
      const isKnown = ['queued', 'pending', 'in_progress', 'running', 'processing'].includes(status);
      // Newer servers tell it, as a share or in percent.
      const progress = progressOf(body.progress, (asNumber(body.progress) ?? 0) > 1 ? 100 : 1);
      return { type: 'pending', ...progress, ...(isKnown ? {} : { unknownStatus: status }) };
    }
  }
}

function artifactOf({ baseUrl }: Protocol, body: WireObject, ref: TaskRef): ArtifactSource {
  const places = [
    body.video_url,
    body.url,
    at(body, 'output', 'url'),
    at(body, 'result', 'url'),
    at(body, 'outputs', 0, 'url'),
    at(body, 'artifacts', 0, 'url'),
  ];
  const given = places.map(asUrl).find((url) => url !== undefined);
  if (given === undefined) return { url: `${baseUrl}${taskPath(ref)}/content`, authenticated: true };
  return { url: given, authenticated: new URL(given).origin === new URL(baseUrl).origin };
}

function failureOf(response: HttpResponse, status: string): ProviderError {
  const { code, message = `the provider says ${status}` } = rsclawWords(response);
  const isCancelled = status.startsWith('cancel');
  return taskFailure({ code: code ?? (isCancelled ? 'cancelled' : 'failed'), message });
}

function refOf({ name }: Protocol, taskId: string, credential: string): TaskRef {
  return { taskId, endpoint: name, generation: name, credential };
}

function taskPath({ endpoint, taskId }: TaskRef): string {
  return `/v1/${endpoint === 'jobs' ? 'jobs' : 'videos'}/${encodeURIComponent(taskId)}`;
}

function taskIdOf(body: WireObject): string | undefined {
  return asText(body.id) ?? asText(body.task_id) ?? asText(body.job_id);
}
