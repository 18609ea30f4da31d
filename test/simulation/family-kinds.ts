/**
 * Families and the rest: children of every sort, a machine that changes its version, one that is written
 * seldom, one whose kind is not always defined.
 *
 * Callers: kinds.ts. Invariant: what ends by itself ends within a minute of its own time.
 */
import { assign, fromTransition, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import type { Hands } from './outside.js';

interface Counted {
  readonly count: number;
  readonly heard: number;
}

const counting = {
  count: assign<Counted, AnyEventObject, undefined, AnyEventObject, never>({
    count: ({ context }) => context.count + 1,
  }),
  hear: assign<Counted, AnyEventObject, undefined, AnyEventObject, never>({
    heard: ({ context }) => context.heard + 1,
  }),
  fall: assign<Counted, AnyEventObject, undefined, AnyEventObject, never>(() => {
    throw new Error('poison');
  }),
};

const startsCounting = (): Counted => ({ count: 0, heard: 0 });

/** Works once, greets its parent, may be poisoned. */
function kid(hands: Hands): AnyStateMachine {
  return setup({
    types: { context: {} as Counted },
    actors: { chore: hands.promise<unknown, unknown>('chore') },
    actions: { ...counting, greet: sendParent({ type: 'greeted' }) },
  }).createMachine({
    id: 'kid',
    context: startsCounting,
    initial: 'playing',
    on: { poison: { actions: 'fall' }, call: { actions: ['hear', 'greet'] } },
    states: {
      playing: { after: { 500: 'helping' }, on: { help: 'helping' } },
      helping: {
        invoke: { src: 'chore', onDone: { target: 'grown', actions: 'greet' }, onError: 'playing' },
      },
      grown: { type: 'final' },
    },
    output: ({ context }) => ({ heard: context.heard }),
  });
}

const household: object = {
  home: {
    on: {
      raise: { target: 'raising', actions: 'count' },
      adopt: { actions: ['count', 'adopt'] },
      disown: { actions: ['count', stopChild('adopted')] },
    },
  },
  raising: {
    invoke: [
      {
        id: 'heir',
        src: 'kid',
        systemId: 'heir',
        onSnapshot: { actions: 'hear' },
        onDone: 'home',
        onError: 'home',
      },
      { id: 'tally', src: 'tally' },
    ],
    on: {
      leave: { target: 'home', actions: 'count' },
      tick: { actions: ['count', sendTo('tally', { type: 'tick' })] },
      call: { actions: ['count', 'call'] },
      spoil: { actions: ['count', 'poison'] },
    },
    after: { 30_000: 'home' },
  },
};

function family(hands: Hands): AnyStateMachine {
  const child = kid(hands);
  return setup({
    types: { context: {} as Counted },
    actors: {
      kid: child,
      sturdy: child,
      frail: child,
      tally: fromTransition((state: { readonly n: number }) => ({ n: state.n + 1 }), { n: 0 }),
    },
    actions: {
      ...counting,
      note: hands.act('note'),
      adopt: spawnChild('frail', { id: 'adopted' }),
      foster: spawnChild('sturdy', { id: 'fostered' }),
      call: sendTo(({ system }) => system.get('heir') as never, { type: 'call' } as never),
      poison: sendTo('heir', { type: 'poison' }),
      weaken: sendTo('fostered', { type: 'poison' }),
    },
  }).createMachine({
    id: 'family',
    version: '1',
    context: startsCounting,
    initial: 'home',
    on: {
      take: { actions: ['count', 'note'] },
      greeted: { actions: 'hear' },
      end: { target: '.over', actions: 'count' },
      foster: { actions: ['count', 'foster'] },
      weaken: { actions: ['count', 'weaken'] },
      'xstate.done.actor.*': { actions: 'hear' },
      'xstate.error.actor.*': { actions: 'hear' },
    },
    states: { ...household, over: { type: 'final' } },
  });
}

export function familyKind(hands: Hands): DefinitionOptions {
  return {
    kind: 'family',
    machine: family(hands),
    retentionMs: 60_000,
    children: {
      kid: { supervision: { onFailure: 'escalate' } },
      sturdy: { supervision: { onFailure: 'restart', budget: { failuresMax: 2, periodMs: 60_000 } } },
      frail: { supervision: { onFailure: 'stop' } },
    },
  };
}

/** Written seldom, restarted when it fails: the journal stands for what was not written. */
export function scribeKind(hands: Hands): DefinitionOptions {
  const machine = setup({
    types: { context: {} as Counted },
    actors: { copy: hands.promise<unknown, unknown>('copy') },
    actions: { ...counting, note: hands.act('note') },
  }).createMachine({
    id: 'scribe',
    version: '1',
    context: startsCounting,
    initial: 'idle',
    on: { take: { actions: ['count', 'note'] }, poison: { actions: 'fall' }, end: '.over' },
    states: {
      idle: { on: { work: { target: 'copying', actions: 'count' } } },
      copying: { invoke: { src: 'copy', onDone: 'idle', onError: 'idle' }, after: { 9_000: 'idle' } },
      over: { type: 'final' },
    },
  });
  return {
    kind: 'scribe',
    machine,
    snapshot: 'amortized',
    retentionMs: 60_000,
    supervision: { onFailure: 'restart', budget: { failuresMax: 2, periodMs: 600_000 } },
  };
}

/** Versions 1, 2, 3: each adds a state, and keeps what is under way where it can. */
export function growingKind(hands: Hands, version: number): DefinitionOptions {
  const more: object = version === 1 ? {} : { more: { after: { 2_000: 'idle' }, on: { take: 'idle' } } };
  const third: object = version < 3 ? {} : { third: { after: { 1_000: 'idle' } } };
  const machine = setup({
    types: { context: {} as Counted },
    actors: { toil: hands.promise<unknown, unknown>('toil') },
    actions: { ...counting, note: hands.act('note') },
  }).createMachine({
    id: 'growing',
    version: String(version),
    context: startsCounting,
    initial: 'idle',
    on: { take: { actions: ['count', 'note'] }, poison: { actions: 'fall' }, end: '.over' },
    states: {
      idle: { on: { work: { target: 'toiling', actions: 'count' } }, after: { 20_000: { actions: 'hear' } } },
      toiling: { invoke: { src: 'toil', onDone: 'idle', onError: 'idle' }, after: { 8_000: 'idle' } },
      over: { type: 'final' },
      ...more,
      ...third,
    },
  });
  const older: Record<string, 'compatible'> = {};
  for (let from = 1; from < version; from += 1) older[String(from)] = 'compatible';
  const migrate = version === 1 ? {} : { migrate: { from: older } };
  return { kind: 'growing', machine, retentionMs: 60_000, ...migrate };
}

/** Defined by some processes and not by others. */
export function strangerKind(hands: Hands): DefinitionOptions {
  const { machine, ...rest } = growingKind(hands, 1);
  return { ...rest, machine, kind: 'stranger' };
}
