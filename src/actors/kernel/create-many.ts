/**
 * Creations: what is checked of one at the door, and many of them under one promise.
 *
 * Callers: the kernel. Invariants:
 *  1  Of a call of which one creation cannot be stored, none is made.
 *  2  The promise settles once every creation has: after the commits of them all (K1).
 */
import { addressOf } from '../../ids.js';
import type { Json } from '../../json.js';
import { deliveryOf, type Content, type Delivery, type Outcome } from './cell.js';
import { ownInput, ownPayloads } from './door.js';

export interface Creation {
  readonly id: string;
  readonly input?: Json;
}

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
  readonly admit: (count: number) => void;
  readonly enqueue: (address: string, delivery: Delivery) => void;
}

/**
 * Hands all creations over at once; resolves with their outcomes in order, or rejects with the first
 * error.
 */
export async function createAll(
  kind: string,
  creations: readonly Creation[],
  { admit, enqueue }: Doors,
): Promise<readonly Outcome[]> {
  const ready = creations.map(({ id, input }) => ({
    address: addressOf(kind, id),
    content: creationOf(input, undefined),
  }));
  if (ready.length === 0) return [];
  admit(ready.length);
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
      enqueue(address, deliveryOf(parcel, settle));
    }
  });
}

function nothing(): void {
  // The commit alone is waited for.
}
