/**
 * A durable actor as its user holds it: where to send, what to look at, whom to tell.
 *
 * Owns: nothing. A ref is an address and may outlive its actor, be made as often as one likes, and be used in
 * another run of the process. Callers: users, through `runtime.define`. Invariants:
 *  1  What a ref answers is on disk (K1).
 *  2  An aborted wait ends the waiting, never the work: the event or the creation may still be applied.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EmittedFrom, EventFromLogic, SnapshotFrom } from 'xstate';
import { HoldfastError, isHoldfastError } from '../errors.js';
import { splitAddress, type Address } from '../ids.js';
import type { JsonEvent } from '../json.js';
import type { Logger } from '../log.js';
import { followSnapshots, guarded, type SnapshotObserver } from './actor-following.js';
import type { JournalEntry, Kernel, Outcome } from './kernel/index.js';
import { validated, type StandardSchema } from './schema.js';

export interface SendEventOptions {
  /** Sent twice under one id, an event is applied once (24 h). Give one to whatever may be repeated. */
  readonly id?: string;
  /** Not before this wall-clock time, epoch milliseconds; accepted at once, and kept across restarts. */
  readonly at?: number;
  /**
   * Ends the wait with the signal's reason. The event may be applied all the same: repeat it under its id.
   */
  readonly signal?: AbortSignal;
  /** W3C trace context, kept in the journal. */
  readonly traceparent?: string;
}

