import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { checkReplay, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { limits } from '../../src/limits.js';
import { keys } from '../../src/store/keys.js';
import type { Store } from '../../src/store/store.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { deferred, openWorld, reading, rowsOf, settled, workflow, type World } from './fixtures.js';

/** Holds a unique key after `take`, refers to a file, is found by its name, ends on `end`. */
const holder: AnyStateMachine = setup({
  types: { context: {} as Held, input: {} as { name: string } },
  actions: {
    take: assign({ key: ({ event }) => String(event['key']) }),
    attach: assign({ file: ({ event }) => String(event['file']) }),
  },
}).createMachine({
  id: 'holder',
  version: '1',
  context: ({ input }) => ({ key: '', file: '', name: input.name }),
  initial: 'live',
  states: {
    live: { on: { take: { actions: 'take' }, attach: { actions: 'attach' }, end: 'over' } },
    over: { type: 'final' },
  },
});

interface Held {
  readonly key: string;
  readonly file: string;
  readonly name: string;
}

const heldBy = (snapshot: AnyMachineSnapshot): Held => snapshot.context as Held;
const numberIn = (snapshot: AnyMachineSnapshot): unknown => Reflect.get(snapshot.context as object, 'n');

const holding = (more: Partial<DefinitionOptions> = {}): DefinitionOptions => ({
  kind: 'holder',
  machine: holder,
  indexes: (snapshot) => {
    const { key, name } = heldBy(snapshot);
    const unique = key === '' ? [] : [['key', key] as const, ['other', 'x', key] as const];
    return [
      ...unique.map(([index, ...parts]) => ({ index, parts, unique: true })),
      { index: 'name', parts: [name] },
    ];
  },
  references: (snapshot) => [heldBy(snapshot).file].filter((file) => file !== ''),
  retentionMs: 1_000,
  ...more,
});

const outcomeOf = (sent: Promise<unknown>): Promise<unknown> =>
  sent.then(
    () => 'ok',
    (error: unknown) => Reflect.get(Object(error), 'code') as unknown,
  );

describe('unique keys', () => {
  it('go to one of those who ask at once, and to the next when it is given back', async () => {
    const world = await openWorld([holding()]);
    const ids = ['a', 'b', 'c', 'd'];
    for (const id of ids) await world.kernel.create('holder', id, { name: id });
    const take = (id: string): Promise<unknown> =>
      outcomeOf(world.kernel.send(`holder/${id}`, { type: 'take', key: 'k' }));
    expect(await Promise.all(ids.map(take))).toEqual(['ok', 'NOT_UNIQUE', 'NOT_UNIQUE', 'NOT_UNIQUE']);
    expect(await world.kernel.reader.byUnique('key', ['k'])).toBe('holder/a');
    const [given, taken] = await Promise.all([
      outcomeOf(world.kernel.send('holder/a', { type: 'take', key: 'l' })),
      take('b'),
    ]);
    expect([given, taken, await world.kernel.reader.byUnique('key', ['k'])]).toEqual([
      'ok',
      'ok',
      'holder/b',
    ]);
  });

  it('that are NUL or worse stop the actor that asked, and no other', async () => {
    const world = await openWorld([holding()]);
    for (const id of ['a', 'b']) await world.kernel.create('holder', id, { name: id });
    for (const key of ['a\0b', '\ud800']) {
      expect(await outcomeOf(world.kernel.send('holder/a', { type: 'take', key }))).toBe('ACTOR_QUARANTINED');
    }
    expect(await outcomeOf(world.kernel.send('holder/b', { type: 'take', key: 'k' }))).toBe('ok');
    expect(world.failures).toEqual([]);
  });
});

describe('the end of an actor', () => {
  it('K9: takes its timers and effects along, in the batch of its last step', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(() => new Promise(() => undefined)) }]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await settled(world);
    expect(await rowsOf(world.store, 'o')).toHaveLength(1);
    const before = world.store.lastCommit;
    await world.kernel.send('flow/a', { type: 'effect.interrupted' });
    expect(world.store.lastCommit - before).toBe(1);
    expect(await rowsOf(world.store, 'o')).toEqual([]);
    expect((await rowsOf(world.store, 'd')).map(([, row]) => row)).toEqual([
      expect.stringContaining('holdfast.retention'),
    ]);
  });

  it('leaves nothing once its retention has passed, and lets go of its files', async () => {
    const world = await openWorld([holding()]);
    const freed: string[] = [];
    world.kernel.onUnreferenced((sha) => freed.push(sha));
    await world.kernel.create('holder', 'a', { name: 'n' }, { payloads: { body: { text: 'x' } } });
    await world.kernel.create('holder', 'b', { name: 'n' });
    for (const id of ['a', 'b']) await world.kernel.send(`holder/${id}`, { type: 'attach', file: 'f1' });
    await world.kernel.send('holder/a', { type: 'take', key: 'k' });
    expect((await world.kernel.reader.byIndex('name', ['n'])).items).toEqual(['holder/a', 'holder/b']);
    const gone = outcomeOf(world.kernel.waitFor('holder/a', () => false));
    await world.kernel.send('holder/a', { type: 'end' });
    await world.clock.advance(1_000);
    expect([await gone, freed]).toEqual(['ACTOR_NOT_FOUND', []]);
    await world.kernel.send('holder/b', { type: 'end' });
    await world.clock.advance(1_000);
    expect(freed).toEqual(['f1']);
    expect(await rowsOf(world.store, 's', 'j', 'c', 'p', 'd', 'o', 'i', 'q', 'n', 'a')).toEqual([]);
  });

  it('keeps its id taken as long as the definition says, and no longer', async () => {
    const world = await openWorld([holding({ tombstoneMs: 3_600_000 })]);
    await world.kernel.create('holder', 'a', { name: 'n' });
    await world.kernel.send('holder/a', { type: 'end' });
    await world.clock.advance(1_000);
    const again = (): Promise<unknown> => world.kernel.create('holder', 'a', { name: 'n' });
    expect(await again()).toMatchObject({ accepted: false, deduplicated: true });
    await world.crash([holding({ tombstoneMs: 3_600_000 })]);
    expect(await again()).toMatchObject({ accepted: false, deduplicated: true });
    await world.clock.advance(3 * 3_600_000);
    await world.kernel.create('holder', 'z', { name: 'n' });
    await settled(world);
    expect(await again()).toMatchObject({ accepted: true, deduplicated: false });
  });
});

