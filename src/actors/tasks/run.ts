/**
 * The effect `run` of a task: its runner, from the start to an answer.
 *
 * Owns: which runs are under way in this process. Callers: tasks.ts. Invariants:
 *  U1  One runner at a time works on a task: another waits until the one before has come to its end.
 *  U2  A runner is called once `task.started` is on disk, and the chart counts this run.
 *  U3  A run that stops with the process gives no answer: the next process goes on from the checkpoint.
 *  U4  Tasks that were incomplete when the directory was opened start `staggerMs` apart; new ones at once.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError, isBusy, isHoldfastError } from '../../errors.js';
import { isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { isPresentRun, taskRows, taskStatus } from '../../machines/index.js';
import type { RunAnswer, RunInput, TaskContext, TaskError, TaskRequest } from '../../machines/index.js';
import { redactText, shortWord } from '../../providers/index.js';
import type { EffectCall } from '../job-effects.js';
import { dropUndefined } from '../job-input.js';
import { EffectDeferred, type Kernel } from '../kernel/index.js';
import { timeLeft } from '../time-left.js';
import { readCheckpoint } from './checkpoints.js';
import { cutText } from './cut.js';
import { RunContext, type Subtasks } from './run-context.js';
import { RunLife } from './run-life.js';
import type { RunnerInput, RunnerObject } from './runner.js';
import type { Runners } from './runners.js';

export interface TaskRunsOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runners: Runners;
  readonly staggerMs: number;
  /** Of the open store: what has not stepped in it was there before. */
  readonly generation: number;
  readonly newId: (prefix: string) => string;
  readonly subtasks: Subtasks;
}

type Call = EffectCall<RunInput>;

interface UnderWay {
  readonly life: RunLife;
  readonly ended: Promise<void>;
}

export class TaskRuns {
  readonly #options: TaskRunsOptions;
  readonly #underWay = new Map<string, UnderWay>();
  #isStopping = false;
  /** When the next of the tasks that were found may start, on the monotonic clock. */
  #nextFoundMs = 0;

  constructor(options: TaskRunsOptions) {
    this.#options = options;
  }

  async run(call: Call): Promise<RunAnswer> {
    const { input, signal } = call;
    if (this.#isStopping) return taken(signal);
    const runner = this.#options.runners.get(input.runner);
    if (runner === undefined) return { type: 'blocked' };
    if (this.#underWay.has(input.taskId)) throw new EffectDeferred();
    const life = new RunLife(input.taskId, signal);
    const answered = this.#attempt(call, runner, life);
    const ended = answered.then(nothing, nothing).then(() => {
      this.#underWay.delete(input.taskId);
    });
    this.#underWay.set(input.taskId, { life, ended });
    return (await answered) ?? taken(signal);
  }

  /**
   * Begins nothing more, lets tools end, then fires the signals; resolves with what is left of the time once
   * all runners have ended. Undefined when none is under way.
   */
  stop(timeoutMs: number): Promise<number> | undefined {
    this.#isStopping = true;
    const runs = [...this.#underWay.values()];
    if (runs.length === 0) return undefined;
    for (const { life } of runs) life.stop();
    const ended = Promise.all(runs.map((run) => run.ended));
    return timeLeft(this.#options.clock, timeoutMs, ended, () => {
      for (const { life } of runs) life.cut();
    });
  }

  /** Undefined: the run is over, and gives no answer. */
  async #attempt(
    { address, input }: Call,
    runner: RunnerObject,
    life: RunLife,
  ): Promise<RunAnswer | undefined> {
    const { kernel, newId, subtasks } = this.#options;
    await this.#stagger(address, life);
    const run = newId('run');
    const task = life.isOver ? undefined : await this.#start(address, run, runner, life);
    if (task === undefined) {
      await this.#releaseLost(address);
      return undefined;
    }
    const context = new RunContext({ kernel, address, run, life, task, subtasks });
    try {
      const answer = await this.#work(address, input, runner, { life, task, context });
      return life.isOver ? undefined : answer;
    } finally {
      await life.toolsEnded();
      if (life.isOver) await this.#release(address, run);
      else life.close();
    }
  }

  /** U4. */
  async #stagger(address: string, life: RunLife): Promise<void> {
    const { kernel, clock, generation, staggerMs } = this.#options;
    const record = await kernel.reader.record(address);
    if (record === undefined || record.epoch === generation) return;
    const nowMs = clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#nextFoundMs);
    this.#nextFoundMs = startMs + staggerMs;
    if (startMs === nowMs || life.isOver) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(startMs - nowMs, resolve);
      life.signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  /** The task as this run begins; undefined when the chart does not let it. */
  async #start(
    address: string,
    run: string,
    { provider, model }: RunnerObject,
    life: RunLife,
  ): Promise<TaskContext | undefined> {
    const event = { type: 'task.started', run, ...dropUndefined({ provider, model }) };
    const check = (snapshot: AnyMachineSnapshot): void => {
      if (life.isOver || !snapshot.matches('active')) throw life.runOver();
    };
    try {
      const { snapshot } = await this.#options.kernel.send(address, event, { source: 'runtime', check });
      if (snapshot === undefined || taskStatus(snapshot) !== 'running') return undefined;
      return snapshot.context as TaskContext;
    } catch (error) {
      if (isHoldfastError(error, 'TASK_RUN_OVER') || isHoldfastError(error, 'RUNTIME_CLOSED'))
        return undefined;
      // Nothing has happened yet: it waits its turn again.
      if (isBusy(error)) throw new EffectDeferred();
      throw error;
    }
  }

