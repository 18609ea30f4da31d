/**
 * What outlives the processes of one run: the disk, the time, the ledger of calls, the answers.
 *
 * Owns: the driver that does one move after the other and, like any caller that got no answer, does it again
 * under the same id at the next process. Callers: the tests of this folder.
 * Invariants:
 *  W1  a move is over when its caller was answered and its process is quiet; what was answered is not
 *      repeated;
 *  W2  an effect's answer belongs to its id and source: however often it is called, it is told the same;
 *  W3  a dead process writes nothing to the ledger.
 */
import { fromPromise, StateMachine } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import type { DefinitionOptions, ProbeContext, ProbeResult } from '../../src/actors/kernel/index.js';
import type { ActorRecord, TimerRef } from '../../src/actors/kernel/record.js';
import { isHoldfastError } from '../../src/errors.js';
import type { Json, JsonObject } from '../../src/json.js';
import { openMemoryStore, type MemoryDisk, type Store } from '../../src/store/index.js';
import { createMemoryDisk } from '../../src/testing/index.js';
import { keys, rangeOf, type RowLetter } from '../../src/store/keys.js';
import { Process, type Fault } from './process.js';

export type JsonEvent = JsonObject & { readonly type: string };

/** What an effect comes to. `output` may be asked of the world when the effect is called. */
export interface Answer {
  readonly label: string;
  readonly output?: Json | ((world: World) => Json);
  /** The effect throws this. */
  readonly error?: string;
}

/** One thing the world does to the actors. All of it can be done again without harm. */
export type Move =
  | { readonly type: 'create'; readonly kind: string; readonly id: string; readonly input: Json }
  | { readonly type: 'send'; readonly to: string; readonly event: JsonEvent; readonly id: string }
  | { readonly type: 'answer'; readonly call: Asked; readonly answer: Answer }
  | { readonly type: 'wait'; readonly untilMs: number };

/** A move whose caller waits for an answer. */
type Question = Extract<Move, { readonly type: 'create' | 'send' }>;

/** An effect, as the world sees it. */
export interface Asked {
  readonly src: string;
  readonly effectId: string;
}

/** One line of the ledger: an effect that did something in the world. */
export interface Call extends Asked {
  readonly process: number;
}

export interface Chart {
  readonly name: string;
  /** The actor of the run. */
  readonly kind: string;
  readonly id: string;
  readonly input: Json;
  /** Definitions whose effects are `world.effect(...)`. */
  readonly define: (world: World, process: Process) => readonly DefinitionOptions[];
  /** What may be sent at any moment, and to whom. */
  readonly events: readonly { readonly to: string; readonly event: JsonEvent }[];
  /** What each effect may come to. The first is the one that ends a run. */
  readonly answers: Readonly<Record<string, readonly Answer[]>>;
  /** Sent until an actor takes it no more, when nothing else is left to do: what a façade would do. */
  readonly nudges?: readonly { readonly to: string; readonly event: JsonEvent }[];
  /** True when timers are waited for at the end; a chart that never ends is left where it is. */
  readonly runsOut?: boolean;
}

const CRASHES_MAX = 6;
const ENDING_MOVES_MAX = 60;
const START_AT_MS = 1_000_000;

export type OpenStore = () => Promise<Store>;

export class World {
  readonly chart: Chart;
  readonly ledger: Call[] = [];
  /** Effects whose probe said `done`, in the order of the ledger's length then. */
  readonly provenDone = new Map<string, number>();
  /** Effects that wait for their answer, oldest first; by `nameOf`. */
  readonly pending = new Map<string, Asked>();
  readonly #openStore: OpenStore;
  readonly #faults: readonly Fault[];
  readonly #time = { nowMs: START_AT_MS };
  readonly #answers = new Map<string, Answer>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #process: Process | undefined;
  #processes = 0;
  #repeats = 0;

  constructor(chart: Chart, faults: readonly Fault[] = [], openStore: OpenStore = memory()) {
    this.chart = chart;
    this.#faults = faults;
    this.#openStore = openStore;
  }

