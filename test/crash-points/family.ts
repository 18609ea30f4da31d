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
    stumble: assign(() => {
      throw new Error('a bug in an assign');
    }),
    report: sendParent(({ context }) => ({ type: 'report', of: context.name })),
  },
}).createMachine({
  id: 'scout',
  version: '1',
  context: ({ input }) => ({ name: input.name, hurried: 0 }),
  initial: 'looking',
  on: { poison: { actions: 'stumble' } },
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

export const camp = setup({
  types: { context: {} as { reports: string[]; results: unknown[]; seen: number } },
  actors: { scout },
  actions: {
    note: assign(({ context, event }) => ({ reports: [...context.reports, String(event['of'])] })),
    keep: assign(({ context, event }) => ({ results: [...context.results, event['output']] })),
    hire: spawnChild('scout', { id: 'extra', input: { name: 'extra' } }),
    fire: stopChild('extra'),
    tellScout: sendTo('scout', { type: 'hurry' }),
    tellExtra: sendTo('extra', { type: 'hurry' }),
    tellLater: sendTo('scout', { type: 'hurry' }, { delay: 500 }),
    poison: sendTo('scout', { type: 'poison' }),
    watch: assign(({ context }) => ({ seen: context.seen + 1 })),
    fail: assign(({ context }) => ({ results: [...context.results, 'failed'] })),
  },
}).createMachine({
  id: 'camp',
  version: '1',
  context: { reports: [], results: [], seen: 0 },
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
        onError: { target: 'idle', actions: 'fail' },
        onSnapshot: { actions: 'watch' },
      },
      on: {
        tell: { actions: 'tellScout' },
        later: { actions: 'tellLater' },
        poison: { actions: 'poison' },
        back: 'idle',
        end: 'over',
      },
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
    const supervision = { onFailure: 'escalate' } as const;
    const children = { scout: { effects: { look }, supervision, retentionMs: LONG_MS } };
    return [{ kind: 'camp', machine: world.wired(process, camp), retentionMs: LONG_MS, children }];
  },
  events: ['go', 'hire', 'tell', 'later', 'poison', 'back', 'fire', 'end'].map((type) => ({
    to: 'camp/one',
    event: { type },
  })),
  answers: { look: [answered, thrown] },
};
