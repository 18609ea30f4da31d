/**
 * What a runner is given to say what it does: iterations, usage, checkpoints, tools, sub-tasks.
 *
 * Owns: the calls of one run. Callers: run.ts makes one for each run. Invariants:
 *  C1  What a call resolves with is on disk.
 *  C2  What a run says that is not the present one changes nothing, in the very turn of the step (R1 of
 *      task-rules.ts): it is told TASK_RUN_OVER.
 *  C3  A tool runs when no record of its call is there, and `tool.started` is on disk. Its end is recorded,
 *      whatever it is, unless its task is not worked on any more.
 *  C4  A budget that is used up is used up for good: whatever its runner makes of it, the run is exhausted.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { stableId } from '../../ids.js';
import { copyOf, type Json, type JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { isPresentRun, taskStatus } from '../../machines/index.js';
import type { TaskContext, TaskEvent, TaskInput, TaskUsage } from '../../machines/index.js';
import { z } from 'zod';
import { checked, invalid, text } from '../checked.js';
import type { Kernel } from '../kernel/index.js';
import { checkpointParts } from './checkpoints.js';
import type { NewTask, TaskHandle } from './face.js';
import type { RunLife } from './run-life.js';
import type { RunnerContext, ToolContext, ToolOptions } from './runner.js';
import type { ParentTask } from './submit.js';
import { outcomeOf, resultRecord, thrownRecord, toolRow, type ToolRecord } from './tool-records.js';

const tokens = z.number().int().min(0);
const usageSchema = z.strictObject({
  inputTokens: tokens.default(0),
  outputTokens: tokens.default(0),
  totalTokens: tokens.optional(),
});
const toolSchema = z.strictObject({
  callId: text(300),
  name: text(300).optional(),
  idempotent: z.boolean().default(false),
});

/** Makes a sub-task: `spawn` writes it down with its parent first. `signal` is that of the parent's run. */
export type Subtasks = (
  task: NewTask,
  parent: ParentTask & {
    readonly childId: string;
    readonly spawn: (child: TaskInput) => Promise<void>;
    readonly signal: AbortSignal;
  },
) => Promise<TaskHandle>;

export interface RunContextOptions {
  readonly kernel: Kernel;
  readonly address: string;
  /** What this run is known by. */
  readonly run: string;
  readonly life: RunLife;
  /** As it was when the run began. */
  readonly task: TaskContext;
  readonly subtasks: Subtasks;
}

type OfRun = Extract<TaskEvent, { readonly run: string }>;
/** What a run says, without its own name. */
type Said = OfRun extends infer Event ? (Event extends OfRun ? Omit<Event, 'run'> : never) : never;

interface Saying {
  readonly payloads?: Readonly<Record<string, Json>>;
  /** Looks at the task right before the step; what it throws refuses the event. */
  readonly check?: (task: TaskContext) => void;
}

export class RunContext implements RunnerContext {
  readonly signal: AbortSignal;
  readonly #options: RunContextOptions;
  readonly #calls = new Map<string, Promise<Json>>();
  #tokens: number;
  #exhausted: 'iterations' | 'tokens' | undefined;

  constructor(options: RunContextOptions) {
    this.#options = options;
    this.signal = options.life.signal;
    this.#tokens = options.task.usage.totalTokens;
  }

  /** The budget that was used up. */
  get exhausted(): 'iterations' | 'tokens' | undefined {
    return this.#exhausted;
  }

  readonly iteration = async (n: number): Promise<void> => {
    const { maxIterations } = this.#options.task.input;
    this.#options.life.checkRuns();
    if (!Number.isSafeInteger(n) || n < 1) throw invalid('n', 'not a whole number of 1 or more');
    if (n > maxIterations) throw this.#exhaust('iterations', `${maxIterations} iterations`);
    this.#checkTokens();
    await this.say({ type: 'task.iteration', iteration: n });
  };

  readonly usage = async (used: Partial<TaskUsage>): Promise<void> => {
    await this.addUsage(used);
    this.#checkTokens();
  };

  /** The same without a look at the budget. */
  async addUsage(used: unknown): Promise<void> {
    const { inputTokens, outputTokens, totalTokens } = checked(usageSchema, used);
    const usage = { inputTokens, outputTokens, totalTokens: totalTokens ?? inputTokens + outputTokens };
    await this.say({ type: 'task.usage', usage });
    this.#tokens += usage.totalTokens;
  }

  readonly checkpoint = async (state: Json): Promise<void> => {
    this.#options.life.checkRuns();
    const { parts, chars, payloads } = checkpointParts(state);
    await this.say({ type: 'task.checkpoint', parts, chars }, { payloads });
  };

