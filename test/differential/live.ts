/**
 * The reference: a live XState actor on XState's own simulated clock.
 *
 * Owns: the actor, its clock, and what its inspection tells of transitions taken. Callers: compare.ts.
 * Invariants:
 *  1  Where design rule K5 is stricter than XState, the scheduler here keeps K5: arming a send id that is
 *     still armed replaces it (XState leaves the old timeout behind, which then fires as well).
 *  2  Where XState goes by the order in which states were entered, which no restored actor remembers, the
 *     regions of a parallel state here go by the order of the document, as in the kernel.
 *  3  Awake, timers fire one due time after the other; asleep, all of them late, at the end.
 */
import { createActor, SimulatedClock } from 'xstate';
import type {
  AnyActor,
  AnyActorRef,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateNode,
  InspectionEvent,
} from 'xstate';
import { buildChart } from './build.js';
import type { Coverage } from './coverage.js';
import { Promises } from './promises.js';
import type { Case, Step, View } from './spec.js';

/** The internal part of XState's system that holds its timers. */
interface Scheduler {
  schedule: (
    source: AnyActorRef,
    target: AnyActorRef,
    event: AnyEventObject,
    delay: number,
    id?: string,
  ) => void;
  cancel: (source: AnyActorRef, id: string) => void;
}

interface Armed {
  readonly event: string;
  readonly dueMs: number;
}

const FIRINGS_MAX = 1_000;

export class Live {
  readonly promises = new Promises();
  readonly #actor: AnyActor;
  readonly #clock = new SimulatedClock();
  readonly #armed = new Map<string, Armed>();
  readonly #coverage: Coverage;
  readonly #emitted: unknown[] = [];
  readonly #acts: unknown[] = [];
  readonly #logs: unknown[] = [];
  #anonymous = 0;
  /** How much was acted and logged when the last step that did not throw was over. */
  #sound = { acts: 0, logs: 0 };
  #lastStatus: string | undefined;

