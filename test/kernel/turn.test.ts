import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { checkReplay, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { envelopeOf } from '../../src/machines/envelope.js';
import { reservedActions } from '../../src/machines/reserved.js';
import { keys } from '../../src/store/keys.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';

/** On `post`: creates a letter, sends to it twice, appends to a history, keeps a payload. All in one step. */
const poster: AnyStateMachine = setup({
  types: { context: {} as { random: number; at: number } },
  actions: {
    ...reservedActions,
    note: assign(({ event }) => ({ random: envelopeOf(event).random, at: envelopeOf(event).at })),
  },
}).createMachine({
  id: 'poster',
  version: '1',
  context: ({ input }) => ({ random: envelopeOf({ input }).random, at: envelopeOf({ input }).at }),
  on: {
    post: {
      actions: [
        'note',
        { type: 'actor.create', params: { kind: 'letter', id: 'l/1 ü', input: { text: 'hello' } } },
        { type: 'actor.send', params: { to: 'letter/l/1 ü', event: { type: 'read' } } },
        { type: 'actor.send', params: { to: 'letter/l/1 ü', event: { type: 'read' } } },
        { type: 'history.append', params: { session: 's1', entry: { role: 'user' } } },
        { type: 'payload.put', params: { name: 'body', value: { text: 'x' } } },
      ],
    },
    forget: { actions: { type: 'payload.delete', params: { name: 'body' } } },
    lose: { actions: { type: 'actor.send', params: { to: 'letter/nobody', event: { type: 'read' } } } },
    bad: { actions: { type: 'actor.send', params: { to: 'letter/\ud800', event: { type: 'read' } } } },
  },
});

const letter: AnyStateMachine = setup({
  types: { context: {} as { text: string; read: number }, input: {} as { text: string } },
}).createMachine({
  id: 'letter',
  version: '1',
  context: ({ input }) => ({ text: input.text, read: 0 }),
  on: { read: { actions: assign(({ context }) => ({ read: context.read + 1 })) } },
});

const both: readonly DefinitionOptions[] = [
  { kind: 'poster', machine: poster },
  { kind: 'letter', machine: letter },
];

const contextOf = async (world: World, address: string): Promise<unknown> =>
  (await world.kernel.snapshot(address))?.snapshot.context;

describe('the rows of a step (K8)', () => {
  it('K8: creates, sends, history and payloads are part of the step, and happen once', async () => {
    const world = await openWorld(both);
    await world.kernel.create('poster', 'p', {});
    const before = world.store.lastCommit;
    await world.kernel.send('poster/p', { type: 'post' }, { id: 'post-1' });
    expect(world.store.lastCommit - before).toBe(1);
    await settled(world);
    expect(await contextOf(world, 'letter/l/1 ü')).toEqual({ text: 'hello', read: 2 });
    await world.kernel.send('poster/p', { type: 'post' }, { id: 'post-1' });
    await world.kernel.send('poster/p', { type: 'post' });
    await settled(world);
    expect(await contextOf(world, 'letter/l/1 ü')).toEqual({ text: 'hello', read: 4 });
    expect((await world.kernel.reader.history('s1')).items.map(({ cause }) => cause)).toEqual([
      'poster/p',
      'poster/p',
    ]);
    expect(await world.kernel.reader.payload('poster/p', 'body')).toEqual({ text: 'x' });
    await world.kernel.send('poster/p', { type: 'forget' });
    expect(await world.kernel.reader.payload('poster/p', 'body')).toBeUndefined();
    expect(await rowsOf(world.store, 'i')).toEqual([]);
  });

  it('K8: everything sent arrives once, whichever commit the process dies at, before or after', async () => {
    for (const phase of ['before', 'after'] as const) {
      for (let nth = 1; nth <= 4; nth += 1) {
        let store: FaultyStore | undefined;
        const world = await openWorld(both, (inner) => (store = faultyStore(inner)));
        await world.kernel.create('poster', 'p', {});
        const first = store?.commitCount ?? 0;
        const watched = world.kernel.onStep(() => {
          if ((store?.commitCount ?? 0) - first === nth - 1) store?.failNext(phase);
        });
        if (nth === 1) store?.failNext(phase);
        await world.kernel.send('poster/p', { type: 'post' }, { id: 'once' }).catch(() => undefined);
        await settled(world);
        watched();
        await world.crash(both);
        await world.kernel.send('poster/p', { type: 'post' }, { id: 'once' });
        await settled(world);
        const where = `${phase} commit ${nth}`;
        expect([where, await contextOf(world, 'letter/l/1 ü')]).toEqual([where, { text: 'hello', read: 2 }]);
        expect((await world.kernel.reader.history('s1')).items).toHaveLength(1);
        expect(await rowsOf(world.store, 'i')).toEqual([]);
      }
    }
  });

  it('K8: what recovery finds and the sender hands over as well is taken once', async () => {
    const [sender, receiver] = both;
    if (sender === undefined || receiver === undefined) throw new Error('two kinds');
    const world = await openWorld([sender]);
    await world.kernel.create('poster', 'p', {});
    const posted = world.kernel.send('poster/p', { type: 'post' });
    // The sends are staged and not committed when the kind comes to life.
    world.kernel.define(receiver);
    await posted;
    await settled(world);
    expect(await contextOf(world, 'letter/l/1 ü')).toEqual({ text: 'hello', read: 2 });
    expect(await rowsOf(world.store, 'i')).toEqual([]);
  });

  it('K8: an event for an actor that does not exist becomes a dead letter', async () => {
    const world = await openWorld(both);
    await world.kernel.create('poster', 'p', {});
    await world.kernel.send('poster/p', { type: 'lose' });
    await settled(world);
    const letters = await world.kernel.reader.indexParts('dead-letter', []);
    expect(letters.items.map((parts) => parts.at(-1))).toEqual(['letter/nobody']);
    expect(await rowsOf(world.store, 'i')).toEqual([]);
  });

  it('stops the actor that names what makes no key, and no other', async () => {
    const world = await openWorld(both);
    await world.kernel.create('poster', 'p', {});
    await world.kernel.create('poster', 'q', {});
    await expect(world.kernel.send('poster/p', { type: 'bad' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await world.kernel.send('poster/q', { type: 'forget' });
    expect(world.failures).toEqual([]);
  });

  it('K10: gives each event its time and chance, the same again at a replay', async () => {
    const world = await openWorld(both);
    await world.kernel.create('poster', 'p', {});
    await world.kernel.send('poster/p', { type: 'post' });
    const first = await contextOf(world, 'poster/p');
    world.clock.jump(-5_000);
    await world.kernel.send(
      'poster/p',
      { type: 'post' },
      { source: 'operator:ann', traceparent: '00-a-b-01' },
    );
    const second = await contextOf(world, 'poster/p');
    expect(second).toMatchObject({ at: Reflect.get(Object(first), 'at') });
    expect(Reflect.get(Object(second), 'random')).not.toBe(Reflect.get(Object(first), 'random'));
    const definition = world.kernel.definitionOf('poster');
    const record = await world.kernel.reader.record('poster/p');
    if (definition === undefined || record === undefined) throw new Error('there is a poster');
    const entries = await world.kernel.reader.journal('poster/p');
    expect(entries.at(-1)).toMatchObject({ source: 'operator:ann', traceparent: '00-a-b-01' });
    checkReplay({ definition, address: 'poster/p', entries }, record.snapshot);
    const changed = { ...Object(record.snapshot), context: {} } as never;
    expect(() => checkReplay({ definition, address: 'poster/p', entries }, changed)).toThrow(
      expect.objectContaining({ code: 'REPLAY_DIVERGED' }),
    );
    const gap = entries.filter(({ seq }) => seq !== 2);
    expect(() => checkReplay({ definition, address: 'poster/p', entries: gap }, record.snapshot)).toThrow(
      'goes from 1 to 3',
    );
  });

  it('K10: keeps a copy of what it was given, so that a caller cannot change an actor', async () => {
    const world = await openWorld([{ kind: 'letter', machine: letter }]);
    const input = { text: 'hello' };
    await world.kernel.create('letter', 'a', input);
    input.text = 'changed';
    expect(await contextOf(world, 'letter/a')).toMatchObject({ text: 'hello' });
    for (const bad of [{ $: 1 }, { at: new Date(0) }, { n: Number.NaN }]) {
      await expect(world.kernel.create('letter', 'b', bad as never)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
    for (const id of ['', 'a\0b', '\ud800', 'x'.repeat(513)]) {
      await expect(world.kernel.send('letter/a', { type: 'read' }, { id })).rejects.toMatchObject({
        code: 'INVALID_ID',
      });
    }
  });

  it('takes ids of 512 bytes, with slashes and in any script', async () => {
    const world = await openWorld([{ kind: 'letter', machine: letter }]);
    const ids = ['x'.repeat(512), '🐈'.repeat(128), 'a/b//c', 'ä\u{10FFFF}', '..', ' '];
    for (const id of ids) await world.kernel.create('letter', id, { text: id });
    await world.crash([{ kind: 'letter', machine: letter }]);
    for (const id of ids) {
      await world.kernel.send(`letter/${id}`, { type: 'read' }, { id });
      expect(await contextOf(world, `letter/${id}`)).toEqual({ text: id, read: 1 });
    }
    const listed = await world.kernel.reader.byKind('letter');
    const inByteOrder = ids
      .map((id) => `letter/${id}`)
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(listed.items).toEqual(inByteOrder);
  });

  it('K15: an event id is forgotten after a day, and not before', async () => {
    const world = await openWorld([{ kind: 'letter', machine: letter }]);
    await world.kernel.create('letter', 'a', { text: '' });
    const send = (): Promise<unknown> => world.kernel.send('letter/a', { type: 'read' }, { id: 'once' });
    await send();
    await world.clock.advance(86_400_000 - 1);
    await world.crash([{ kind: 'letter', machine: letter }]);
    await send();
    expect(await contextOf(world, 'letter/a')).toMatchObject({ read: 1 });
    await world.clock.advance(7_200_000);
    await world.kernel.send('letter/a', { type: 'other' });
    await settled(world);
    expect(await rowsOf(world.store, 'x', 'e')).toEqual([]);
    expect(await world.store.get(keys.record('letter/a'))).toBeDefined();
    await send();
    expect(await contextOf(world, 'letter/a')).toMatchObject({ read: 2 });
  });

  it('K15: an event id is known for as long as its sender asks', async () => {
    const world = await openWorld([{ kind: 'letter', machine: letter }]);
    await world.kernel.create('letter', 'a', { text: '' });
    const options = { id: 'once', idKeptMs: 7 * 86_400_000 };
    const send = (): Promise<unknown> => world.kernel.send('letter/a', { type: 'read' }, options);
    await send();
    await world.clock.advance(6 * 86_400_000);
    await world.kernel.send('letter/a', { type: 'other' });
    await settled(world);
    await send();
    expect(await contextOf(world, 'letter/a')).toMatchObject({ read: 1 });
    await world.clock.advance(86_400_000 + 7_200_000);
    await world.kernel.send('letter/a', { type: 'other' });
    await settled(world);
    await send();
    expect(await contextOf(world, 'letter/a')).toMatchObject({ read: 2 });
  });
});