describe('parking and quarantine (K14)', () => {
  it('K14: an actor of a kind that nobody defined waits, and goes on when it is defined', async () => {
    const definition = { kind: 'flow', machine: workflow(async () => 'ran') };
    const world = await openWorld([definition]);
    await world.kernel.create('flow', 'a', { n: 1 });
    world.kernel.gate('none', true);
    await world.crash([]);
    expect(await outcomeOf(world.kernel.send('flow/a', { type: 'go' }))).toBe('KIND_UNKNOWN');
    await world.clock.advance(60_000);
    world.kernel.define(definition);
    await world.kernel.send('flow/a', { type: 'go' });
    await world.kernel.waitFor('flow/a', ({ value }) => value === 'waiting');
    await world.crash([]);
    await world.clock.advance(10_000);
    expect(await rowsOf(world.store, 'd')).toHaveLength(1);
    world.kernel.define(definition);
    await world.kernel.waitFor('flow/a', ({ value }) => value === 'done');
  });

  it('K14: an actor that threw stands still across a restart, its timers out of the index', async () => {
    const definition = { kind: 'flow', machine: workflow(async () => 1) };
    const world = await openWorld([definition]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await world.kernel.waitFor('flow/a', ({ value }) => value === 'waiting');
    expect(await outcomeOf(world.kernel.send('flow/a', { type: 'boom' }))).toBe('ACTOR_QUARANTINED');
    await world.crash([definition]);
    await world.clock.advance(60_000);
    const record = await world.kernel.reader.record('flow/a');
    expect(record?.timers).toHaveLength(1);
    expect([record?.status, await rowsOf(world.store, 'd')]).toEqual(['active', []]);
    expect(await outcomeOf(world.kernel.send('flow/a', { type: 'add', by: 1 }))).toBe('ACTOR_QUARANTINED');
  });

  it('K14: an actor of a version this process does not have harms nobody', async () => {
    const machine = workflow(() => new Promise(() => undefined));
    const world = await openWorld([{ kind: 'flow', machine }]);
    await world.kernel.create('flow', 'old', { n: 1 });
    await world.kernel.send('flow/old', { type: 'go' });
    let runs = 0;
    await world.crash([{ kind: 'flow', machine: workflow(async () => ++runs), version: '2' }]);
    await world.kernel.create('flow', 'new', { n: 1 });
    await world.kernel.send('flow/new', { type: 'go' });
    await world.kernel.waitFor('flow/new', ({ value }) => value === 'waiting');
    expect(runs).toBe(1);
    expect(await outcomeOf(world.kernel.send('flow/old', { type: 'go' }))).toBe('ACTOR_QUARANTINED');
    expect(await outcomeOf(world.kernel.waitFor('flow/old', () => true))).toBe('VERSION_UNKNOWN');
    expect((await world.kernel.reader.record('flow/old'))?.quarantine?.code).toBe('VERSION_UNKNOWN');
  });
});

describe('waiting (K16)', () => {
  it('K16: sees the present state first, then every commit, and can be given up', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const seen: number[] = [];
    const third = world.kernel.waitFor('flow/a', (snapshot) => {
      seen.push(Number(numberIn(snapshot)));
      return numberIn(snapshot) === 3;
    });
    await settled(world);
    await Promise.all([1, 2, 3].map(() => world.kernel.send('flow/a', { type: 'add', by: 1 })));
    await third;
    expect(seen).toEqual([0, 1, 2, 3]);
    const controller = new AbortController();
    const waiting = world.kernel.waitFor('flow/a', () => false, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const throwing = world.kernel.waitFor('flow/a', () => {
      throw new Error('a bug in a predicate');
    });
    await expect(throwing).rejects.toThrow('a bug in a predicate');
  });

  it('K16: finds an actor whose creation is committed while it looks', async () => {
    let store: FaultyStore | undefined;
    const slow = deferred<void>();
    let slowly = false;
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }], (inner) => {
      const faulty = faultyStore(inner);
      store = faulty;
      const get: Store['get'] = (key) => {
        const found = faulty.get(key);
        return slowly ? slow.promise.then(() => found) : found;
      };
      return reading(faulty, { get });
    });
    const hold = store?.hold();
    const created = world.kernel.create('flow', 'a', { n: 0 });
    await hold?.reached;
    slowly = true;
    const waiting = world.kernel.waitFor('flow/a', (snapshot) => numberIn(snapshot) === 1);
    slowly = false;
    hold?.release();
    await created;
    slow.resolve();
    await settled(world);
    await world.kernel.send('flow/a', { type: 'add', by: 1 });
    expect((await waiting).context).toMatchObject({ n: 1 });
    expect(await outcomeOf(world.kernel.waitFor('flow/none', () => true))).toBe('ACTOR_NOT_FOUND');
  });

  it('K16: ends with the runtime', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const waiting = outcomeOf(world.kernel.waitFor('flow/a', () => false));
    await settled(world);
    await world.kernel.close();
    expect(await waiting).toBe('RUNTIME_CLOSED');
    expect(await outcomeOf(world.kernel.waitFor('flow/a', () => true))).toBe('RUNTIME_CLOSED');
  });

  it('K11: refuses more than its mailbox holds, and takes more when that is done', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    await world.crash([{ kind: 'flow', machine: workflow(async () => 1) }]);
    // The first is being read from disk, so that the others wait in memory.
    const sends = Array.from({ length: limits.mailboxMax + 2 }, () =>
      outcomeOf(world.kernel.send('flow/a', { type: 'add', by: 1 })),
    );
    const refused = (await Promise.all(sends)).filter((outcome) => outcome === 'MAILBOX_FULL');
    expect(refused).toHaveLength(1);
    await world.kernel.send('flow/a', { type: 'add', by: 1 });
  });
});

