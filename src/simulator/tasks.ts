/**
 * The provider's tasks: what was paid for, and how far it is.
 *
 * A task lives by its script: `lag` (not to be found yet), `queued`, `running`, then its outcome. Each span
 * ends by polls or by the clock. Owns: the table of tasks and their keys. Callers: the dialects, pipeline.ts.
 * Invariants:
 *  T1  A task is in the table from the moment it is billed.
 *  T2  Only a poll or a lookup of the task counts as a poll; being listed does not.
 *  T3  A key belongs to one task of its provider, also after the task was deleted.
 *  T4  A settled task never changes.
 *  T5  Each stage is told of once, when it is entered, in order.
 */
import type { Clock } from '../clock.js';
import { newId } from '../ids.js';
import { bounds } from './bounds.js';
import { between } from './chance.js';
import { Occasions } from './occasions.js';
import type { PartialLife, ProviderName, Script, Span } from './script.js';

export interface TaskRequest {
  readonly provider: ProviderName;
  readonly kind: 'video' | 'image';
  readonly prompt: string;
  readonly model: string;
  readonly key?: string;
  /** How many artifacts. */
  readonly count: number;
  /** What the provider echoes of the request. */
  readonly echo: Readonly<Record<string, string | undefined>>;
  /** Where its news go. */
  readonly callbackUrl?: string;
  /** Over at once, with this outcome. */
  readonly terminal?: 'succeeded' | 'failed';
}

export interface Task extends TaskRequest {
  readonly id: string;
  readonly createdAt: number;
  readonly urlTtlMs: number;
  readonly failure: { readonly code: string; readonly message: string };
}

/** What can be seen of a task. */
export interface Sight {
  readonly status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** 0 to 1. */
  readonly progress: number;
  /** When the present status began. */
  readonly since: number;
}

type FixedSpan = { readonly polls: number } | { readonly ms: number };

interface Stage {
  readonly name: 'queued' | 'running' | 'settled';
  readonly since: number;
  /** Polls seen in this stage. */
  readonly polls: number;
  readonly polledAt: number;
  /** Polls that did not find the task yet. */
  readonly looks: number;
}

interface Row {
  readonly task: Task;
  readonly lag: FixedSpan;
  readonly spans: { readonly queued: FixedSpan; readonly running: FixedSpan };
  readonly outcome: 'succeeded' | 'failed' | 'cancelled';
  readonly stage: Stage;
}

const DAY_MS = 86_400_000;
const AT_ONCE: FixedSpan = { polls: 0 };
const FAILURE = { code: 'generation_failed', message: 'The simulator’s script says that this task fails' };

/** Hears of each stage that a task enters. */
export type StageListener = (task: Task, sight: Sight, isNew: boolean) => void;

export class TaskTable {
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #rows = new Map<string, Row>();
  readonly #idByKey = new Map<string, string>();
  /** In the order they were made. */
  readonly #idsOf = new Map<ProviderName, Set<string>>();
  #listener: StageListener = () => undefined;
  #script: Script;
  #occasions: Occasions;

  constructor(script: Script, seed: number, clock: Clock) {
    this.#script = script;
    this.#seed = seed;
    this.#clock = clock;
    this.#occasions = new Occasions(seed);
  }

  /** The lives of tasks still to come; counters start anew. */
  setScript(script: Script): void {
    this.#script = script;
    this.#occasions = new Occasions(this.#seed);
  }

  /** Replaces who listens. */
  listen(listener: StageListener): void {
    this.#listener = listener;
  }

  /** The time that tasks live by. */
  nowMs(): number {
    return this.#clock.now();
  }

  get size(): number {
    return this.#rows.size;
  }

  get isFull(): boolean {
    return this.#rows.size >= bounds.tasksMax;
  }

