/**
 * The tasks façade: prompts given to agents that outlive the process.
 *
 * Owns: actors of kind `task`: their input, their runs, how they are found and seen. Callers: users through
 * `runtime.tasks`, the doors. Invariants:
 *  F1  What a method resolves with is on disk.
 *  F2  What a task cannot take is refused in the very turn it would have been taken in: an end is never
 *      written over.
 */
import { fromPromise, type AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../clock.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import { addressOf, stableId } from '../ids.js';
import type { Json, JsonObject } from '../json.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import {
  CANCELLED_WITH_PARENT,
  isSettledTask,
  taskMachine,
  taskRows,
  taskStatus,
} from '../machines/index.js';
import type {
  RunAnswer,
  RunInput,
  TaskContext,
  TaskInput,
  TaskRequest,
  TaskStatus,
} from '../machines/index.js';
import { checked, invalid } from './checked.js';
import type { Deliveries } from './deliveries.js';
import { taskDefinition } from './house-machines.js';
import { addressOfEffect } from './job-effects.js';
import type { Kernel, Page, SendOptions, StepCheck } from './kernel/index.js';
import { unlessBad } from './one-of-many.js';
import { sourceOf, type OperatorOptions } from './operator.js';
import { cancelSchema, decisionSchema, listSchema, retrySchema } from './tasks/asked.js';
import type { ListTasks, NewTask, RetryTask, TaskHandle, TasksFace, TasksOptions } from './tasks/face.js';
import type { TaskView, ToolDecision } from './tasks/face.js';
import { TaskRuns } from './tasks/run.js';
import type { Subtasks } from './tasks/run-context.js';
import { Runners } from './tasks/runners.js';
import { checkedTask, requestOf, taskInputOf, type CheckedTask, type ParentTask } from './tasks/submit.js';
import { TASK_KIND, taskIndexes } from './tasks/task-index.js';
import { resultRecord, toolRow } from './tasks/tool-records.js';
import { taskView } from './tasks/view.js';

export interface TasksFacadeOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deliveries: Pick<Deliveries, 'policyOf'>;
  readonly defaults: TasksOptions;
  readonly generation: number;
  /** Attempts of a batch in a session that a task's wake makes; default: the session's own. */
  readonly sessionAttemptsMax?: number | undefined;
  readonly newId: (prefix: string) => string;
}

export class Tasks implements TasksFace {
  readonly #options: TasksFacadeOptions;
  readonly #kernel: Kernel;
  readonly #runners: Runners;
  readonly #runs: TaskRuns;
  /** False in a directory that nobody runs: who will is not known there, nor what runners there will be. */
  #isRun = false;