describe('custom actions (K13)', () => {
  it('K13: run after the commit, at most once; a throw or a rejection is logged', async () => {
    const ran: string[] = [];
    const rejects: () => unknown = () => Promise.reject(new Error('a late bug'));
    const machine = setup({
      actions: {
        fine: ({ event }) => void ran.push(event.type),
        fall: () => {
          throw new Error('a bug');
        },
        // An action that is a promise after all: types do not keep a user from it.
        reject: rejects as () => void,
      },
    }).createMachine({
      version: '1',
      on: { go: { actions: ['fall', 'reject', 'fine'] }, later: { actions: 'fine' } },
    });
    let store: FaultyStore | undefined;
    const world = await openWorld([{ kind: 'flow', machine }], (inner) => (store = faultyStore(inner)));
    await world.kernel.create('flow', 'a', {});
    await world.kernel.send('flow/a', { type: 'go' });
    await settled(world);
    expect(ran).toEqual(['go']);
    expect(world.logged.filter(([message]) => message === 'action.failed')).toHaveLength(2);
    store?.failNext('after');
    expect(await outcomeOf(world.kernel.send('flow/a', { type: 'later' }))).toBe('STORE_FAILED');
    await world.crash([{ kind: 'flow', machine }]);
    await settled(world);
    expect([ran, (await world.kernel.reader.record('flow/a'))?.seq]).toEqual([['go'], 3]);
  });
});

