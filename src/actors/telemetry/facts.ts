/**
 * A step, a run of an effect and a delivery as telemetry tells of them: names, numbers and words, and nothing
 * that came from a user.
 *
 * Pure. Callers: channels.ts, tracing.ts, measures.ts through telemetry.ts. Invariant: no context, prompt,
 * payload, message text, input or output is in a fact; of an error there is its code or its class.
 */
import { isPlainObject, type Json } from '../../json.js';
import { leavesOf } from '../kernel/index.js';
import type { CommittedStep, EffectAttempt, JournalEntry, RunOutcome } from '../kernel/index.js';
import { causeOf } from './causes.js';

/** A step as it begins. */
export interface StepStart {
  /** `kind/id`. */
  readonly address: string;
  readonly kind: string;
  readonly seq: number;
  /** The type of the event. */
  readonly event: string;
  /** `user`, `timer`, `effect`, `actor:<address>`, `provider:<id>`, `operator:<name>`, `kernel`. */
  readonly source: string;
  readonly commit: number;
  /** Epoch milliseconds of the step. */
  readonly at: number;
  /** `<address>/<seq>` of a step, or `<address>/<seq>:<index>` of an effect; absent: from outside. */
  readonly cause?: string;
}

/** A step that is on disk. */
export interface StepFacts extends StepStart {
  /** The paths of the states it is in now, such as `fetching` or `paying.card,packing`. */
  readonly state: string;
  /** `active`, `done`, `error`, `stopped`. */
  readonly status: string;
  /** What its machine threw: a code or the name of a class. */
  readonly error?: string;
}

/** A run of an effect. */
export interface EffectFacts {
  /** `<address>/<seq>:<index>`: the same for every attempt. */
  readonly id: string;
  readonly address: string;
  readonly kind: string;
  readonly src: string;
  readonly attempt: number;
}

/** How it ended. */
export interface EffectEnd {
  /** `deferred`: it did nothing and waits its turn again. `refused`: its actor cannot take what it says. */
  readonly outcome: RunOutcome['type'];
  readonly durationMs: number;
  readonly error?: string;
}

/** One attempt to send a message. */
export interface DeliveryFacts {
  readonly address: string;
  readonly channel: string;
  readonly attempt: number;
}

export interface DeliveryEnd {
  /** What the channel said (`sent`, `failed`), or how the run ended instead. */
  readonly outcome: string;
  readonly durationMs: number;
  readonly error?: string;
}

const WORD_CHARS_MAX = 100;

type EntryStart = Pick<JournalEntry, 'seq' | 'at' | 'source' | 'eventId' | 'commit'> & {
  readonly event: { readonly type: string };
};

export function stepStart(address: string, kind: string, entry: EntryStart): StepStart {
  const { seq, at, event, source, commit } = entry;
  const cause = causeOf(address, entry);
  const start = { address, kind, seq, event: event.type, source, commit, at };
  return cause === undefined ? start : { ...start, cause };
}

export function stepFacts({ address, kind, entry }: CommittedStep): StepFacts {
  const { value, status, failure } = entry;
  return {
    ...stepStart(address, kind, entry),
    ...{ state: stateOf(value), status },
    ...(failure === undefined ? {} : { error: wordOf(failure.error) }),
  };
}

export function effectFacts({ id, address, kind, src, attempt }: EffectAttempt): EffectFacts {
  return { id, address, kind, src, attempt };
}

export function effectEnd(outcome: RunOutcome, durationMs: number): EffectEnd {
  const { type } = outcome;
  const ended = { outcome: type, durationMs };
  return type === 'error' || type === 'refused' ? { ...ended, error: wordOf(outcome.error) } : ended;
}

/** Of the effects that send messages; undefined for every other. */
export function deliveryFacts({ address, kind, src, input }: EffectAttempt): DeliveryFacts | undefined {
  if (kind !== 'delivery' || src !== 'send' || !isPlainObject(input)) return undefined;
  const { message, attempt } = input;
  const channel = isPlainObject(message) ? message['channel'] : undefined;
  if (typeof channel !== 'string' || typeof attempt !== 'number') return undefined;
  return { address, channel, attempt };
}

export function deliveryEnd(outcome: RunOutcome, durationMs: number): DeliveryEnd {
  const answer = outcome.type === 'done' ? outcome.output : undefined;
  if (!isPlainObject(answer) || typeof answer['type'] !== 'string') return effectEnd(outcome, durationMs);
  const said = { outcome: answer['type'], durationMs };
  return answer['error'] === undefined ? said : { ...said, error: wordOf(answer['error']) };
}

/** The leaf states of a value, one a region: `a.b,c.d`; empty for what has no states. */
export function stateOf(value: Json): string {
  return leavesOf(value).join(',');
}

/** A code where there is one, else the name of the class; never a message. */
function wordOf(error: unknown): string {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  const word = [code, name].find((part) => typeof part === 'string' && /^[\w.:-]+$/.test(part));
  return typeof word === 'string' ? word.slice(0, WORD_CHARS_MAX) : 'Error';
}
