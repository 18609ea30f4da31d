/**
 * What the walk over all actors adds up for the rows that are not in the order of addresses.
 *
 * Owns: sums by kind and state, and the addresses of damaged actors. Callers: this folder. Invariant: its
 * size is bounded by kinds, versions, states and damage, never by how many actors are stored.
 */
import { splitAddress } from '../../ids.js';
import { keys } from '../../store/keys.js';
import { valueOf, type ActorRecord } from '../kernel/record.js';
import type { OwedLetter } from './owed-rows.js';

export class Tally {
  /** Actors by the key of their count. */
  readonly counts = new Map<string, number>();
  /** By kind: actors whose record cannot be read, or is not there: in whose counts they are is not known. */
  readonly uncounted = new Map<string, number>();
  /** Shape keys of the versions that actors are of. */
  readonly shapes = new Set<string>();
  /** Actors whose record does not say what they own. */
  readonly suspects = new Set<string>();
  /** Keys of rows that are told of already. */
  readonly told = new Set<string>();
  readonly #owned = new Map<string, number>();
  /** The time of the newest step. */
  newestAt = 0;

  add(address: string, record: ActorRecord): void {
    const { kind } = splitAddress(address);
    const { version, hash, at } = record;
    raise(this.counts, keys.count(kind, version, hash, JSON.stringify(valueOf(record))), 1);
    // Transition logic has no states, and no shape.
    if (hash !== 'transition') this.shapes.add(keys.shape(kind, version, hash));
    this.newestAt = Math.max(this.newestAt, at);
  }

  /** A row that is where its actor's record says. */
  own(letter: OwedLetter, kind: string): void {
    raise(this.#owned, letter + kind, 1);
  }

  owned(letter: OwedLetter, kind: string): number {
    return this.#owned.get(letter + kind) ?? 0;
  }
}

/** Adds to one of many sums. */
export function raise(sums: Map<string, number>, name: string, by: number): void {
  sums.set(name, (sums.get(name) ?? 0) + by);
}