describe('the journal', () => {
  it('stays within its bound, and replays from its oldest checkpoint', async () => {
    const definition = { kind: 'flow', machine: workflow(async () => 1) };
    const world = await openWorld([definition]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const check = async (): Promise<number> => {
      const record = await world.kernel.reader.record('flow/a');
      const known = world.kernel.definitionOf('flow');
      if (record === undefined || known === undefined) throw new Error('there is a flow');
      const entries = await world.kernel.reader.journal('flow/a');
      const from = record.marks[0]?.[0] ?? 0;
      expect(entries.map(({ seq }) => seq)).toEqual(
        Array.from({ length: record.seq - from }, (_unused, index) => from + 1 + index),
      );
      const checkpoint = await world.kernel.reader.checkpoint('flow/a', from);
      expect(checkpoint?.seq).toBe(from === 0 ? undefined : from);
      const start = checkpoint === undefined ? {} : { checkpoint };
      checkReplay({ definition: known, address: 'flow/a', entries, ...start }, record.snapshot);
      expect((await rowsOf(world.store, 'c')).length).toBe(record.marks.filter(([seq]) => seq > 0).length);
      return entries.length;
    };
    for (let lump = 0; lump < 6; lump += 1) {
      await Promise.all(
        Array.from({ length: 255 }, () => world.kernel.send('flow/a', { type: 'add', by: 1 })),
      );
      expect(await check()).toBeLessThanOrEqual(limits.journalEntriesMax);
      await world.crash([definition]);
    }
    const long = 'x'.repeat(200_000);
    for (let n = 0; n < 12; n += 1) await world.kernel.send('flow/a', { type: 'add', by: 1, long });
    expect(await check()).toBeLessThan(limits.journalEntriesMax);
    const bytes = (await rowsOf(world.store, 'j')).reduce((sum, [, row]) => sum + row.length, 0);
    expect(bytes).toBeLessThanOrEqual(limits.journalBytesMax + limits.checkpointBytes);
    expect((await world.kernel.snapshot('flow/a'))?.snapshot.context).toMatchObject({ n: 6 * 255 + 12 });
  });
});

describe('closing', () => {
  it('takes nothing new, lets what drains finish, and aborts the rest', async () => {
    const gate = deferred<string>();
    const machine = workflow(({ n }) => (n === 1 ? gate.promise : new Promise(() => undefined)));
    const world: World = await openWorld([{ kind: 'flow', machine, effects: { work: { drains: true } } }]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await settled(world);
    const closed = world.kernel.close();
    expect(await outcomeOf(world.kernel.send('flow/a', { type: 'add', by: 1 }))).toBe('RUNTIME_CLOSED');
    gate.resolve('finished');
    await closed;
    const text = await world.store.get(keys.record('flow/a'));
    expect(text).toContain('finished');
  });
});
