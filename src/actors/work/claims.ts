/**
 * Claims: an item into a worker's hands, and out of them.
 *
 * Owns: whether anybody may claim. Callers: work.ts, handling.ts. Invariants:
 *  C1  What is handed out is claimed on disk; what was taken off its shelf and could not be claimed, and is
 *      ready still, is put back.
 *  C2  An index row that leads to nobody is reported, removed, and holds up nobody; neither does an item that
 *      stands still, or whose payload cannot be read.
 *  C3  Ending a claim a second time in the same way changes nothing and succeeds: the first answer was lost.
 */
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { workDefaults, workRows } from '../../machines/index.js';
import type { WorkItemEvent } from '../../machines/index.js';
import { asJson, checkedClaim, checkedFail, checkedTtl, workErrorOf } from './asked.js';
import type { ItemLook, SeenItem, WorkDesk } from './desk.js';
import type { ClaimedWork, ClaimOptions, FailOptions } from './face.js';
import type { ReadyItem } from './shelf.js';
import type { Kinds, Shelves } from './shelves.js';
import { workIndexes } from './work-index.js';

/** Who claims for this very process says so: its claims are free as soon as the next one opens the store. */
export interface ClaimAsked extends ClaimOptions {
  readonly epoch?: number;
}

/** Thrown in the step's own turn where an item is not ready any more. */
const NOT_READY = new Error('not ready');

export class Claims {
  readonly #desk: WorkDesk;
  readonly #shelves: Shelves;
  /** Why nothing is claimed any more. */
  #ended: unknown;

  constructor(desk: WorkDesk, shelves: Shelves) {
    this.#desk = desk;
    this.#shelves = shelves;
  }

