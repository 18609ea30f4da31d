/** Where two rules of the kernel meet that hold alone: each of these was broken once. */
import { assign, fromPromise, fromTransition, sendTo, setup } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { Kernel, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { silentLogger } from '../../src/log.js';
import { openMemoryStore } from '../../src/store/index.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';

interface Notes {
  readonly key: string | null;
  readonly got: readonly unknown[];
}

const nobody = (): Promise<never> => new Promise(() => undefined);

/** first → (go) → second; `note` keeps what an event carries, or throws while the machine is broken. */
function notes(version: string, options: { readonly broken?: boolean; readonly work?: () => unknown } = {}) {
  const { broken = false, work = nobody } = options;
  return setup({
    types: { context: {} as Notes, events: {} as { type: string; n?: number; key?: string } },
    actors: { work: fromPromise(async () => work()) },
    actions: {
      note: assign({
        got: ({ context, event }): readonly unknown[] => {
          if (broken) throw new Error('a bug');
          return [...context.got, event.n ?? Reflect.get(event, 'output')];
        },
      }),
      name: assign({ key: ({ event }) => event.key ?? null }),
      spoil: assign({ got: () => new Map() as never }),
    },
  }).createMachine({
    id: 'notes',
    version,
    context: { key: null, got: [] },
    initial: 'first',
    on: {
      note: { actions: 'note' },
      name: { actions: 'name' },
      spoil: { actions: 'spoil' },
      work: '.working',
    },
    states: {
      first: { on: { go: 'second' } },
      second: {},
      working: { invoke: { id: 'work', src: 'work', onDone: { target: 'second', actions: 'note' } } },
    },
  });
}

const compatible = { from: { '1': 'compatible' } } as const;

function named(snapshot: AnyMachineSnapshot) {
  const { key } = snapshot.context as Notes;
  return key === null ? [] : [{ index: 'name', parts: [key], unique: true }];
}

async function notesOf({ kernel }: World, address = 'notes/a'): Promise<unknown> {
  const snapshot = (await kernel.snapshot(address))?.snapshot;
  return (snapshot?.context as Notes | undefined)?.got;
}

const code = (error: unknown): unknown => Reflect.get(Object(error) as object, 'code');

/** A world with `notes/a` in it. */
async function world(definition: Omit<DefinitionOptions, 'kind'>): Promise<World> {
  const opened = await openWorld([{ kind: 'notes', ...definition }]);
  await opened.kernel.create('notes', 'a', {});
  return opened;
}

/** What became of a promise that must settle without anything further. */
async function outcomeOf(opened: World, promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = 'nothing';
  promise.then(
    (value) => (outcome = value),
    (error: unknown) => (outcome = code(error)),
  );
  await settled(opened);
  await settled(opened);
  return outcome;
}

describe('an actor that stands still and becomes one of a new version', () => {
  it('K14: takes the event at its head once it is resumed, under its id', async () => {
    const old = await world({ machine: notes('1', { broken: true }) });
    await expect(old.kernel.send('notes/a', { type: 'note', n: 5 }, { id: 'five' })).rejects.toThrow('a bug');
    await old.crash([{ kind: 'notes', machine: notes('2'), migrate: compatible }]);
    const resumed = await old.kernel.operate('resume', 'notes/a', 'ann');
    const again = await old.kernel.send('notes/a', { type: 'note', n: 5 }, { id: 'five' });
    expect([resumed.seq, again, await notesOf(old)]).toEqual([
      3,
      { seq: 3, accepted: true, deduplicated: true },
      [5],
    ]);
    const journal = await old.kernel.reader.journal('notes/a');
    expect(journal.map(({ event, source, by }) => [event.type, source, by])).toEqual([
      ['xstate.init', 'user', undefined],
      ['holdfast.migrated', 'kernel', 'operator:ann'],
      ['note', 'user', 'operator:ann'],
    ]);
  });

  it('K6: takes the result at its head, and does not run its effect again', async () => {
    let runs = 0;
    const work = (): number => (runs += 1);
    const old = await world({ machine: notes('1', { broken: true, work }) });
    await old.kernel.send('notes/a', { type: 'work' });
    await settled(old);
    await old.crash([{ kind: 'notes', machine: notes('2', { work }), migrate: compatible }]);
    await old.kernel.operate('resume', 'notes/a', 'ann');
    await settled(old);
    expect([await notesOf(old), runs, await rowsOf(old.store, 'o', 'i', 'q')]).toEqual([[1], 1, []]);
  });

  it('K14: stands still again, of the new version, when it throws on that too', async () => {
    const old = await world({ machine: notes('1', { broken: true }) });
    await expect(old.kernel.send('notes/a', { type: 'note', n: 5 })).rejects.toThrow('a bug');
    await old.crash([{ kind: 'notes', machine: notes('2', { broken: true }), migrate: compatible }]);
    await expect(old.kernel.operate('resume', 'notes/a', 'ann')).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    const record = await old.kernel.reader.record('notes/a');
    expect([record?.version, record?.quarantine?.event]).toEqual(['2', { type: 'note', n: 5 }]);
  });

  it('K12: is not stopped by a resume after a migration that could not be written', async () => {
    const invoking = (version: string, input: unknown): AnyStateMachine =>
      setup({ actors: { work: fromPromise<never, unknown>(nobody) } }).createMachine({
        id: 'notes',
        version,
        initial: 'first',
        states: { first: input === undefined ? {} : { invoke: { id: 'work', src: 'work', input } } },
      });
    const old = await world({ machine: invoking('1', undefined) });
    await old.crash([{ kind: 'notes', machine: invoking('2', new Map()), migrate: compatible }]);
    await settled(old);
    await old.crash([{ kind: 'notes', machine: invoking('1', undefined) }]);
    await old.kernel.operate('resume', 'notes/a', 'ann');
    const record = await old.kernel.reader.record('notes/a');
    expect([record?.status, record?.quarantine]).toEqual(['active', undefined]);
  });
});

describe('an actor that no machine can read', () => {
  const renamed = (version: string, state: string): AnyStateMachine =>
    setup({ types: { context: {} as Notes } }).createMachine({
      id: 'notes',
      version,
      context: { key: 'k', got: [] },
      initial: state,
      states: { [state]: {} },
    });

  for (const snapshot of ['each', 'amortized'] as const) {
    it(`gives its unique keys back and leaves no row when it is dismissed (${snapshot})`, async () => {
      const old = await world({ machine: renamed('1', 'a'), indexes: named, snapshot });
      await old.crash([{ kind: 'notes', machine: renamed('2', 'b'), indexes: named, snapshot }]);
      await expect(old.kernel.send('notes/a', { type: 'go' })).rejects.toThrow('stands still');
      await old.kernel.operate('dismiss', 'notes/a', 'ann');
      await old.clock.advance(1_000);
      await settled(old);
      expect(await rowsOf(old.store, 's', 'j', 'c', 'd', 'n')).toEqual([]);
      await old.kernel.create('notes', 'b', {});
      const kept = (await rowsOf(old.store, 'q')).map(([, holder]) => JSON.parse(holder) as unknown);
      expect(kept).toEqual(['notes/b']);
    });
  }
});

describe('a unique key that another actor holds', () => {
  it('K14: sets aside who would take it on what another actor sent, with that at its head', async () => {
    const tell = { type: 'actor.send', params: { to: 'notes/b', event: { type: 'name', key: 'k' } } };
    const boss = setup({}).createMachine({
      id: 'boss',
      version: '1',
      on: { tell: { actions: tell as never } },
    });
    const opened = await openWorld([
      { kind: 'notes', machine: notes('1'), indexes: named },
      { kind: 'boss', machine: boss },
    ]);
    for (const id of ['a', 'b']) await opened.kernel.create('notes', id, {});
    await opened.kernel.create('boss', 'x', {});
    await opened.kernel.send('notes/a', { type: 'name', key: 'k' });
    await opened.kernel.send('boss/x', { type: 'tell' });
    await settled(opened);
    expect((await opened.kernel.reader.record('notes/b'))?.quarantine?.code).toBe('NOT_UNIQUE');
    await opened.kernel.send('notes/a', { type: 'name' });
    await opened.kernel.operate('resume', 'notes/b', 'ann');
    await settled(opened);
    expect(await opened.kernel.reader.byUnique('name', ['k'])).toBe('notes/b');
    expect(await rowsOf(opened.store, 'i')).toEqual([]);
  });

  it('keeps nobody from its end, who would be found by it then', async () => {
    const ended = ({ status }: AnyMachineSnapshot) =>
      status === 'active' ? [] : [{ index: 'ended', parts: ['k'], unique: true }];
    const opened = await world({ machine: notes('1', { broken: true }), indexes: ended });
    await opened.kernel.create('notes', 'b', {});
    for (const id of ['a', 'b']) {
      await expect(opened.kernel.send(`notes/${id}`, { type: 'note' })).rejects.toThrow('a bug');
    }
    const dismissals = ['a', 'b'].map((id) => opened.kernel.operate('dismiss', `notes/${id}`, 'ann'));
    expect(await outcomeOf(opened, Promise.all(dismissals))).toMatchObject([
      { accepted: true },
      { accepted: true },
    ]);
  });
});

describe('a restart', () => {
  it('K2: that waits for a unique key is over before the next event is taken', async () => {
    const inFirst = ({ value }: AnyMachineSnapshot) =>
      value === 'first' ? [{ index: 'first', parts: ['k'], unique: true }] : [];
    const opened = await world({
      machine: notes('1'),
      indexes: inFirst,
      supervision: { onFailure: 'restart' },
    });
    await opened.kernel.send('notes/a', { type: 'go' });
    const sent = [{ type: 'spoil' }, { type: 'note', n: 1 }, { type: 'note', n: 2 }].map((event) =>
      opened.kernel.send('notes/a', event).then(({ seq }) => seq, code),
    );
    expect(await Promise.all(sent)).toEqual(['ACTOR_FAILED', 4, 5]);
    expect(await notesOf(opened)).toEqual([1, 2]);
  });

  it('K1: keeps what callers have scheduled', async () => {
    const opened = await world({ machine: notes('1'), supervision: { onFailure: 'restart' } });
    await opened.kernel.send('notes/a', { type: 'note', n: 7 }, { at: opened.clock.now() + 1_000 });
    await expect(opened.kernel.send('notes/a', { type: 'spoil' })).rejects.toMatchObject({
      code: 'ACTOR_FAILED',
    });
    await opened.clock.advance(1_000);
    await settled(opened);
    expect([await notesOf(opened), await rowsOf(opened.store, 'd')]).toEqual([[7], []]);
  });

  it('names the error of an effect when there were too many', async () => {
    const machine = setup({
      actors: { work: fromPromise(() => Promise.reject(new Error('no card'))) },
    }).createMachine({ id: 'payer', version: '1', invoke: { id: 'work', src: 'work' } });
    const budget = { failuresMax: 1, periodMs: 60_000 };
    const opened = await world({ machine, supervision: { onFailure: 'restart', budget } });
    await settled(opened);
    await settled(opened);
    expect((await opened.kernel.reader.record('notes/a'))?.quarantine?.message).toBe('no card');
  });
});

describe('a child', () => {
  const strict = fromTransition<{ n: number }, { type: string }, never, undefined>(
    ({ n }, { type }) => {
      if (type !== 'inc') throw new Error(`unknown: ${type}`);
      return { n: n + 1 };
    },
    { n: 0 },
  );
  const parent = (version: string): AnyStateMachine =>
    setup({ actors: { strict } }).createMachine({
      id: 'notes',
      version,
      initial: 'with',
      states: {
        with: {
          invoke: { id: 'kid', src: 'strict' },
          on: { inc: { actions: sendTo('kid', { type: 'inc' }) }, leave: 'without' },
        },
        without: {},
      },
    });
  const kid = 'notes.strict/a/kid@1:0';

  for (const onFailure of ['quarantine', 'restart', 'stop', 'escalate'] as const) {
    it(`K8: that throws on its stop has ended all the same (${onFailure})`, async () => {
      const children = { strict: { supervision: { onFailure } } };
      const opened = await world({ machine: parent('1'), children });
      await settled(opened);
      await opened.kernel.send('notes/a', { type: 'leave' });
      await settled(opened);
      const record = await opened.kernel.reader.record(kid);
      expect([record?.status, record?.quarantine]).toEqual(['stopped', undefined]);
    });
  }

  it('K12: of transition logic goes along when its parent gets a new version, amortized or not', async () => {
    const old = await world({ machine: parent('1'), snapshot: 'amortized' });
    await settled(old);
    await old.kernel.send('notes/a', { type: 'inc' });
    await settled(old);
    const migrate = { ...compatible, machines: { '1': parent('1') } };
    await old.crash([{ kind: 'notes', machine: parent('2'), snapshot: 'amortized', migrate }]);
    await old.kernel.send('notes/a', { type: 'inc' });
    await settled(old);
    expect((await old.kernel.snapshot(kid))?.snapshot.context).toEqual({ n: 2 });
  });

  it('K8: tells a parent that listens of its own steps, not of those its machine did not see', async () => {
    const child = setup({}).createMachine({ id: 'child' });
    const machine = setup({
      types: { context: {} as { seen: number } },
      actors: { child },
      actions: { see: assign({ seen: ({ context }) => context.seen + 1 }) },
    }).createMachine({
      id: 'notes',
      version: '1',
      context: { seen: 0 },
      invoke: { id: 'kid', src: 'child', onSnapshot: { actions: 'see' } },
    });
    const opened = await world({ machine });
    const seen = async (): Promise<unknown> => {
      await settled(opened);
      return (await opened.kernel.snapshot('notes/a'))?.snapshot.context;
    };
    expect(await seen()).toEqual({ seen: 1 });
    await opened.kernel.send('notes.child/a/kid@1:0', { type: 'x' }, { at: opened.clock.now() + 1_000 });
    expect(await seen()).toEqual({ seen: 1 });
    await opened.clock.advance(1_000);
    expect(await seen()).toEqual({ seen: 2 });
  });

  it('K8: and a child of a child are of two kinds, or their machine is refused', async () => {
    const b = setup({}).createMachine({ id: 'b' });
    const a = setup({ actors: { b } }).createMachine({ id: 'a' });
    const machine = setup({ actors: { a, 'a.b': b } }).createMachine({ id: 'notes', version: '1' });
    await expect(world({ machine })).rejects.toThrow('rename one of the sources');
  });
});

it('O5: a kernel that is closed while it starts runs no effect', async () => {
  let runs = 0;
  const work = (): Promise<never> => {
    runs += 1;
    return nobody();
  };
  const opened = await world({ machine: notes('1', { work }) });
  await opened.kernel.send('notes/a', { type: 'work' });
  await settled(opened);
  await opened.store.close();
  const store = await openMemoryStore({ disk: opened.disk });
  const kernel = await Kernel.open({ store, clock: opened.clock, log: silentLogger });
  kernel.define({ kind: 'notes', machine: notes('1', { work }) });
  const started = kernel.start();
  await kernel.close();
  await started;
  await settled(opened);
  expect(runs).toBe(1);
});

it('K11: refuses to wait for a time that no row could hold', async () => {
  const { kernel } = await world({ machine: notes('1') });
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY]) {
    await expect(kernel.send('notes/a', { type: 'note', n: 1 }, { at })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  }
});

