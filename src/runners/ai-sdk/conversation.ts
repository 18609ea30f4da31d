/**
 * The conversation with the model: what is kept of a task between two steps.
 *
 * Owns: nothing; pure. Callers: runner.ts, model-call.ts. Invariants:
 *  1  It is plain JSON from the moment an answer is in, so that a run that goes on from a checkpoint does
 *     what an uninterrupted one does.
 *  2  The id of each tool call is there once: some servers count from 0 in every answer.
 *  3  The results of an answer's calls are one message behind it, in the order of the calls.
 */
import { modelMessageSchema, type AssistantModelMessage, type ModelMessage, type ToolModelMessage } from 'ai';
import { stableId } from '../../ids.js';
import { isPlainObject, type Json } from '../../json.js';
import { ModelFailure } from './failure.js';

type PartsOf<Message extends ModelMessage> = Exclude<Message['content'], string>[number];
export type ToolCall = Extract<PartsOf<AssistantModelMessage>, { readonly type: 'tool-call' }>;
type ToolResult = Extract<PartsOf<ToolModelMessage>, { readonly type: 'tool-result' }>;
export type ToolOutput = ToolResult['output'];

export interface Conversation {
  readonly messages: readonly ModelMessage[];
  /** The iteration of the last answer; 0 before there is one. */
  readonly iteration: number;
}

const FORMAT = 1;
const CALL_ID_CHARS_MAX = 200;

/** What a task begins with, or goes on from. Throws a ModelFailure for a checkpoint of somebody else. */
export function conversationOf(prompt: string, checkpoint: Json | undefined): Conversation {
  if (checkpoint === undefined) return { messages: [{ role: 'user', content: prompt }], iteration: 0 };
  if (!isPlainObject(checkpoint)) throw unreadable();
  const { format, iteration, messages } = checkpoint;
  if (format !== FORMAT || typeof iteration !== 'number' || !Array.isArray(messages)) throw unreadable();
  return { messages: messagesOf(messages), iteration };
}

function unreadable(): ModelFailure {
  return new ModelFailure(
    'checkpoint-unreadable',
    'the checkpoint was not written by this runner: retry the task with fromStart',
  );
}

export function checkpointOf({ messages, iteration }: Conversation): Json {
  return { format: FORMAT, iteration, messages: jsonOf(messages) };
}

/** As JSON brings it back. */
export function jsonOf(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}

function messagesOf(values: readonly unknown[]): readonly ModelMessage[] {
  return values.map((value) => {
    const read = modelMessageSchema.safeParse(value);
    if (!read.success) throw unreadable();
    return read.data;
  });
}

/** What a model has answered: a message, and for calls it made wrongly why they are not run. */
export interface Said {
  /** As the SDK wrote them; only the assistant's count. */
  readonly messages: readonly ModelMessage[];
  /** For each call, in their order: undefined when it can be run. */
  readonly refusals: readonly (string | undefined)[];
}

/** The conversation with the answer of iteration `iteration`, and with results for the calls it refuses. */
export function withAnswer(before: Conversation, said: Said, iteration: number): Conversation {
  const taken = new Set(before.messages.flatMap(callsOf).map(({ toolCallId }) => toolCallId));
  const parts = messagesOf(said.messages.map(jsonOf)).flatMap((message) =>
    message.role === 'assistant' && typeof message.content !== 'string' ? message.content : [],
  );
  const refused = new Map<string, ToolOutput>();
  let calls = 0;
  const content = parts.map((part) => {
    if (!isOwnCall(part)) return part;
    const toolCallId = unusedId(part.toolCallId, taken);
    taken.add(toolCallId);
    const refusal = said.refusals[calls];
    calls += 1;
    if (refusal !== undefined) refused.set(toolCallId, { type: 'error-text', value: refusal });
    return { ...part, toolCallId };
  });
  const answer: AssistantModelMessage = {
    role: 'assistant',
    content: content.length === 0 ? [{ type: 'text', text: '' }] : content,
  };
  return withResults({ messages: [...before.messages, answer], iteration }, refused);
}

function unusedId(id: string, taken: ReadonlySet<string>): string {
  const isUsable = id !== '' && id.length <= CALL_ID_CHARS_MAX && id.isWellFormed() && !id.includes('\0');
  const plain = isUsable ? id : stableId('call', id);
  if (!taken.has(plain)) return plain;
  let count = 2;
  // It ends: there are no more ids than were taken.
  while (taken.has(`${plain}~${count}`)) count += 1;
  return `${plain}~${count}`;
}

function isOwnCall(part: PartsOf<AssistantModelMessage>): part is ToolCall {
  return part.type === 'tool-call' && part.providerExecuted !== true;
}

function callsOf(message: ModelMessage | undefined): readonly ToolCall[] {
  if (message?.role !== 'assistant' || typeof message.content === 'string') return [];
  return message.content.filter(isOwnCall);
}

function resultsOf(message: ModelMessage | undefined): readonly ToolResult[] {
  if (message?.role !== 'tool') return [];
  return message.content.filter((part) => part.type === 'tool-result');
}

/** Its last answer, and the message with results behind it. */
function endOf({ messages }: Conversation): {
  readonly answer: ModelMessage | undefined;
  readonly results: readonly ToolResult[];
} {
  const last = messages.at(-1);
  return last?.role === 'tool'
    ? { answer: messages.at(-2), results: resultsOf(last) }
    : { answer: last, results: [] };
}

/** The calls of the last answer that have no result. */
export function openCalls(conversation: Conversation): readonly ToolCall[] {
  const { answer, results } = endOf(conversation);
  const ended = new Set(results.map(({ toolCallId }) => toolCallId));
  return callsOf(answer).filter(({ toolCallId }) => !ended.has(toolCallId));
}

/** With results for calls of the last answer, by their ids. */
export function withResults(
  conversation: Conversation,
  outputs: ReadonlyMap<string, ToolOutput>,
): Conversation {
  const { answer, results } = endOf(conversation);
  const known = new Map(results.map((result) => [result.toolCallId, result.output]));
  const content = callsOf(answer).flatMap(({ toolCallId, toolName }): readonly ToolResult[] => {
    const output = outputs.get(toolCallId) ?? known.get(toolCallId);
    return output === undefined ? [] : [{ type: 'tool-result', toolCallId, toolName, output }];
  });
  if (content.length === 0) return conversation;
  const before = conversation.messages.slice(0, results.length === 0 ? undefined : -1);
  return { ...conversation, messages: [...before, { role: 'tool', content }] };
}

/** True when the model has said its last word: it wants no tool. */
export function isAnswered({ messages }: Conversation): boolean {
  const last = messages.at(-1);
  return last?.role === 'assistant' && callsOf(last).length === 0;
}

/** The text of the last answer; empty when there is none. */
export function textOf({ messages }: Conversation): string {
  const answer = messages.findLast(({ role }) => role === 'assistant');
  if (answer?.role !== 'assistant') return '';
  if (typeof answer.content === 'string') return answer.content;
  return answer.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** What a tool call was given back, as a message may say it; undefined when it is not of that shape. */
export function toolOutputOf(value: unknown): ToolOutput | undefined {
  const content = [{ type: 'tool-result', toolCallId: 'any', toolName: 'any', output: value }];
  const read = modelMessageSchema.safeParse({ role: 'tool', content });
  return read.success ? resultsOf(read.data)[0]?.output : undefined;
}
