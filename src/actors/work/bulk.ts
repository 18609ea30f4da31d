/**
 * What operators do to items, one or many: cancel, retry, take away claims that have expired.
 *
 * Owns: nothing. Callers: work.ts. Invariants:
 *  B1  What an item's state does not allow is refused in its own step: nothing is written.
 *  B2  Many are looked up first, as many as one call may change, then changed side by side; each says how it
 *      went.
 *  B3  Claims of an earlier process of this store are free before anybody claims in this one.
 */
import { z } from 'zod';
import { HoldfastError, isEndOfWriting, isHoldfastError } from '../../errors.js';
import { addressOf, splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import { isLiveWork, type WorkStatus } from '../../machines/index.js';
import { checked } from '../checked.js';
import { unlessBad } from '../one-of-many.js';
import { sourceOf, type OperatorOptions } from '../operator.js';
import { kindName } from './asked.js';
import type { ItemLook, WorkDesk } from './desk.js';
import type { BulkResult, WorkSelection } from './face.js';
import type { WorkListing } from './listing.js';
import { WORK_KIND } from './work-index.js';

type Act = 'work.cancel' | 'work.retry';

const byIds = z.strictObject({ ids: z.array(z.string()).max(limits.workBulkMax) });
const byFilter = z.strictObject({
  status: z.enum(['failed', 'scheduled', 'ready', 'running']).optional(),
  kind: kindName.optional(),
});
const reclaiming = z.object({ now: z.number().int() });

/** What a selection without a status means. */
const MEANT: Readonly<Record<Act, readonly WorkStatus[]>> = {
  'work.cancel': ['scheduled', 'ready', 'running'],
  'work.retry': ['failed'],
};

/** Thrown in the step's own turn where there is nothing to do. */
const NOTHING_TO_DO = new Error('nothing to do');

export class WorkBulk {
  readonly #desk: WorkDesk;
  readonly #listing: WorkListing;

  constructor(desk: WorkDesk, listing: WorkListing) {
    this.#desk = desk;
    this.#listing = listing;
  }

  /** Throws WORK_NOT_CANCELLABLE, WORK_NOT_RETRYABLE, NOT_UNIQUE, ACTOR_NOT_FOUND, INVALID_ID. */
  async act(type: Act, id: string, by?: OperatorOptions): Promise<void> {
    const sent = sourceOf(by);
    const address = addressOf(WORK_KIND, id);
    const look: ItemLook = ({ status }) => {
      if (type === 'work.cancel' && !isLiveWork(status) && status !== 'failed')
        throw new HoldfastError('WORK_NOT_CANCELLABLE', `${address} is ${status}`, { details: { status } });
      if (type === 'work.retry' && status !== 'failed' && status !== 'scheduled')
        throw new HoldfastError('WORK_NOT_RETRYABLE', `${address} is ${status}`, { details: { status } });
    };
    await this.#desk.ask(address, { type }, { look, ...sent });
  }

  async many(type: Act, selected: WorkSelection): Promise<BulkResult> {
    const ids = await this.#selected(selected, MEANT[type]);
    const changed: string[] = [];
    const refused: { readonly id: string; readonly code: string }[] = [];
    const one = async (id: string): Promise<void> => {
      try {
        await this.act(type, id);
        changed.push(id);
      } catch (error) {
        if (isEndOfWriting(error) || !isHoldfastError(error)) throw error;
        refused.push({ id, code: error.code });
      }
    };
    for (let from = 0; from < ids.length; from += limits.scanPageRows)
      await Promise.all(ids.slice(from, from + limits.scanPageRows).map(one));
    return { ids: changed, refused };
  }

  /** Takes away the claims that have expired by `now`; the items they were on. Throws INVALID_INPUT. */
  async reclaimStale(now: number = this.#desk.options.clock.now()): Promise<readonly string[]> {
    const { now: until } = checked(reclaiming, { now });
    return this.#eachRunning(async (address) => {
      const event = { type: 'work.reclaim', now: until } as const;
      await this.#desk.ask(address, event, { look: expiredBefore(until), source: 'runtime' });
    });
  }

  /** Frees what processes before this one held. Call once the kernel has started. */
  async recover(): Promise<void> {
    const { generation: epoch } = this.#desk.options;
    await this.#eachRunning(async (address) => {
      const look: ItemLook = ({ context: { claim } }) => {
        if (claim?.epoch === undefined || claim.epoch >= epoch) throw NOTHING_TO_DO;
      };
      await this.#desk.ask(address, { type: 'generation.began', epoch }, { look, source: 'runtime' });
    });
  }

  /** The ids of those that were changed. */
  async #eachRunning(change: (address: string) => Promise<void>): Promise<readonly string[]> {
    const { log } = this.#desk.options;
    const one = async (address: string): Promise<readonly string[]> => {
      try {
        await change(address);
        return [splitAddress(address).id];
      } catch (error) {
        if (error === NOTHING_TO_DO) return [];
        throw error;
      }
    };
    const changed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#listing.addresses({ status: 'running', cursor, limit: limits.scanPageRows });
      const ids = page.items.map((address) => unlessBad(log, address, () => one(address)));
      changed.push(...(await Promise.all(ids)).flatMap((id) => id ?? []));
      ({ cursor } = page);
    } while (cursor !== undefined);
    return changed;
  }

  /** Throws INVALID_INPUT. */
  async #selected(asked: WorkSelection, meant: readonly WorkStatus[]): Promise<readonly string[]> {
    if (Object.hasOwn(Object(asked) as object, 'ids')) return checked(byIds, asked).ids;
    const { status, kind } = checked(byFilter, asked);
    return this.#found(status, kind, meant);
  }

  async #found(
    status: WorkStatus | undefined,
    kind: string | undefined,
    meant: readonly WorkStatus[],
  ): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const one of status === undefined ? meant : [status]) {
      let cursor: string | undefined;
      do {
        const limit = Math.min(limits.scanPageRows, limits.workBulkMax - ids.length);
        if (limit === 0) return ids;
        const page = await this.#listing.addresses({ status: one, kind, cursor, limit });
        ids.push(...page.items.map((address) => splitAddress(address).id));
        ({ cursor } = page);
      } while (cursor !== undefined);
    }
    return ids;
  }
}

function expiredBefore(now: number): ItemLook {
  return ({ context: { claim } }) => {
    if (claim === undefined || claim.expiresAt >= now) throw NOTHING_TO_DO;
  };
}
