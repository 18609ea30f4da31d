/**
 * The envelope: when, why and with what chance an event reached a machine.
 *
 * Owns: the only way a machine learns the time, its own step number, or a random number (design rule K10).
 * Callers: the charts of this room and users' machines. The kernel writes `event.$`; nobody else does.
 * Invariants:
 *  E1  Reading is total: an event without an envelope gives the fixed fallbacks, so a chart also runs live.
 *  E2  The first event carries its envelope on the input (`event.input.$`, not enumerable: it is never
 *      stored).
 */

export interface Envelope {
  /** Epoch milliseconds of the step; never before the actor's last step. */
  readonly at: number;
  /** For a timer: when it was due. */
  readonly dueAt?: number;
  /** The event's id, unique for the actor. */
  readonly id: string;
  /** The number of the step. */
  readonly seq: number;
  /** In [0, 1), fixed by address and step: the same at every replay. */
  readonly random: number;
  /** Payload rows of the actor, by name, as they were before the step: those its definition reads for it. */
  readonly rows?: Readonly<Record<string, unknown>>;
}

const LIVE: Envelope = { at: 0, id: 'live', seq: 0, random: 0.5 };

/** The envelope of `event`; `{at: 0, id: 'live', seq: 0, random: 0.5}` where there is none. */
export function envelopeOf(event: unknown): Envelope {
  return envelopeIn(event) ?? envelopeIn(propertyOf(event, 'input')) ?? LIVE;
}

function envelopeIn(carrier: unknown): Envelope | undefined {
  const candidate = propertyOf(carrier, '$');
  if (isEnvelope(candidate)) return candidate;
  const at = propertyOf(candidate, 'at');
  if (typeof at !== 'number') return undefined;
  const dueAt = propertyOf(candidate, 'dueAt');
  const id = propertyOf(candidate, 'id');
  const seq = propertyOf(candidate, 'seq');
  const random = propertyOf(candidate, 'random');
  const rows = propertyOf(candidate, 'rows');
  return {
    at,
    ...(typeof dueAt === 'number' ? { dueAt } : {}),
    id: typeof id === 'string' ? id : LIVE.id,
    seq: typeof seq === 'number' ? seq : LIVE.seq,
    random: typeof random === 'number' ? random : LIVE.random,
    ...(isObject(rows) ? { rows } : {}),
  };
}

/** True for the kernel's own, as it is: guards ask for it several times a step, and a copy is 300 bytes. */
function isEnvelope(value: unknown): value is Envelope {
  if (!isObject(value)) return false;
  const { at, dueAt = 0, id, seq, random, rows = LIVE } = value;
  const isDated = typeof at === 'number' && typeof dueAt === 'number';
  const isNumbered = typeof seq === 'number' && typeof random === 'number';
  return isDated && isNumbered && typeof id === 'string' && isObject(rows);
}

function propertyOf(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