export interface WaitOptions {
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What has to be known to make refs of one kind. */
export interface RefOptions {
  readonly kernel: Kernel;
  readonly log: Logger;
  /** By event type: what events must look like. */
  readonly eventSchemas: Readonly<Record<string, StandardSchema | undefined>>;
}

/** One actor of a machine. */
export interface DurableRef<Machine extends AnyStateMachine> {
  readonly id: string;
  readonly kind: string;
  /** `kind/id`. */
  readonly address: Address;
  /**
   * Sends an event; resolves when the step it caused is on disk. `accepted` is false when the actor has
   * ended. Throws ACTOR_NOT_FOUND, ACTOR_QUARANTINED, INVALID_EVENT, MAILBOX_FULL, RUNTIME_CLOSED,
   * STORE_FAILED, STORE_FULL.
   */
  send(event: EventFromLogic<Machine>, options?: SendEventOptions): Promise<Outcome>;
  /** The newest snapshot that is on disk; undefined when there is no such actor. */
  snapshot(): Promise<SnapshotFrom<Machine> | undefined>;
  /**
   * The present snapshot first, once it is read, then the one after every commit, in order. When the actor
   * ends, its last snapshot is followed by `complete`, or by `error` when it ended in one. Closing the
   * runtime stops it without a word. Returns a function that stops it.
   */
  subscribe(observer: SnapshotObserver<Machine> | ((snapshot: SnapshotFrom<Machine>) => void)): () => void;
  /**
   * What the machine emits from now on, of one type or (`*`) of all: after the commit, once at most (K13).
   * Returns a function that stops it.
   */
  on<Type extends EmittedFrom<Machine>['type'] | '*'>(
    type: Type,
    listener: (event: EmittedOf<Machine, Type>) => void,
  ): () => void;
  /**
   * Resolves with the first committed snapshot that satisfies `predicate`, the present one included. Rejects
   * with ACTOR_NOT_FOUND when there is no such actor or it is removed, with RUNTIME_CLOSED at the close.
   */
  waitFor(
    predicate: (snapshot: SnapshotFrom<Machine>) => boolean,
    options?: WaitOptions,
  ): Promise<SnapshotFrom<Machine>>;
  /**
   * Whether this event, sent now, would be taken: false for what its schema refuses or a guard throws at, and
   * for an actor that does not exist, has ended or stands still.
   */
  can(event: EventFromLogic<Machine>): Promise<boolean>;
  /** Its steps that are kept (1,024 or 1 MiB), oldest first. */
  journal(): Promise<readonly JournalEntry[]>;
}

/** The members of a union of events that may have this type. */
export type EventOfType<Event, Type extends string> = Event extends { readonly type: infer Own }
  ? Type extends Own
    ? Event
    : never
  : never;

/** What a listener of `type` gets. */
export type EmittedOf<Machine extends AnyStateMachine, Type extends string> = Type extends '*'
  ? EmittedFrom<Machine>
  : EventOfType<EmittedFrom<Machine>, Type>;

/** Makes a ref. Looks at nothing. */
export function actorRef<Machine extends AnyStateMachine>(
  options: RefOptions,
  address: Address,
): DurableRef<Machine> {
  const { kernel, log } = options;
  const typed = (snapshot: AnyMachineSnapshot): SnapshotFrom<Machine> => snapshot as SnapshotFrom<Machine>;
  return {
    ...splitAddress(address),
    address,
    send: (event, how = {}) => abortable(how.signal, () => send(options, address, event, how)),
    snapshot: async () => {
      const actor = await kernel.snapshot(address);
      return actor && typed(actor.snapshot);
    },
    subscribe: (observer) => {
      const whole = typeof observer === 'function' ? { next: observer } : observer;
      return followSnapshots<Machine>({ kernel, log, address }, whole);
    },
    on: (type, listener) =>
      kernel.subscribe(address, ({ entry }) => {
        for (const event of entry.emitted ?? []) {
          if (type === '*' || event.type === type) guarded(log, address, () => listener(event as never));
        }
      }),
    waitFor: async (predicate, { signal } = {}) =>
      typed(await kernel.waitFor(address, (snapshot) => predicate(typed(snapshot)), signal)),
    can: (event) => can(options, address, event),
    journal: () => kernel.reader.journalOnDisk(address),
  };
}

/** What `wait` resolves with, unless `signal` ends the waiting: then its reason. Not begun when it has. */
export function abortable<T>(signal: AbortSignal | undefined, wait: () => Promise<T>): Promise<T> {
  return signal === undefined ? wait() : untilAborted(signal, wait);
}

async function untilAborted<T>(signal: AbortSignal, wait: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new DOMException('The wait was aborted', 'AbortError'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([wait(), aborted]);
  } finally {
    stop();
  }
}

async function send(
  options: RefOptions,
  address: string,
  event: unknown,
  { id, at, traceparent, signal }: SendEventOptions,
): Promise<Outcome> {
  if (at !== undefined && !(Number.isFinite(at) && at >= 0)) {
    const message = '"at": not a time in epoch milliseconds';
    throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'at' } });
  }
  const checked = checkedEvent(options, event);
  // Awaited only when the schema takes its time: events sent one after the other arrive so.
  const sent: unknown = checked instanceof Promise ? await checked : checked;
  signal?.throwIfAborted();
  const { seq, accepted, deduplicated } = await options.kernel.send(address, sent as JsonEvent, {
    ...(id === undefined ? {} : { id }),
    ...(at === undefined ? {} : { at }),
    ...(traceparent === undefined ? {} : { traceparent }),
  });
  return { seq, accepted, deduplicated };
}

function checkedEvent({ eventSchemas }: RefOptions, event: unknown): unknown {
  const { type } = (event ?? {}) as { readonly type?: unknown };
  if (typeof type !== 'string' || !Object.hasOwn(eventSchemas, type)) return event;
  const what = `the event ${JSON.stringify(type)}`;
  return validated(eventSchemas[type], event, { what, code: 'INVALID_EVENT' });
}

async function can(options: RefOptions, address: string, event: unknown): Promise<boolean> {
  try {
    const sent = await checkedEvent(options, event);
    const actor = await options.kernel.snapshot(address);
    if (actor === undefined || actor.record.quarantine !== undefined) return false;
    return actor.record.status === 'active' && takes(actor.snapshot, sent as JsonEvent);
  } catch (error) {
    if (isHoldfastError(error, 'INVALID_EVENT') || isHoldfastError(error, 'ACTOR_QUARANTINED')) return false;
    throw error;
  }
}

/** A guard that throws takes nothing: sent, the event would make the actor stand still. */
export function takes(snapshot: AnyMachineSnapshot, event: JsonEvent): boolean {
  try {
    return snapshot.can(event);
  } catch {
    return false;
  }
}
