/** Machines of a user's own through the façade: made, sent to, looked at, and what is refused. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { setup, type AnyStateMachine } from 'xstate';
import type * as xstate from 'xstate';
import { openRuntime, silentLogger, type DefineOptions } from '../../src/index.js';
import { deferred, settled } from '../kernel/fixtures.js';
import { openActors, orderMachine, reopenActors, type Charge } from './orders.js';

const HOUR_MS = 3_600_000;

describe('a defined machine', () => {
  it('goes on in another process where it was, and its receipt is asked for once', async () => {
    const charged: Charge[] = [];
    const machine = orderMachine(async (input) => {
      charged.push(input);
      return 'r-1';
    });
    const { world, actors } = await openActors();
    const ref = await actors.define(machine).create({ id: '77', input: { amount: 5 } });
    await ref.send({ type: 'note', text: 'gift' }, { id: 'n1' });
    const again = await reopenActors(world);
    const order = again.define(machine).get('77');
    expect(await order.send({ type: 'note', text: 'gift' }, { id: 'n1' })).toEqual({
      seq: 2,
      accepted: true,
      deduplicated: true,
    });
    await order.send({ type: 'pay' });
    const paid = await order.waitFor((snapshot) => snapshot.matches('paid'));
    expect(paid.context).toEqual({ amount: 5, notes: ['gift'], receipt: 'r-1' });
    expect(charged).toEqual([{ amount: 5 }]);
  });

  it('K14: wakes up when it is defined, its timer overdue', async () => {
    const { world, actors } = await openActors();
    await actors.define(orderMachine()).create({ id: 'late', input: { amount: 5 } });
    const again = await reopenActors(world);
    await world.clock.advance(2 * HOUR_MS);
    expect((await again.list('order')).items[0]?.state).toEqual({ open: 'waiting' });
    const order = again.define(orderMachine()).get('late');
    await order.waitFor((snapshot) => snapshot.matches('expired'));
  });

  it('takes an event at its time, sent once, whatever happens in between', async () => {
    const { world, actors } = await openActors();
    const ref = await actors.define(orderMachine()).create({ id: 'a', input: { amount: 1 } });
    const at = world.clock.now() + 600_000;
    const sent = await ref.send({ type: 'note', text: 'later' }, { id: 'n1', at });
    expect(sent).toMatchObject({ accepted: true, deduplicated: false });
    expect(await ref.send({ type: 'note', text: 'later' }, { id: 'n1', at })).toEqual({
      ...sent,
      deduplicated: true,
    });
    const order = (await reopenActors(world)).define(orderMachine()).get('a');
    await world.clock.advance(599_000);
    expect((await order.snapshot())?.context.notes).toEqual([]);
    await world.clock.advance(1_000);
    expect((await order.snapshot())?.context.notes).toEqual(['later']);
    await world.clock.advance(600_000);
    // What is past is taken now.
    await order.send({ type: 'note', text: 'late' }, { at });
    expect((await order.snapshot())?.context.notes).toEqual(['later', 'late']);
    await expect(order.send({ type: 'pay' }, { at: Number.NaN })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { field: 'at' },
    });
  });

  it('is created once under an id, and says whether it was', async () => {
    const orders = (await openActors()).actors.define(orderMachine());
    const first = await orders.create({ id: 'a', input: { amount: 1 } });
    const second = await orders.create({ id: 'a', input: { amount: 2 } });
    const other = await orders.create({ input: { amount: 3 } });
    expect([first.created, second.created, other.created]).toEqual([true, false, true]);
    expect((await second.snapshot())?.context.amount).toBe(1);
    expect([first.id, first.kind, first.address]).toEqual(['a', 'order', 'order/a']);
    expect(other.id).toMatch(/^order_[\w-]{21}$/);
    expect(await orders.get('nobody').snapshot()).toBeUndefined();
    expect(() => orders.get('')).toThrow('an id has 1 to 512');
  });

  it('is created by the hundred in their order, and none when one is refused', async () => {
    const orders = (await openActors()).actors.define(orderMachine());
    const wanted = Array.from({ length: 100 }, (_none, n) => ({ id: `o${n}`, input: { amount: n } }));
    await orders.create({ id: 'o7', input: { amount: 0 } });
    const refs = await orders.createMany(wanted);
    expect(refs.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
    expect(refs.filter(({ created }) => !created).map(({ id }) => id)).toEqual(['o7']);
    const bad = [{ input: { amount: 1 } }, { id: '\0', input: { amount: 1 } }];
    await expect(orders.createMany(bad)).rejects.toMatchObject({ code: 'INVALID_ID' });
    expect(orders.count()).toBe(100);
  });

  it('is typed by its machine: wrong events, missing inputs and unknown emissions do not compile', () => {
    const check = async (): Promise<void> => {
      const orders = (await openActors()).actors.define(orderMachine());
      const plain = (await openActors()).actors.define(setup({}).createMachine({ id: 'plain' }));
      const ref = await orders.create({ input: { amount: 1 } });
      await plain.create();
      // @ts-expect-error the machine declares an input
      await orders.create();
      // @ts-expect-error the machine declares an input
      await orders.create({ id: 'x' });
      // @ts-expect-error of another type
      await orders.create({ input: { amount: 'much' } });
      // @ts-expect-error no such event
      await ref.send({ type: 'nope' });
      // @ts-expect-error its text is missing
      await ref.send({ type: 'note' });
      // @ts-expect-error no such emission
      ref.on('nope', () => undefined);
      ref.on('charged', (event) => expectTypeOf(event.receipt).toEqualTypeOf<string>());
      ref.on('*', (event) => expectTypeOf(event.type).toEqualTypeOf<'noted' | 'charged'>());
      const snapshot = await ref.snapshot();
      expectTypeOf(snapshot?.context.notes).toEqualTypeOf<readonly string[] | undefined>();
      const untyped = await plain.create();
      untyped.on('anything', ({ type }) => expectTypeOf(type).toEqualTypeOf<string>());
      await untyped.send({ type: 'anything', more: 1 });
      // @ts-expect-error no such state
      await ref.waitFor((now) => now.matches('nope'));
      // @ts-expect-error no such event
      await ref.can({ type: 'nope' });
    };
    expectTypeOf(check).toBeFunction();
  });
});

describe('a definition', () => {
  const machineOf = (config: object): AnyStateMachine =>
    setup({}).createMachine({ id: 'thing', version: '1', ...config });

  it('is refused under a name of the runtime’s own, one that is no name, or one that is taken', async () => {
    const { world, actors } = await openActors();
    world.kernel.define({ kind: 'taken', machine: machineOf({}) });
    const refused = [
      ['job', 'a kind of the runtime'],
      ['job.child', 'a kind of the runtime'],
      ['supervisor', 'a kind of the runtime'],
      ['a/b', 'no kind'],
      ['', 'no kind'],
      ['taken', 'another machine'],
      ['mine.child', 'beside "mine": names after a dot'],
      ['your', 'beside "your.child": names after a dot'],
    ] as const;
    actors.define(machineOf({}), { kind: 'mine' });
    actors.define(machineOf({}), { kind: 'your.child' });
    for (const [kind, why] of refused) {
      const define = (): unknown => actors.define(machineOf({}), { kind });
      expect(define).toThrow(expect.objectContaining({ code: 'INVALID_DEFINITION' }));
      expect(define).toThrow(why);
    }
    expect(() => actors.define(setup({}).createMachine({ version: '1' }))).toThrow('give the machine an id');
    await expect(actors.list('a/b')).rejects.toMatchObject({ code: 'INVALID_ID' });
  });

  it('is refused for what is no machine, or one of another copy of xstate', async () => {
    const { actors } = await openActors();
    const beside = pathToFileURL(createRequire(import.meta.url).resolve('xstate'));
    const other = (await import(new URL('xstate.esm.js', beside).href)) as Pick<
      typeof xstate,
      'createMachine'
    >;
    for (const machine of [undefined, {}, other.createMachine({ id: 'thing', version: '1' })]) {
      const define = (): unknown => actors.define(machine as AnyStateMachine);
      expect(define).toThrow(expect.objectContaining({ code: 'INVALID_DEFINITION' }));
      expect(define).toThrow('install xstate once');
    }
  });

  it('may be repeated with the same machine, not with another', async () => {
    const { actors } = await openActors();
    const machine = machineOf({});
    const [first, second] = [actors.define(machine), actors.define(machine)];
    await first.create({ id: 'a' });
    expect([second.kind, second.version, second.count()]).toEqual(['thing', '1', 1]);
    expect((await second.create({ id: 'a' })).created).toBe(false);
    expect(() => actors.define(machineOf({}))).toThrow('is defined already');
    expect(() => actors.define(machine, { version: '2' })).toThrow('is defined already');
  });

  it('refuses a schema that is none, and a way of keeping snapshots that is none', async () => {
    const { actors } = await openActors();
    const refuse = (options: object): void => {
      const define = (): unknown => actors.define(machineOf({}), options as DefineOptions<AnyStateMachine>);
      expect(define).toThrow(expect.objectContaining({ code: 'INVALID_DEFINITION' }));
    };
    refuse({ snapshot: 'sometimes' });
    refuse({ schemas: { input: { parse: () => 1 } } });
    refuse({ schemas: { events: { go: null } } });
    refuse({ schemas: { events: { go: { '~standard': { version: 2, validate: () => 1 } } } } });
    expect(actors.define(machineOf({})).kind).toBe('thing');
  });

  it('finds actors by its indexes, which meet no index of another kind', async () => {
    const { actors } = await openActors();
    const byAmount = actors.define(orderMachine(), {
      indexes: (snapshot, { ord }) => [
        { index: 'amount', parts: [String(snapshot.context.amount), ord] },
        {
          index: 'note',
          parts: [snapshot.context.notes[0] ?? 'none'],
          unique: snapshot.context.notes.length > 0,
        },
      ],
    });
    const other = actors.define(orderMachine(), {
      kind: 'other',
      indexes: () => [{ index: 'amount', parts: ['1', 'x'] }],
    });
    for (const id of ['c', 'b', 'a']) await byAmount.create({ id, input: { amount: id === 'b' ? 2 : 1 } });
    await other.create({ input: { amount: 1 } });
    const page = await byAmount.find('amount', ['1'], { limit: 1 });
    expect(page.items.map(({ id }) => id)).toEqual(['c']);
    const rest = await byAmount.find('amount', ['1'], { cursor: page.cursor });
    expect(rest.items.map(({ address }) => address)).toEqual(['order/a']);
    await byAmount.get('a').send({ type: 'note', text: 'mine' });
    await expect(byAmount.get('b').send({ type: 'note', text: 'mine' })).rejects.toMatchObject({
      code: 'NOT_UNIQUE',
    });
  });
});

describe('a runtime', () => {
  it('defines, lists and keeps machines in its directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-define-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const open = async (): ReturnType<typeof openRuntime> => {
      const runtime = await openRuntime({ directory, control: false, log: silentLogger });
      onTestFinished(() => runtime.close());
      return runtime;
    };
    const before = await open();
    const gate = deferred<string>();
    const ref = await before
      .define(orderMachine(() => gate.promise))
      .create({ id: '1', input: { amount: 1 } });
    await ref.send({ type: 'pay' });
    await before.close({ timeoutMs: 0 });
    await expect(ref.send({ type: 'ship' })).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
    const after = await open();
    expect((await after.list('order', { state: 'open.charging' })).items).toHaveLength(1);
    const order = after.define(orderMachine(async () => 'r')).get('1');
    await order.waitFor((snapshot) => snapshot.context.receipt === 'r');
    await order.send({ type: 'ship' });
    expect((await after.list('order', { status: 'done' })).items[0]?.state).toBe('shipped');
    expect(() => after.define(orderMachine(), { kind: 'delivery' })).toThrow('runtime');
    await after.close();
    expect(() => after.define(orderMachine(), { kind: 'more' })).toThrow('the runtime is closed');
  });
});

describe('an actor that was refused something', () => {
  it('K14: stands still, shows its fault in the listing, and takes nothing more', async () => {
    const { world, actors } = await openActors();
    const orders = actors.define(orderMachine());
    const ref = await orders.create({ id: 'bad', input: { amount: 1 } });
    await expect(ref.send({ type: 'break' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    const [view] = (await orders.list({ status: 'quarantined' })).items;
    expect(view).toMatchObject({ id: 'bad', state: { open: 'waiting' }, seq: 1 });
    expect(view?.fault?.message).toContain('a bug in a guard');
    expect(await ref.can({ type: 'pay' })).toBe(false);
    await settled(world);
    expect((await orders.list({ status: 'active' })).items).toEqual([]);
  });
});