  create(request: TaskRequest): Task {
    const life = this.#lifeOf(request);
    const createdAt = this.#clock.now();
    const fixed = (name: string, span: Span | undefined, otherwise: FixedSpan): FixedSpan => {
      if (span === undefined) return otherwise;
      if (!('minMs' in span)) return span;
      return { ms: between(this.#seed, `${name}\0${request.prompt}`, span.minMs, span.maxMs) };
    };
    const terminal = request.terminal !== undefined;
    const task: Task = {
      ...request,
      id: newId(request.kind),
      createdAt,
      urlTtlMs: life.urlTtlMs ?? 30 * DAY_MS,
      failure: life.failure ?? FAILURE,
    };
    const row: Row = {
      task,
      lag: fixed('lag', life.lag, AT_ONCE),
      spans: {
        queued: terminal ? AT_ONCE : fixed('queued', life.queued, { polls: 1 }),
        running: terminal ? AT_ONCE : fixed('running', life.running, { polls: 2 }),
      },
      outcome: request.terminal ?? life.outcome ?? 'succeeded',
      stage: { name: 'queued', since: createdAt, polls: 0, polledAt: createdAt, looks: 0 },
    };
    this.#rows.set(task.id, row);
    const ids = this.#idsOf.get(task.provider) ?? new Set();
    this.#idsOf.set(task.provider, ids.add(task.id));
    if (task.key !== undefined) this.#idByKey.set(keyOf(task.provider, task.key), task.id);
    this.#listener(task, sightOf(row, createdAt), true);
    this.#advanced(task.id);
    return task;
  }

  byId(provider: ProviderName, id: string): Task | undefined {
    const task = this.#rows.get(id)?.task;
    return task?.provider === provider ? task : undefined;
  }

  byKey(provider: ProviderName, key: string): Task | undefined {
    const id = this.#idByKey.get(keyOf(provider, key));
    return id === undefined ? undefined : this.byId(provider, id);
  }

  hasKey(provider: ProviderName, key: string): boolean {
    return this.#idByKey.has(keyOf(provider, key));
  }

  /** All tasks of a provider that can be found, newest first. */
  newest(provider: ProviderName): readonly Task[] {
    const tasks: Task[] = [];
    for (const id of this.#idsOf.get(provider) ?? []) {
      const task = this.#rows.get(id)?.task;
      if (task !== undefined && !this.#isLagging(task, 'quiet')) tasks.push(task);
    }
    return tasks.reverse();
  }

  /** Ends a task that is not over; false when it is. */
  cancel(task: Task): boolean {
    const row = this.#advanced(task.id);
    if (row === undefined || row.stage.name === 'settled') return false;
    const stage: Stage = { ...row.stage, name: 'settled', since: this.#clock.now(), polls: 0 };
    const cancelled: Row = { ...row, outcome: 'cancelled', stage };
    this.#rows.set(task.id, cancelled);
    this.#listener(task, sightOf(cancelled, stage.since), false);
    return true;
  }

  remove(task: Task): void {
    this.#rows.delete(task.id);
    this.#idsOf.get(task.provider)?.delete(task.id);
  }

  /** A poll or lookup: counted. Undefined while the task is not to be found yet, or no more. */
  poll(task: Task): Sight | undefined {
    if (this.#isLagging(task, 'counted')) return undefined;
    const before = this.#advanced(task.id);
    if (before === undefined) return undefined;
    const { stage } = before;
    const sight = sightOf(before, this.#clock.now());
    this.#rows.set(task.id, {
      ...before,
      stage: { ...stage, polls: stage.polls + 1, polledAt: this.#clock.now() },
    });
    this.#advanced(task.id);
    return sight;
  }

  /** A look that is not counted. */
  glance(task: Task): Sight | undefined {
    const row = this.#advanced(task.id);
    return row === undefined ? undefined : sightOf(row, this.#clock.now());
  }

  /** When the clock alone will move the task on; undefined when only a poll can, or nothing. */
  changesAt(task: Task): number | undefined {
    const row = this.#rows.get(task.id);
    if (row === undefined || row.stage.name === 'settled') return undefined;
    return endOf(row.spans[row.stage.name], row.stage);
  }

  #isLagging(task: Task, how: 'counted' | 'quiet'): boolean {
    const row = this.#rows.get(task.id);
    if (row === undefined) return true;
    if ('ms' in row.lag) return this.#clock.now() - task.createdAt < row.lag.ms;
    if (row.stage.looks >= row.lag.polls) return false;
    if (how === 'counted') {
      this.#rows.set(task.id, { ...row, stage: { ...row.stage, looks: row.stage.looks + 1 } });
    }
    return true;
  }

  #advanced(id: string): Row | undefined {
    let row: Row | undefined = this.#rows.get(id);
    if (row === undefined) return undefined;
    for (const name of ['queued', 'running'] as const) {
      if (row.stage.name !== name) continue;
      const since: number | undefined = endOf(row.spans[name], row.stage);
      if (since === undefined || since > this.#clock.now()) break;
      const stage: Stage = { ...row.stage, name: name === 'queued' ? 'running' : 'settled', since, polls: 0 };
      row = { ...row, stage };
      this.#rows.set(id, row);
      this.#listener(row.task, sightOf(row, since), false);
    }
    return row;
  }

  #lifeOf(request: TaskRequest): PartialLife {
    let life = this.#script.life;
    for (const [index, override] of this.#script.lives.entries()) {
      if (override.provider !== undefined && override.provider !== request.provider) continue;
      if (override.kind !== undefined && override.kind !== request.kind) continue;
      if (this.#occasions.match(String(index), override, request.prompt) !== undefined) {
        life = { ...life, ...override.life };
      }
    }
    return life;
  }
}

function keyOf(provider: ProviderName, key: string): string {
  return `${provider}\0${key}`;
}

function endOf(span: FixedSpan, stage: Stage): number | undefined {
  if ('ms' in span) return stage.since + span.ms;
  return stage.polls >= span.polls ? stage.polledAt : undefined;
}

function sightOf(row: Row, now: number): Sight {
  const { stage } = row;
  if (stage.name === 'settled') return { status: row.outcome, progress: 1, since: stage.since };
  if (stage.name === 'queued') return { status: 'queued', progress: 0, since: stage.since };
  const span = row.spans.running;
  const share = 'ms' in span ? (now - stage.since) / span.ms : stage.polls / span.polls;
  return { status: 'running', progress: Math.max(0, Math.min(0.99, share)), since: stage.since };
}