  /** Up to `max` items in claim order. Throws INVALID_INPUT, RUNTIME_CLOSED, COMMITS_BEHIND. */
  async claim(kinds: Kinds, max: number, asked: ClaimAsked = {}): Promise<readonly ClaimedWork[]> {
    const { ttlMs = workDefaults.ttlMs, epoch, ...rest } = checkedClaim(kinds, max, asked);
    const { workerId = `process:${this.#desk.options.generation}` } = rest;
    const claimed: ClaimedWork[] = [];
    // Each round takes items off their shelves, or ends.
    while (claimed.length < max) {
      const items = await this.#take(kinds, max - claimed.length);
      if (items.length === 0) return claimed;
      const answers = await Promise.allSettled(
        items.map((item) => this.#claimOne(item, { ttlMs, workerId, epoch })),
      );
      for (const answer of answers)
        if (answer.status === 'fulfilled' && answer.value !== undefined) claimed.push(answer.value);
      const failed = answers.find(({ status }) => status === 'rejected');
      // What is in hand goes to its worker: the next claim hears of the fault.
      if (failed?.status === 'rejected' && claimed.length === 0) throw failed.reason;
      if (failed !== undefined) return claimed;
    }
    return claimed;
  }

  /** One item, once there is one; undefined when `signal` aborts first. Throws as `claim`. */
  async claimWhenReady(
    kinds: Kinds,
    { signal, ...asked }: ClaimAsked & { readonly signal: AbortSignal },
  ): Promise<ClaimedWork | undefined> {
    while (!signal.aborted) {
      const waiting = this.#shelves.wait(kinds);
      const abort = (): void => waiting.end(true);
      signal.addEventListener('abort', abort);
      let looksAgain = false;
      try {
        const [item] = await this.claim(kinds, 1, asked);
        if (item !== undefined) return item;
        await waiting.woken;
        looksAgain = !signal.aborted;
      } finally {
        signal.removeEventListener('abort', abort);
        waiting.end(!looksAgain);
      }
    }
    return undefined;
  }

  /** Tells until when the claim holds now. Throws STALE_CLAIM, ACTOR_NOT_FOUND. */
  async heartbeat(token: string, options: { readonly ttlMs?: number } = {}): Promise<number> {
    const { ttlMs } = checkedTtl(options);
    const event = { type: 'work.heartbeat', token, ...(ttlMs === undefined ? {} : { ttlMs }) } as const;
    const seen = await this.#desk.askWith(token, event);
    return seen?.context.claim?.expiresAt ?? 0;
  }

  async done(token: string, result?: unknown): Promise<void> {
    const hasResult = result !== undefined;
    const event: WorkItemEvent = { type: 'work.done', token, hasResult };
    const payloads = hasResult ? { [workRows.result]: asJson('result', result) } : {};
    await this.#desk.askWith(token, event, { as: 'done', payloads });
  }

  async fail(token: string, error: unknown, options: FailOptions = {}): Promise<void> {
    const { retry = true, retryInMs } = checkedFail(options);
    const again = retryInMs === undefined ? {} : { retryInMs };
    const event: WorkItemEvent = { type: 'work.fail', token, error: workErrorOf(error), retry, ...again };
    await this.#desk.askWith(token, event, { as: 'failed' });
  }

  async requeue(token: string): Promise<void> {
    await this.#desk.askWith(token, { type: 'work.requeue', token }, { as: 'requeued' });
  }

  /** Nobody claims any more: who waits hears `error`. */
  end(error: unknown): void {
    this.#ended ??= error;
    this.#shelves.wakeAll();
  }

  async #take(kinds: Kinds, max: number): Promise<readonly ReadyItem[]> {
    const items: ReadyItem[] = [];
    try {
      while (items.length < max) {
        if (this.#ended !== undefined) throw this.#ended;
        const item = await this.#shelves.take(kinds);
        if (item === undefined) return items;
        items.push(item);
      }
      return items;
    } catch (error) {
      for (const item of items) this.#shelves.add(item);
      throw error;
    }
  }

  async #claimOne(
    item: ReadyItem,
    {
      epoch,
      ...who
    }: { readonly workerId: string; readonly ttlMs: number; readonly epoch: number | undefined },
  ): Promise<ClaimedWork | undefined> {
    const { address } = item;
    const { id } = splitAddress(address);
    const token = this.#desk.newToken(id);
    const event = { type: 'work.claim', token, ...who, ...(epoch === undefined ? {} : { epoch }) } as const;
    const look: ItemLook = ({ status }) => {
      if (status !== 'ready') throw NOT_READY;
    };
    let seen: SeenItem;
    try {
      seen = await this.#desk.ask(address, event, { look });
    } catch (error) {
      return this.#unclaimed(item, error);
    }
    const payload = await this.#payload(address, token);
    if (payload === undefined) return undefined;
    const { input, attempts, attemptsMax, priority, createdAt, claim } = seen.context;
    const { claimedAt = 0, expiresAt = 0, workerId = who.workerId } = claim ?? {};
    const times = { createdAt, claimedAt, expiresAt };
    return { id, kind: input.kind, payload, token, workerId, attempts, attemptsMax, priority, ...times };
  }

  /** Why an item was not claimed: its own affair, or everybody's, which is thrown. */
  async #unclaimed(item: ReadyItem, error: unknown): Promise<undefined> {
    if (error === NOT_READY || isHoldfastError(error, 'ACTOR_QUARANTINED')) return undefined;
    if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) {
      const { kernel, log } = this.#desk.options;
      const { kind, address, place } = item;
      const parts = [kind, 'ready', place.priority, place.ord];
      if (await kernel.indexRows.unlist(workIndexes.queue, parts, address))
        log.error({ address, kind }, 'work.orphan');
      return undefined;
    }
    this.#shelves.add(item);
    throw error;
  }

  /** What cannot be read cannot be worked on, now or later: a dead letter. */
  async #payload(address: string, token: string): Promise<Json | undefined> {
    try {
      return (await this.#desk.options.kernel.reader.payload(address, workRows.payload)) ?? null;
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
      this.#desk.options.log.error({ err: error, address }, 'work.payload_damaged');
      await this.fail(token, error, { retry: false });
      return undefined;
    }
  }
}

/** Why a runtime that was closed claims nothing. */
export function closedError(): HoldfastError {
  return new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed');
}