  get process(): Process {
    if (this.#process === undefined) throw new Error('no process runs');
    return this.#process;
  }

  /** Processes so far, less one. */
  get crashes(): number {
    return this.#processes - 1;
  }

  /** Events sent again because their sender got no answer, and known already. */
  get repeats(): number {
    return this.#repeats;
  }

  get nowMs(): number {
    return this.#time.nowMs;
  }

  answerTo(asked: Asked): Answer | undefined {
    return this.#answers.get(nameOf(asked));
  }

  async start(): Promise<void> {
    await this.#open();
    const { kind, id, input } = this.chart;
    await this.do({ type: 'create', kind, id, input });
  }

  /** Does one move, at as many processes as it takes. */
  async do(move: Move): Promise<void> {
    if (move.type === 'wait') this.#time.nowMs = Math.max(this.#time.nowMs, move.untilMs);
    if (move.type === 'answer') this.#release(move.call, move.answer);
    const question = move.type === 'wait' || move.type === 'answer' ? undefined : move;
    let answered = question === undefined;
    for (let crashes = 0; crashes < CRASHES_MAX; crashes += 1) {
      const { process } = this;
      if (!answered && question !== undefined) answered = await this.#ask(process, question, crashes > 0);
      await process.fireDue();
      await process.quiet();
      if (!process.isOver) {
        if (answered) return;
        throw new Error(`${move.type} was never answered`);
      }
      await this.#open();
    }
    throw new Error('too many crashes');
  }

  /** Does whatever is left to do, as `chart` says; returns what that was. What it sends has ids of `name`. */
  async runOut(name: string): Promise<Move[]> {
    const moves: Move[] = [];
    for (;;) {
      const next = await this.#nextOfEnd(`${name}-${moves.length}`);
      if (next === undefined) return moves;
      if (moves.length === ENDING_MOVES_MAX) throw new Error(`no end after ${JSON.stringify(moves)}`);
      moves.push(next);
      await this.do(next);
    }
  }

  async end(): Promise<void> {
    this.process.kill();
    await this.process.release();
  }

  /** One more process, without a word from the last one. */
  async crash(): Promise<void> {
    this.process.kill();
    await this.#open();
  }

  async record(address: string): Promise<ActorRecord | undefined> {
    const text = await this.process.store.get(keys.record(address));
    return text === undefined ? undefined : (JSON.parse(text) as ActorRecord);
  }

  /** When the next timer of any actor is due, but for those that remove finished ones. */
  async nextDueMs(): Promise<number | undefined> {
    const records = await this.rows('s');
    const timers = records.flatMap(([, text]) => (JSON.parse(text) as ActorRecord).timers);
    const due = timers.filter(isOfChart).map(({ dueAt }) => dueAt);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** True when the actor is there, and a step of its would follow. */
  async takes(address: string, event: JsonEvent): Promise<boolean> {
    const record = await this.record(address);
    if (record?.status !== 'active') return false;
    const found = await this.process.kernel.snapshot(address);
    return found?.snapshot.can(event as never) === true;
  }

  async rows(letter: RowLetter): Promise<(readonly [key: string, text: string])[]> {
    return await this.process.store.scan({ ...rangeOf(letter), limit: 10_000 });
  }

  /** The machine with effects that are entered in the ledger and wait for the answer of their id. */
  wired(process: Process, machine: AnyStateMachine): AnyStateMachine {
    const actors = Object.entries(machine.implementations.actors).map(([src, own]) => {
      if (own instanceof StateMachine) return [src, this.wired(process, own)] as const;
      const logic = fromPromise<unknown, unknown>(({ self, signal }) =>
        this.#call(process, { src, effectId: self.id }, signal),
      );
      return [src, logic] as const;
    });
    return machine.provide({ actors: Object.fromEntries(actors) } as never);
  }

  /** Looks for an effect where it would have left its trace, and waits for what it comes to. */
  async probe(process: Process, { effectId, signal }: ProbeContext): Promise<ProbeResult> {
    const call = this.ledger.find((earlier) => earlier.effectId === effectId);
    if (call === undefined) return { type: 'notStarted' };
    const answer = await this.#answer(process, call, signal);
    // What threw did nothing: it may be done again.
    if (answer.error !== undefined) return { type: 'notStarted' };
    this.provenDone.set(effectId, this.ledger.length);
    return { type: 'done', output: this.#outputOf(answer) };
  }

  async #open(): Promise<void> {
    if (this.#process !== undefined) await this.#process.release();
    // Whatever waits for an answer waits in a process that is over.
    this.pending.clear();
    this.#waiting.clear();
    for (let crashes = 0; crashes < CRASHES_MAX; crashes += 1) {
      const fault = this.#faults[this.#processes];
      this.#processes += 1;
      const process = await Process.open({
        openStore: this.#openStore,
        time: this.#time,
        fault,
        definitionsOf: (opened) => this.chart.define(this, opened),
      });
      this.#process = process;
      if (!process.isOver) return;
      await process.release();
      this.pending.clear();
      this.#waiting.clear();
    }
    throw new Error('too many crashes');
  }

  /** Asks the kernel; true when it answered. */
  async #ask(process: Process, move: Question, again: boolean): Promise<boolean> {
    let answered = false;
    let failed: unknown;
    const { kernel } = process;
    const asked =
      move.type === 'create'
        ? kernel.create(move.kind, move.id, move.input)
        : kernel.send(move.to, move.event, { id: move.id });
    asked.then(
      ({ deduplicated }) => {
        answered = true;
        if (again && deduplicated) this.#repeats += 1;
      },
      (error: unknown) => {
        failed = error;
      },
    );
    await process.quiet();
    const ofStore = isHoldfastError(failed, 'STORE_FAILED') || isHoldfastError(failed, 'RUNTIME_CLOSED');
    // After an effect was interrupted the run takes another way, on which that actor may never be.
    if (isHoldfastError(failed, 'ACTOR_NOT_FOUND')) return true;
    if (failed !== undefined && !ofStore) throw failed;
    return answered;
  }

  async #nextOfEnd(id: string): Promise<Move | undefined> {
    for (const call of this.pending.values()) {
      const answer = this.chart.answers[call.src]?.[0];
      if (answer === undefined) throw new Error(`the chart says nothing of ${call.src}`);
      return { type: 'answer', call, answer };
    }
    for (const { to, event } of this.chart.nudges ?? []) {
      if (await this.takes(to, event)) return { type: 'send', to, event, id };
    }
    const untilMs = this.chart.runsOut === true ? await this.nextDueMs() : undefined;
    return untilMs === undefined ? undefined : { type: 'wait', untilMs };
  }

  async #call(process: Process, asked: Asked, signal: AbortSignal): Promise<Json> {
    if (!process.isAlive) return never();
    this.ledger.push({ ...asked, process: this.#processes });
    process.called();
    const answer = await this.#answer(process, asked, signal);
    if (answer.error !== undefined) throw new Error(answer.error);
    return this.#outputOf(answer);
  }

  async #answer(process: Process, asked: Asked, signal: AbortSignal): Promise<Answer> {
    if (!process.isAlive) return never();
    const name = nameOf(asked);
    // Only what was released is in `#answers`.
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    this.pending.set(name, asked);
    const waiters = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiters);
    await new Promise<void>((resolve, reject) => {
      waiters.add(resolve);
      signal.addEventListener('abort', () => {
        if (process === this.#process) this.pending.delete(name);
        reject(new Error('aborted'));
      });
    });
    const answer = this.#answers.get(name);
    if (!process.isAlive || answer === undefined) return never();
    return answer;
  }

  #release(call: Asked, answer: Answer): void {
    const name = nameOf(call);
    this.#answers.set(name, answer);
    this.pending.delete(name);
    const waiters = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const resolve of waiters) resolve();
  }

  #outputOf({ output }: Answer): Json {
    if (typeof output === 'function') return output(this);
    return output ?? null;
  }
}

/** Timers that machines asked for; the kernel's own removes a finished actor. */
export function isOfChart({ sendId }: TimerRef): boolean {
  return !sendId.startsWith('holdfast.');
}

/** On the way that follows an interruption, another source may get an id that the first way gave away. */
function nameOf({ src, effectId }: Asked): string {
  return `${effectId} ${src}`;
}

function memory(disk: MemoryDisk = createMemoryDisk()): OpenStore {
  return () => openMemoryStore({ disk });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
