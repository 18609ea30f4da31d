/**
 * A clan: a machine with a family below it, whose story has one end, whatever process dies in it.
 *
 * Callers: children/clan.ts (lives it), children.test.ts (knows its end). It has what families have: children
 * in parallel, one of them with a child of its own under a system id, messages up, down and across, a delayed
 * one, a state that is entered again, a spawned child that is stopped, and results.
 */
import { assign, fromPromise, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { AnyActorRef, AnyEventObject } from 'xstate';

interface Heard {
  readonly heard: readonly number[];
}

const events = {} as AnyEventObject;

/** Hears three numbers, tells each to its parent, and ends. */
const scribe = setup({
  types: { context: {} as Heard, events },
  actors: { ink: fromPromise(() => Promise.resolve('black')) },
  actions: {
    hear: assign({ heard: ({ context, event }) => [...context.heard, event['n'] as number] }),
    tell: sendParent(({ event }) => ({ type: 'written', n: event['n'] as number })),
  },
  guards: { full: ({ context }) => context.heard.length >= 3 },
}).createMachine({
  id: 'scribe',
  context: { heard: [] },
  initial: 'dipping',
  states: {
    dipping: {
      invoke: { src: 'ink', onDone: 'writing' },
      on: { write: { actions: ['hear', 'tell'] } },
    },
    writing: {
      always: { guard: 'full', target: 'over' },
      on: { write: { actions: ['hear', 'tell'] } },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.heard,
});

/** Has a scribe whom everybody knows, says when it writes, and ends with it. */
const elder = setup({
  types: { context: {} as { written: readonly unknown[] }, events },
  actors: { scribe },
  actions: {
    keep: assign({ written: ({ event }) => event['output'] as readonly unknown[] }),
    report: sendParent({ type: 'ready' }),
  },
}).createMachine({
  id: 'elder',
  context: { written: [] },
  initial: 'dictating',
  states: {
    dictating: {
      entry: sendTo('scribe', { type: 'write', n: 1 } as AnyEventObject),
      invoke: {
        id: 'scribe',
        src: 'scribe',
        systemId: 'scribe',
        onDone: { target: 'over', actions: 'keep' },
      },
      on: { written: { actions: 'report' } },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.written,
});

/** Once it is told to, tells the elder's scribe its numbers, the second one a little later. */
const runner = setup({
  types: { events },
  actions: {
    tellNow: sendTo(({ system }) => system.get('scribe') as AnyActorRef, { type: 'write', n: 2 }),
    tellLater: sendTo(
      ({ system }) => system.get('scribe') as AnyActorRef,
      { type: 'write', n: 3 },
      { delay: 5 },
    ),
  },
}).createMachine({
  id: 'runner',
  initial: 'waiting',
  states: {
    waiting: { on: { run: 'pausing' } },
    pausing: { after: { 3: 'running' } },
    running: { entry: ['tellNow', 'tellLater'] },
  },
});

export const clan = setup({
  types: { context: {} as { told: readonly unknown[]; rounds: number }, events },
  actors: { elder, runner },
  actions: {
    keep: assign({ told: ({ context, event }) => [...context.told, event['output'] as unknown] }),
    count: assign({ rounds: ({ context }) => context.rounds + 1 }),
    hire: spawnChild('runner', { id: 'spare' }),
    fire: stopChild('spare'),
    start: sendTo('runner', { type: 'run' }),
  },
  guards: { again: ({ context }) => context.rounds < 2 },
}).createMachine({
  id: 'clan',
  version: '1',
  context: { told: [], rounds: 0 },
  initial: 'meeting',
  states: {
    meeting: {
      entry: ['count', 'hire', 'fire'],
      invoke: [
        { id: 'elder', src: 'elder' },
        { id: 'runner', src: 'runner' },
      ],
      on: {
        ready: { actions: 'start' },
        'xstate.done.actor.elder': [
          { guard: 'again', target: 'meeting', reenter: true, actions: 'keep' },
          { target: 'leaving', actions: 'keep' },
        ],
      },
    },
    leaving: {
      entry: 'hire',
      after: { 1: 'over' },
      exit: 'fire',
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.told,
});
