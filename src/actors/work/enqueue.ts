/**
 * Enqueueing: what is asked for, checked by its kind, becomes an item, or is the item that has its key.
 *
 * Owns: nothing. Callers: work.ts, schedules.ts. Invariants:
 *  N1  Everything is checked before anything is written.
 *  N2  A key that an item of its kind holds gives that item, once it is on disk; nothing is written.
 *  N3  Many are enqueued in one commit: all of them, or none.
 */
import { errorAdvice, HoldfastError, isHoldfastError } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import type { Json, JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { workDefaults, workRows, type WorkItemInput } from '../../machines/index.js';
import { invalid } from '../checked.js';
import type { Created } from '../kernel/index.js';
import { validated } from '../schema.js';
import { checkedWork, jsonRow, type CheckedWork, type JsonRow } from './asked.js';
import type { WorkDesk } from './desk.js';
import type { EnqueuedWork, NewWork, WorkKind } from './face.js';
import { workIndexes, WORK_KIND } from './work-index.js';

/** An item that may be written. */
interface Draft {
  readonly id: string;
  readonly input: JsonObject;
  readonly dedupeKey: string | undefined;
  readonly kind: string;
  readonly payload: Json;
  readonly bytes: number;
}

export class Enqueueing {
  readonly #desk: WorkDesk;

  constructor(desk: WorkDesk) {
    this.#desk = desk;
  }

  /** Resolves when the item is on disk. Throws INVALID_INPUT, COMMITS_BEHIND, RUNTIME_CLOSED. */
  async enqueue(asked: NewWork): Promise<EnqueuedWork> {
    return this.#create(await this.#draft(asked, this.#desk.options.newId(WORK_KIND)));
  }

  /**
   * The same under an id of the caller's: an item that has it already is the one that was meant. Its
   * payload is what `payloadOf` has made of it.
   */
  async enqueueAs(id: string, asked: NewWork): Promise<EnqueuedWork> {
    const work = checkedWork(asked);
    return this.#create(this.#draftOf(id, work, jsonRow('payload', work.payload ?? null)));
  }

  /** The same for many, in one commit; what each became, in their order. */
  async enqueueMany(asked: readonly NewWork[]): Promise<readonly EnqueuedWork[]> {
    if (!Array.isArray(asked)) throw invalid('items', 'is no list');
    if (asked.length > limits.workManyMax)
      throw invalid('items', `are ${asked.length}; one call enqueues ${limits.workManyMax} at most`);
    const { kernel, newId } = this.#desk.options;
    const drafts: Draft[] = [];
    let bytes = 0;
    for (const [index, one] of asked.entries()) {
      const draft = await within(index, () => this.#draft(one as NewWork, newId(WORK_KIND)));
      bytes += draft.bytes;
      if (bytes > limits.workManyBytesMax)
        throw invalid('items', `their payloads are over ${limits.workManyBytesMax} bytes together`);
      drafts.push(draft);
    }
    // A key that cannot be read is found out before anything is written (N3).
    const keyed = drafts.flatMap(({ kind, dedupeKey }) =>
      dedupeKey === undefined ? [] : [[kind, dedupeKey]],
    );
    for (const parts of keyed) await kernel.reader.byUnique(workIndexes.key, parts);
    const creations = drafts.map(({ id, input, payload }) => ({
      id,
      input,
      payloads: { [workRows.payload]: payload },
    }));
    const created = await kernel.createTogether(WORK_KIND, creations);
    return Promise.all(created.map((one, index) => this.#became(one, drafts[index]?.id ?? '')));
  }

  /** What a kind's payload is kept as. Throws INVALID_INPUT. */
  async payloadOf(kind: string, payload: unknown): Promise<Json> {
    return (await this.#payload(kind, payload)).json;
  }

  async #payload(kind: string, payload: unknown): Promise<JsonRow> {
    const what = { what: `the payload of ${JSON.stringify(kind)}`, code: 'INVALID_INPUT' } as const;
    const taken = validated(this.#kind(kind)?.schema, payload ?? null, what);
    return jsonRow('payload', taken instanceof Promise ? await taken : taken);
  }

  async #create(draft: Draft): Promise<EnqueuedWork> {
    try {
      const payloads = { [workRows.payload]: draft.payload };
      await this.#desk.options.kernel.create(WORK_KIND, draft.id, draft.input, { payloads });
      return { id: draft.id, deduplicated: false };
    } catch (error) {
      return this.#holder(error);
    }
  }

  async #became(created: Created, id: string): Promise<EnqueuedWork> {
    return created.type === 'made' ? { id, deduplicated: false } : this.#holder(created.error);
  }

  /** Who has the key (N2); anything else that kept an item from being made is thrown. */
  async #holder(error: unknown): Promise<EnqueuedWork> {
    const holder = isHoldfastError(error, 'NOT_UNIQUE') ? error.details['holder'] : undefined;
    if (typeof holder !== 'string') throw error;
    await this.#desk.options.kernel.reader.recordOnDisk(holder);
    return { id: splitAddress(holder).id, deduplicated: true };
  }

  async #draft(asked: NewWork, id: string): Promise<Draft> {
    const work = checkedWork(asked);
    return this.#draftOf(id, work, await this.#payload(work.kind, work.payload));
  }

  #draftOf(id: string, work: CheckedWork, { json, bytes }: JsonRow): Draft {
    const { kind } = work;
    const known = this.#kind(kind);
    const dedupeKey = work.dedupeKey ?? derivedKey(known, json);
    return { id, input: inputOf(id, work, known, dedupeKey), dedupeKey, kind, payload: json, bytes };
  }

  #kind(kind: string): WorkKind | undefined {
    const { kinds = {} } = this.#desk.options.options;
    return Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  }
}

function inputOf(
  workId: string,
  work: CheckedWork,
  known: WorkKind | undefined,
  dedupeKey: string | undefined,
): JsonObject {
  const { kind, runAt, notify } = work;
  const input: WorkItemInput = {
    workId,
    kind,
    priority: work.priority ?? known?.priority ?? workDefaults.priority,
    attemptsMax: work.attemptsMax ?? known?.attemptsMax ?? workDefaults.attemptsMax,
    ...(runAt === undefined ? {} : { runAt }),
    ...(dedupeKey === undefined ? {} : { dedupeKey }),
    ...(notify === undefined ? {} : { notify }),
    ...(known?.retentionMs === undefined ? {} : { retentionMs: known.retentionMs }),
  };
  return { ...input } as JsonObject;
}

function derivedKey(known: WorkKind | undefined, payload: Json): string | undefined {
  if (known?.dedupeKey === undefined) return undefined;
  let derived: unknown;
  try {
    // Its payload is what the kind's schema has made of it.
    derived = known.dedupeKey(payload as never);
  } catch (error) {
    throw invalid('dedupeKey', `its kind could not derive it: ${String(error)}`);
  }
  if (derived === undefined) return undefined;
  return checkedWork({ kind: 'any', dedupeKey: derived }).dedupeKey;
}

/** Names the item among many that is wrong. */
async function within<T>(index: number, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!isHoldfastError(error, 'INVALID_INPUT')) throw error;
    const field = `items.${index}.${String(error.details['field'] ?? '')}`;
    // Its advice comes once.
    const what = error.message.slice(0, -errorAdvice.INVALID_INPUT.length - 2);
    const details = { ...error.details, field };
    throw new HoldfastError('INVALID_INPUT', `item ${index}: ${what}`, { cause: error, details });
  }
}
