/** One small machine a construct of XState, for comparing the step adapter with XState's own functions. */
import { assign, cancel, emit, enqueueActions, fromPromise, log, raise, setup, spawnChild } from 'xstate';
import { stopChild } from 'xstate';
import type { AnyStateMachine } from 'xstate';

const counting = setup({
  types: { context: {} as { n: number } },
  actions: { more: assign(({ context }) => ({ n: context.n + 1 })), say: () => undefined },
  guards: { few: ({ context }) => context.n < 3, many: ({ context }) => context.n >= 5 },
  delays: { soon: ({ context }) => 100 * (context.n + 1) },
  actors: { work: fromPromise(async () => 1), other: fromPromise(async () => 2) },
});

const guarded = counting.createMachine({
  id: 'guarded',
  context: { n: 0 },
  initial: 'low',
  states: {
    low: {
      on: {
        a: [{ guard: 'few', actions: 'more' }, { target: 'high' }],
        b: { actions: ['say', 'more', 'say'] },
      },
    },
    high: { always: { guard: 'many', target: 'top' }, on: { a: { actions: 'more' }, b: 'low' } },
    top: { type: 'final', entry: 'say' },
  },
  output: ({ context }) => ({ n: context.n }),
});

const delayed = counting.createMachine({
  id: 'delayed',
  context: { n: 0 },
  initial: 'one',
  states: {
    one: { after: { 1_000: 'two', soon: { actions: 'more' } }, on: { a: { target: 'one', reenter: true } } },
    two: {
      entry: raise({ type: 'late' }, { id: 'late', delay: 50 }),
      exit: cancel('late'),
      on: { late: { actions: 'more' }, a: 'one', b: { actions: raise({ type: 'late' }, { delay: 0 }) } },
    },
  },
});

const raising = counting.createMachine({
  id: 'raising',
  context: { n: 0 },
  initial: 'one',
  states: {
    one: {
      entry: 'more',
      on: {
        a: { actions: [raise({ type: 'b' }), 'say'] },
        b: { target: 'two', actions: emit({ type: 'out' }) },
      },
    },
    two: { entry: [log(({ context }) => context.n, 'n'), raise({ type: 'c' })], on: { c: 'one' } },
  },
});

const remembering = counting.createMachine({
  id: 'remembering',
  context: { n: 0 },
  initial: 'in',
  states: {
    in: {
      initial: 'x',
      states: {
        x: { on: { a: 'y' } },
        y: { initial: 'p', states: { p: { on: { a: 'q' } }, q: {} } },
        hist: { type: 'history' },
        deep: { type: 'history', history: 'deep' },
      },
      on: { b: 'out' },
    },
    out: { on: { a: 'in.hist', b: 'in.deep', c: 'in' } },
  },
});

const parallel = counting.createMachine({
  id: 'parallel',
  context: { n: 0 },
  type: 'parallel',
  states: {
    left: {
      initial: 'one',
      states: {
        one: { on: { a: 'two' } },
        two: { on: { a: 'end', b: 'one' }, after: { soon: 'one' } },
        end: { type: 'final' },
      },
    },
    right: {
      initial: 'one',
      states: { one: { on: { b: 'two' }, exit: 'more' }, two: { on: { c: 'end' } }, end: { type: 'final' } },
    },
  },
  onDone: { actions: 'say' },
});

const invoking = counting.createMachine({
  id: 'invoking',
  context: { n: 0 },
  initial: 'idle',
  states: {
    idle: { on: { a: 'busy' } },
    busy: {
      invoke: [
        {
          id: 'work',
          src: 'work',
          input: ({ context }) => ({ n: context.n }),
          onDone: { target: 'idle', actions: 'more' },
          onError: 'idle',
        },
        { src: 'other', onDone: { actions: 'more' } },
      ],
      on: { a: { target: 'busy', reenter: true }, b: 'idle' },
    },
  },
});

const spawning = counting.createMachine({
  id: 'spawning',
  context: { n: 0 },
  on: {
    a: { actions: spawnChild('work', { id: 'kid', input: ({ context }) => ({ n: context.n }) }) },
    b: { actions: stopChild('kid') },
    c: {
      actions: enqueueActions(({ enqueue, check, context }) => {
        enqueue('more');
        if (check('few')) enqueue('say');
        enqueue.raise({ type: 'd' }, { delay: context.n + 1, id: 'd' });
        enqueue.emit({ type: 'out' });
        enqueue.cancel('nothing');
      }),
    },
    'xstate.done.actor.kid': { actions: 'more' },
    'xstate.error.actor.kid': { actions: 'say' },
  },
});

export const smallMachines: readonly AnyStateMachine[] = [
  guarded,
  delayed,
  raising,
  remembering,
  parallel,
  invoking,
  spawning,
];
