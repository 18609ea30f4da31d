/**
 * The options of the AI SDK runner, checked once.
 *
 * Callers: runner.ts; users, for the types. Invariants: what is wrong is refused when the runner is made, not
 * when a task runs; the tools that models are told of cannot be run by the SDK, so that no call escapes the
 * record (runner.ts, A2).
 */
import type { CallSettings, LanguageModel, ToolChoice, ToolSet } from 'ai';
import { systemClock, type Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import { isIdempotent } from './idempotent.js';

/** Passed on to the model with every call, as the AI SDK names them. */
export interface AiSdkSettings extends Omit<CallSettings, 'abortSignal' | 'maxRetries' | 'timeout'> {
  readonly toolChoice?: ToolChoice<ToolSet>;
  readonly providerOptions?: NonNullable<ToolSet[string]['providerOptions']>;
}

/** Which answer a piece of text is of: another attempt, or the same iteration again, begins it anew. */
export interface TextOrigin {
  readonly taskId: string;
  readonly iteration: number;
  /** 1, 2, ...: of the calls for this iteration in this process. */
  readonly attempt: number;
}

export interface AiSdkRunnerOptions {
  /** Any language model of the AI SDK, or the name of one for its gateway. */
  readonly model: LanguageModel;
  /** Tools of the AI SDK (`tool({...})`), each with `execute`. One that asks for approval is refused. */
  readonly tools?: ToolSet;
  /** Names of tools that may run again after a crash; the same as to mark them with `idempotent`. */
  readonly idempotentTools?: readonly string[];
  /** For tasks that bring no system prompt of their own. */
  readonly system?: string;
  /** Calls of the model a task, beside the task's own bound: the lower one counts. 1 to 10,000. */
  readonly maxIterations?: number;
  /** Tokens a task, beside the task's own budget: the lower one counts. From 1. */
  readonly tokenBudget?: number;
  /** Whether answers are streamed; default: when there is an `onText`. */
  readonly stream?: boolean;
  readonly settings?: AiSdkSettings;
  /** Calls after the first that failed for now: 408, 425, 429, 5xx, the network. 0 to 20, default 4. */
  readonly retries?: number;
  /** How long one call of the model may take in all; ms, 1 to a day, default 10 min. */
  readonly callTimeoutMs?: number;
  /** Hears the text of a streamed answer as it comes. What it throws fails the task. */
  readonly onText?: (delta: string, origin: TextOrigin) => void;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/** The options with their defaults. */
export interface Setup {
  readonly model: LanguageModel;
  readonly tools: ToolSet;
  /** The tools as the model is told of them. */
  readonly offered: ToolSet;
  readonly idempotentTools: ReadonlySet<string>;
  readonly system: string | undefined;
  readonly maxIterations: number;
  readonly tokenBudget: number;
  readonly isStreamed: boolean;
  readonly settings: AiSdkSettings;
  readonly retries: number;
  readonly callTimeoutMs: number;
  readonly onText: (delta: string, origin: TextOrigin) => void;
  readonly clock: Clock;
}

const RETRIES = 4;
const CALL_TIMEOUT_MS = 600_000;
const DAY_MS = 86_400_000;

/** What each is; a model may be a name, too. */
const SHAPES: Readonly<Record<keyof AiSdkRunnerOptions, string>> = {
  model: 'object',
  tools: 'object',
  idempotentTools: 'list',
  system: 'string',
  maxIterations: 'number',
  tokenBudget: 'number',
  stream: 'boolean',
  settings: 'object',
  retries: 'number',
  callTimeoutMs: 'number',
  onText: 'function',
  clock: 'object',
};

/** Throws INVALID_INPUT. */
export function setupOf(options: AiSdkRunnerOptions): Setup {
  checkShapes(options);
  const { tools = {}, idempotentTools = [], onText, settings = {} } = options;
  for (const [name, tool] of Object.entries(tools)) checkTool(name, tool);
  const unknown = idempotentTools.find((name) => !Object.hasOwn(tools, name));
  if (unknown !== undefined) refuse(`idempotentTools names ${JSON.stringify(unknown)}, which is no tool`);
  const marked = Object.keys(tools).filter((name) => {
    const tool = tools[name];
    return tool !== undefined && isIdempotent(tool);
  });
  return {
    model: options.model,
    tools,
    offered: Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, withoutExecute(tool)])),
    idempotentTools: new Set([...marked, ...idempotentTools]),
    system: options.system,
    maxIterations: wholeNumber('maxIterations', options.maxIterations, 1, 10_000) ?? Infinity,
    tokenBudget: wholeNumber('tokenBudget', options.tokenBudget, 1, Number.MAX_SAFE_INTEGER) ?? Infinity,
    isStreamed: options.stream ?? onText !== undefined,
    settings,
    retries: wholeNumber('retries', options.retries, 0, 20) ?? RETRIES,
    callTimeoutMs: wholeNumber('callTimeoutMs', options.callTimeoutMs, 1, DAY_MS) ?? CALL_TIMEOUT_MS,
    onText: onText ?? (() => undefined),
    clock: options.clock ?? systemClock,
  };
}

/** An option with a typing error in its name would count for nothing, in silence. */
function checkShapes(options: unknown): void {
  const { model, ...others } = Object(options) as Readonly<Record<string, unknown>>;
  if (!isModel(model)) refuse('model is a language model of the AI SDK, or the name of one');
  const shapes = new Map(Object.entries(SHAPES));
  for (const [name, value] of Object.entries(others)) {
    const shape = shapes.get(name);
    if (shape === undefined) refuse(`there is no option ${JSON.stringify(name)}`);
    if (value !== undefined && shapeOf(value) !== shape) refuse(`${name} is of type ${shape}`);
  }
}

function shapeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

function isModel(model: unknown): boolean {
  if (typeof model === 'string') return model !== '';
  const { provider, modelId } = Object(model) as Readonly<Record<string, unknown>>;
  return typeof provider === 'string' && typeof modelId === 'string';
}

type Offered = ToolSet[string];

function checkTool(name: string, tool: Offered): void {
  if (tool.needsApproval !== undefined && tool.needsApproval !== false) {
    refuse(`the tool ${JSON.stringify(name)} asks for approval, and nobody is there to give it`);
  }
  if (tool.execute === undefined && tool.type !== 'provider') {
    refuse(`the tool ${JSON.stringify(name)} has no execute`);
  }
}

/** A tool of the provider's own stays as it is: it is not run here. */
function withoutExecute(tool: Offered): Offered {
  const { execute: _execute, ...offered } = tool;
  return offered;
}

function wholeNumber(
  name: string,
  value: number | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most)) {
    refuse(`${name} is a whole number from ${least} to ${most}, not ${value}`);
  }
  return value;
}

function refuse(why: string): never {
  throw new HoldfastError('INVALID_INPUT', `aiSdkRunner: ${why}`);
}
