/**
 * ELK, in this thread or in one of its own: a large chart takes half a second, which a process that runs
 * agents has no time for.
 *
 * Callers: layout.ts, the inspector. Invariants:
 *  1  Both give the same layout: it is the same code.
 *  2  A layout in a thread that takes longer than `timeoutMs` is given up, and its thread with it; the next
 *     one has a new thread. The thread keeps no process alive.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';

export interface Engine {
  /** Throws INVALID_INPUT for what cannot be laid out, or not in time. */
  layout(graph: ElkNode): Promise<ElkNode>;
}

export interface EngineThread extends Engine {
  /** Ends the thread; it begins anew with the next layout. */
  close(): void;
}

/** In this thread, which does nothing else meanwhile. ELK itself is loaded here, at the first use. */
export const engineHere: Engine = {
  layout: async (graph) => {
    const { default: elk } = await import('elkjs/lib/elk.bundled.js');
    return new elk.default().layout(graph);
  },
};

/** What runs in the thread: ELK as its package has it for threads, between two ports. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { Worker: Elk } = require(workerData.elk);
const elk = new Elk();
elk.onmessage = ({ data }) => parentPort.postMessage(data);
elk.postMessage({ id: 0, cmd: 'register', algorithms: ['layered'] });
parentPort.on('message', (graph) =>
  elk.postMessage({ id: 1, cmd: 'layout', graph, layoutOptions: {}, options: {} }),
);
`;

/** In a thread that begins with the first layout. One layout at a time, in the order they were asked for. */
export function engineThread(clock: Clock, timeoutMs: number): EngineThread {
  let thread: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const close = (): void => {
    void thread?.terminate();
    thread = undefined;
  };
  const begun = (): Worker => {
    const elk = createRequire(import.meta.url).resolve('elkjs/lib/elk-worker.min.js');
    const worker = new Worker(THREAD, { eval: true, workerData: { elk } });
    worker.unref();
    return worker;
  };
  const one = async (graph: ElkNode): Promise<ElkNode> => {
    thread ??= begun();
    try {
      return await answered(thread, graph, { clock, timeoutMs });
    } catch (error) {
      close();
      throw new HoldfastError('INVALID_INPUT', `the chart cannot be drawn: ${String(error)}`, {
        cause: error,
      });
    }
  };
  return {
    close,
    layout: (graph) => {
      const next = last.then(() => one(graph));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

/** What ELK's port says: the answer to message 1. */
interface Said {
  readonly id: number;
  readonly data?: ElkNode;
  readonly error?: unknown;
}

function answered(
  thread: Worker,
  graph: ElkNode,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<ElkNode> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      cancel();
      thread.off('message', take);
      thread.off('error', fail);
      thread.off('exit', end);
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
    };
    const end = (): void => fail(new Error('the thread has ended'));
    const take = ({ id, data, error }: Said): void => {
      if (id !== 1) return;
      if (data === undefined) return fail(error);
      settle();
      resolve(data);
    };
    const cancel = clock.schedule(timeoutMs, () => fail(new Error(`it takes longer than ${timeoutMs} ms`)));
    thread.on('message', take);
    thread.on('error', fail);
    thread.on('exit', end);
    thread.postMessage(graph);
  });
}
