/**
 * OpenAI's Responses API in the background: an image that the image generation tool makes, as a task that can
 * be asked for again.
 *
 * Callers: users, who register `openaiResponses(...)` with a runtime; the jobs and the transport use what it
 * returns.
 * Invariants: those of the port (P1 to P4); and
 *  R1  Responses cannot be listed and know no idempotency key: a lost submit is never looked for. It carries
 *      the job's key as metadata, so that a person who finds the response knows whose it is.
 *  R2  The images come with the reply to a poll: they are kept nowhere, a later poll gives them again.
 *  R3  A response that ended without an image is a failure, and its text says why.
 */
import type { Json, JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { environment } from '../../options.js';
import { homeOf, refuseShared } from '../account.js';
import { checkOptions } from '../option-rules.js';
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
  HttpResponse,
  InlineSource,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
} from '../port.js';
import { asList, asText, at, isSuccess, jsonObject, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import {
  projectCredential,
  projectRules,
  projectWebhook,
  type OpenAiProjectOptions,
} from './openai-project.js';
import { openaiWords } from './openai-words.js';

/** The base URL is `OPENAI_BASE_URL`, else `https://api.openai.com/v1`. */
export interface OpenAiResponsesOptions extends OpenAiProjectOptions {
  /** The model that is asked for an image. Default `gpt-5.4`. */
  readonly model?: string;
  /** The model that draws it. Default: the provider's own choice. */
  readonly imageModel?: string;
}

const RESPONSES = 'responses';
const EVENTS = ['completed', 'failed', 'cancelled', 'incomplete'].map((word) => `response.${word}`);
const PENDING = ['queued', 'in_progress'];
const UNSAFE = ['bio_policy', 'image_content_policy_violation', 'content_filter'];
const DRAWS = /^(?:gpt-image|chatgpt-image)/;
const TOOL = 'image_generation';
/** No response has this name: whoever is told so has a good key. */
const NO_RESPONSE = 'resp_holdfast_check';

interface Models {
  readonly model: string;
  readonly imageModel: string | undefined;
}

export function openaiResponses(options: OpenAiResponsesOptions = {}): ProviderAdapter {
  checkOptions<OpenAiResponsesOptions>('openai-responses', options, {
    ...projectRules,
    model: 'text',
    imageModel: 'text',
  });
  const configured = options.baseUrl ?? (options.env ?? environment)().OPENAI_BASE_URL;
  const { clock, ...home } = homeOf('openai-responses', options, 'https://api.openai.com/v1', configured);
  const models: Models = { model: options.model ?? 'gpt-5.4', imageModel: options.imageModel };
  return {
    id: 'openai-responses',
    aliases: [],
    ...home,
    capabilities: { kinds: ['image'], webhook: 'signed', cancel: 'any', pollMinMs: 1_000 },
    reconcile: { by: 'none' },
    webhook: projectWebhook(options, EVENTS, refOf),
    check: {
      build: () => ({ method: 'GET', path: `/${RESPONSES}/${NO_RESPONSE}` }),
      parse: (response) => {
        const isAnswered = isSuccess(response) || response.status === 400 || response.status === 404;
        if (isAnswered && readObject(response.text) !== undefined) return undefined;
        return failedPoll(response, wordsOf(response), clock.now()).error;
      },
    },
    credential: (alias) => projectCredential(options, alias),
    refuse: (request) => refuseShared(request, ['image']),
    buildSubmit: (request, context) => ({
      method: 'POST',
      path: `/${RESPONSES}`,
      json: submitBody(models, request, context),
      replyBytesMax: limits.inlineReplyBytesMax,
    }),
    parseSubmit: (response, _request, credential) => parseSubmit(response, credential, clock.now()),
    buildPoll: (ref) => ({
      method: 'GET',
      path: pathOf(ref),
      replyBytesMax: limits.inlineReplyBytesMax,
    }),
    parsePoll: (response, ref) => parsePoll(response, ref, clock.now()),
    buildCancel: (ref) => ({ method: 'POST', path: `${pathOf(ref)}/cancel` }),
  };
}

/** A model that draws is the tool's; any other is asked to use the tool. */
function submitBody(models: Models, request: ProviderRequest, { key }: SubmitContext): JsonObject {
  const { tools, metadata, ...extra } = request.extra ?? {};
  const wanted = request.model ?? models.model;
  const isDrawing = DRAWS.test(wanted);
  const imageModel = isDrawing ? wanted : models.imageModel;
  const given = asList(tools) as readonly Json[];
  const isTool = (tool: Json): boolean => asText(at(tool, 'type')) === TOOL;
  const tool: JsonObject = {
    ...jsonObject(given.find(isTool)),
    type: TOOL,
    ...(imageModel === undefined ? {} : { model: imageModel }),
    ...(request.size === undefined ? {} : { size: request.size }),
  };
  return {
    tool_choice: { type: TOOL },
    ...extra,
    model: isDrawing ? models.model : wanted,
    input: inputOf(request),
    tools: [tool, ...given.filter((other) => !isTool(other))],
    background: true,
    store: true,
    metadata: { ...jsonObject(metadata), holdfast_job: key },
  };
}

/** There is no field for what must not be seen and none for a ratio, so the words say it. */
function inputOf({ prompt, negativePrompt, aspectRatio, image }: ProviderRequest): Json {
  const text = [
    prompt,
    ...(negativePrompt === undefined ? [] : [`Do not show: ${negativePrompt}`]),
    ...(aspectRatio === undefined ? [] : [`Aspect ratio: ${aspectRatio}`]),
  ].join('\n\n');
  if (image === undefined) return text;
  const content = [
    { type: 'input_text', text },
    { type: 'input_image', image_url: image },
  ];
  return [{ role: 'user', content }];
}

function parseSubmit(response: HttpResponse, credential: string, now: number): SubmitOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return refusedSubmit(response, wordsOf(response), now);
  const taskId = asText(body?.id);
  if (body === undefined || taskId === undefined) {
    return { type: 'billed', error: unusable(response, 'a submit without a response id') };
  }
  return acceptedSubmit(refOf(taskId, credential), outcomeOf(response, body));
}

