/**
 * What a capsule still holds of its steps beside the journal: inputs of effects under way, and payloads. A
 * replay that leads to others is another one.
 *
 * Pure. Callers: retrace.ts. Invariant: what the capsule does not hold, or not any more, is no difference.
 */
import { canonicalJson, type Json } from '../../json.js';
import { partsOf } from '../../store/keys.js';
import type { Stage } from '../kernel/commit-loop.js';
import { isPayload } from '../kernel/expiring.js';
import type { EffectRow, JournalEntry } from '../kernel/record.js';
import type { Capsule } from './capsule.js';

/** The same thing twice, where it is not the same. */
export interface Difference {
  readonly what: 'input' | 'payload';
  readonly entry: JournalEntry;
  readonly expected: Json;
  readonly actual: Json;
}

/** What a step wrote. */
export type Wrote = Pick<Stage, 'rows' | 'expiring'>;

export class LeftOver {
  readonly #capsule: Pick<Capsule, 'outbox' | 'payloads' | 'gaps'>;
  /** Payloads as the steps so far wrote them. */
  readonly #written = new Map<string, { readonly entry: JournalEntry; readonly value: Json | undefined }>();

  readonly #expiring = new Set<string>();

  constructor(capsule: Pick<Capsule, 'outbox' | 'payloads' | 'gaps'>) {
    this.#capsule = capsule;
  }

  /** The rows of the next step; gives the first effect under way that has another input. */
  take(entry: JournalEntry, { rows, expiring = [] }: Wrote): Difference | undefined {
    for (const { key } of expiring) if (isPayload(key)) this.#expiring.add(nameIn(key));
    for (const { key, value } of rows) {
      const parsed = value === undefined ? undefined : (JSON.parse(value) as Json);
      if (isPayload(key)) this.#written.set(nameIn(key), { entry, value: parsed });
      if (!key.startsWith('o\0') || parsed === undefined) continue;
      const made = Object(parsed) as Partial<EffectRow>;
      const kept = this.#capsule.outbox.find(({ id }) => id === made.id);
      const found = kept && differing(kept.input, made.input);
      if (found !== undefined) return { what: 'input', entry, ...found };
    }
    return undefined;
  }

  /** After the newest step: the first payload that is another one. */
  end(): Difference | undefined {
    const { payloads, gaps } = this.#capsule;
    for (const [name, { entry, value }] of this.#written) {
      if (gaps.some(({ what, which }) => what === 'payload' && which === name)) continue;
      const isHeld = Object.hasOwn(payloads, name);
      // It may have been removed in its time.
      if (!isHeld && this.#expiring.has(name)) continue;
      const found = differing(isHeld ? payloads[name] : undefined, value);
      if (found !== undefined) return { what: 'payload', entry, ...found };
    }
    return undefined;
  }
}

function nameIn(payloadKey: string): string {
  return partsOf(payloadKey)[1] ?? '';
}

function differing(
  kept: Json | undefined,
  made: Json | undefined,
): Pick<Difference, 'expected' | 'actual'> | undefined {
  const [expected, actual] = [kept ?? null, made ?? null];
  return canonicalJson(expected) === canonicalJson(actual) ? undefined : { expected, actual };
}
