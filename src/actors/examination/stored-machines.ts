/**
 * The machines that actors of a store are of, by the counts and the shapes that are kept of them.
 *
 * Callers: examination.ts, before the walk; the checks of actors. Invariant: a record that a step wrote is of
 * one of them, for its count is in the same commit.
 */
import { splitAddress } from '../../ids.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { ActorRecord } from '../kernel/record.js';
import type { Reading } from './reading.js';
import type { Scene } from './scene.js';

export class StoredMachines {
  readonly #kinds = new Set<string>();
  readonly #machines = new Set<string>();

  static async read(reading: Reading): Promise<StoredMachines> {
    const stored = new StoredMachines();
    for (const letter of ['n', 'v'] as const) {
      for await (const [key] of reading.rows(rangeOf(letter))) {
        const [kind = '', version = '', hash = ''] = partsOf(key);
        stored.#kinds.add(kind);
        stored.#machines.add(keys.shape(kind, version, hash));
      }
    }
    return stored;
  }

  /** True for a record of a machine that nobody of its kind is of. */
  lack(address: string, { version, hash }: ActorRecord): boolean {
    const { kind } = splitAddress(address);
    // Where all counts and shapes of a kind are lost, that says nothing.
    return this.#kinds.has(kind) && !this.#machines.has(keys.shape(kind, version, hash));
  }
}

/** True for a record that is another's: its machine is none of its kind's, nor the one that is known. */
export function isAnothers(
  address: string,
  record: ActorRecord,
  { known, stored }: Pick<Scene, 'known' | 'stored'>,
): boolean {
  return stored.lack(address, record) && known.of(address, record) === undefined;
}
