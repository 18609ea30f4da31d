/**
 * Time and turns of a simulated world: clocks that move when told, and a loop of turns whose order is drawn.
 *
 * Owns: what is to run next. Callers: the simulation's world, its processes and its disk.
 * Invariants:
 *  V1  Nothing runs but in `turn`, and promises settle between two of them: no real time, no race of the
 *      machine's own.
 *  V2  A process that has ended runs nothing more, and its timers are gone.
 *  V3  The monotonic clock never goes back; the wall clock may jump either way.
 */
import type { Clock } from '../../src/clock.js';
import type { Chance } from './chance.js';

interface Task {
  readonly run: () => void;
  readonly isWanted: () => boolean;
  /** The number of the turn before which it does not run. */
  readonly notBefore: number;
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
  readonly isWanted: () => boolean;
}

export interface ProcessClock extends Clock {
  readonly end: () => void;
}

/** How far apart two tasks may be swapped. */
const SWAP_MAX = 3;

const TURNS_MAX = 2_000_000;

export class VirtualTime {
  readonly #chance: Chance;
  readonly #timers = new Set<Timer>();
  #tasks: Task[] = [];
  #turns = 0;
  #elapsedMs = 0;
  #jumpedMs = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Wall-clock milliseconds. */
  now(): number {
    return 1_000_000_000 + this.#elapsedMs + this.#jumpedMs;
  }

  /** Moves the wall clock alone. */
  jump(ms: number): void {
    this.#jumpedMs += ms;
  }

  /** The clock of one process. */
  processClock(): ProcessClock {
    let alive = true;
    const isWanted = (): boolean => alive;
    return {
      now: () => this.now(),
      monotonicMs: () => this.#elapsedMs,
      schedule: (delayMs, run) => {
        const timer: Timer = { dueMs: this.#elapsedMs + delayMs, run, isWanted };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
      soon: (run) => {
        this.#tasks.push({ run, isWanted, notBefore: 0 });
      },
      end: () => {
        alive = false;
      },
    };
  }

  /** Resolves after so many turns, if others have something to do meanwhile. */
  pause(turns: number): Promise<void> {
    return new Promise((run) => {
      this.#tasks.push({ run, isWanted: () => true, notBefore: this.#turns + turns });
    });
  }

  /** Lets promises settle, and runs nothing. */
  breath(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Lets promises settle, then runs one task; false when there was none. */
  async turn(): Promise<boolean> {
    await this.breath();
    this.#turns += 1;
    const task = this.#takeTask();
    task?.run();
    return task !== undefined;
  }

  /** Runs turns until nothing is left to run now. */
  async settle(): Promise<void> {
    const until = this.#turns + TURNS_MAX;
    while (await this.turn()) if (this.#turns > until) throw new Error('the world does not come to rest');
  }

  /** Moves both clocks on, firing what becomes due on the way, each followed by a few turns. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    for (let next = this.#earliest(); next !== undefined && next.dueMs <= until; next = this.#earliest()) {
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.run();
      await this.settle();
    }
    this.#elapsedMs = until;
  }

  #earliest(): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.#timers) {
      if (!timer.isWanted()) this.#timers.delete(timer);
      else if (found === undefined || timer.dueMs < found.dueMs) found = timer;
    }
    return found;
  }

  #takeTask(): Task | undefined {
    this.#tasks = this.#tasks.filter(({ isWanted }) => isWanted());
    if (this.#tasks.length === 0) return undefined;
    const ready = this.#tasks.filter(({ notBefore }) => notBefore <= this.#turns).slice(0, SWAP_MAX);
    const task = this.#chance.oneOf(ready) ?? this.#soonest();
    this.#tasks.splice(this.#tasks.indexOf(task), 1);
    return task;
  }

  /** Where everybody waits, the one who waits least goes on. */
  #soonest(): Task {
    const [first, ...others] = this.#tasks;
    if (first === undefined) throw new Error('there is no task');
    return others.reduce((soonest, task) => (task.notBefore < soonest.notBefore ? task : soonest), first);
  }
}
