/**
 * The rules of tasks, T1 to T5, that every write of the disk must keep.
 *
 *   T1  what a run says counts while it is the present one, and no longer
 *   T2  a tool call that must not run twice does not, unless somebody decided so
 *   T3  an end stays as it is: `completed` for ever, another until somebody asks for a retry
 *   T4  each end is one message at most, and none is sent twice under one id
 *   T5  who is cancelled takes its sub-tasks along
 *
 * Callers: the oracle. Invariants: as of the rules of work. That each end wakes its session once is SQ6.
 */
import type { JournalEntry } from '../../src/actors/kernel/record.js';
import type { TaskContext, TaskEvent } from '../../src/machines/index.js';
import type { ActorChange, Batch } from './batch.js';
import { Memory, type Writes } from './memory.js';
import type { RuleName, Verdict } from './verdict.js';

interface Call {
  readonly callId: string;
  readonly run: string;
  readonly idempotent: boolean;
}

/** A task, as its journal says. */
interface Task {
  readonly status: string;
  readonly run?: string | undefined;
  readonly calls: readonly Call[];
  readonly children: readonly string[];
  readonly checkpoints: number;
}

const TASK = 'task/';
const NEW: Task = { status: 'pending', calls: [], children: [], checkpoints: 0 };
const ENDS = new Set(['completed', 'failed', 'cancelled', 'exhausted']);
export class RulesOfTasks {
  readonly #verdict: Verdict;
  readonly #tasks: Memory<Task>;
  /** Sub-tasks that are to be cancelled, with who asked for them. */
  readonly #condemned: Memory<string>;

  constructor(verdict: Verdict, writes: Writes) {
    this.#verdict = verdict;
    this.#tasks = new Memory(writes);
    this.#condemned = new Memory(writes);
  }

  check({ actors }: Batch): void {
    for (const change of actors.values()) if (change.address.startsWith(TASK)) this.#follow(change);
  }

  /** Nothing is under way any more. */
  checkRest(): void {
    for (const [child, parent] of this.#condemned.entries()) {
      const { status = 'gone' } = this.#tasks.get(child) ?? {};
      this.#holds('T5', ENDS.has(status), () => `${parent} was cancelled, and ${child} is ${status}`);
    }
  }

  #follow({ address, entries, after }: ActorChange): void {
    let task: Task = this.#tasks.get(address) ?? NEW;
    for (const entry of entries) {
      task = this.#step(address, task, entry);
      this.#tasks.set(address, task);
    }
    const { context } = Object(after?.snapshot) as { readonly context?: TaskContext };
    if (context === undefined) return;
    const said = [context.checkpoint?.index ?? 0, ...context.calls.map(({ callId }) => callId).toSorted()];
    const counted = [task.checkpoints, ...task.calls.map(({ callId }) => callId).toSorted()];
    const isSame = said.join() === counted.join();
    this.#holds(
      'T1',
      isSame,
      () => `${address} of run ${task.run} has ${said.join()}, not ${counted.join()}`,
    );
    const ids = context.deliveries.map(({ deliveryId }) => deliveryId);
    const isOnce = new Set(ids).size === ids.length && ids.length <= context.outcomes;
    this.#holds('T4', isOnce, () => `${address} has ${context.outcomes} ends and sends ${ids.join()}`);
  }

  #step(address: string, task: Task, entry: JournalEntry): Task {
    const event = entry.event as unknown as TaskEvent;
    const status = statusOf(entry.value);
    if (ENDS.has(task.status) && status !== task.status) {
      const isAsked = event.type === 'task.retry' && task.status !== 'completed';
      const isLeft = isAsked || status === 'closed';
      this.#holds('T3', isLeft, () => `${address} was ${task.status}, and is ${status} by ${event.type}`);
    }
    if (event.type === 'task.cancel' && status !== task.status)
      for (const child of task.children) this.#condemn(address, `${TASK}${child}`, entry);
    const heard = this.#heard(address, task, event, status);
    // A closed one keeps its end.
    return { ...heard, status: status === 'closed' ? task.status : status };
  }

  #condemn(address: string, child: string, { sends = [] }: JournalEntry): void {
    const isTold = sends.some(({ to, type }) => to === child && type === 'task.cancel');
    this.#holds('T5', isTold, () => `${address} is cancelled, and ${child} is not told`);
    this.#condemned.set(child, address);
  }

  /** What it makes of a word: a journal has those as well that a machine took no notice of. */
  #heard(address: string, task: Task, event: TaskEvent, status: string): Task {
    const isRun = 'run' in event && task.status === 'running' && event.run === task.run;
    switch (event.type) {
      case 'task.started': {
        if (status !== 'running') return task;
        const open = task.calls.find(({ idempotent, run }) => !idempotent && run !== event.run);
        this.#holds('T2', open === undefined, () => `${address} runs again, and ${open?.callId} was cut off`);
        return { ...task, run: event.run, calls: [] };
      }
      case 'task.checkpoint':
        return isRun ? { ...task, checkpoints: task.checkpoints + 1 } : task;
      case 'tool.started': {
        const { callId, run, idempotent } = event;
        return isRun
          ? { ...task, calls: [...without(task.calls, callId), { callId, run, idempotent }] }
          : task;
      }
      case 'tool.ended':
        return isRun ? { ...task, calls: without(task.calls, event.callId) } : task;
      case 'tool.resolve':
        return task.status === 'interruptedTool'
          ? { ...task, calls: without(task.calls, event.callId) }
          : task;
      case 'task.spawn':
        return isRun ? { ...task, children: [...task.children, event.child.taskId] } : task;
      case 'child.settled':
        return { ...task, children: task.children.filter((child) => child !== event.taskId) };
      case 'task.retry': {
        if (status !== 'pending' || !ENDS.has(task.status)) return task;
        const forgotten = event.fromStart ? { calls: [], checkpoints: 0 } : {};
        return { ...task, run: undefined, ...forgotten };
      }
      default:
        return task;
    }
  }

  #holds(rule: RuleName, isTrue: boolean, what: () => string): void {
    this.#verdict.holds(rule, isTrue, what);
  }
}

function without(calls: readonly Call[], callId: string): readonly Call[] {
  return calls.filter((call) => call.callId !== callId);
}

function statusOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { active, settled } = Object(value) as { readonly active?: string; readonly settled?: string };
  return active ?? settled ?? 'none';
}
