/**
 * Which effects are in the outbox for an actor whose record does not say so. The outbox is in the order of
 * its pools: read through for each of many damaged records, it would take their product.
 *
 * Owns: the rows of the actors that come next. Callers: rebuild.ts, which asks in the order of addresses.
 * Invariants:
 *  L1  In memory are the rows of one actor, or no more than twice `ROWS_KEPT`.
 *  L2  Asked in another order it answers the same, with more reading.
 */
import { splitAddress } from '../../ids.js';
import { compareKeys, partsOf, rangeOf } from '../../store/keys.js';
import type { EffectRef } from '../kernel/record.js';
import type { Reading } from './reading.js';
import { effectIn } from './row-shapes.js';

const ROWS_KEPT = 10_000;

interface Owned {
  readonly address: string;
  readonly ref: EffectRef;
}

export class EffectRows {
  readonly #reading: Reading;
  readonly #rowsKept: number;
  /** From here on, up to and with `#until`, all rows of a kind are in `#rows`. */
  #from = '';
  #until = '';
  #rows = new Map<string, EffectRef[]>();

  constructor(reading: Reading, rowsKept = ROWS_KEPT) {
    this.#reading = reading;
    this.#rowsKept = rowsKept;
  }

  /** Oldest first. */
  async of(address: string): Promise<readonly EffectRef[]> {
    const isAtHand = compareKeys(this.#from, address) <= 0 && compareKeys(address, this.#until) <= 0;
    if (!isAtHand) await this.#load(address);
    return (this.#rows.get(address) ?? []).toSorted((a, b) => (a.ord < b.ord ? -1 : 1));
  }

  async #load(from: string): Promise<void> {
    const { kind } = splitAddress(from);
    let kept: Owned[] = [];
    let most = 2 * this.#rowsKept;
    // Past every address of the kind.
    let until = `${kind}0`;
    for await (const [key, found] of this.#reading.rows(rangeOf('o', kind))) {
      const row = effectIn(found);
      if (row === undefined) continue;
      const { address, id, child, src } = row;
      if (compareKeys(address, from) < 0 || compareKeys(address, until) > 0) continue;
      const [, pool = '', ord = ''] = partsOf(key);
      kept.push({ address, ref: { id, child, src, pool, ord } });
      if (kept.length < most) continue;
      kept.sort((a, b) => compareKeys(a.address, b.address));
      until = kept[this.#rowsKept - 1]?.address ?? until;
      kept = kept.filter((each) => compareKeys(each.address, until) <= 0);
      most = kept.length + this.#rowsKept;
    }
    this.#from = from;
    this.#until = until;
    this.#rows = byAddress(kept);
  }
}

function byAddress(owned: readonly Owned[]): Map<string, EffectRef[]> {
  const rows = new Map<string, EffectRef[]>();
  for (const { address, ref } of owned) {
    const known = rows.get(address);
    if (known === undefined) rows.set(address, [ref]);
    else known.push(ref);
  }
  return rows;
}
