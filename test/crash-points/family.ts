/**
 * A family of durable actors, for the crash tests: a camp that sends out scouts, tells them to hurry and
 * hears of them.
 *
 * Callers: family.test.ts. It has what only families have: a machine that is invoked and one that is
 * spawned, both with a promise and a timer of their own; sendTo, sendParent, stopChild, leaving a state
 * with a child in it, a child's result, its error, and its end in the same step as its parent's.
 */
import { assign, fromPromise, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { EffectPolicy } from '../../src/actors/kernel/index.js';
import type { Answer, Chart } from './world.js';

const scout = setup({
  types: { context: {} as { name: string; hurried: number }, input: {} as { name: string } },
  actors: { look: fromPromise(() => Promise.resolve(1)) },
  actions: {
    hurry: assign(({ context }) => ({ hurried: context.hurried + 1 })),
    report: sendParent(({ context }) => ({ type: 'report', of: context.name })),
  },
}).createMachine({
  id: 'scout',
  version: '1',
  context: ({ input }) => ({ name: input.name, hurried: 0 }),
  initial: 'looking',
  states: {
    looking: {
      invoke: { id: 'look', src: 'look', onDone: { target: 'resting', actions: 'report' }, onError: 'lost' },
      on: { hurry: { actions: 'hurry' } },
    },
    resting: { after: { 1_000: 'home' }, on: { hurry: { target: 'home', actions: 'hurry' } } },
    lost: { type: 'final' },
    home: { type: 'final' },
  },
  output: ({ context }) => ({ name: context.name, hurried: context.hurried }),
});

const camp = setup({
  types: { context: {} as { reports: string[]; results: unknown[] } },
  actors: { scout },
  actions: {
    note: assign(({ context, event }) => ({ reports: [...context.reports, String(event['of'])] })),
    keep: assign(({ context, event }) => ({ results: [...context.results, event['output']] })),
    hire: spawnChild('scout', { id: 'extra', input: { name: 'extra' } }),
    fire: stopChild('extra'),
    tellScout: sendTo('scout', { type: 'hurry' }),
    tellExtra: sendTo('extra', { type: 'hurry' }),
  },
}).createMachine({
  id: 'camp',
  version: '1',
  context: { reports: [], results: [] },
  initial: 'idle',
  on: {
    report: { actions: 'note' },
  },
  states: {
    idle: { on: { go: 'exploring', hire: { target: 'hiring', actions: 'hire' }, end: 'over' } },
    hiring: {
      on: {
        tell: { actions: 'tellExtra' },
        fire: { target: 'idle', actions: 'fire' },
        end: 'over',
        'xstate.done.actor.extra': { target: 'idle', actions: 'keep' },
      },
    },
    exploring: {
      invoke: {
        id: 'scout',
        src: 'scout',
        input: { name: 'scout' },
        onDone: { target: 'idle', actions: 'keep' },
      },
      on: { tell: { actions: 'tellScout' }, back: 'idle', end: 'over' },
    },
    over: { type: 'final' },
  },
});

const answered: Answer = { label: 'answered', output: { n: 1 } };
const thrown: Answer = { label: 'thrown', error: 'fog' };
const LONG_MS = 10 ** 12;

export const familyChart: Chart = {
  name: 'camp and scouts',
  kind: 'camp',
  id: 'one',
  input: {},
  define: (world, process) => {
    const look: EffectPolicy = { timeoutMs: LONG_MS };
    const children = { scout: { effects: { look }, retentionMs: LONG_MS } };
    return [{ kind: 'camp', machine: world.wired(process, camp), retentionMs: LONG_MS, children }];
  },
  events: ['go', 'hire', 'tell', 'back', 'fire', 'end'].map((type) => ({ to: 'camp/one', event: { type } })),
  answers: { look: [answered, thrown] },
};