  readonly tool = async <Result>(
    callId: string,
    options: ToolOptions,
    run: (context: ToolContext) => Result | Promise<Result>,
  ): Promise<Result> => {
    const asked = checked(toolSchema, { ...options, callId });
    if (typeof run !== 'function') throw invalid('run', 'not a function');
    // The same call again, while it is under way, is that call.
    const known = this.#calls.get(callId);
    const call = known ?? this.#call(asked, run).finally(() => this.#calls.delete(callId));
    if (known === undefined) this.#calls.set(callId, call);
    // Its tool's own result, after a trip through JSON: what else it may be, its caller has declared.
    return copyOf(await call) as Result;
  };

  readonly subtask = async (key: string, task: NewTask): Promise<TaskHandle> => {
    const { subtasks, life } = this.#options;
    const { taskId, depth, timeoutMs } = this.#options.task.input;
    life.checkRuns();
    checked(text(300), key);
    const childId = stableId('task', JSON.stringify([taskId, this.#options.task.life, key]));
    const spawn = (child: TaskInput): Promise<void> =>
      this.say(
        { type: 'task.spawn', child },
        {
          check: ({ children }) => {
            if (children.length < limits.taskChildrenMax || children.includes(childId)) return;
            throw invalid('key', `the task has ${limits.taskChildrenMax} sub-tasks that have not ended`);
          },
        },
      );
    const mine = this.signal;
    const handle = await subtasks(task, { taskId, depth, timeoutMs, childId, spawn, signal: mine });
    // The run ends before its sub-task where the process goes: it must not wait for it then.
    const settled: TaskHandle['settled'] = ({ signal = mine } = {}) =>
      handle.settled({ signal: AbortSignal.any([mine, signal]) });
    return { ...handle, settled };
  };

  /** Says something of this run; resolves when it is on disk. Throws TASK_RUN_OVER (C2). */
  async say(said: Said, { payloads, check }: Saying = {}): Promise<void> {
    const { kernel, address, run, life } = this.#options;
    life.checkRuns();
    // JSON throughout: it was checked, or made here.
    const event = { ...said, run } as JsonObject & OfRun;
    const isPresent = (snapshot: AnyMachineSnapshot): void => {
      const task = snapshot.context as TaskContext;
      if (taskStatus(snapshot) !== 'running' || !isPresentRun(task, event)) throw life.runOver();
      check?.(task);
    };
    try {
      await kernel.send(address, event, { source: 'runtime', check: isPresent, payloads });
    } catch (error) {
      // The step that ended it is on disk: its signal is about to fire.
      if (isHoldfastError(error, 'TASK_RUN_OVER')) life.end();
      throw error;
    }
  }

  #checkTokens(): void {
    const { tokenBudget } = this.#options.task.input;
    if (tokenBudget !== undefined && this.#tokens >= tokenBudget)
      throw this.#exhaust('tokens', `${tokenBudget} tokens`);
  }

  #exhaust(of: 'iterations' | 'tokens', what: string): HoldfastError {
    this.#exhausted ??= of;
    const { taskId } = this.#options.task.input;
    return new HoldfastError('TASK_EXHAUSTED', `task ${taskId} has used up its ${what}`);
  }

  async #call(asked: z.output<typeof toolSchema>, run: (context: ToolContext) => unknown): Promise<Json> {
    const { life } = this.#options;
    life.beginTool();
    try {
      const record = (await this.#recorded(asked.callId)) ?? (await this.#run(asked, run));
      return outcomeOf(record);
    } finally {
      life.endTool();
    }
  }

  async #recorded(callId: string): Promise<ToolRecord | undefined> {
    const { kernel, address, task } = this.#options;
    // What is there was written by this façade.
    return (await kernel.reader.payload(address, toolRow(task.life, callId))) as ToolRecord | undefined;
  }

  async #run(
    { callId, name = callId, idempotent }: z.output<typeof toolSchema>,
    run: (context: ToolContext) => unknown,
  ): Promise<ToolRecord> {
    const { life, task } = this.#options;
    const check = ({ calls }: TaskContext): void => {
      if (calls.length < limits.taskCallsOpenMax) return;
      throw invalid('callId', `the task has ${limits.taskCallsOpenMax} tool calls under way`);
    };
    await this.say({ type: 'tool.started', callId, name, idempotent }, { check });
    const record = await ended(run, life.toolSignal);
    if (record === undefined) throw life.runOver();
    const payloads = { [toolRow(task.life, callId)]: record };
    await this.say({ type: 'tool.ended', callId }, { payloads });
    return record;
  }
}

/** How a tool ended; undefined where it was cut off, and threw: whether it did anything is not known. */
async function ended(
  run: (context: ToolContext) => unknown,
  signal: AbortSignal,
): Promise<ToolRecord | undefined> {
  try {
    return resultRecord(await run({ signal }));
  } catch (error) {
    return signal.aborted ? undefined : thrownRecord(error);
  }
}
