/**
 * An OpenAI-compatible server by script, on 127.0.0.1: each request for a chat completion gets the next
 * reply, streamed if it asks for that. Owns its sockets; keeps what it was asked.
 */
import type { ServerResponse } from 'node:http';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel } from 'ai';
import { onTestFinished } from 'vitest';
import { answerJson, listen } from '../providers/local-server.js';

export interface Said {
  readonly text?: string;
  readonly reasoning?: string;
  readonly calls?: readonly {
    readonly id: string;
    readonly name: string;
    /** JSON, or a text as the model wrote it. */
    readonly input: unknown;
  }[];
  readonly finish?: string;
  /** In, and out. */
  readonly tokens?: readonly [number, number];
}

export type Reply =
  | Said
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** As it is, under a 200. */
  | { readonly raw: string }
  /** Begins as the answer would, and goes away in its middle; `quietly`: as if it had said all. */
  | { readonly cut: Said; readonly quietly?: boolean }
  /** Says nothing for as long as it is waited for. */
  | { readonly silent: true };

export interface ChatRequest {
  readonly stream?: boolean;
  readonly messages: readonly {
    readonly role: string;
    readonly content?: unknown;
    readonly tool_calls?: readonly {
      readonly id: string;
      readonly function: { readonly name: string; readonly arguments: string };
    }[];
    readonly tool_call_id?: string;
  }[];
  readonly [setting: string]: unknown;
}

export interface OpenAiServer {
  readonly url: string;
  readonly model: Exclude<LanguageModel, string>;
  requests(): readonly ChatRequest[];
  /** Resolves once it was asked so often. */
  asked(times: number): Promise<void>;
}

const USAGE: readonly [number, number] = [10, 5];

/** A model at a server of its own that says `script`, in turn; beyond it, it refuses with a 400. */
export async function startOpenAi(script: readonly Reply[]): Promise<OpenAiServer> {
  const left = [...script];
  const waiting = new Map<number, () => void>();
  const server = await listen((_request, response, body) => {
    waiting.get(server.received.length)?.();
    const reply = left.shift() ?? { status: 400, body: { error: { message: 'the script is over' } } };
    answer(response, reply, (JSON.parse(body) as ChatRequest).stream === true);
  });
  onTestFinished(() => server.close());
  return {
    url: server.url,
    model: modelAt(server.url),
    requests: () => server.received.map(({ body }) => JSON.parse(body) as ChatRequest),
    asked: (times) =>
      server.received.length >= times
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.set(times, resolve)),
  };
}

export function modelAt(url: string): Exclude<LanguageModel, string> {
  const provider = createOpenAICompatible({ name: 'local', baseURL: `${url}/v1`, apiKey: 'sk-local-secret' });
  return provider.chatModel('scripted');
}

function answer(response: ServerResponse, reply: Reply, isStream: boolean): void {
  if ('silent' in reply) return;
  if ('status' in reply) return answerJson(response, reply.status, reply.body ?? {}, reply.headers);
  const type = isStream ? 'text/event-stream' : 'application/json';
  if ('raw' in reply) {
    response.writeHead(200, { 'content-type': type });
    response.end(reply.raw);
  } else if ('cut' in reply) {
    response.writeHead(200, { 'content-type': type });
    const whole = isStream ? chunksOf(reply.cut) : JSON.stringify(completionOf(reply.cut));
    const half = whole.slice(0, isStream ? whole.lastIndexOf('data: {') : whole.length / 2);
    if (reply.quietly === true) response.end(half);
    else response.write(half, () => response.destroy());
  } else {
    response.writeHead(200, { 'content-type': type });
    response.end(isStream ? `${chunksOf(reply)}data: [DONE]\n\n` : JSON.stringify(completionOf(reply)));
  }
}

function callsOf({ calls = [] }: Said): readonly object[] {
  return calls.map(({ id, name, input }, index) => ({
    ...{ index, id, type: 'function' },
    function: { name, arguments: typeof input === 'string' ? input : JSON.stringify(input) },
  }));
}

function endOf({ calls, finish = calls === undefined ? 'stop' : 'tool_calls' }: Said): string {
  return finish;
}

function usageOf({ tokens: [input, output] = USAGE }: Said): object {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

const ABOUT = { id: 'chatcmpl-1', created: 1, model: 'scripted' };

function completionOf(said: Said): object {
  const calls = callsOf(said);
  const message = {
    role: 'assistant',
    content: said.text ?? null,
    ...(said.reasoning === undefined ? {} : { reasoning_content: said.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const choices = [{ index: 0, message, finish_reason: endOf(said) }];
  return { ...ABOUT, object: 'chat.completion', choices, usage: usageOf(said) };
}

/** A word a chunk, then its calls, each in two, then its end. */
function chunksOf(said: Said): string {
  const chunk = (delta: object): string =>
    `data: ${JSON.stringify({ ...ABOUT, choices: [{ index: 0, delta }] })}\n\n`;
  const words = (said.text ?? '').match(/\S+\s*/g) ?? [];
  const calls = (said.calls ?? []).flatMap(({ id, name, input }, index) => {
    const text = typeof input === 'string' ? input : JSON.stringify(input);
    const [first, second] = [text.slice(0, 3), text.slice(3)];
    return [
      { index, id, type: 'function', function: { name, arguments: first } },
      { index, function: { arguments: second } },
    ];
  });
  const end = {
    ...ABOUT,
    choices: [{ index: 0, delta: {}, finish_reason: endOf(said) }],
    usage: usageOf(said),
  };
  return [
    chunk({ role: 'assistant', content: '' }),
    ...(said.reasoning === undefined ? [] : [chunk({ reasoning_content: said.reasoning })]),
    ...words.map((content) => chunk({ content })),
    ...calls.map((call) => chunk({ tool_calls: [call] })),
    `data: ${JSON.stringify(end)}\n\n`,
  ].join('');
}
