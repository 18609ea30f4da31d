/**
 * The kernel under measurement: opened on a store, with a chart defined, stepped through its own door.
 *
 * Callers: the benchmarks. Invariant: nothing is bypassed; `create` and `send` are those of the façades.
 */
import { Kernel, type DefinitionOptions } from '../src/actors/kernel/index.js';
import { systemClock, type Clock } from '../src/clock.js';
import { silentLogger } from '../src/log.js';
import { openLevelStore } from '../src/store/index.js';
import type { Store } from '../src/store/store.js';
import { errandDefinition, errandInput, errandKind, errandLife } from './errand.js';
import type { Subject } from './lanes.js';

export type Durability = 'power' | 'process';

/** How events are sent: with an id each (a read and a row more, to be applied once) or without. */
export type Ids = 'ids' | 'noIds';

export interface OpenOptions {
  /** Default: the errand. */
  readonly definitions?: readonly DefinitionOptions[];
  readonly clock?: Clock;
}

export async function openKernel(store: Store, options: OpenOptions = {}): Promise<Kernel> {
  const { definitions = [errandDefinition], clock = systemClock } = options;
  const kernel = await Kernel.open({ store, clock, log: silentLogger });
  for (const definition of definitions) kernel.define(definition);
  await kernel.start();
  return kernel;
}

/** The door of the kernel as a subject. */
export function kernelSubject(kernel: Kernel, store: Store, ids: Ids): Subject {
  return {
    commits: () => store.lastCommit,
    step: (errand, step) => {
      const event = errandLife[step - 1];
      if (event === undefined) return kernel.create(errandKind, errand, { ...errandInput });
      return kernel.send(
        `${errandKind}/${errand}`,
        event,
        ids === 'ids' ? { id: eventIdOf(errand, step) } : {},
      );
    },
  };
}

/** An event id as a webhook would give it: 26 characters. */
function eventIdOf(errand: string, step: number): string {
  return `evt-${errand}-${String(step).padStart(5, '0')}`;
}

/** Opens a kernel in `directory`, lets `work` use it, closes both. */
export async function withKernel<T>(
  directory: string,
  durability: Durability,
  work: (kernel: Kernel, store: Store) => Promise<T>,
  options: OpenOptions = {},
): Promise<T> {
  const store = await openLevelStore({ directory, durability });
  try {
    const kernel = await openKernel(store, options);
    const result = await work(kernel, store);
    await kernel.close();
    return result;
  } finally {
    await store.close();
  }
}