describe('a damaged row', () => {
  const flip = (stored: string): string => `${stored.slice(0, -1)}${stored.endsWith('x') ? 'y' : 'x'}`;

  it('K14: of a journal or a payload does not keep an actor that has ended from being removed', async () => {
    for (const letter of ['j', 'p'] as const) {
      const opened = await openWorld([{ kind: 'notes', machine: notes('1', { broken: true }) }]);
      await opened.kernel.create('notes', 'a', {}, { payloads: { text: 'long' } });
      await expect(opened.kernel.send('notes/a', { type: 'note' })).rejects.toThrow('a bug');
      const [row] = await rowsOf(opened.store, letter);
      await opened.disk.corrupt(row?.[0] ?? '', flip);
      await opened.kernel.operate('dismiss', 'notes/a', 'ann');
      await opened.clock.advance(1_000);
      await settled(opened);
      expect(await rowsOf(opened.store, 's', 'j', 'p', 'd')).toEqual([]);
    }
  });

  it('K14: of a count, a shape or a list keeps no store from opening; counts are right again', async () => {
    const definition = { kind: 'notes', machine: notes('1', { broken: true }) };
    for (const letter of ['n', 'v', 'q'] as const) {
      const opened = await openWorld([definition]);
      for (const id of ['a', 'b', 'c']) await opened.kernel.create('notes', id, {});
      await opened.kernel.send('notes/c', { type: 'go' });
      await expect(opened.kernel.send('notes/a', { type: 'note' })).rejects.toThrow('a bug');
      const [row] = await rowsOf(opened.store, letter);
      await opened.disk.corrupt(row?.[0] ?? '', flip);
      for (let open = 0; open < 2; open += 1) {
        await opened.crash([definition]);
        const counted = opened.kernel.counts('notes').map(({ state, count }) => [state, count]);
        expect(Object.fromEntries(counted)).toEqual({ '"first"': 2 - open, '"second"': 1 + open });
        if (open === 0) await opened.kernel.send('notes/b', { type: 'go' });
      }
    }
  });
});
