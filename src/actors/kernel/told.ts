/**
 * Events for effects that have not started yet.
 *
 * Owns: those events, in memory: they are given at most once, and a crash loses them (K6). Callers: the
 * outbox. Invariant: no effect has more than `limits.tellBacklogMax` of them; one that is gone has none.
 */
import type { JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';

export class Told {
  readonly #events = new Map<string, JsonEvent[]>();

  /** False when the effect has as many as it may have. */
  keep(effectKey: string, event: JsonEvent): boolean {
    const events = this.#events.get(effectKey);
    if (events === undefined) this.#events.set(effectKey, [event]);
    else if (events.length < limits.tellBacklogMax) events.push(event);
    else return false;
    return true;
  }

  /** The events of an effect that starts now, oldest first: they are its own from here on. */
  take(effectKey: string): readonly JsonEvent[] {
    const events = this.#events.get(effectKey) ?? NONE;
    this.#events.delete(effectKey);
    return events;
  }

  forget(effectKey: string): void {
    this.#events.delete(effectKey);
  }

  /** Drops the events of effects that will not start. */
  retain(mayStart: (effectKey: string) => boolean): void {
    for (const effectKey of this.#events.keys()) {
      if (!mayStart(effectKey)) this.#events.delete(effectKey);
    }
  }
}

const NONE: readonly never[] = [];
