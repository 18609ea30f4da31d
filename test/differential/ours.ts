/**
 * Our side: the kernel on a memory disk, closed and opened again before everything that happens.
 *
 * Owns: the disk, the process of the moment (store, kernel, clock) and what its journal and actions say.
 * Callers: compare.ts. Invariants:
 *  1  A process that is gone is gone: its clock stands still for ever and its promises never answer.
 *  2  What is compared is read from the store, not from the memory of the kernel.
 */
import type { AnyStateMachine } from 'xstate';
import { Kernel, type ActorRecord } from '../../src/actors/kernel/index.js';
import { isHoldfastError } from '../../src/errors.js';
import { isPlainObject } from '../../src/json.js';
import { silentLogger, type Logger } from '../../src/log.js';
import { createMemoryDisk, openMemoryStore } from '../../src/store/index.js';
import { partsOf } from '../../src/store/keys.js';
import type { Store } from '../../src/store/store.js';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js';
import { rowsOf } from '../kernel/fixtures.js';
import { buildChart } from './build.js';
import { Promises } from './promises.js';
import type { Case, Step, View } from './spec.js';

const START_AT = 1_000_000;
const KIND = 'chart';
const ADDRESS = `${KIND}/1`;
/** So long that no finished actor is collected while it is looked at. */
const RETENTION_MS = 10 ** 10;

interface Process {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
}

/** How a process ends: in order, or without a word. */
export type Ending = 'closed' | 'killed';

export class Ours {
  readonly promises = new Promises();
  readonly #disk = createMemoryDisk();
  readonly #machine: AnyStateMachine;
  readonly #acts: unknown[] = [];
  readonly #logs: unknown[] = [];
  #process: Process | undefined;
  #nowAt = START_AT;

  constructor({ chart }: Case) {
    this.#machine = buildChart(chart, this.promises, {
      acted: (at, { n }, event) => this.#acts.push([at, n, event]),
      judged: () => undefined,
      readEvent: () => undefined,
      batched: () => undefined,
    });
  }

  /** Creates the actor; what its first step threw, if it did. */
  async start(): Promise<string | undefined> {
    await this.#open();
    const { kernel, clock } = this.#running();
    try {
      await kernel.create(KIND, '1', undefined);
    } catch (error) {
      return String(error);
    }
    await clock.advance(0);
    return undefined;
  }

  /** Ends the process, lets time pass while nothing runs, and starts the next one. */
  async reopen(ending: Ending, asleepMs = 0): Promise<void> {
    await this.end(ending);
    this.#nowAt += asleepMs;
    await this.#open();
  }

  async end(ending: Ending): Promise<void> {
    const { store, kernel, clock } = this.#running();
    this.#nowAt = clock.now();
    if (ending === 'killed') this.#disk.cutPower();
    else {
      await kernel.close(0);
      await store.close();
    }
    this.#process = undefined;
    this.promises.processEnded();
  }

  async send(event: Extract<Step, { do: 'send' }>['event']): Promise<void> {
    const { kernel, clock } = this.#running();
    try {
      await kernel.send(ADDRESS, event);
    } catch (error) {
      // Said by the record as well, where it is compared.
      if (!isHoldfastError(error, 'ACTOR_QUARANTINED')) throw error;
    }
    await clock.advance(0);
  }

  async settle(child: string, settlement: Parameters<Promises['settle']>[1]): Promise<void> {
    this.promises.settle(child, settlement);
    await this.#running().clock.advance(0);
  }

  async wait(ms: number): Promise<void> {
    await this.#running().clock.advance(ms);
  }

  async view(): Promise<View> {
    const { kernel, store } = this.#running();
    const found = await kernel.snapshot(ADDRESS);
    if (found === undefined) throw new Error('the actor is gone');
    const { record } = found;
    const snapshot = isPlainObject(record.snapshot) ? record.snapshot : {};
    const { quarantine } = record;
    const entries = await kernel.reader.journal(ADDRESS);
    return {
      value: snapshot['value'],
      context: snapshot['context'],
      status: quarantine === undefined ? record.status : 'threw',
      output: snapshot['output'],
      error: quarantine?.message ?? messageOf(snapshot['error']),
      history: snapshot['historyValue'],
      timers: await timersOf(store, record),
      promises: record.effects.map(({ child }) => child).toSorted(),
      running: this.promises.running(),
      emitted: entries.flatMap(({ emitted = [] }) => emitted),
      acts: this.#acts,
      logs: this.#logs,
    };
  }

  #running(): Process {
    if (this.#process === undefined) throw new Error('no process is running');
    return this.#process;
  }

  async #open(): Promise<void> {
    const clock = createSimulatedClock(this.#nowAt);
    const store = await openMemoryStore({ disk: this.#disk });
    const kernel = await Kernel.open({ store, clock, log: this.#logger() });
    kernel.define({ kind: KIND, machine: this.#machine, retentionMs: RETENTION_MS });
    await kernel.start();
    this.#process = { store, kernel, clock };
    await clock.advance(0);
  }

  #logger(): Logger {
    const info: Logger['info'] = ({ label, value }, message) => {
      if (message === 'machine.log') this.#logs.push([label, value]);
    };
    return { ...silentLogger, info };
  }
}

function messageOf(error: unknown): string | undefined {
  return isPlainObject(error) && typeof error['message'] === 'string' ? error['message'] : undefined;
}

/** What the due index has, said as the record says it. A timer that only one of them has differs from all. */
async function timersOf(store: Store, { timers }: ActorRecord): Promise<View['timers']> {
  const due = (await rowsOf(store, 'd')).map(([key]) => {
    const [, dueAt = '', , seq = '', index = ''] = partsOf(key);
    const [atMs = 0, ...id] = [dueAt, seq, index].map((part) => Number.parseInt(part, 16));
    return [id.join(':'), atMs] as const;
  });
  const stray = due.filter(([id, dueAt]) => !timers.some((one) => one.id === id && one.dueAt === dueAt));
  const kept = timers.filter(({ id }) => due.some(([found]) => found === id));
  const listed = kept.map(({ id, sendId, dueAt, event }) => {
    // Without a send id of its own a timer goes by its place in the journal.
    return [sendId === id ? 'anonymous' : sendId, event?.type ?? sendId, dueAt - START_AT] as const;
  });
  const own = listed.filter(([, type]) => type !== 'holdfast.retention');
  const lost = stray.map(([id, dueAt]) => [id, 'in the index alone', dueAt - START_AT] as const);
  return [...own, ...lost].toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
