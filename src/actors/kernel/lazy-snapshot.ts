/**
 * A record whose snapshot is made into JSON when somebody asks for it: an amortized actor's, which few do.
 *
 * Callers: turn.ts. Invariant: it keeps hold of its own snapshot and of nothing else of its turn, which has
 * the record before it: each would keep that one, and an actor all of its life.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Json } from '../../json.js';
import type { Definition } from './definition.js';
import { persistedPaged } from './paging.js';
import type { ActorRecord } from './record.js';

/** `stored`: what it is where its machine cannot read it. */
export function jsonLater(
  definition: Pick<Definition, 'steppable' | 'paged'>,
  snapshot: AnyMachineSnapshot,
  stored: Json | undefined,
): () => Json {
  return () => stored ?? persistedPaged(definition, snapshot);
}

export function lazily(head: Omit<ActorRecord, 'snapshot'>, snapshot: () => Json): ActorRecord {
  let made: Json | undefined;
  const get = (): Json => (made ??= snapshot());
  return Object.defineProperty(head, 'snapshot', { get, enumerable: true }) as ActorRecord;
}
