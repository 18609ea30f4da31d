/**
 * Pools: which effects wait together, and whose turn it is.
 *
 * Callers: the outbox. Invariants:
 *  P1  A pool's queue is in the order its effects were asked for, as far as it is loaded.
 *  P2  A pool that holds nothing is forgotten: they may be named after what comes and goes.
 *  P3  Among pools of one priority each starts one in its turn; a new one comes last. However long a pool
 *      is, none of the others waits for more than one of its effects.
 *  P4  A pool that has waited for `limits.poolPatienceMs` has its turn before all priorities: a lower one is
 *      slowed down by a backlog of a higher one, never stopped.
 */
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { compareKeys, partsOf } from '../../store/keys.js';
import type { Share } from './bounds.js';
import type { Definition } from './definition.js';
import type { EffectRow } from './record.js';

export interface Waiting {
  readonly key: string;
  readonly row: EffectRow;
  readonly effectKey: string;
  /** Found on disk, so that its actor may be one that this process cannot step. */
  readonly loaded: boolean;
  /** It has waited out its back-off in this process. */
  readonly rested?: true;
  /** What it counts against, once that was asked. */
  shares?: readonly Share[];
}

/** An effect that is neither queued nor running. */
export interface Aside {
  readonly pool: Pool;
  readonly address: string;
  /** Ends its rest; undefined: it is parked until its actor is released. */
  readonly wake: (() => void) | undefined;
}

/** An effect that runs now. */
export interface UnderWay {
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

export interface Pool {
  readonly definition: Definition;
  readonly name: string;
  readonly limit: number;
  readonly priority: number;
  readonly queue: Waiting[];
  /** How many effects of all pools had been started when this one last started one, or was made (P3). */
  turn: number;
  /** When it last started one, or began to wait, on the monotonic clock (P4). */
  sinceMs: number;
  running: number;
  /** Effects that are put aside in memory: neither in `queue` nor running. */
  aside: number;
  /** How many of those wait out a back-off. */
  resting: number;
  /** True when rows wait on disk that are not in `queue`. */
  more: boolean;
  loading: boolean;
}

export function newPool(definition: Definition, name: string, src: string, turn: number): Pool {
  const { limit, priority } = definition.policyOf(src);
  const state = {
    turn,
    sinceMs: 0,
    queue: [],
    running: 0,
    aside: 0,
    resting: 0,
    more: false,
    loading: false,
  };
  return { definition, name, limit, priority, ...state };
}

export function poolKey(kind: string, name: string): string {
  return `${kind}/${name}`;
}

/** What an effect counts against; undefined where its policy cannot say, for an input it was not made for. */
export function sharesOf({ definition }: Pool, waiting: Waiting, log: Logger): readonly Share[] | undefined {
  const { row, effectKey } = waiting;
  try {
    waiting.shares ??= [...(definition.policyOf(row.src).shares?.(row.input) ?? [])];
    return waiting.shares;
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

/**
 * Lets each pool start one in its turn, and again, until none does: those of a lower priority number first
 * (P3, P4).
 */
export function startInTurn(pools: readonly Pool[], nowMs: number, startOne: (pool: Pool) => boolean): void {
  const waiting = pools.filter(({ queue }) => queue.length > 0);
  const ranked = waiting.map((pool) => ({ pool, rank: rankOf(pool, nowMs) }));
  ranked.sort((a, b) => a.rank - b.rank || a.pool.turn - b.pool.turn || byAge(a.pool, b.pool));
  for (const rank of new Set(ranked.map((each) => each.rank))) {
    let ready = ranked.filter((each) => each.rank === rank).map(({ pool }) => pool);
    while (ready.length > 0) ready = ready.filter(startOne);
  }
}

function rankOf({ priority, sinceMs }: Pool, nowMs: number): number {
  return nowMs - sinceMs < limits.poolPatienceMs ? priority : -Infinity;
}

function byAge(a: Pool, b: Pool): number {
  return compareKeys(ordOfHead(a), ordOfHead(b));
}

function ordOfHead(pool: Pool): string {
  const head = pool.queue[0];
  return head === undefined ? '~' : (partsOf(head.key)[2] ?? '~');
}
