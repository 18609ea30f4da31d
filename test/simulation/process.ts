/**
 * One process of the simulated world: a kernel on the world's disk, from its open to its death.
 *
 * Owns: the faults of its disk. Callers: the world. Invariants:
 *  P1  Whatever is written passes the oracle, which knows it before whoever asked for it.
 *  P2  A dead process is answered nothing and runs nothing more.
 */
import { Kernel } from '../../src/actors/kernel/index.js';
import type { Logger } from '../../src/log.js';
import { openMemoryStore, type Commit, type MemoryDisk, type Store } from '../../src/store/index.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import type { Chance } from './chance.js';
import type { Hands } from './outside.js';
import type { ProcessClock, VirtualTime } from './virtual-time.js';

/** What is to happen to the next commits. */
export type CommitFault = 'none' | 'failBefore' | 'failAfter' | 'dieBefore' | 'dieAfter';

/** Who hears of a process's life, in its order. */
export interface Witness {
  readonly intends: (process: Process, commit: Commit) => void;
  /** Whoever asked for the commit is about to be told that it is done. */
  readonly tells: () => void;
  readonly failed: (process: Process) => void;
  readonly opened: (process: Process) => void;
}

export interface ProcessOptions {
  readonly number: number;
  readonly disk: MemoryDisk;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly hands: Hands;
  readonly witness: Witness;
  /** Defines kinds; returns what is to be done after the start. */
  readonly define: (process: Process) => (() => Promise<void>)[];
  /** Wraps the store once more: for a kernel that is broken on purpose. */
  readonly spoil: (store: Store) => Store;
}

export class Process {
  readonly number: number;
  readonly hands: Hands;
  readonly clock: ProcessClock;
  /** What it logged as an error. */
  readonly errors: string[] = [];
  readonly #options: ProcessOptions;
  #store: FaultyStore | undefined;
  #kernel: Kernel | undefined;
  #state: 'opening' | 'running' | 'failed' | 'closed' | 'dead' = 'opening';
  /** Turns that a commit or a read takes at most. */
  slowTurns = 0;
  fault: CommitFault = 'none';

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.number = options.number;
    this.hands = options.hands;
    this.clock = options.time.processClock();
  }

  get kernel(): Kernel {
    if (this.#kernel === undefined) throw new Error('the process has no kernel yet');
    return this.#kernel;
  }

  get generation(): number {
    return this.#store?.generation ?? 0;
  }

  get state(): string {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Opens, defines and starts. What the start brings back goes on in the background. */
  async open(): Promise<void> {
    const { disk, witness, define, spoil } = this.#options;
    const inner = await openMemoryStore({ disk });
    const store = faultyStore(this.#slowly(inner), {
      onCommit: (_number, phase, commit) => this.#onCommit(phase, commit),
    });
    this.#store = store;
    witness.opened(this);
    this.#kernel = await Kernel.open({
      store: spoil(store),
      clock: this.clock,
      log: this.#logger(),
      memory: this.#options.chance.happens(0.5) ? { actorsMax: 1 } : undefined,
    });
    this.#state = 'running';
    this.kernel.onFailure(() => {
      if (this.#state === 'running') this.#state = 'failed';
      witness.failed(this);
    });
    const afterwards = define(this);
    void this.#start(afterwards);
  }

  /** Dies at once, as by SIGKILL. Resolves when the disk is free. */
  async kill(): Promise<void> {
    this.#state = 'dead';
    this.clock.end();
    await this.#store?.kill();
  }

  /** Ends in an orderly way; what hangs is cut off. */
  async close(): Promise<void> {
    await this.#kernel?.close(1_000);
    this.#state = 'closed';
  }

  logger(): Logger {
    return this.#logger();
  }

  async #start(afterwards: (() => Promise<void>)[]): Promise<void> {
    try {
      await this.kernel.start();
      for (const each of afterwards) await each();
    } catch (error) {
      if (this.#state === 'running') this.errors.push(`start: ${String(error)}`);
    }
  }

  async #onCommit(phase: 'before' | 'after', commit: Commit): Promise<void> {
    const { chance, time, witness } = this.#options;
    if (this.slowTurns > 0) await time.pause(chance.below(this.slowTurns));
    if (phase === 'before' && this.#state !== 'dead') witness.intends(this, commit);
    if (phase === 'after') witness.tells();
    const strikes = this.fault.endsWith(phase === 'before' ? 'Before' : 'After');
    if (!strikes) return;
    const { fault } = this;
    this.fault = 'none';
    if (fault.startsWith('fail')) throw new Error(`simulated: ${fault}`);
    // Not awaited: it waits for this very commit.
    void this.kill();
  }

  #logger(): Logger {
    const ignore = (): void => undefined;
    const error = (fields: object, message: string): void => {
      const { err } = fields as { readonly err?: unknown };
      if (this.errors.length < 1_000) this.errors.push(`${message} ${String(err)}`);
    };
    const log: Logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error, child: () => log };
    return log;
  }

  /** Reads that sometimes take a while, as those of a busy disk. */
  #slowly(store: Store): Store {
    const { chance, time } = this.#options;
    const after = async <T>(read: () => Promise<T> | T): Promise<T> => {
      if (this.slowTurns > 0) await time.pause(chance.below(this.slowTurns));
      return await read();
    };
    return {
      generation: store.generation,
      get lastCommit() {
        return store.lastCommit;
      },
      get: (key) => (this.slowTurns > 0 ? after(() => store.get(key)) : store.get(key)),
      getMany: (wanted) => after(() => store.getMany(wanted)),
      scan: (options) => after(() => store.scan(options)),
      commit: (commit) => store.commit(commit),
      view: () => store.view(),
      close: () => store.close(),
    };
  }
}