  constructor({ chart }: Case, coverage: Coverage) {
    this.#coverage = coverage;
    const machine = buildChart(chart, this.promises, {
      acted: (at, { n }, event) => {
        coverage.acted(at);
        this.#acts.push([at, n, event]);
      },
      judged: (passed) => coverage.note(passed ? 'guard passed' : 'guard refused'),
      readEvent: () => coverage.note('assign reads event'),
      batched: () => coverage.note('enqueueActions'),
    });
    this.#actor = createActor(machine, {
      clock: this.#clock,
      inspect: (event) => this.#inspect(event),
      logger: (...line: unknown[]) => this.#log(line),
    });
    this.#keepTimers(Reflect.get(this.#actor.system, 'scheduler') as Scheduler);
    this.#actor.on('*', (event) => {
      coverage.note('emit');
      this.#emitted.push(event);
    });
    this.#actor.subscribe({ error: () => undefined });
  }

  async start(): Promise<void> {
    this.#actor.start();
    await this.#rest();
  }

  get nowMs(): number {
    return this.#clock.now();
  }

  async send(event: Extract<Step, { do: 'send' }>['event']): Promise<void> {
    // An actor that has ended ignores it, but says so on the console.
    const { status } = this.#actor.getSnapshot() as AnyMachineSnapshot;
    if (status === 'active') this.#actor.send(event);
    await this.#rest();
  }

  async settle(child: string, settlement: Parameters<Promises['settle']>[1]): Promise<void> {
    this.promises.settle(child, settlement);
    await this.#rest();
  }

  async wait(ms: number, asleep: boolean): Promise<void> {
    const until = this.nowMs + ms;
    if (asleep && this.#nextDueMs() < until) this.#coverage.note('fired late');
    if (asleep) this.#clock.set(until);
    this.#fireUntil(until);
    await this.#rest();
  }

  view(): View {
    const snapshot = this.#actor.getSnapshot() as AnyMachineSnapshot;
    const threw = snapshot.status === 'error' && this.#lastStatus !== 'error';
    const persisted = this.#actor.getPersistedSnapshot() as { readonly historyValue?: unknown };
    const active = Object.entries(snapshot.children as Readonly<Record<string, AnyActorRef>>).filter(
      ([, child]) => Reflect.get(Object(child.getSnapshot()), 'status') === 'active',
    );
    const { error } = snapshot as { readonly error: unknown };
    return {
      value: snapshot.value,
      context: snapshot.context as unknown,
      status: threw ? 'threw' : snapshot.status,
      output: snapshot.output as unknown,
      error: error instanceof Error ? error.message : undefined,
      history: persisted.historyValue,
      timers: [...this.#armed]
        .map(([id, { event, dueMs }]) => [named(id), event, dueMs] as const)
        .toSorted(byText),
      promises: snapshot.status === 'active' ? active.map(([child]) => child).toSorted() : [],
      running: this.promises.running(),
      emitted: this.#emitted,
      acts: threw ? this.#acts.slice(0, this.#sound.acts) : this.#acts,
      logs: threw ? this.#logs.slice(0, this.#sound.logs) : this.#logs,
    };
  }

  stop(): void {
    this.#actor.stop();
  }

  #log(line: readonly unknown[]): void {
    this.#coverage.note('log');
    this.#logs.push(line);
  }

  #nextDueMs(): number {
    return Math.min(Infinity, ...[...this.#armed.values()].map(({ dueMs }) => dueMs));
  }

  #fireUntil(untilMs: number): void {
    for (let firing = 0; firing < FIRINGS_MAX; firing += 1) {
      const next = this.#nextDueMs();
      if (next > untilMs) break;
      this.#clock.set(Math.max(next, this.nowMs));
    }
    if (this.#nextDueMs() <= untilMs) throw new Error('the chart never comes to rest');
    this.#clock.set(Math.max(untilMs, this.nowMs));
  }

  /** Promises that were settled reach the actor, and what is due now fires. */
  async #rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#fireUntil(this.nowMs);
  }

  #keepTimers(scheduler: Scheduler): void {
    const { schedule, cancel } = scheduler;
    scheduler.schedule = (source, target, event, delay, id = `anonymous ${(this.#anonymous += 1)}`) => {
      cancel(source, id);
      const dueMs = this.nowMs + delay;
      this.#armed.set(id, { event: event.type, dueMs });
      schedule(source, target, event, delay, id);
    };
    scheduler.cancel = (source, id) => {
      const { status } = this.#actor.getSnapshot() as AnyMachineSnapshot;
      // An actor that ends cancels all it has: that is no cancel action.
      if (this.#armed.delete(id) && id === 'late' && status === 'active') this.#coverage.note('cancel');
      cancel(source, id);
    };
  }

  #inspect(event: InspectionEvent): void {
    if (event.actorRef !== this.#actor) return;
    if (event.type === '@xstate.event') this.#forgetFired();
    if (event.type === '@xstate.microstep') {
      const snapshot = event.snapshot as AnyMachineSnapshot;
      this.#coverage.microstep(event.event.type, event._transitions, snapshot);
    }
    if (event.type !== '@xstate.snapshot') return;
    const snapshot = event.snapshot as AnyMachineSnapshot;
    const nodes = snapshot._nodes as AnyStateNode[];
    nodes.sort((a, b) => a.order - b.order);
    this.#lastStatus = snapshot.status;
    this.#sound = { acts: this.#acts.length, logs: this.#logs.length };
    this.#coverage.step(snapshot);
  }

  /** XState takes a timer that fires out of its own list before it delivers the event. */
  #forgetFired(): void {
    const { _scheduledEvents: left } = this.#actor.system.getSnapshot();
    const ids = new Set(Object.values(left).map(({ id }) => id));
    for (const id of this.#armed.keys()) if (!ids.has(id)) this.#armed.delete(id);
  }
}

function named(id: string): string {
  return id.startsWith('anonymous ') ? 'anonymous' : id;
}

function byText(a: readonly unknown[], b: readonly unknown[]): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
