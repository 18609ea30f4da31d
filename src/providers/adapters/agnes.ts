/**
 * Agnes (Sapiens AI): videos of the 2.0 and 2.5 models.
 *
 * Callers: users, who register `agnes(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4); and
 *  A1  The base URL is the origin: tasks are asked for beside `/v1`, not below it.
 *  A2  `TaskRef.endpoint` says how the task is asked for: `agnesapi/{model}` by its video id, `videos` by its
 *      task id where the provider gave no other.
 *  A3  There is no listing, no idempotency key and no webhook: a lost submit is never looked for.
 */
import { bearer, homeOf, keyOf, refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions } from '../account.js';
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
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asObject, asText, asUrl, at, isSuccess, progressOf, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { agnesBody, generationOf, refuseAgnes } from './agnes-body.js';
import { openaiWords } from './openai-words.js';

/** The key is `AGNES_API_KEY`, in China `AGNES_CN_API_KEY`. */
export interface AgnesOptions extends AdapterOptions {
  /** Which house: keys of one are unknown to the other. Default `intl`. */
  readonly region?: 'intl' | 'cn';
  /** The model of requests that name none. Default `agnes-video-v2.0`. */
  readonly model?: string;
}

const HOMES = { intl: 'https://apihub.agnes-ai.com', cn: 'https://api.agnes-ai.cn' } as const;
const VARIABLES = { intl: ['AGNES_API_KEY'], cn: ['AGNES_CN_API_KEY'] } as const;
const BY_VIDEO_ID = 'agnesapi';
const BY_TASK_ID = 'videos';
/** No task has this id: whoever is told so has a good key. */
const NO_TASK = 'holdfast-check';
const PENDING = ['queued', 'in_progress', 'processing', 'pending'];

export function agnes(options: AgnesOptions = {}): ProviderAdapter {
  checkOptions<AgnesOptions>('agnes', options, { region: ['intl', 'cn'], model: 'text' });
  const region = options.region ?? 'intl';
  const configured = options.baseUrl?.replace(/\/v1\/?$/, '');
  const { clock, ...home } = homeOf('agnes', options, HOMES[region], configured);
  const modelOf = (request: ProviderRequest): string => request.model ?? options.model ?? 'agnes-video-v2.0';
  return {
    id: 'agnes',
    aliases: [],
    ...home,
    capabilities: { kinds: ['video'], webhook: 'none', cancel: 'none', pollMinMs: 1_000 },
    reconcile: { by: 'none' },
    check: {
      build: () => ({ method: 'GET', path: `/v1/videos/${NO_TASK}` }),
      parse: (response) => {
        const isAnswered = isSuccess(response) || response.status === 400 || response.status === 404;
        if (isAnswered && readObject(response.text) !== undefined) return undefined;
        return failedPoll(response, wordsOf(response), clock.now()).error;
      },
    },
    credential: (alias) => bearer(keyOf(options, alias, VARIABLES[region])),
    refuse: (request) => refuseShared(request, ['video']) ?? refuseAgnes(request, modelOf(request)),
    buildSubmit: (request) => ({
      method: 'POST',
      path: '/v1/videos',
      json: agnesBody(request, modelOf(request)),
    }),
    parseSubmit: (response, request, credential) => {
      const ref = { generation: generationOf(modelOf(request)), region, credential };
      return parseSubmit(response, modelOf(request), ref, clock.now());
    },
    buildPoll: pollRequest,
    parsePoll: (response, ref) => parsePoll(response, ref, clock.now()),
  };
}

function parseSubmit(
  response: HttpResponse,
  model: string,
  common: Omit<TaskRef, 'taskId' | 'endpoint'>,
  now: number,
): SubmitOutcome {
  if (!isSuccess(response)) return refusedSubmit(response, wordsOf(response), now);
  const task = taskIn(response.text);
  const videoId = asText(task?.video_id);
  const taskId = videoId ?? asText(task?.id) ?? asText(task?.task_id);
  if (task !== undefined && taskId !== undefined) {
    const endpoint = videoId === undefined ? BY_TASK_ID : `${BY_VIDEO_ID}/${model}`;
    return acceptedSubmit({ taskId, endpoint, ...common }, outcomeOf(response, task));
  }
  return submitWithoutTask(response, wordsOf(response));
}

/** Some modes are found only when the model is named; naming it always is harmless. */
function pollRequest(ref: TaskRef): HttpRequest {
  const [family = '', model = ''] = splitOnce(ref.endpoint, '/');
  if (family !== BY_VIDEO_ID) return { method: 'GET', path: `/v1/videos/${encodeURIComponent(ref.taskId)}` };
  const query = new URLSearchParams({ video_id: ref.taskId });
  if (model !== '') query.set('model_name', model);
  return { method: 'GET', path: `/${BY_VIDEO_ID}?${query.toString()}` };
}

function parsePoll(response: HttpResponse, ref: TaskRef, now: number): PollOutcome {
  if (!isSuccess(response)) return failedPoll(response, wordsOf(response), now);
  const task = taskIn(response.text);
  if (task === undefined) {
    return unusablePoll(response, 'a poll that is no JSON object');
  }
  const ids = [task.video_id, task.id, task.task_id].map(asText).filter((id) => id !== undefined);
  if (ids.length > 0 && !ids.includes(ref.taskId) && task.video_id !== undefined) {
    return unusablePoll(response, 'a poll that answers for another task');
  }
  return outcomeOf(response, task);
}

function outcomeOf(response: HttpResponse, task: WireObject): PollOutcome {
  const status = asText(task.status)?.toLowerCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a task without a status');
    case 'completed':
    case 'succeeded': {
      const artifact = artifactOf(task);
      if (artifact !== undefined) return { type: 'done', artifacts: [artifact] };
      return unusablePoll(response, 'a finished task without a URL');
    }
    case 'failed':
    case 'error':
    case 'cancelled':
    case 'canceled':
      return { type: 'failed', error: failureOf(task, status) };
    default: {
      return {
        type: 'pending',
        ...progressOf(task.progress, 100),
        ...(PENDING.includes(status) ? {} : { unknownStatus: status }),
      };
    }
  }
}

/** Five places have been seen, the last of which is named for something else. */
function artifactOf(task: WireObject): ArtifactSource | undefined {
  const places = [
    task.video_url,
    task.url,
    at(task, 'metadata', 'url'),
    at(task, 'data', 0, 'url'),
    task.remixed_from_video_id,
  ];
  const url = places.map(asUrl).find((given) => given !== undefined);
  return url === undefined ? undefined : { url, authenticated: false };
}

function failureOf(task: WireObject, status: string): ProviderError {
  const code = asText(at(task, 'error', 'code'));
  const message = asText(at(task, 'error', 'message')) ?? asText(task.error) ?? asText(task.message);
  return taskFailure({
    code: code ?? (status === 'error' ? 'failed' : status),
    message: message ?? `the provider says ${status}`,
  });
}

/** The task is the body, or what its `data` wraps. */
function taskIn(text: string): WireObject | undefined {
  const body = readObject(text);
  const wrapped = asObject(body?.data);
  return body !== undefined && body.status === undefined && wrapped !== undefined ? wrapped : body;
}

function wordsOf(response: HttpResponse): ReturnType<typeof openaiWords> {
  return openaiWords(response, readObject(response.text));
}

function splitOnce(text: string, separator: string): readonly string[] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
