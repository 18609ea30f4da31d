/**
 * What brought a step about, read from its journal entry; and the last things that happened, by name.
 *
 * Owns: a bounded memory. Callers: facts.ts, tracing.ts. Invariants:
 *  1  A cause depends on the journal alone: after a restart, and for a capsule, it is the same.
 *  2  Of what is remembered the least recently used goes first, at `limits.tracedCausesMax`.
 */
import type { JournalEntry } from '../kernel/index.js';

/** The runtime's own hand, that lets an actor go on with what its last step asked for. */
const OWN_HANDS: ReadonlySet<string> = new Set(['lane']);

/**
 * `<address>/<seq>` of the step, or `<address>/<seq>:<index>` of the effect, that a step came from; undefined
 * for what came from outside.
 */
export function causeOf(
  address: string,
  { source, eventId, seq }: Pick<JournalEntry, 'source' | 'eventId' | 'seq'>,
): string | undefined {
  if (OWN_HANDS.has(source)) return `${address}/${seq - 1}`;
  if (source === 'timer') return found(/^timer\/(\d+):/, eventId, (armed) => `${address}/${armed}`);
  if (source === 'effect') {
    // A result; one that waited in an inbox while its actor stood still; an event of a stream.
    return (
      found(/^effect\/(\d+:\d+)$/, eventId, (id) => `${address}/${id}`) ??
      found(/^(\d+:\d+)(?:\/|$)/, below(address, eventId), (id) => `${address}/${id}`)
    );
  }
  if (!source.startsWith('actor:')) return undefined;
  const sender = source.slice('actor:'.length);
  return found(/^(\d+):/, below(sender, eventId), (sent) => `${sender}/${sent}`);
}

/** The step that asked for an effect. */
export function stepOfEffect(effectId: string): string {
  return effectId.slice(0, effectId.lastIndexOf(':'));
}

function below(address: string, id: string): string {
  return id.startsWith(`${address}/`) ? id.slice(address.length + 1) : '';
}

function found(pattern: RegExp, text: string, name: (part: string) => string): string | undefined {
  const [, part] = pattern.exec(text) ?? [];
  return part === undefined ? undefined : name(part);
}

/** The last things by name, as many as may be. */
export class Recent<T> {
  readonly #max: number;
  readonly #things = new Map<string, T>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#things.size;
  }

  put(name: string, thing: T): void {
    this.#things.delete(name);
    this.#things.set(name, thing);
    if (this.#things.size <= this.#max) return;
    for (const oldest of this.#things.keys()) {
      this.#things.delete(oldest);
      return;
    }
  }

  get(name: string): T | undefined {
    const thing = this.#things.get(name);
    if (thing !== undefined) this.put(name, thing);
    return thing;
  }
}
