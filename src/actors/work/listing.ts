/**
 * Looking at work items: one, pages of them, and how many there are.
 *
 * Owns: nothing. Callers: work.ts, bulk.ts. Invariants:
 *  L1  A page of one status is in claim order, over all kinds as over one; without a status, newest first.
 *  L2  What cannot be read is the log's, and keeps nobody from the others.
 *  L3  Counting one kind's status stops at a bound, and says so.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { z } from 'zod';
import { HoldfastError } from '../../errors.js';
import { addressOf, splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import { workRows, workStatus } from '../../machines/index.js';
import type { WorkItemContext, WorkStatus } from '../../machines/index.js';
import { checked, invalid } from '../checked.js';
import type { Page } from '../kernel/index.js';
import { unlessBad } from '../one-of-many.js';
import { kindName } from './asked.js';
import type { WorkDesk } from './desk.js';
import type { ListWork, WorkCounts, WorkItemView } from './face.js';
import { comparePlaces, queueRow, workIndexes, WORK_KIND, WORK_STATUSES } from './work-index.js';

const NONE: Readonly<Record<WorkStatus, number>> = {
  scheduled: 0,
  ready: 0,
  running: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
};
const COUNTED_MAX = limits.scanPageRows * limits.countedPagesMax;
const LIMIT_DEFAULT = 100;

const listing = z.strictObject({
  status: z.enum(WORK_STATUSES).optional(),
  kind: kindName.optional(),
  cursor: z.string().max(10_000).optional(),
  limit: z.number().int().min(1).max(limits.scanPageRows).default(LIMIT_DEFAULT),
});

export class WorkListing {
  readonly #desk: WorkDesk;
  readonly #handles: (kind: string) => boolean;

  constructor(desk: WorkDesk, handles: (kind: string) => boolean) {
    this.#desk = desk;
    this.#handles = handles;
  }

  /** With payload and result. Throws ACTOR_NOT_FOUND, INVALID_ID, STORE_CORRUPTED. */
  async get(id: string): Promise<WorkItemView> {
    const { kernel } = this.#desk.options;
    const address = addressOf(WORK_KIND, id);
    const found = await kernel.snapshot(address);
    if (found?.snapshot.status !== 'active')
      throw new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`);
    const payload = (await kernel.reader.payload(address, workRows.payload)) ?? null;
    const { hasResult = false } = found.snapshot.context as WorkItemContext;
    const result = hasResult ? await kernel.reader.payload(address, workRows.result) : undefined;
    return { ...viewOf(address, found.snapshot), payload, ...(result === undefined ? {} : { result }) };
  }

  /** Throws INVALID_INPUT. */
  async list(options: ListWork = {}): Promise<Page<WorkItemView>> {
    const page = await this.addresses(options);
    const { kernel, log } = this.#desk.options;
    const views = page.items.map((address) =>
      unlessBad(log, address, async () => {
        const found = await kernel.snapshot(address);
        return found && viewOf(address, found.snapshot);
      }),
    );
    const items = (await Promise.all(views)).flatMap((view) => view ?? []);
    return { ...page, items };
  }

  /** The same as addresses. */
  async addresses(options: ListWork): Promise<Page<string>> {
    const { status, kind, cursor, limit } = checked(listing, options);
    if (status !== undefined) return this.#inClaimOrder(status, kind, cursor, limit);
    const [index, parts] = kind === undefined ? [workIndexes.all, []] : [workIndexes.kind, [kind]];
    const { reader } = this.#desk.options.kernel;
    return reader.byIndex(index, parts, { cursor, limit, newestFirst: true });
  }

  /** Every kind that has an item, by name. */
  async *kinds(): AsyncGenerator<string> {
    const { indexRows } = this.#desk.options.kernel;
    const { queue } = workIndexes;
    for (let kind = await indexRows.nextPart(queue, []); kind !== undefined;) {
      yield kind;
      kind = await indexRows.nextPart(queue, [], kind);
    }
  }

  async counts(): Promise<WorkCounts> {
    const all: Record<WorkStatus, number> = { ...NONE };
    for (const { state, count } of this.#desk.options.kernel.counts(WORK_KIND)) {
      const status = WORK_STATUSES.find((one) => JSON.stringify(one) === state);
      if (status !== undefined) all[status] += count;
    }
    const kinds: WorkCounts['kinds'][number][] = [];
    const unhandled: string[] = [];
    for await (const kind of this.kinds()) {
      const counted = await this.#countOf(kind);
      kinds.push(counted);
      if (counted.ready > 0 && !this.#handles(kind)) unhandled.push(kind);
    }
    return { all, kinds, unhandled };
  }

  async #countOf(kind: string): Promise<WorkCounts['kinds'][number]> {
    const counted: Record<WorkStatus, number> = { ...NONE };
    let more = false;
    for (const status of WORK_STATUSES) {
      const count = await this.#countRows([kind, status]);
      counted[status] = Math.min(count, COUNTED_MAX);
      more ||= count > COUNTED_MAX;
    }
    return { kind, more, ...counted };
  }

  /** Up to one more than the bound. */
  async #countRows(parts: readonly string[]): Promise<number> {
    const { indexRows } = this.#desk.options.kernel;
    let place: readonly string[] = [];
    for (let count = 0; ;) {
      const limit = Math.min(limits.scanPageRows, COUNTED_MAX + 1 - count);
      const rows = await indexRows.after(workIndexes.queue, parts, place, limit);
      count += rows.length;
      place = rows.at(-1)?.slice(parts.length, parts.length + 2) ?? [];
      if (rows.length < limit || count > COUNTED_MAX) return count;
    }
  }

  /** The kinds' queues, merged: a cursor is a place in the order that they share. */
  async #inClaimOrder(
    status: WorkStatus,
    kind: string | undefined,
    cursor: string | undefined,
    limit: number,
  ): Promise<Page<string>> {
    const place = cursor === undefined ? [] : placeIn(cursor);
    let first: ReturnType<typeof queueRow>[] = [];
    for await (const one of kind === undefined ? this.kinds() : [kind]) {
      const { indexRows } = this.#desk.options.kernel;
      // A kind may have rows at the cursor's priority alone: what is equal to it has been shown.
      const rows = await indexRows.after(workIndexes.queue, [one, status], place, limit);
      first = [...first, ...rows.map((parts) => queueRow(parts))]
        .sort((a, b) => comparePlaces(a.place, b.place))
        .slice(0, limit);
    }
    const items = first.map(({ address }) => address);
    const last = first.at(-1)?.place;
    return first.length < limit || last === undefined ? { items } : { items, cursor: cursorOf(last) };
  }
}

function viewOf(address: string, snapshot: AnyMachineSnapshot): WorkItemView {
  const context = snapshot.context as WorkItemContext;
  const { input, priority, createdAt, runAt, attempts, attemptsMax, lastError, claim, endedAt } = context;
  return {
    id: splitAddress(address).id,
    kind: input.kind,
    status: workStatus(snapshot),
    ...{ priority, createdAt, runAt, attempts, attemptsMax },
    ...(input.dedupeKey === undefined ? {} : { dedupeKey: input.dedupeKey }),
    ...(lastError === undefined ? {} : { lastError }),
    ...(claim === undefined ? {} : { claim: shown(claim) }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

/** Without what proves it. */
function shown(claim: NonNullable<WorkItemContext['claim']>): NonNullable<WorkItemView['claim']> {
  const { workerId, claimedAt, expiresAt, ttlMs } = claim;
  return { workerId, claimedAt, expiresAt, ttlMs };
}

function cursorOf(place: { readonly priority: string; readonly ord: string }): string {
  return Buffer.from(`${place.priority}.${place.ord}`).toString('base64url');
}

/** Cursors come from outside. */
function placeIn(cursor: string): readonly string[] {
  const place = Buffer.from(cursor, 'base64url').toString();
  const [, priority, ord] = /^(\d{3})\.([0-9a-f]{16})$/.exec(place) ?? [];
  if (priority === undefined || ord === undefined) throw invalid('cursor', 'this listing never returned it');
  return [priority, ord];
}
