/**
 * One simulated process: a clock of its own, a store that may fail it or be taken from it, and a kernel.
 *
 * Owns: all of these until it is over. Callers: world.ts.
 * Invariants:
 *  P1  a killed process does nothing more: its timers never fire, its store never answers, its effects never
 *      act; a process whose commit failed lives on, and only its kernel is over (K4);
 *  P2  `quiet` returns when nothing can happen any more by itself: no read or write is under way and no
 *      callback waits for its turn; it waits for these facts and never for a time.
 */
import { Kernel, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import type { Clock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import type { Store } from '../../src/store/index.js';
import { faultyStore, type CommitPhase, type FaultyStore } from '../../src/testing/index.js';

/**
 * What befalls a process, and where: at its n-th commit, or as soon as its n-th call is in the ledger of the
 * world. `failBefore` writes nothing, `failAfter` everything, and the process is told; a kill tells nobody.
 */
export type Fault =
  | {
      readonly at: 'commit';
      readonly number: number;
      readonly how: 'failBefore' | 'failAfter' | 'killBefore' | 'killAfter';
    }
  | { readonly at: 'call'; readonly number: number; readonly how: 'killAfter' };

/** Time as all processes of a world share it: it moves when the driver says so. */
export interface Time {
  nowMs: number;
}

export interface ProcessOptions {
  readonly openStore: () => Promise<Store>;
  readonly time: Time;
  readonly fault: Fault | undefined;
  readonly definitionsOf: (process: Process) => readonly DefinitionOptions[];
}

interface Alarm {
  readonly dueMs: number;
  readonly run: () => void;
}

const ROUNDS_MAX = 200_000;
/** Rounds of the event loop without anything under way: the second sees what the first one set off. */
const CALM_ROUNDS = 2;

export class Process {
  readonly #time: Time;
  readonly #fault: Fault | undefined;
  readonly #alarms = new Set<Alarm>();
  #state: 'running' | 'failed' | 'killed' = 'running';
  #underWay = 0;
  #soon = 0;
  #commits = 0;
  #calls = 0;
  #released: Promise<void> = Promise.resolve();
  #store: FaultyStore | undefined;
  #kernel: Kernel | undefined;
  #crash: unknown;

  static async open(options: ProcessOptions): Promise<Process> {
    const process = new Process(options);
    const store = faultyStore(await options.openStore(), {
      onCommit: (_number, phase) => process.#reach(phase),
    });
    process.#store = store;
    const kernel = await Kernel.open({
      store: process.#counted(store),
      clock: process.#clock(),
      log: silentLogger,
    });
    process.#kernel = kernel;
    kernel.onFailure(() => {
      if (process.#state === 'running') process.#state = 'failed';
    });
    for (const definition of options.definitionsOf(process)) kernel.define(definition);
    // Not awaited: a process that dies in its recovery never ends it.
    kernel.start().catch((error: unknown) => {
      process.#crash = error;
    });
    await process.quiet();
    return process;
  }

  private constructor(options: ProcessOptions) {
    this.#time = options.time;
    this.#fault = options.fault;
  }

  get kernel(): Kernel {
    if (this.#kernel === undefined) throw new Error('the process is not open yet');
    return this.#kernel;
  }

  /** The store as its files are, without faults: reads of the test are not the kernel's. */
  get store(): Store {
    if (this.#store === undefined) throw new Error('the process is not open yet');
    return this.#store;
  }

  /** True once it was killed, or its kernel has given up: time for the next one. */
  get isOver(): boolean {
    return this.#state !== 'running';
  }

  /** True while code of this process can still do something in the world. */
  get isAlive(): boolean {
    return this.#state !== 'killed';
  }

  get commits(): number {
    return this.#commits;
  }

  get calls(): number {
    return this.#calls;
  }

  /** A call of an effect has just been entered in the ledger. */
  called(): void {
    this.#calls += 1;
    if (this.#fault?.at === 'call' && this.#fault.number === this.#calls) this.kill();
  }

  kill(): void {
    if (this.#state === 'killed') return;
    this.#state = 'killed';
    this.#alarms.clear();
    this.#released = this.#store?.kill() ?? Promise.resolve();
  }

  /** Resolves when the store may be opened again. */
  async release(): Promise<void> {
    if (this.#state === 'killed') await this.#released;
    else await this.#store?.close();
  }

  /** Resolves when nothing happens any more by itself, or the process is over. */
  async quiet(): Promise<void> {
    let calm = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      await turn();
      if (this.isOver) return;
      if (this.#crash !== undefined) throw new Error('the kernel did not start', { cause: this.#crash });
      calm = this.#underWay === 0 && this.#soon === 0 ? calm + 1 : 0;
      if (calm === CALM_ROUNDS) return;
    }
    throw new Error('the process never comes to rest');
  }

  /** Fires what is due by now, one after the other. */
  async fireDue(): Promise<void> {
    for (let fired = 0; fired < ROUNDS_MAX; fired += 1) {
      const due = [...this.#alarms].filter(({ dueMs }) => dueMs <= this.#time.nowMs);
      const [first] = due.toSorted((a, b) => a.dueMs - b.dueMs);
      if (first === undefined || this.isOver) return;
      this.#alarms.delete(first);
      first.run();
      await this.quiet();
    }
    throw new Error('a timer is due for ever');
  }

  #clock(): Clock {
    return {
      now: () => this.#time.nowMs,
      monotonicMs: () => this.#time.nowMs,
      schedule: (delayMs, run) => {
        const alarm = { dueMs: this.#time.nowMs + delayMs, run };
        if (this.isAlive) this.#alarms.add(alarm);
        return () => this.#alarms.delete(alarm);
      },
      soon: (run) => {
        this.#soon += 1;
        setImmediate(() => {
          this.#soon -= 1;
          if (this.isAlive) run();
        });
      },
    };
  }

  #reach(phase: CommitPhase): void {
    if (phase === 'before') this.#commits += 1;
    const fault = this.#fault;
    if (fault?.at !== 'commit' || fault.number !== this.#commits) return;
    const { how } = fault;
    if (how === (phase === 'before' ? 'killBefore' : 'killAfter')) this.kill();
    if (how === (phase === 'before' ? 'failBefore' : 'failAfter')) {
      throw new Error(`simulated: ${how} commit ${fault.number}`);
    }
  }

  /** The store as the kernel has it: what is under way is counted. */
  #counted(store: Store): Store {
    const count = async <T>(work: Promise<T>): Promise<T> => {
      this.#underWay += 1;
      try {
        return await work;
      } finally {
        this.#underWay -= 1;
      }
    };
    return {
      generation: store.generation,
      get lastCommit() {
        return store.lastCommit;
      },
      get: (key) => {
        const found = store.get(key);
        return found instanceof Promise ? count(found) : found;
      },
      getMany: (wanted) => count(store.getMany(wanted)),
      scan: (options) => count(store.scan(options)),
      commit: (commit) => count(store.commit(commit)),
      view: () => count(store.view()),
      close: () => store.close(),
    };
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
