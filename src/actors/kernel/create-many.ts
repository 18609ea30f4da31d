/**
 * Creations: what is checked of one at the door, and many of them under one promise.
 *
 * Callers: the kernel. Invariants:
 *  1  Of a call of which one creation cannot be stored, none is made.
 *  2  The promise settles once every creation has: after the commits of them all (K1).
 *  3  Those that are created together are on disk together, or not at all; each of them may still be refused.
 */
import { addressOf } from '../../ids.js';
import type { Json } from '../../json.js';
import { deliveryOf, type Content, type Delivery, type Outcome } from './cell.js';
import type { CommitLoop } from './commit-loop.js';
import { ownInput, ownPayloads } from './door.js';

export interface Creation {
  readonly id: string;
  readonly input?: Json;
  /** Rows beside the record, at most 256 KiB each. */
  readonly payloads?: Readonly<Record<string, Json>>;
}

/** What became of one creation among others. */
export type Created =
  | { readonly type: 'made'; readonly outcome: Outcome }
  /** NOT_UNIQUE, its `details.holder` being who has the key, or a fault of its own. */
  | { readonly type: 'refused'; readonly error: unknown };

/** The content of a creation. Throws INVALID_INPUT and INVALID_ID. */
export function creationOf(
  input: Json | undefined,
  payloads: Readonly<Record<string, Json>> | undefined,
): Content {
  const own = payloads === undefined ? {} : { payloads: ownPayloads(payloads) };
  return { type: 'create', input: ownInput(input), ...own };
}

interface Doors {
  /** Throws where so many cannot be taken at once: all are, or none. */
  admitMany(count: number): void;
  enqueue(address: string, delivery: Delivery): void;
}

/**
 * Hands all creations over for one commit; resolves with what became of each, in order, once they are on
 * disk. For kinds whose first step has nothing to wait for but a unique key. Rejects when one of them cannot
 * be stored at all: nothing is then made.
 */
export async function createTogether(
  kind: string,
  creations: readonly Creation[],
  doors: Doors,
  loop: Pick<CommitLoop, 'together' | 'moment'>,
): Promise<readonly Created[]> {
  const ready = checkedAll(kind, creations);
  if (ready.length === 0) return [];
  doors.admitMany(ready.length);
  const settling = await loop.together(async () => {
    const settled: Promise<Created>[] = [];
    for (let at = 0; at < ready.length; at += STEPS_A_TURN) {
      const handed = ready
        .slice(at, at + STEPS_A_TURN)
        .map(({ address, content }) => handOver(address, content, doors));
      await Promise.all(handed.map(({ staged }) => staged));
      settled.push(...handed.map((one) => one.settled));
      await loop.moment();
    }
    return settled;
  });
  return Promise.all(settling);
}

/** What is created together leaves others their turns of the event loop: so many steps take about 30 ms. */
const STEPS_A_TURN = 100;
/** They were admitted as a whole: what is turned away from now on, by a close for one, would tear them. */
const ADMITTED = 'batch';

function handOver(
  address: string,
  content: Content,
  doors: Doors,
): { readonly staged: Promise<void>; readonly settled: Promise<Created> } {
  let taken: () => void = nothing;
  const staged = new Promise<void>((resolve) => {
    taken = resolve;
  });
  const settled = new Promise<Created>((resolve) => {
    const settle = {
      resolve: (outcome: Outcome): void => resolve({ type: 'made', outcome }),
      reject: (error: unknown): void => {
        resolve({ type: 'refused', error });
        taken();
      },
      taken,
    };
    doors.enqueue(address, deliveryOf({ content, source: ADMITTED, dedupe: false }, settle));
  });
  return { staged, settled };
}

/**
 * Hands all creations over at once; resolves with their outcomes in order, or rejects with the first
 * error.
 */
export async function createAll(
  kind: string,
  creations: readonly Creation[],
  doors: Doors,
): Promise<readonly Outcome[]> {
  const ready = checkedAll(kind, creations);
  if (ready.length === 0) return [];
  doors.admitMany(ready.length);
  return new Promise((resolve, reject) => {
    const outcomes: Outcome[] = [];
    const errors: unknown[] = [];
    let left = ready.length;
    const settled = (): void => {
      left -= 1;
      if (left > 0) return;
      if (errors.length === 0) resolve(outcomes);
      else reject(errors[0] instanceof Error ? errors[0] : new Error(String(errors[0])));
    };
    for (const [index, { address, content }] of ready.entries()) {
      const parcel = { content, source: 'user', dedupe: false };
      const settle = {
        resolve: (outcome: Outcome): void => {
          outcomes[index] = outcome;
          settled();
        },
        reject: (error: unknown): void => {
          errors.push(error);
          settled();
        },
        taken: nothing,
      };
      doors.enqueue(address, deliveryOf(parcel, settle));
    }
  });
}

function checkedAll(
  kind: string,
  creations: readonly Creation[],
): readonly { readonly address: string; readonly content: Content }[] {
  return creations.map(({ id, input, payloads }) => ({
    address: addressOf(kind, id),
    content: creationOf(input, payloads),
  }));
}

function nothing(): void {
  // The commit alone is waited for.
}
