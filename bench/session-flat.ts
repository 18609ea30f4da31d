/**
 * What a session's steps cost with ten, a thousand and a hundred thousand batches in its queue.
 *
 * Three sessions, each in a store of its own, are open in one process and take turns, so that a slow moment
 * of the machine meets them all. Each enqueues at the end, claims the head and completes it, one step after
 * the other: the queue keeps its length. Bytes are keys and values as the store is given them. Callers:
 * sessions.ts.
 */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import type { Session } from '../src/actors/session/session.js';
import type { Commit } from '../src/store/store.js';
import { median } from './lanes.js';
import { inFreshDirectory } from './place.js';
import { recording } from './recording.js';
import { MESSAGE, REPLY, withSessions } from './session-host.js';

/** One more is enqueued before one is taken: a queue holds 100,000 at most. */
const SIZES = [9, 999, 99_999];
const OPERATIONS = ['enqueue', 'claim', 'complete'] as const;
const SLICES = 24;
const SLICE_ROUNDS = 50;
const WARM_UP_ROUNDS = 300;
const FILL_LANES = 500;

type Operation = (typeof OPERATIONS)[number] | 'head';

export interface QueueCost {
  readonly size: number;
  readonly steps: number;
  /** An average of all. */
  readonly bytes: Readonly<Record<Operation, number>>;
  /** Microseconds, wall clock: the median of the slices' averages. */
  readonly us: Readonly<Record<Operation, number>>;
  /** The same of CPU time, all threads of the process: what others do on the machine is not in it. */
  readonly cpuUs: Readonly<Record<Operation, number>>;
  readonly readsPerHead: number;
  readonly payloadReadsOfHeads: number;
}

class Queue {
  readonly #size: number;
  readonly #session: Session;
  readonly #traffic: Traffic;
  readonly #us: Record<Operation, number[]> = { enqueue: [], claim: [], complete: [], head: [] };
  readonly #cpuUs: Record<Operation, number[]> = { enqueue: [], claim: [], complete: [], head: [] };
  readonly #bytes: Record<Operation, number> = { enqueue: 0, claim: 0, complete: 0, head: 0 };
  #rounds = 0;
  #heads = { reads: 0, payloads: 0 };

  constructor(size: number, session: Session, traffic: Traffic) {
    this.#size = size;
    this.#session = session;
    this.#traffic = traffic;
  }

  async fill(): Promise<void> {
    let left = this.#size;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await this.#session.enqueue(MESSAGE);
    };
    await Promise.all(Array.from({ length: FILL_LANES }, lane));
  }

  async slice(rounds: number): Promise<void> {
    const us: Record<Operation, number> = { enqueue: 0, claim: 0, complete: 0, head: 0 };
    const cpuUs = { ...us };
    const timed = async <T>(operation: Operation, work: () => Promise<T>): Promise<T> => {
      const bytes = this.#traffic.bytes;
      const cpu = process.cpuUsage();
      const startedAt = performance.now();
      const result = await work();
      us[operation] += (performance.now() - startedAt) * 1_000;
      const { user, system } = process.cpuUsage(cpu);
      cpuUs[operation] += user + system;
      this.#bytes[operation] += this.#traffic.bytes - bytes;
      return result;
    };
    for (let round = 0; round < rounds; round += 1) {
      await timed('enqueue', () => this.#session.enqueue(MESSAGE));
      const { reads, payloadReads } = this.#traffic;
      const { batches } = await timed('head', () => this.#session.head());
      this.#heads.reads += this.#traffic.reads - reads;
      this.#heads.payloads += this.#traffic.payloadReads - payloadReads;
      const claim = await timed('claim', () => this.#session.claim());
      if (claim.batches[0]?.seq !== batches[0]?.seq) throw new Error('what was claimed was not the head');
      const history = [{ role: 'assistant', content: REPLY }];
      await timed('complete', () => claim.complete({ history }));
    }
    this.#rounds += rounds;
    for (const operation of [...OPERATIONS, 'head'] as const) {
      this.#us[operation].push(us[operation] / rounds);
      this.#cpuUs[operation].push(cpuUs[operation] / rounds);
    }
  }

  cost(): QueueCost {
    const each = (of: (operation: Operation) => number): Record<Operation, number> => ({
      enqueue: of('enqueue'),
      claim: of('claim'),
      complete: of('complete'),
      head: of('head'),
    });
    return {
      size: this.#size + 1,
      steps: this.#rounds * OPERATIONS.length,
      bytes: each((operation) => this.#bytes[operation] / this.#rounds),
      us: each((operation) => median(this.#us[operation])),
      cpuUs: each((operation) => median(this.#cpuUs[operation])),
      readsPerHead: this.#heads.reads / this.#rounds,
      payloadReadsOfHeads: this.#heads.payloads,
    };
  }

  reset(): void {
    for (const operation of [...OPERATIONS, 'head'] as const) {
      this.#us[operation] = [];
      this.#cpuUs[operation] = [];
      this.#bytes[operation] = 0;
    }
    this.#rounds = 0;
    this.#heads = { reads: 0, payloads: 0 };
  }
}

/** What a store was asked for and given. */
class Traffic {
  bytes = 0;
  reads = 0;
  payloadReads = 0;

  readonly onCommit = ({ rows }: Commit): void => {
    for (const { key, value = '' } of rows) this.bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  };

  readonly onRead = (keys: readonly string[]): void => {
    this.reads += keys.length;
    this.payloadReads += keys.filter((key) => key.startsWith('p\0')).length;
  };
}

/** The costs of the three operations, and of a look at the head, at each length of the queue. */
export async function measureQueues(): Promise<readonly QueueCost[]> {
  const queues: Queue[] = [];
  const openNext = async (parent: string, sizes: readonly number[]): Promise<void> => {
    const [size, ...others] = sizes;
    if (size === undefined) {
      for (const queue of queues) {
        await queue.slice(WARM_UP_ROUNDS);
        queue.reset();
      }
      for (let slice = 0; slice < SLICES; slice += 1)
        for (const queue of slice % 2 === 0 ? queues : queues.toReversed()) await queue.slice(SLICE_ROUNDS);
      return;
    }
    const traffic = new Traffic();
    const directory = join(parent, String(size));
    const wrap = (store: Parameters<typeof recording>[0]): ReturnType<typeof recording> =>
      recording(store, traffic.onCommit, traffic.onRead);
    await withSessions({ directory, durability: 'process', wrap }, async ({ sessions }) => {
      const queue = new Queue(size, sessions.get('conversation'), traffic);
      await queue.fill();
      queues.push(queue);
      await openNext(parent, others);
    });
  };
  await inFreshDirectory((directory) => openNext(directory, SIZES));
  return queues.map((queue) => queue.cost());
}
