/**
 * A simulated world: one disk, one process at a time, clients, and the world outside; and the moves on it.
 *
 * Owns: who lives now. Callers: simulate.ts, the actions. Invariants:
 *  1  Whatever happens in it is decided by its seed and the moves made.
 *  2  A move that ends a process opens the next one, on whatever the disk has then.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { createMemoryDisk, openMemoryStore, type MemoryDisk, type Store } from '../../src/store/index.js';
import type { Batch } from './batch.js';
import type { Chance } from './chance.js';
import { Clients } from './clients.js';
import type { Kinds, Setting } from './kinds.js';
import { Oracle } from './oracle.js';
import type { Answer, Run } from './outside.js';
import { Process } from './process.js';
import { SessionClients } from './session-clients.js';
import { printable } from './rules-of-steps.js';
import { Verdict } from './verdict.js';
import { VirtualTime } from './virtual-time.js';

export interface WorldOptions {
  readonly chance: Chance;
  readonly kinds: Kinds;
  /** Wraps the store under each kernel: for one that is broken on purpose. */
  readonly spoil?: ((store: Store) => Store) | undefined;
}

interface Waiter {
  readonly process: Process;
  readonly address: string;
  readonly target: number;
  isDue: boolean;
  isOpen: boolean;
}

export class World {
  readonly verdict = new Verdict();
  readonly time: VirtualTime;
  readonly oracle: Oracle;
  readonly clients: Clients;
  readonly sessions: SessionClients;
  readonly kinds: Kinds;
  /** How often each fault has struck. */
  readonly struck = new Map<string, number>();
  /** Actors that clients have asked for, oldest first. */
  readonly known: string[] = [];
  setting: Setting = { version: 1, without: [] };
  readonly #chance: Chance;
  readonly #spoil: (store: Store) => Store;
  readonly #disk: MemoryDisk;
  readonly #truth: MemoryDisk;
  #process: Process | undefined;
  #processes = 0;
  #waiters: Waiter[] = [];
  #names = 0;

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options);
    await world.#open();
    return world;
  }

  private constructor({ chance, kinds, spoil = (store) => store }: WorldOptions) {
    this.#chance = chance;
    this.#spoil = spoil;
    this.kinds = kinds;
    this.time = new VirtualTime(chance.fork('turns'));
    const living = (): Process | undefined => this.#process;
    this.oracle = new Oracle({ verdict: this.verdict, chance: chance.fork('probes'), living });
    this.oracle.onWrite = (batch) => this.#onWrite(batch);
    this.clients = new Clients(this.oracle);
    this.sessions = new SessionClients(this.verdict, this.oracle.sessions);
    this.#truth = createMemoryDisk({ durability: 'process' });
    this.#disk = this.oracle.watching(this.#truth);
  }

  get process(): Process {
    if (this.#process === undefined) throw new Error('nobody lives');
    return this.#process;
  }

  /** What is left of the world when its last process is gone. */
  get disk(): MemoryDisk {
    return this.#truth;
  }

  get processes(): number {
    return this.#processes;
  }

  /** A name that was never used before. */
  newName(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  note(fault: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
  }

  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count && (await this.time.turn()); turn += 1)
      if (this.verdict.violation) return;
  }

  /** Lets everything that is ready run, and looks whether somebody was forgotten. */
  async settle(): Promise<void> {
    await this.time.settle();
    const { process } = this;
    for (const { address, target, isDue, isOpen, process: asked } of this.#waiters) {
      if (!isDue || asked !== process) continue;
      this.verdict.holds('K16', !isOpen, () => `nobody told who waits for ${address} to count ${target}`);
    }
    this.#waiters = this.#waiters.filter(({ isOpen }) => isOpen);
    if (process.state !== 'failed' && process.state !== 'closed') return;
    const open = this.clients.calls.filter((call) => call.state === 'open' && call.process === process);
    this.verdict.holds('K4', open.length === 0, () => `${open.length} callers of a failed kernel wait`);
  }

  /** Somebody waits until an actor has counted so far. */
  wait(address: string, target: number): void {
    const { process } = this;
    const waiter: Waiter = {
      process,
      address,
      target,
      isOpen: true,
      isDue: this.#countOf(address) >= target,
    };
    this.#waiters.push(waiter);
    const counts = ({ context }: AnyMachineSnapshot): boolean => countIn(context) >= target;
    process.kernel.waitFor(address, counts).then(
      () => {
        waiter.isOpen = false;
        if (process !== this.#process || process.state === 'dead') return;
        this.verdict.holds(
          'K16',
          waiter.isDue,
          () => `${address} has never counted ${target}, and who waits was told`,
        );
      },
      () => {
        waiter.isOpen = false;
      },
    );
  }

  /** The process dies at once; the next one opens. */
  async crash(): Promise<void> {
    await this.process.kill();
    await this.#next();
  }

  /** The power fails: the newest writes are lost. */
  async cutPower(wanted: number): Promise<void> {
    // A write under way is done, and is the first to be lost.
    await this.time.breath();
    // The store's first commit, which made it, stays.
    const losing = Math.min(wanted, this.oracle.shadow.losable - 1);
    this.#truth.cutPower({ losing });
    await this.process.kill();
    this.oracle.lose(losing);
    await this.#next();
  }

  /** An orderly end; the next one opens. */
  async close(): Promise<void> {
    const { process } = this;
    const closing = process.close();
    await this.time.settle();
    await this.time.advance(2_000);
    await closing;
    await this.settle();
    await this.crash();
  }

  /** A kernel whose store has failed takes nothing more; the next one opens. */
  async replaceFailed(): Promise<void> {
    const call = this.clients.call(this.process, 'worker/late', {
      type: 'create',
      input: { peer: 'worker/w' },
    });
    await this.settle();
    this.verdict.holds('K4', call.state === 'unknown', () => `a failed kernel has ${call.state} a call`);
    await this.crash();
  }

  /** Damages the record of an actor between two processes. */
  async rot(address: string): Promise<void> {
    await this.process.kill();
    const key = `s\0${address}`;
    if (this.oracle.shadow.rows.has(key)) {
      this.oracle.rot(address);
      await this.#truth.corrupt(key, (stored) => `${stored.slice(0, -2)}?}`);
    }
    await this.#next();
  }

  answer(run: Run, chance: Chance): void {
    this.oracle.outside.answer(run, this.#answerOf(run, chance));
  }

  /** The disk is what the oracle believes it to be. */
  async compareDisk(): Promise<void> {
    const store = await openMemoryStore({ disk: this.#truth, purpose: 'look' });
    const { rows } = this.oracle.shadow;
    let seen = 0;
    for (let gte = '\0'; ;) {
      const page = await store.scan({ gte, lt: '\uffff', limit: 5_000 }).catch(() => []);
      for (const [key, value] of page)
        this.verdict.holds('K3', rows.get(key) === value, () => `${printable(key)} is not what was written`);
      seen += page.length;
      const last = page.at(-1);
      if (last === undefined) break;
      gte = `${last[0]}\0`;
    }
    const isWhole = seen === rows.size || this.oracle.rotten.size > 0;
    this.verdict.holds('K3', isWhole, () => `${seen} rows on disk, ${rows.size} were written`);
    await store.close();
  }

  async #next(): Promise<void> {
    this.clients.abandon(this.process);
    this.sessions.abandon();
    for (const run of this.oracle.outside.running()) this.oracle.outside.unwanted(run);
    if (this.#chance.happens(0.1)) await this.compareDisk();
    await this.#open();
  }

  async #open(): Promise<void> {
    this.#processes += 1;
    const number = this.#processes;
    const { setting } = this;
    const process = new Process({
      number,
      disk: this.#disk,
      time: this.time,
      chance: this.#chance.fork(`process ${number}`),
      hands: this.oracle.outside.hands(number),
      witness: this.oracle,
      spoil: this.#spoil,
      define: (opened) => {
        for (const definition of this.kinds.definitions(opened.hands, setting))
          if (!setting.without.includes(definition.kind)) opened.kernel.define(definition);
        opened.kernel.onStep((step) => this.oracle.stepped(opened, step));
        const sessions = this.kinds.sessions?.(opened);
        const recover = sessions && (() => this.sessions.recover(opened, sessions));
        return [...this.kinds.facades(opened), ...(recover === undefined ? [] : [recover])];
      },
    });
    this.#process = process;
    await process.open();
  }

  #answerOf({ src, input }: Run, chance: Chance): Answer {
    const answerOf = this.kinds.answers[src];
    if (answerOf !== undefined) return answerOf(chance, input);
    if (chance.happens(0.2)) return { type: 'reject', message: 'it failed' };
    return chance.happens(0.05) ? { type: 'defer' } : { type: 'resolve', value: {} };
  }

  #onWrite({ actors }: Batch): void {
    for (const waiter of this.#waiters) {
      const after = actors.get(waiter.address)?.after;
      if (after !== undefined && countIn(contextOf(after.snapshot)) >= waiter.target) waiter.isDue = true;
    }
  }

  #countOf(address: string): number {
    return countIn(contextOf(this.oracle.record(address)?.snapshot));
  }
}

function contextOf(snapshot: unknown): unknown {
  return Reflect.get(Object(snapshot) as object, 'context');
}

function countIn(context: unknown): number {
  const count: unknown = Reflect.get(Object(context) as object, 'count');
  return typeof count === 'number' ? count : -1;
}
