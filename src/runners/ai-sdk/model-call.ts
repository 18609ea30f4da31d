/**
 * One call of the model: asked, waited for, and asked again while that may help.
 *
 * Callers: runner.ts. Invariants:
 *  1  One request an attempt: the SDK's own retries and steps are off.
 *  2  No wait without a bound and without the run's signal; when that has fired, its reason is thrown.
 *  3  An answer is whole, or it is none: of a stream that broke off nothing is kept.
 */
import { generateText, streamText, type FinishReason, type ModelMessage } from 'ai';
import type { Clock } from '../../clock.js';
import { sha256Hex } from '../../ids.js';
import { jitteredBackoffMs, type BackoffPolicy } from '../../machines/index.js';
import type { Said } from './conversation.js';
import { failureOf, ModelFailure, streamFailureOf } from './failure.js';
import type { Setup, TextOrigin } from './options.js';

const BACKOFF: BackoffPolicy = { kind: 'exponential', delayMs: 1_000, factor: 2, maxMs: 60_000 };

export interface Question {
  readonly taskId: string;
  readonly iteration: number;
  readonly system: string | undefined;
  readonly messages: readonly ModelMessage[];
  readonly signal: AbortSignal;
}

export interface Answer extends Said {
  readonly finish: FinishReason;
  readonly text: string;
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly totalTokens: number;
  };
}

/** Throws a ModelFailure, or the reason of the signal. */
export async function askModel(setup: Setup, question: Question): Promise<Answer> {
  const { clock, retries } = setup;
  const { taskId, iteration, signal } = question;
  for (let attempt = 1; ; attempt += 1) {
    const failure = await oneCall(setup, question, { taskId, iteration, attempt });
    if (!(failure instanceof ModelFailure)) return failure;
    if (!failure.isTransient || attempt > retries) throw failure;
    // Tasks that fail together come back apart, each at the same time again.
    const chance = Number.parseInt(sha256Hex(`${taskId}/${iteration}/${attempt}`).slice(0, 12), 16) / 2 ** 48;
    await pause(clock, failure.retryAfterMs ?? jitteredBackoffMs(BACKOFF, attempt, chance), signal);
  }
}

async function oneCall(setup: Setup, question: Question, origin: TextOrigin): Promise<Answer | ModelFailure> {
  const { clock, callTimeoutMs, isStreamed } = setup;
  const { signal } = question;
  const over = new AbortController();
  const stop = clock.schedule(callTimeoutMs, () => over.abort());
  const abortSignal = AbortSignal.any([signal, over.signal]);
  try {
    const ask = isStreamed ? streamed : whole;
    return checked(await ask(setup, question, { abortSignal, origin }));
  } catch (error) {
    signal.throwIfAborted();
    if (over.signal.aborted) {
      return new ModelFailure('no-answer', `no complete answer within ${callTimeoutMs} ms`, {
        isTransient: true,
      });
    }
    return failureOf(error, clock.now());
  } finally {
    stop();
    // A stream that nobody reads to its end would go on.
    over.abort();
  }
}

/** An answer that a filter withheld, or that the provider itself calls broken, is none. */
function checked(answer: Answer): Answer | ModelFailure {
  const { finish } = answer;
  if (finish === 'content-filter')
    return new ModelFailure(finish, 'the model’s provider withheld its answer');
  if (finish !== 'error') return answer;
  return new ModelFailure('model-error', 'the model’s provider broke off its answer', { isTransient: true });
}

interface Call {
  readonly abortSignal: AbortSignal;
  readonly origin: TextOrigin;
}

function requestOf({ model, offered, settings }: Setup, { system, messages }: Question, call: Call) {
  return {
    ...settings,
    model,
    tools: offered,
    messages: [...messages],
    ...(system === undefined ? {} : { system }),
    abortSignal: call.abortSignal,
    maxRetries: 0,
  };
}

async function whole(setup: Setup, question: Question, call: Call): Promise<Answer> {
  const result = await generateText(requestOf(setup, question, call));
  const { response, toolCalls, finishReason, rawFinishReason, text, usage } = result;
  const finish = rawFinishReason === 'error' ? rawFinishReason : finishReason;
  return answerOf(response.messages, toolCalls, { finish, text, usage });
}

async function streamed(setup: Setup, question: Question, call: Call): Promise<Answer> {
  const { onText, clock } = setup;
  const stream = streamText({
    ...requestOf(setup, question, call),
    // Errors are parts of the stream; by default the SDK prints them, too.
    onError: () => undefined,
  });
  for await (const part of stream.fullStream) {
    if (part.type === 'text-delta') onText(part.text, call.origin);
    if (part.type === 'error') throw streamFailureOf(part.error, clock.now());
    // The signal says why.
    if (part.type === 'abort') throw new ModelFailure('cut-off', 'the call was called off');
  }
  const { messages } = await stream.response;
  const raw = await stream.rawFinishReason;
  const finish = raw === 'error' ? raw : await stream.finishReason;
  const rest = { finish, text: await stream.text, usage: await stream.usage };
  return answerOf(messages, await stream.toolCalls, rest);
}

function answerOf(
  messages: readonly ModelMessage[],
  calls: readonly {
    readonly providerExecuted?: boolean | undefined;
    readonly invalid?: boolean | undefined;
    readonly error?: unknown;
  }[],
  rest: {
    readonly finish: FinishReason;
    readonly text: string;
    readonly usage: { [name in keyof Answer['usage']]: number | undefined };
  },
): Answer {
  const own = calls.filter(({ providerExecuted }) => providerExecuted !== true);
  const inputTokens = countOf(rest.usage.inputTokens) ?? 0;
  const outputTokens = countOf(rest.usage.outputTokens) ?? 0;
  const totalTokens = countOf(rest.usage.totalTokens) ?? inputTokens + outputTokens;
  return {
    messages,
    refusals: own.map(({ invalid, error }) => (invalid === true ? wordsOf(error) : undefined)),
    finish: rest.finish,
    text: rest.text,
    usage: { inputTokens, outputTokens, totalTokens },
  };
}

/** Not every server counts, and not every one that does can. */
function countOf(tokens: number | undefined): number | undefined {
  return Number.isSafeInteger(tokens) && Number(tokens) >= 0 ? tokens : undefined;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
