/** Looking at actors of a user's own: following, waiting, listing; nothing of it before its commit. */
import { describe, expect, it } from 'vitest';
import { assign, setup, type SnapshotFrom } from 'xstate';
import { limits } from '../../src/limits.js';
import { keys } from '../../src/store/keys.js';
import { deferred, settled } from '../kernel/fixtures.js';
import { openActors, orderMachine, reopenActors } from './orders.js';

type Order = SnapshotFrom<ReturnType<typeof orderMachine>>;

const notes = (snapshot: Order): string => snapshot.context.notes.join('');

describe('following', () => {
  it('gives the present snapshot first, then one a commit, none twice, none left out', async () => {
    const { world, actors } = await openActors();
    const ref = await actors.define(orderMachine()).create({ id: 'a', input: { amount: 1 } });
    await ref.send({ type: 'note', text: 'a' });
    const heard: string[] = [];
    const sent = ref.send({ type: 'note', text: 'b' });
    const stop = ref.subscribe((snapshot) => heard.push(notes(snapshot)));
    await Promise.all([sent, ref.send({ type: 'note', text: 'c' }), ref.send({ type: 'note', text: 'd' })]);
    await settled(world);
    // Which of the first ones is the present one is the disk's affair; from it on none is missing.
    expect(['ab,abc,abcd', 'abc,abcd', 'abcd']).toContain(heard.join());
    await ref.send({ type: 'note', text: 'e' });
    expect(heard.at(-1)).toBe('abcde');
    stop();
    stop();
    await ref.send({ type: 'note', text: 'f' });
    expect(heard.at(-1)).toBe('abcde');
  });

  it('of an actor that does not exist yet begins with its creation', async () => {
    const { world, actors } = await openActors();
    const orders = actors.define(orderMachine());
    const heard: string[] = [];
    orders.get('later').subscribe((snapshot) => heard.push(snapshot.status));
    await settled(world);
    expect(heard).toEqual([]);
    await orders.create({ id: 'later', input: { amount: 1 } });
    expect(heard).toEqual(['active']);
    const again = (await reopenActors(world)).define(orderMachine());
    const snapshots: Order[] = [];
    again.get('later').subscribe((snapshot) => snapshots.push(snapshot));
    await settled(world);
    expect(snapshots.map(({ context }) => context.amount)).toEqual([1]);
  });

  it('ends when the actor does, and says which way', async () => {
    const { world, actors } = await openActors();
    const failing = actors.define(
      orderMachine(() => Promise.reject(new Error('no money'))),
      { kind: 'failing' },
    );
    const orders = actors.define(orderMachine());
    const told: string[] = [];
    const observer = (name: string): object => ({
      next: ({ status }: Order) => told.push(`${name} ${status}`),
      complete: () => told.push(`${name} complete`),
      error: (error: unknown) => told.push(`${name} ${(error as { message: string }).message}`),
    });
    const paid = await orders.create({ id: 'p', input: { amount: 1 } });
    const broke = await failing.create({ id: 'b', input: { amount: 1 } });
    paid.subscribe(observer('paid'));
    broke.subscribe(observer('broke'));
    await settled(world);
    await paid.send({ type: 'pay' });
    await paid.waitFor((snapshot) => snapshot.matches('paid'));
    await paid.send({ type: 'ship' });
    await broke.send({ type: 'pay' });
    await broke.waitFor(({ status }) => status === 'error');
    expect(told.filter((line) => line.startsWith('paid'))).toEqual([
      ...Array.from({ length: 3 }, () => 'paid active'),
      'paid done',
      'paid complete',
    ]);
    expect(told.slice(-2)).toEqual(['broke error', 'broke no money']);
    paid.subscribe(observer('late'));
    await settled(world);
    expect(told.slice(-2)).toEqual(['late done', 'late complete']);
  });

  it('ends when an operator dismisses the actor', async () => {
    const { world, actors } = await openActors();
    const ref = await actors.define(orderMachine()).create({ id: 'a', input: { amount: 1 } });
    const told: string[] = [];
    ref.subscribe({
      next: ({ status }) => told.push(status),
      complete: () => told.push('complete'),
    });
    await settled(world);
    await expect(ref.send({ type: 'break' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    await world.kernel.operate('dismiss', ref.address, 'me');
    expect(told).toEqual(['active', 'stopped', 'complete']);
  });

  it('lets a listener that throws, or stops itself, harm nobody', async () => {
    const { world, actors } = await openActors();
    const ref = await actors.define(orderMachine()).create({ id: 'a', input: { amount: 1 } });
    let calls = 0;
    let lastWords = 0;
    ref.subscribe(() => {
      calls += 1;
      throw new Error('a listener with a bug');
    });
    ref.subscribe((async () => {
      await Promise.reject(new Error('an async listener with a bug'));
    }) as () => void);
    const stop = ref.subscribe(() => {
      lastWords += 1;
      stop();
    });
    await settled(world);
    await ref.send({ type: 'note', text: 'x' });
    await settled(world);
    expect([calls, lastWords]).toEqual([2, 1]);
    expect(world.logged.filter(([message]) => message === 'listener.failed')).toHaveLength(4);
  });

  it('hears what the machine emits, after the commit, by type or all of it', async () => {
    const { world, actors } = await openActors();
    const ref = await actors.define(orderMachine()).create({ id: 'a', input: { amount: 1 } });
    const receipts: string[] = [];
    const all: string[] = [];
    ref.on('charged', ({ receipt }) => receipts.push(receipt));
    ref.on('*', () => {
      throw new Error('a listener with a bug');
    });
    const stop = ref.on('*', ({ type }) => all.push(type));
    await ref.send({ type: 'note', text: 'x' });
    stop();
    await ref.send({ type: 'pay' });
    await ref.waitFor((snapshot) => snapshot.matches('paid'));
    expect([receipts, all]).toEqual([['receipt'], ['noted']]);
    const again = (await reopenActors(world)).define(orderMachine()).get('a');
    again.on('*', ({ type }) => all.push(`again ${type}`));
    await again.snapshot();
    await settled(world);
    expect(all).toEqual(['noted']);
  });
});

describe('waiting', () => {
  it('ends with the reason of its signal, and the work goes on', async () => {
    const { world, actors } = await openActors();
    const gate = deferred<string>();
    const orders = actors.define(orderMachine(() => gate.promise));
    const reason = new Error('enough');
    const ended = AbortSignal.abort(reason);
    await expect(orders.create({ id: 'no', input: { amount: 1 }, signal: ended })).rejects.toBe(reason);
    expect(await orders.get('no').snapshot()).toBeUndefined();
    const ref = await orders.create({ id: 'a', input: { amount: 1 } });
    await expect(ref.send({ type: 'pay' }, { signal: ended })).rejects.toBe(reason);
    expect((await ref.journal()).map(({ event }) => event.type)).toEqual(['xstate.init']);
    const cancel = new AbortController();
    const sending = ref.send({ type: 'pay' }, { id: 'p1', signal: cancel.signal });
    const waiting = ref.waitFor((snapshot) => snapshot.matches('paid'), { signal: cancel.signal });
    cancel.abort(reason);
    await expect(sending).rejects.toBe(reason);
    await expect(waiting).rejects.toBe(reason);
    await settled(world);
    expect(await ref.send({ type: 'pay' }, { id: 'p1' })).toMatchObject({ seq: 2, deduplicated: true });
    await expect(orders.get('nobody').waitFor(() => true)).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });

  it('refuses events that would pass for the runtime’s own', async () => {
    const { actors } = await openActors();
    const machine = setup({}).createMachine({ id: 'any', version: '1', on: { '*': {} } });
    const ref = await actors.define(machine).create({ id: 'a' });
    for (const event of [{ type: 'holdfast.migrated' }, { type: 'xstate.init' }, { type: 'go', $: 1 }]) {
      await expect(ref.send(event)).rejects.toMatchObject({ code: 'INVALID_EVENT' });
    }
    expect(await ref.journal()).toHaveLength(1);
  });

  it('tells whether an event would be taken now', async () => {
    const { actors } = await openActors();
    const orders = actors.define(orderMachine());
    const free = await orders.create({ id: 'free', input: { amount: 0 } });
    const ref = await orders.create({ id: 'a', input: { amount: 1 } });
    expect([await ref.can({ type: 'pay' }), await free.can({ type: 'pay' })]).toEqual([true, false]);
    expect(await ref.can({ type: 'ship' })).toBe(false);
    expect(await orders.get('nobody').can({ type: 'pay' })).toBe(false);
    await ref.send({ type: 'pay' });
    await ref.waitFor((snapshot) => snapshot.matches('paid'));
    await ref.send({ type: 'ship' });
    expect(await ref.can({ type: 'note', text: 'x' })).toBe(false);
    expect(await ref.send({ type: 'note', text: 'x' })).toMatchObject({ accepted: false });
  });

  it('K1: shows no journal entry, listing or snapshot that is not on disk', async () => {
    const { world, actors } = await openActors();
    const orders = actors.define(orderMachine());
    const ref = await orders.create({ id: 'a', input: { amount: 1 } });
    let acknowledged = false;
    const sent = ref.send({ type: 'note', text: 'x' }).then(() => {
      acknowledged = true;
    });
    const views = [
      ref.journal().then((entries) => [entries.length === 2, acknowledged]),
      orders.list().then(({ items }) => [items[0]?.seq === 2, acknowledged]),
      ref.snapshot().then((snapshot) => [snapshot !== undefined && notes(snapshot) === 'x', acknowledged]),
    ];
    for (const view of await Promise.all(views)) expect(view).toEqual([true, true]);
    await sent;
    expect(await world.kernel.reader.journal('order/a')).toEqual(await ref.journal());
  });
});

describe('a listing', () => {
  const counting = setup({
    types: { input: {} as { n: number }, context: {} as { n: number } },
  }).createMachine({
    id: 'thing',
    version: '1',
    context: ({ input }) => ({ n: input.n }),
    initial: 'deciding',
    states: {
      deciding: { always: [{ guard: ({ context }) => context.n % 500 === 499, target: 'rare' }, 'common'] },
      common: { on: { more: { actions: assign({ n: ({ context }) => context.n + 1 }) } } },
      rare: { initial: 'x', states: { x: {} } },
    },
  });

  it('finds by state as matches does, in pages that look at a thousand actors at most', async () => {
    const things = (await openActors()).actors.define(counting);
    const all = limits.scanPageRows + 500;
    const creations = Array.from({ length: all }, (_none, n) => ({
      id: String(n).padStart(5, '0'),
      input: { n },
    }));
    await things.createMany(creations);
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await things.list({ state: 'rare.x', limit: 3, cursor });
      pages.push(page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined && pages.length < 10);
    expect(pages).toEqual([['00499', '00999'], ['01499']]);
    expect((await things.list({ state: { rare: 'x' } })).items.map(({ id }) => id)).toEqual(pages[0]);
    expect((await things.list({ state: 'rare' })).items).toHaveLength(2);
    expect((await things.list({ state: 'nowhere' })).items).toEqual([]);
    expect((await things.list({ limit: 5_000 })).items).toHaveLength(1_000);
    expect((await things.list()).items).toHaveLength(100);
    const counts = [undefined, 'rare', 'rare.x', 'gone'].map((state) => things.count(state));
    expect(counts).toEqual([all, 3, 3, 0]);
  });

  it('takes no cursor of another listing, no word for one, and no state that is none', async () => {
    const { actors } = await openActors();
    const [things, others] = [actors.define(counting), actors.define(counting, { kind: 'other' })];
    for (const id of ['a', 'b']) await things.create({ id, input: { n: 0 } });
    const { cursor } = await things.list({ limit: 1 });
    expect((await things.list({ cursor })).items.map(({ id }) => id)).toEqual(['b']);
    await expect(things.list({ state: 5 as unknown as string })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { field: 'state' },
    });
    for (const wrong of [cursor, 'nonsense', '']) {
      await expect(others.list({ cursor: wrong })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        details: { field: 'cursor' },
      });
    }
  });

  it('shows an actor whose row is damaged, and goes on behind it', async () => {
    const { world, actors } = await openActors();
    const things = actors.define(counting);
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const id of ids) await things.create({ id, input: { n: 0 } });
    for (const id of ['b', 'c', 'e'])
      await world.disk.corrupt(keys.record(`thing/${id}`), (stored) => stored.replace('thing', 'think'));
    const { items } = await actors.list('thing');
    expect(items.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'a active',
      'b unreadable',
      'c unreadable',
      'd active',
      'e unreadable',
    ]);
    const first = await actors.list('thing', { status: 'unreadable', limit: 1 });
    const rest = await actors.list('thing', { status: 'unreadable', cursor: first.cursor });
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(['b', 'c', 'e']);
    expect((await actors.list('thing', { state: 'common' })).items.map(({ id }) => id)).toEqual(['a', 'd']);
  });
});