  constructor(options: TasksFacadeOptions) {
    const { defaults } = options;
    this.#options = options;
    this.#kernel = options.kernel;
    this.#runners = new Runners(defaults);
    this.#runs = new TaskRuns({
      ...options,
      runners: this.#runners,
      staggerMs: defaults.staggerMs ?? limits.taskStaggerMs,
      subtasks: this.#subtask,
    });
    const run = fromPromise<RunAnswer, RunInput>(({ input, self, signal }) =>
      this.#runs.run({ address: addressOfEffect(self.id), input, signal }),
    );
    this.#kernel.define({
      ...taskDefinition,
      machine: taskMachine.provide({ actors: { run } }),
      effects: {
        run: {
          // A task that waits for its sub-tasks never holds the place that they need.
          pool: (input) => `tasks.${(input as RunInput).depth}`,
          limit: defaults.concurrency ?? limits.tasksMax,
          // The chart has a deadline of its own.
          timeoutMs: Infinity,
        },
      },
    });
  }

  /**
   * Wakes blocked tasks whose runner is there now, and ends cancelled ones whose runner died with its
   * process. Call once the kernel has started.
   */
  async recover(): Promise<void> {
    this.#isRun = true;
    await this.#forEach('blocked', async (address, { input }) => {
      if (this.#runners.get(input.runner) !== undefined)
        await this.#kernel.send(address, { type: 'runner.available' }, { source: 'runtime' });
    });
    await this.#forEach('cancelling', async (address, { run }) => {
      if (run !== undefined)
        await this.#kernel.send(address, { type: 'run.released', run }, { source: 'runtime' });
    });
  }

  /**
   * Begins no tool and no run any more, lets tools end, then fires the signals of runs; resolves with what is
   * left of the time once their runners have ended. What was under way goes on at the next open.
   */
  stop(timeoutMs: number): Promise<number> | undefined {
    return this.#runs.stop(timeoutMs);
  }

  /**
   * Gives a prompt to a runner. Resolves when it is on disk. Throws INVALID_INPUT, RUNNER_UNKNOWN.
   */
  async submit(task: NewTask): Promise<TaskHandle> {
    const asked = checkedTask(task);
    const { idempotencyKey } = asked;
    const id =
      idempotencyKey === undefined ? this.#options.newId(TASK_KIND) : stableId(TASK_KIND, idempotencyKey);
    const input = taskInputOf(this.#options, asked, { id, runner: this.#runnerOf(asked) });
    return this.#create(input, { payloads: { [taskRows.request]: requestOf(asked) } });
  }

  /** A handle by id, without looking whether the task exists. */
  get(id: string): TaskHandle {
    return this.#handle(id, false);
  }

  async view(id: string): Promise<TaskView> {
    const { snapshot } = await this.#found(id);
    return this.#viewOf(id, snapshot);
  }

  async status(id: string): Promise<TaskStatus> {
    return taskStatus((await this.#found(id)).snapshot);
  }

  /** One page of tasks, newest first. The cost is that of what is returned, whatever else is stored. */
  async list(options: ListTasks = {}): Promise<Page<TaskView>> {
    const { status, parentId, ...page } = checked(listSchema, options);
    if (status !== undefined && parentId !== undefined)
      throw new HoldfastError('INVALID_INPUT', 'list takes one filter at most');
    const byParent =
      parentId === undefined ? ([taskIndexes.all, []] as const) : ([taskIndexes.parent, [parentId]] as const);
    const [index, parts] = status === undefined ? byParent : ([taskIndexes.status, [status]] as const);
    const found = await this.#kernel.reader.byIndex(index, parts, { ...page, newestFirst: true });
    const views = await Promise.all(found.items.map((address) => this.#listed(address)));
    return { ...found, items: views.flatMap((view) => (view === undefined ? [] : [view])) };
  }

  /**
   * A task that runs passes through `cancelling`; whatever its runner says then is refused. Throws
   * TASK_SETTLED naming the status, ACTOR_NOT_FOUND.
   */
  async cancel(id: string, why?: string, by?: OperatorOptions): Promise<void> {
    const { reason } = checked(cancelSchema, { reason: why });
    const event = { type: 'task.cancel', ...(reason === undefined ? {} : { reason }) };
    const check: StepCheck = (snapshot) => {
      const status = taskStatus(snapshot);
      if (!isSettledTask(status)) return;
      throw new HoldfastError('TASK_SETTLED', `task ${id} is ${status}`, { details: { id, status } });
    };
    await this.#tell(id, event, { check, ...sourceOf(by) });
  }

  /** Throws TASK_NOT_RETRYABLE, ACTOR_NOT_FOUND. */
  async retry(id: string, options: RetryTask = {}, by?: OperatorOptions): Promise<void> {
    const { fromStart } = checked(retrySchema, options);
    const check: StepCheck = (snapshot) => {
      if (snapshot.can({ type: 'task.retry', fromStart })) return;
      const status = taskStatus(snapshot);
      throw new HoldfastError('TASK_NOT_RETRYABLE', `task ${id} is ${status}`, { details: { id, status } });
    };
    await this.#tell(id, { type: 'task.retry', fromStart }, { check, ...sourceOf(by) });
  }

  /** Says what became of a tool call that was cut off. Throws TASK_NOT_INTERRUPTED, ACTOR_NOT_FOUND. */
  async resume(id: string, decision: ToolDecision, by?: OperatorOptions): Promise<void> {
    const { callId, ...decided } = checked(decisionSchema, decision);
    const isResult = 'result' in decided;
    const { life } = (await this.#found(id)).context;
    const payloads = isResult ? { [toolRow(life, callId)]: resultRecord(decided.result) } : undefined;
    const event = { type: 'tool.resolve', callId, as: isResult ? 'result' : 'rerun' } as const;
    const check: StepCheck = (snapshot) => {
      if ((snapshot.context as TaskContext).life === life && snapshot.can(event)) return;
      const what = `task ${id} is ${taskStatus(snapshot)}, and "${callId}" waits for no decision`;
      throw new HoldfastError('TASK_NOT_INTERRUPTED', what, { details: { id, callId } });
    };
    await this.#tell(id, event, { check, payloads, ...sourceOf(by) });
  }

  /**
   * Resolves when the task has settled, or has changed since step `seen`, or `signal` aborts: as it is then.
   * Throws ACTOR_NOT_FOUND.
   */
  async watch(
    id: string,
    { seen, signal }: { readonly seen?: number; readonly signal: AbortSignal },
  ): Promise<{ readonly task: TaskView; readonly seen: number }> {
    let steps = 0;
    const stop = this.#kernel.subscribe(taskAddress(id), () => {
      steps += 1;
    });
    try {
      const { record, snapshot } = await this.#found(id);
      if (record.seq === seen && !isSettledTask(taskStatus(snapshot)) && !signal.aborted) {
        let looks = 0;
        const hasChanged = (): boolean => {
          looks += 1;
          return looks > 1 || steps > 0;
        };
        await this.#kernel.waitFor(taskAddress(id), hasChanged, signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
      }
    } finally {
      stop();
    }
    const now = await this.#found(id);
    return { task: await this.#viewOf(id, now.snapshot), seen: now.record.seq };
  }

  #handle(id: string, deduplicated: boolean): TaskHandle {
    return {
      id,
      deduplicated,
      view: () => this.view(id),
      settled: async ({ signal } = {}) => {
        const snapshot = await this.#kernel.waitFor(taskAddress(id), hasSettled, signal);
        return this.#viewOf(id, snapshot);
      },
      cancel: (reason) => this.cancel(id, reason),
      retry: (options) => this.retry(id, options),
      resume: (decision) => this.resume(id, decision),
    };
  }

  readonly #subtask: Subtasks = async (task, { childId, spawn, signal, ...parent }) => {
    const asked = checkedTask(task);
    if (asked.idempotencyKey !== undefined)
      throw invalid('idempotencyKey', 'the key of a sub-task is its own');
    if (parent.depth >= limits.taskDepthMax)
      throw invalid('depth', `sub-tasks of sub-tasks: ${limits.taskDepthMax} deep at most`);
    const known = await this.#kernel.snapshot(taskAddress(childId));
    if (known !== undefined) {
      await this.#revive(childId, known.snapshot, signal);
      await this.#relist(childId, parent.taskId, spawn);
      return this.#handle(childId, true);
    }
    const input = this.#inputOfChild(asked, childId, parent);
    await spawn(input);
    // The step above has asked for it; this waits until it is there.
    return this.#create(input);
  };

  /**
   * One that was cancelled with its parent is wanted again, once it has come to its end: its parent was tried
   * again.
   */
  async #revive(childId: string, snapshot: AnyMachineSnapshot, signal: AbortSignal): Promise<void> {
    if ((snapshot.context as TaskContext).cancelReason !== CANCELLED_WITH_PARENT) return;
    await this.#kernel.waitFor(taskAddress(childId), hasSettled, signal);
    try {
      await this.retry(childId);
    } catch (error) {
      // Asked for twice at once: it is tried again already.
      if (!isHoldfastError(error, 'TASK_NOT_RETRYABLE')) throw error;
    }
  }

  /** One that has begun again after it had an end is once more among those that its parent would cancel. */
  async #relist(
    childId: string,
    parentId: string,
    spawn: (child: TaskInput) => Promise<void>,
  ): Promise<void> {
    const [child, parent] = [await this.#found(childId), await this.#found(parentId)];
    if (hasSettled(child.snapshot) || parent.context.children.includes(childId)) return;
    await spawn(child.context.input);
  }

  #inputOfChild(asked: CheckedTask, id: string, parent: ParentTask): TaskInput {
    const input = taskInputOf(this.#options, asked, { id, runner: this.#runnerOf(asked), parent });
    return { ...input, request: requestOf(asked) };
  }

  #runnerOf({ runner }: CheckedTask): string {
    return this.#isRun ? this.#runners.nameFor(runner) : Runners.default(runner);
  }

  async #create(input: TaskInput, options: Parameters<Kernel['create']>[3] = {}): Promise<TaskHandle> {
    const { taskId } = input;
    const outcome = await this.#kernel.create(TASK_KIND, taskId, input as unknown as Json, options);
    return this.#handle(taskId, outcome.deduplicated);
  }

  async #tell(
    id: string,
    event: JsonObject & { readonly type: string },
    options: SendOptions,
  ): Promise<void> {
    const { accepted } = await this.#kernel.send(taskAddress(id), event, options);
    if (!accepted) throw notFound(id);
  }

  async #found(id: string) {
    const actor = await this.#kernel.snapshot(taskAddress(id));
    if (actor === undefined) throw notFound(id);
    return { ...actor, context: actor.snapshot.context as TaskContext };
  }

  async #viewOf(id: string, snapshot: AnyMachineSnapshot): Promise<TaskView> {
    const { reader } = this.#kernel;
    const address = taskAddress(id);
    const [request, output] = await Promise.all([
      reader.payload(address, taskRows.request),
      reader.payload(address, taskRows.output),
    ]);
    // Both are written by the chart and this façade alone.
    return taskView(snapshot, {
      request: request as TaskRequest | undefined,
      output: output as string | undefined,
    });
  }

  #listed(address: string): Promise<TaskView | undefined> {
    return unlessBad(this.#options.log, address, async () => {
      const actor = await this.#kernel.snapshot(address);
      return actor && taskView(actor.snapshot, {});
    });
  }

  async #forEach(
    status: TaskStatus,
    visit: (address: string, task: TaskContext) => Promise<void>,
  ): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#kernel.reader.byIndex(taskIndexes.status, [status], { cursor, limit: 1_000 });
      // A page at once: it shares commits, and thousands do not hold up an open one after the other.
      const visits = page.items.map((address) =>
        unlessBad(this.#options.log, address, async () => {
          const actor = await this.#kernel.snapshot(address);
          if (actor !== undefined) await visit(address, actor.snapshot.context as TaskContext);
        }),
      );
      await Promise.all(visits);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}

function hasSettled(snapshot: AnyMachineSnapshot): boolean {
  return isSettledTask(taskStatus(snapshot));
}

function taskAddress(id: string): string {
  return addressOf(TASK_KIND, id);
}

function notFound(id: string): HoldfastError {
  return new HoldfastError('ACTOR_NOT_FOUND', `there is no task ${id}`, { details: { id } });
}
