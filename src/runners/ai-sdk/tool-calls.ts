/**
 * The tool calls of an answer: each run once, through the task's record.
 *
 * Callers: runner.ts. Invariants:
 *  1  What a call came to is recorded as the model will read it; nothing is made of it afterwards. An
 *     operator's decision is anything, and is put as the tool would have put it.
 *  2  A tool that throws, and one that is not there, is answered to the model. What the record itself throws
 *     ends the run.
 *  3  A result is no larger than what a record holds.
 */
import { NoSuchToolError, type ModelMessage, type ToolSet } from 'ai';
import type { RunnerContext } from '../../index.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { jsonOf, toolOutputOf, type ToolCall, type ToolOutput } from './conversation.js';
import type { Setup } from './options.js';

type AnyTool = ToolSet[string];

const AT_ONCE_MAX = 8;
/** Left for the words around a text that was cut. */
const AROUND_BYTES = 1_024;
const RESULT_BYTES_MAX = limits.payloadBytesMax - AROUND_BYTES;

/** What each call came to, by its id. `asked`: the messages that the calls answer. */
export async function runCalls(
  setup: Setup,
  context: RunnerContext,
  calls: readonly ToolCall[],
  asked: readonly ModelMessage[],
): Promise<ReadonlyMap<string, ToolOutput>> {
  const outputs = new Map<string, ToolOutput>();
  const left = calls.values();
  const workers = Array.from({ length: Math.min(AT_ONCE_MAX, calls.length) }, async () => {
    for (const call of left) outputs.set(call.toolCallId, await runCall(setup, context, call, asked));
  });
  // All have come to their end before the first fault is told: none is left to act alone.
  const ends = await Promise.allSettled(workers);
  const fault = ends.find((end) => end.status === 'rejected');
  if (fault !== undefined) throw fault.reason;
  return outputs;
}

async function runCall(
  { tools, idempotentTools }: Setup,
  context: RunnerContext,
  call: ToolCall,
  asked: readonly ModelMessage[],
): Promise<ToolOutput> {
  const { toolCallId, toolName: name } = call;
  const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
  if (tool === undefined) {
    const { message } = new NoSuchToolError({ toolName: name, availableTools: Object.keys(tools) });
    return { type: 'error-text', value: message };
  }
  const idempotent = idempotentTools.has(name);
  const kept = await context.tool(toolCallId, { idempotent, name }, ({ signal }) =>
    outcomeOf(tool, call, asked, signal),
  );
  return toolOutputOf(kept) ?? (await putAsResult(tool, call, kept));
}

async function outcomeOf(
  tool: AnyTool,
  call: ToolCall,
  asked: readonly ModelMessage[],
  signal: AbortSignal,
): Promise<Json> {
  try {
    const said = await execute(tool, call, asked, signal);
    return jsonOf(fitted(await putAsResult(tool, call, said)));
  } catch (error) {
    // Called off, it has come to nothing that a model should read.
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return jsonOf(fitted({ type: 'error-text', value: message }));
  }
}

/** Of a tool that says several things in turn, the last counts. */
async function execute(
  tool: AnyTool,
  { toolCallId, input }: ToolCall,
  asked: readonly ModelMessage[],
  abortSignal: AbortSignal,
): Promise<unknown> {
  const said: unknown = await tool.execute?.(input, { toolCallId, messages: [...asked], abortSignal });
  if (!isStream(said)) return said;
  let last: unknown;
  for await (const part of said) last = part;
  return last;
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function putAsResult(
  tool: AnyTool,
  { toolCallId, input }: ToolCall,
  said: unknown,
): Promise<ToolOutput> {
  const put = await tool.toModelOutput?.({ toolCallId, input, output: said });
  if (put !== undefined) return put;
  return typeof said === 'string' ? { type: 'text', value: said } : { type: 'json', value: asJson(said) };
}

function asJson(said: unknown): Extract<ToolOutput, { readonly type: 'json' }>['value'] {
  return JSON.parse(JSON.stringify(said ?? null)) as Extract<ToolOutput, { readonly type: 'json' }>['value'];
}

/** The output, or as much of it as a record holds, with a note. */
function fitted(output: ToolOutput): ToolOutput {
  const bytes = Buffer.byteLength(JSON.stringify(output));
  if (bytes <= RESULT_BYTES_MAX) return output;
  const note = `[cut: the tool's result has ${bytes} bytes as JSON, of which ${RESULT_BYTES_MAX} are kept]`;
  switch (output.type) {
    case 'text':
    case 'error-text':
      return { type: output.type, value: `${beginningOf(output.value)}\n${note}` };
    case 'json':
    case 'error-json':
      return { type: 'text', value: `${beginningOf(JSON.stringify(output.value))}\n${note}` };
    default:
      return { type: 'error-text', value: `the tool's result has ${bytes} bytes, and cannot be cut` };
  }
}

/** As many characters as fit when they are written as JSON, found by halving. */
function beginningOf(text: string): string {
  const fits = (chars: number): boolean =>
    Buffer.byteLength(JSON.stringify(text.slice(0, chars))) <= RESULT_BYTES_MAX - AROUND_BYTES;
  let least = 0;
  let most = Math.min(text.length, RESULT_BYTES_MAX);
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (fits(middle)) least = middle;
    else most = middle - 1;
  }
  // The half of a character at the cut goes, too.
  const cut = text.slice(0, least);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
