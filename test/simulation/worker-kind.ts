/**
 * The worker: one machine that uses nearly everything a machine may ask for, in three parallel regions,
 * until it is over.
 *
 *   hands: resting ⇄ working          work under each recovery, `how` says which
 *   clock: still ⇄ (first → second → third)   chained delays, a delayed raise, one that is replaced
 *   ears:  deaf ⇄ listening | watching   a callback, an observable
 *
 * Callers: kinds.ts. Invariants: `count` rises with every event of a user's that is taken; nothing in here
 * depends on more than the event.
 */
import { assign, cancel, emit, raise, sendTo, setup } from 'xstate';
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { DefinitionOptions, EffectPolicy, IndexRow } from '../../src/actors/kernel/index.js';
import { reservedActions } from '../../src/machines/reserved.js';
import type { Hands } from './outside.js';

export interface WorkerContext {
  readonly count: number;
  readonly done: number;
  readonly failed: number;
  readonly heard: number;
  readonly slot: string;
  readonly file: string;
  readonly peer: string;
}

/** Sources of effects, one for each way to recover. */
export const recoveries = ['rerun', 'idempotent', 'probe', 'manual', 'budget'] as const;

interface Moment {
  readonly context: WorkerContext;
  readonly event: AnyEventObject;
}

function workerSetup(hands: Hands) {
  return setup({
    types: { context: {} as WorkerContext, input: {} as { peer: string } },
    actors: {
      rerun: hands.promise<unknown, unknown>('rerun'),
      idempotent: hands.promise<unknown, unknown>('idempotent'),
      probe: hands.promise<unknown, unknown>('probe'),
      manual: hands.promise<unknown, unknown>('manual'),
      budget: hands.promise<unknown, unknown>('budget'),
      ear: hands.callback('ear'),
      eye: hands.observable('eye'),
    },
    actions: {
      ...reservedActions,
      count: assign({ count: ({ context }: Moment) => context.count + 1 }),
      finish: assign({ done: ({ context }: Moment) => context.done + 1 }),
      fail: assign({ failed: ({ context }: Moment) => context.failed + 1 }),
      hear: assign({ heard: ({ context }: Moment) => context.heard + 1 }),
      claim: assign({ slot: ({ event }: Moment) => String(event['slot']) }),
      refer: assign({ file: ({ event }: Moment) => String(event['file']) }),
      fall: assign(() => {
        throw new Error('poison');
      }),
      note: hands.act('note'),
      say: emit({ type: 'said' }),
    },
    guards: {
      asks: ({ event }, how: string) => event['how'] === how,
      poisonous: ({ event }) => {
        if (event['how'] === 'guard') throw new Error('poison');
        return false;
      },
    },
    delays: { nap: ({ context }) => 100 * (1 + (context.count % 5)) },
  });
}

const ends = {
  onDone: { target: 'resting', actions: ['finish', 'note'] },
  onError: { target: 'resting', actions: 'fail' },
};

function working(src: (typeof recoveries)[number]): object {
  return { invoke: { id: 'work', src, input: ({ context }: Moment) => ({ n: context.count }), ...ends } };
}

/** What it takes wherever it is. */
const deeds: object = {
  end: { target: '#over', actions: 'count' },
  take: { actions: ['count', 'note', 'say'] },
  hear: { actions: 'hear' },
  echo: { actions: 'hear' },
  claim: { actions: ['count', 'claim'] },
  refer: { actions: ['count', 'refer'] },
  poison: [{ guard: 'poisonous' }, { actions: 'fall' }],
  later: { actions: ['count', raise({ type: 'hear' }, { id: 'later', delay: 700 })] },
  never: { actions: ['count', cancel('later')] },
  post: { actions: ['count', sendTo(({ self }) => self, { type: 'hear' }, { delay: 400 })] },
  tell: { actions: ['count', { type: 'actor.send', params: told }] },
  found: { actions: ['count', { type: 'actor.create', params: founded }] },
  write: {
    actions: [
      'count',
      {
        type: 'history.append',
        params: ({ context }: Moment) => ({ session: 'all', entry: { n: context.count } }),
      },
      { type: 'payload.put', params: ({ context }: Moment) => ({ name: `p${context.count % 3}`, value: 1 }) },
      { type: 'payload.delete', params: ({ context }: Moment) => ({ name: `p${(context.count + 1) % 3}` }) },
    ],
  },
};