function parsePoll(response: HttpResponse, ref: TaskRef, now: number): PollOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, wordsOf(response), now);
  if (body === undefined) {
    return unusablePoll(response, 'a poll that is no JSON object');
  }
  const echoed = asText(body.id);
  if (echoed !== undefined && echoed !== ref.taskId) {
    return unusablePoll(response, 'a poll that answers for another response');
  }
  return outcomeOf(response, body);
}

function outcomeOf(response: HttpResponse, body: WireObject): PollOutcome {
  const status = asText(body.status)?.toLowerCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a response without a status');
    case 'completed':
    case 'incomplete': {
      const artifacts = imagesIn(body);
      return artifacts.length > 0
        ? { type: 'done', artifacts }
        : { type: 'failed', error: withoutImage(body, status) };
    }
    case 'failed':
    case 'cancelled':
    case 'canceled':
      return { type: 'failed', error: failureOf(body, status) };
    default:
      return { type: 'pending', ...(PENDING.includes(status) ? {} : { unknownStatus: status }) };
  }
}

function imagesIn(body: WireObject): readonly InlineSource[] {
  return asList(body.output).flatMap((item) => {
    const base64 = at(item, 'type') === 'image_generation_call' ? asText(at(item, 'result')) : undefined;
    return base64 === undefined ? [] : [{ base64: base64.replace(/^data:[^,]{0,100},/, '') }];
  });
}

/** It ended in its own way, with words where the image should be: often why there is none. */
function withoutImage(body: WireObject, status: string): ProviderError {
  const reason = asText(at(body, 'incomplete_details', 'reason'));
  if (reason !== undefined) return failure(reason, `the response is incomplete: ${reason}`);
  const parts = asList(body.output).flatMap((item) => asList(at(item, 'content')));
  const refusal = parts.map((part) => asText(at(part, 'refusal'))).find((text) => text !== undefined);
  if (refusal !== undefined) return providerError('safety', { code: 'refusal', message: refusal });
  const said = parts.map((part) => asText(at(part, 'text'))).filter((text) => text !== undefined);
  return failure(status === 'completed' ? 'noImage' : status, said.join('\n') || 'there is no image in it');
}

function failureOf(body: WireObject, status: string): ProviderError {
  const code = asText(at(body, 'error', 'code')) ?? status;
  return failure(code, asText(at(body, 'error', 'message')) ?? `the provider says ${status}`);
}

function failure(code: string, message: string): ProviderError {
  const isUnsafe = UNSAFE.includes(code) || soundsUnsafe(code, message);
  return providerError(isUnsafe ? 'safety' : 'failed', { code, message });
}

function wordsOf(response: HttpResponse): ReturnType<typeof openaiWords> {
  return openaiWords(response, readObject(response.text));
}

function refOf(taskId: string, credential: string): TaskRef {
  return { taskId, endpoint: RESPONSES, generation: 'v1', credential };
}

function pathOf(ref: TaskRef): string {
  return `/${RESPONSES}/${encodeURIComponent(ref.taskId)}`;
}
