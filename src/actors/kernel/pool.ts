/**
 * Pools and bounds: which effects wait together, and how many may run at once.
 *
 * Callers: the outbox. Invariants:
 *  P1  A pool's queue is in the order its effects were asked for, as far as it is loaded.
 *  P2  A pool or a bound that holds nothing is forgotten: they may be named after what comes and goes.
 */
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { compareKeys, partsOf } from '../../store/keys.js';
import type { Definition, Share } from './definition.js';
import type { EffectRow } from './record.js';

export interface Waiting {
  readonly key: string;
  readonly row: EffectRow;
  readonly effectKey: string;
  /** Found on disk, so that its actor may be one that this process cannot step. */
  readonly loaded: boolean;
  /** It has waited out its back-off in this process. */
  readonly rested?: true;
}

export interface Pool {
  readonly definition: Definition;
  readonly name: string;
  readonly limit: number;
  readonly priority: number;
  readonly queue: Waiting[];
  running: number;
  /** Effects that are put aside in memory: neither in `queue` nor running. */
  aside: number;
  /** How many of those wait out a back-off. */
  resting: number;
  /** True when rows wait on disk that are not in `queue`. */
  more: boolean;
  loading: boolean;
}

interface Bound {
  running: number;
  open: boolean;
}

/** The bounds that several pools share, by name. */
export class Bounds {
  readonly #bounds = new Map<string, Bound>();

  hasRoom(share: Share): boolean {
    const bound = this.#bounds.get(share.name);
    return bound === undefined || (bound.open && bound.running < share.limit);
  }

  isOpen(share: Share): boolean {
    return this.#bounds.get(share.name)?.open !== false;
  }

  take(share: Share): void {
    this.#of(share.name).running += 1;
  }

  giveBack(share: Share): void {
    this.#of(share.name).running -= 1;
    this.#forget(share.name);
  }

  gate(name: string, open: boolean): void {
    this.#of(name).open = open;
    this.#forget(name);
  }

  #of(name: string): Bound {
    const known = this.#bounds.get(name);
    if (known !== undefined) return known;
    const bound: Bound = { running: 0, open: true };
    this.#bounds.set(name, bound);
    return bound;
  }

  #forget(name: string): void {
    const bound = this.#bounds.get(name);
    if (bound?.running === 0 && bound.open) this.#bounds.delete(name);
  }
}

export function newPool(definition: Definition, name: string, src: string): Pool {
  const { limit, priority } = definition.policyOf(src);
  const state = { queue: [], running: 0, aside: 0, resting: 0, more: false, loading: false };
  return { definition, name, limit, priority, ...state };
}

export function poolKey(kind: string, name: string): string {
  return `${kind}/${name}`;
}

/** What an effect counts against; undefined where its policy cannot say, for an input it was not made for. */
export function sharesOf(
  { definition }: Pool,
  { row, effectKey }: Waiting,
  log: Logger,
): readonly Share[] | undefined {
  try {
    return [...(definition.policyOf(row.src).shares?.(row.input) ?? [])];
  } catch (error) {
    log.error({ err: error, effect: effectKey }, 'effect.failed');
    return undefined;
  }
}

/** How many rows of a pool may be in memory and wait. */
export function windowOf(pool: Pool): number {
  return pool.limit * limits.poolWindowFactor;
}

export function isEmpty(pool: Pool): boolean {
  const { queue, running, aside, more, loading } = pool;
  return queue.length === 0 && running === 0 && aside === 0 && !more && !loading;
}

/** Puts one into its place in the queue, which nearly always is the last (P1). */
export function insertByAge(queue: Waiting[], waiting: Waiting): void {
  let at = queue.length;
  for (let before = queue[at - 1]; before !== undefined && isYounger(before, waiting); before = queue[at - 1])
    at -= 1;
  queue.splice(at, 0, waiting);
}

function isYounger(a: Waiting, b: Waiting): boolean {
  return compareKeys(a.key, b.key) > 0;
}

export function effectKeyOf(row: EffectRow): string {
  return `${row.address}/${row.id}`;
}

export function byPriorityThenAge(a: Pool, b: Pool): number {
  return a.priority - b.priority || compareKeys(ordOfHead(a), ordOfHead(b));
}

function ordOfHead(pool: Pool): string {
  const head = pool.queue[0];
  return head === undefined ? '~' : (partsOf(head.key)[2] ?? '~');
}