function told({ context }: Moment): object {
  return { to: context.peer, event: { type: 'hear' } };
}

function founded({ event }: Moment): object {
  return { kind: 'worker', id: String(event['id']), input: { peer: 'worker/w0' } };
}

const hands: object = {
  initial: 'resting',
  on: {
    'effect.interrupted': { target: '.resting', actions: 'fail' },
    drop: { target: '.resting', actions: 'count' },
  },
  states: {
    resting: {
      on: {
        work: recoveries.map((how) => ({
          guard: { type: 'asks', params: how },
          target: how,
          actions: 'count',
        })),
      },
    },
    rerun: working('rerun'),
    idempotent: working('idempotent'),
    probe: working('probe'),
    manual: working('manual'),
    budget: { ...working('budget'), after: { 600_000: { target: 'resting', actions: 'fail' } } },
  },
};

const clock: object = {
  initial: 'still',
  states: {
    still: { on: { wind: { target: 'first', actions: 'count' } } },
    first: { after: { 300: 'second' }, on: { wind: { target: 'first', actions: 'count', reenter: true } } },
    second: { after: { nap: 'third', 5_000: 'still' } },
    third: { after: { 0: { target: 'still', actions: 'note' } } },
  },
};

const ears: object = {
  initial: 'deaf',
  on: { hush: { target: '.deaf', actions: 'count' } },
  states: {
    deaf: {
      on: {
        listen: { target: 'listening', actions: 'count' },
        watch: { target: 'watching', actions: 'count' },
      },
    },
    listening: {
      invoke: { id: 'ear', src: 'ear', onError: 'deaf' },
      on: { poke: { actions: ['count', sendTo('ear', { type: 'poked' })] } },
    },
    watching: {
      invoke: { id: 'eye', src: 'eye', onSnapshot: { actions: 'hear' }, onDone: 'deaf', onError: 'deaf' },
    },
  },
};

export function workerKind(within: Hands): DefinitionOptions {
  const machine = workerSetup(within).createMachine({
    id: 'worker',
    version: '1',
    context: ({ input }) => ({
      count: 0,
      done: 0,
      failed: 0,
      heard: 0,
      slot: '',
      file: '',
      peer: input.peer,
    }),
    initial: 'alive',
    states: {
      alive: { type: 'parallel', on: deeds, states: { hands, clock, ears } },
      over: { id: 'over', type: 'final' },
    },
  });
  const probe: EffectPolicy = { recovery: 'probe', probe: within.probe() };
  return {
    kind: 'worker',
    machine,
    effects: {
      idempotent: { recovery: 'idempotent', limit: 2 },
      probe,
      manual: { recovery: 'manual', pool: () => 'paid', limit: 3 },
      budget: { restart: { failuresMax: 2, periodMs: 60_000 } },
    },
    indexes: workerIndexes,
    references: ({ context }) => (workerFile(context) === '' ? [] : [workerFile(context)]),
    retentionMs: 60_000,
  };
}

function workerFile(context: unknown): string {
  return (context as WorkerContext).file;
}

/** By what a worker is found. */
export function workerIndexes({ context }: AnyMachineSnapshot): readonly IndexRow[] {
  const { slot, count } = context as WorkerContext;
  const plain: IndexRow = { index: 'worker.busy', parts: [String(count % 4)] };
  return slot === '' ? [plain] : [plain, { index: 'worker.slot', parts: [slot], unique: true }];
}