  async #work(
    address: string,
    { taskId }: RunInput,
    runner: RunnerObject,
    { life, task, context }: { life: RunLife; task: TaskContext; context: RunContext },
  ): Promise<RunAnswer | undefined> {
    try {
      const given = await this.#inputOf(address, task);
      // Taken away since it was started: a runner that looks at no signal would do all of its work.
      life.checkRuns();
      const result: unknown = await runner.run(given, context);
      // A tool that nobody awaited is under way still.
      await life.toolsEnded();
      return await this.#answerOf(result, context);
    } catch (error) {
      await life.toolsEnded();
      if (life.isOver) return undefined;
      if (context.exhausted !== undefined) return { type: 'exhausted', of: context.exhausted };
      this.#options.log.warn({ task: taskId, ...runnerFault(error) }, 'task.runner.failed');
      return { type: 'failed', error: runnerFault(error) };
    }
  }

  async #inputOf(address: string, task: TaskContext): Promise<RunnerInput> {
    const { kernel } = this.#options;
    const { input, iterations, usage } = task;
    // Written with the task itself, by the façade or the chart.
    const request = (await kernel.reader.payload(address, taskRows.request)) as TaskRequest | undefined;
    if (request === undefined) throw new HoldfastError('STORE_CORRUPTED', `${address} has lost its request`);
    const checkpoint = await readCheckpoint(kernel, address, task.checkpoint);
    return {
      taskId: input.taskId,
      prompt: request.prompt,
      iterations,
      maxIterations: input.maxIterations,
      usage,
      ...dropUndefined({
        systemPrompt: request.systemPrompt,
        sessionKey: input.sessionKey,
        meta: request.meta as Json | undefined,
        checkpoint,
        tokenBudget: input.tokenBudget,
      }),
    };
  }

  async #answerOf(result: unknown, context: RunContext): Promise<RunAnswer> {
    const { output, usage, exhausted } = Object(result) as Readonly<Record<string, unknown>>;
    const isText = typeof output === 'string';
    if (!isPlainObject(result) || (!isText && output !== undefined))
      return { type: 'failed', error: { code: 'runner-result', message: 'the runner returned no output' } };
    if (usage !== undefined) await context.addUsage(usage);
    const of =
      context.exhausted ?? (exhausted === 'tokens' || exhausted === 'iterations' ? exhausted : undefined);
    const whole = cutText(isText ? output : '', limits.taskOutputBytesMax);
    await context.say({ type: 'task.output' }, { payloads: { [taskRows.output]: whole.text } });
    const said = { text: cutText(whole.text, limits.taskTextBytesMax).text, truncated: whole.truncated };
    return of === undefined
      ? { type: 'completed', output: said }
      : { type: 'exhausted', of, ...(said.text === '' ? {} : { output: said }) };
  }

  /** Cancelled before it was started again: the run that it would wait for died with its process. */
  async #releaseLost(address: string): Promise<void> {
    try {
      const actor = await this.#options.kernel.snapshot(address);
      if (actor === undefined || taskStatus(actor.snapshot) !== 'cancelling') return;
      const { run } = actor.snapshot.context as TaskContext;
      if (run !== undefined) await this.#release(address, run);
    } catch (error) {
      this.#options.log.debug({ err: error, address }, 'task.not_released');
    }
  }

  /** Lets a cancelled task go on to its end, and counts no start in vain where the process goes. */
  async #release(address: string, run: string): Promise<void> {
    const event = { type: 'run.released', run } as const;
    const check = (snapshot: AnyMachineSnapshot): void => {
      const isHeard = ['cancelling', 'running'].includes(taskStatus(snapshot));
      if (!isHeard || !isPresentRun(snapshot.context as TaskContext, event)) throw new NotHeard();
    };
    try {
      await this.#options.kernel.send(address, event, { source: 'runtime', check });
    } catch (error) {
      // The chart goes on without it, after a while.
      if (!(error instanceof NotHeard)) this.#options.log.debug({ err: error, address }, 'task.not_released');
    }
  }
}

class NotHeard extends Error {}

/** Until the effect is taken away: by the chart that has left it, or by the kernel that stops. */
function taken(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** Runners are users' own: an error of theirs may quote a key, and it is kept, listed and sent. */
function runnerFault(thrown: unknown): TaskError {
  const isError = thrown instanceof Error;
  const code: unknown = isError ? Reflect.get(thrown, 'code') : undefined;
  const word = typeof code === 'string' && code !== '' ? code : 'runner';
  const said = isError ? thrown.message || thrown.name : String(thrown);
  return { code: shortWord(word), message: redactText(said.toWellFormed()) };
}

function nothing(): void {
  // How a run ended is its caller's.
}
