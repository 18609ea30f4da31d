/**
 * From a chart's spec to a machine: everything a spec may name is implemented here, once, for both sides.
 *
 * Callers: the drivers. Invariant: guards and assigns are pure functions of context and payload (`event.$` is
 * there on our side alone, so nothing copies a whole event); what they tell the `Witness` is for counting.
 */
import { and, assign, cancel, emit, enqueueActions, fromPromise, log, not, raise, setup } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { Promises } from './promises.js';
import type { InvokeSpec, StateSpec } from './spec.js';

export interface Context {
  readonly n: number;
  /** The last events an assign has read. */
  readonly seen: readonly string[];
  /** An eventless transition may use it up. */
  readonly spark: boolean;
}

/** Hears of what leaves no trace in a snapshot. */
export interface Witness {
  readonly acted: (at: string, context: Context, event: string) => void;
  readonly judged: (passed: boolean) => void;
  readonly readEvent: () => void;
  readonly batched: () => void;
}

const SEEN_MAX = 6;
/** More than any chart needs that comes to rest: a chart that does not is an error on both sides. */
const MICROSTEPS_MAX = 200;

/** The number an event carries: its own, its output's, or 0. */
function numberIn(event: AnyEventObject): number {
  const own: unknown = event['v'] ?? Reflect.get(Object(event['output']), 'v');
  return typeof own === 'number' ? own : 0;
}

function textOf(event: AnyEventObject): string {
  const message: unknown = Reflect.get(Object(event['error']), 'message');
  return `${event.type}:${typeof message === 'string' ? message : numberIn(event)}`;
}

function fail(what: string): never {
  throw new Error(`a bug in ${what}`);
}

function vocabulary(promises: Promises, witness: Witness) {
  const judge = (passed: boolean): boolean => {
    witness.judged(passed);
    return passed;
  };
  const work = fromPromise<{ readonly v: number }, { readonly child: string; readonly n: number }>(
    ({ input, signal }) => promises.start(input.child, input.n, signal),
  );
  return setup({
    types: { context: {} as Context, events: {} as AnyEventObject },
    actors: { work, other: work },
    delays: { soon: ({ context }) => 10 + 10 * (context.n % 4), later: 70 },
    guards: {
      even: ({ context }) => judge(context.n % 2 === 0),
      small: ({ event }) => judge(numberIn(event) < 5),
      notEven: not('even'),
      evenAndSmall: and(['even', 'small']),
      turn: ({ context }, params: { readonly is: number }) => judge(context.n % 3 === params.is),
      below: ({ context }, params: { readonly limit: number }) => judge(context.n < params.limit),
      sparked: ({ context }) => judge(context.spark),
      explosive: ({ event }) => (numberIn(event) === 13 ? fail('a guard') : judge(true)),
    },
    actions: {
      act: ({ context, event }, params: { readonly at: string }) =>
        witness.acted(params.at, context, event.type),
      note: assign(({ context, event }) => {
        witness.readEvent();
        return { seen: [...context.seen, textOf(event)].slice(-SEEN_MAX) };
      }),
      add: assign(({ context, event }) => {
        witness.readEvent();
        return { n: context.n + numberIn(event) };
      }),
      increase: assign(({ context }) => ({ n: context.n + 1 })),
      spark: assign({ spark: true }),
      useSpark: assign({ spark: false }),
      fragile: assign(({ context }) => (context.n % 30 === 29 ? fail('an assign') : { n: context.n + 1 })),
      explode: assign(({ event }) => (numberIn(event) === 13 ? fail('an assign') : {})),
      say: emit(({ context, event }) => ({ type: 'said', n: context.n, on: event.type })),
      tell: log(({ context }) => context.n, 'n is'),
      raiseNow: raise(({ context }) => ({ type: 'r.now', v: context.n % 7 })),
      raiseZero: raise({ type: 'late.zero' }, { delay: 0 }),
      raiseLate: raise({ type: 'late.id', v: 3 }, { id: 'late', delay: 'soon' }),
      raiseAnonymous: raise(({ context }) => ({ type: 'late.anonymous', v: context.n % 5 }), { delay: 45 }),
      cancelLate: cancel('late'),
      batch: enqueueActions(({ enqueue, check, context }) => {
        witness.batched();
        // `setup` does not know these names yet while it is told of them.
        enqueue('note' as never);
        if (check('even' as never)) enqueue({ type: 'act', params: { at: 'batch' } } as never);
        enqueue.assign({ n: context.n + 1 });
        enqueue.emit({ type: 'batched', n: context.n } as never);
        enqueue.raise({ type: 'late.batch' }, { id: 'batch', delay: 35 });
      }),
    },
  });
}

/** The input is a function, which JSON cannot say: the context when the promise was asked for. */
function withInput(invoke: InvokeSpec): object {
  const input = ({ context }: { readonly context: Context }): object => ({ child: invoke.id, n: context.n });
  return { ...invoke, input };
}

function configOf(state: StateSpec): object {
  const { invoke, states, ...others } = state;
  return {
    ...others,
    ...(invoke === undefined ? {} : { invoke: invoke.map(withInput) }),
    ...(states === undefined
      ? {}
      : { states: Object.fromEntries(Object.entries(states).map(([key, child]) => [key, configOf(child)])) }),
  };
}

/** The machine of a chart. Its promises are `promises`; what else it does, `witness` hears. */
export function buildChart(chart: StateSpec, promises: Promises, witness: Witness): AnyStateMachine {
  const config = {
    ...configOf(chart),
    version: '1',
    context: { n: 0, seen: [], spark: false },
    output: ({ context }: { readonly context: Context }) => ({ n: context.n, seen: context.seen.length }),
    options: { maxIterations: MICROSTEPS_MAX },
  };
  // The names were checked by whoever made the spec, not by the compiler.
  return vocabulary(promises, witness).createMachine(config as never) as unknown as AnyStateMachine;
}
