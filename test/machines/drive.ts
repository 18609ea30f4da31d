/**
 * Drives a chart by hand: one pure step at a time, with an envelope the test chooses. No timers, no promises.
 */
import { createActor, initialTransition, transition } from 'xstate';
import type { AnyEventObject, AnyStateMachine, ExecutableActionObject } from 'xstate';

export interface Asked {
  readonly type: string;
  readonly params: unknown;
}

export interface Moment<Snapshot> {
  readonly snapshot: Snapshot;
  /** The actions of this step alone. */
  readonly asked: readonly Asked[];
  readonly at: number;
  /** The event as the chart saw it. */
  readonly event: AnyEventObject;
}

export interface Driver<Snapshot> {
  readonly now: () => Moment<Snapshot>;
  /** Applies one event, `afterMs` (0 by default) after the one before. */
  readonly send: (event: AnyEventObject, options?: SendOptions) => Moment<Snapshot>;
  /** Fires the named `after` of an active state, at the moment it is due. Throws when it is not armed. */
  readonly fire: (delay: string) => Moment<Snapshot>;
  /** Names of the armed `after`s and the milliseconds until each is due. */
  readonly timers: () => Readonly<Record<string, number>>;
  /** Every reserved action so far, in order. */
  readonly written: () => readonly Asked[];
}

interface SendOptions {
  readonly afterMs?: number;
  readonly random?: number;
  /** Payload rows that the step is shown. */
  readonly rows?: Readonly<Record<string, unknown>>;
}

export const START_AT = 1_000_000;

interface Timer {
  readonly id: string;
  readonly dueAt: number;
}

/** Starts `machine` with `input` at START_AT. */
export function drive<Machine extends AnyStateMachine>(
  machine: Machine,
  input: object,
): Driver<ReturnType<Machine['getInitialSnapshot']>> {
  type Snapshot = ReturnType<Machine['getInitialSnapshot']>;
  const timers = new Map<string, Timer>();
  const written: Asked[] = [];
  let seq = 1;
  const first = initialTransition(machine, stamped(input, START_AT, seq) as never);
  let moment = settle(first as [Snapshot, ExecutableActionObject[]], START_AT, { type: 'xstate.init' });

  function settle(
    [snapshot, actions]: [Snapshot, readonly ExecutableActionObject[]],
    at: number,
    event: AnyEventObject,
  ) {
    const asked = actions.map(({ type, params }) => ({ type, params: params as unknown }));
    for (const { type, params } of asked) {
      if (type === 'xstate.cancel') timers.delete(String(Reflect.get(Object(params), 'sendId')));
      if (type === 'xstate.raise') arm(Object(params) as { id: string; delay?: number }, at);
      if (/^(actor|history|payload)\./.test(type)) written.push({ type, params });
    }
    return { snapshot, asked, at, event };
  }

  function arm({ id, delay }: { id: string; delay?: number }, at: number) {
    if (delay !== undefined) timers.set(id, { id, dueAt: at + delay });
  }

  const send: Driver<Snapshot>['send'] = (event, { afterMs = 0, random = 0.5, rows } = {}) => {
    seq += 1;
    const at = moment.at + afterMs;
    const $ = { at, id: `event-${seq}`, seq, random, ...(rows === undefined ? {} : { rows }) };
    const seen = { ...event, $ };
    moment = settle(transition(machine, moment.snapshot as never, seen as never) as never, at, seen);
    return moment;
  };

  return {
    now: () => moment,
    send,
    fire: (delay) => {
      const timer = [...timers.values()].find(({ id }) => id.startsWith(`xstate.after.${delay}.`));
      if (timer === undefined)
        throw new Error(`${delay} is not armed, only ${[...timers.keys()].join(', ')}`);
      timers.delete(timer.id);
      return send({ type: timer.id }, { afterMs: Math.max(0, timer.dueAt - moment.at) });
    },
    timers: () =>
      Object.fromEntries(
        [...timers.values()].map(({ id, dueAt }) => [id.split('.')[2] ?? id, dueAt - moment.at]),
      ),
    written: () => written,
  };
}

function stamped(input: object, at: number, seq: number): object {
  return Object.defineProperty({ ...input }, '$', { value: { at, id: 'init', seq, random: 0.5 } });
}

/** The same snapshot after a trip to disk and back. */
export function throughDisk<Machine extends AnyStateMachine>(
  machine: Machine,
  snapshot: ReturnType<Machine['getInitialSnapshot']>,
): ReturnType<Machine['getInitialSnapshot']> {
  const stored: unknown = JSON.parse(JSON.stringify(machine.getPersistedSnapshot(snapshot)));
  return createActor(machine, { snapshot: stored } as never).getSnapshot() as never;
}

/** The answer of an effect, as the kernel delivers it. */
export function answer(effect: string, output: object): AnyEventObject {
  return { type: `xstate.done.actor.${effect}`, output };
}

/** An effect that threw or timed out. */
export function thrown(effect: string, message = 'no answer', code?: string): AnyEventObject {
  return { type: `xstate.error.actor.${effect}`, error: { name: 'Error', message, ...(code && { code }) } };
}

export const fault = (retryable = true, more: object = {}) => ({
  class: 'server',
  code: 'server',
  message: 'the provider is down',
  retryable,
  ...more,
});
