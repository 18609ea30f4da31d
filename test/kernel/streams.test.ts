/** Callbacks, observables and logic of the user's own: what they send, what they are told, how they end. */
import { describe, expect, it } from 'vitest';
import { createMachine, fromCallback, fromEventObservable, fromObservable } from 'xstate';
import type { AnyEventObject } from 'xstate';
import { EffectDeferred, type EffectPolicy } from '../../src/actors/kernel/index.js';
import { limits } from '../../src/limits.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { openWorld, rowsOf, settled } from './fixtures.js';
import { defined, heardIn, observable, opened, send } from './stream-machines.js';

describe('events of a stream (K6)', () => {
  it('K6: carry the effect, the attempt and their number; a later run has another attempt', async () => {
    const twice = fromCallback(({ sendBack }) => {
      sendBack({ type: 'a' });
      sendBack({ type: 'b' });
    });
    const world = await opened(twice);
    await world.crash([defined(twice)]);
    await settled(world);
    const entries = (await rowsOf(world.store, 'j')).map(
      ([, text]) => JSON.parse(text) as { eventId: string },
    );
    const ids = entries.slice(1).map(({ eventId }) => eventId);
    expect(ids[0]).toMatch(/^listener\/l\/1:0\/\d+\.\d+\/1$/);
    expect(ids.map((id) => id.slice(id.lastIndexOf('/')))).toEqual(['/1', '/2', '/1', '/2']);
    expect(new Set(ids).size).toBe(4);
    expect(await heardIn(world)).toEqual(['a', 'b', 'a', 'b']);
  });

  it('K6: keep their order, and hundreds share a commit', async () => {
    let store: FaultyStore | undefined;
    const many = fromCallback(({ sendBack }) => {
      for (let n = 0; n < 500; n += 1) sendBack({ type: `n${n}` });
    });
    const world = await openWorld([defined(many)], (inner) => (store = faultyStore(inner)));
    await world.kernel.create('listener', 'l', undefined);
    const before = store?.commitCount ?? 0;
    await settled(world);
    expect(await heardIn(world)).toEqual(Array.from({ length: 500 }, (_unused, n) => `n${n}`));
    expect((store?.commitCount ?? 0) - before).toBeLessThan(10);
  });

  it('K6: are refused while the step that left their effect is being written', async () => {
    let store: FaultyStore | undefined;
    let sendNow: (event: AnyEventObject) => void = () => undefined;
    const kept = fromCallback(({ sendBack }) => {
      sendNow = sendBack;
    });
    const world = await openWorld([defined(kept)], (inner) => (store = faultyStore(inner)));
    await world.kernel.create('listener', 'l', undefined);
    await settled(world);
    const hold = store?.hold();
    const left = world.kernel.send('listener/l', { type: 'leave' });
    await hold?.reached;
    sendNow({ type: 'too.late' });
    await settled(world);
    hold?.release();
    await left;
    await settled(world);
    expect(await heardIn(world)).toEqual(['leave']);
  });

  it.each([
    [{ type: 'odd', when: new Date(0) }, 'INVALID_EVENT', '$.when'],
    [{ type: 'odd', list: [1, [Number.NaN]] }, 'INVALID_EVENT', '$.list[1][0]'],
    [{ type: 'odd', $: 1 }, 'INVALID_EVENT', '"$"'],
    [{ type: 'xstate.done.actor.other' }, 'INVALID_EVENT', "XState's own"],
  ])('K6: %j ends the stream with an error that says why', async (event, code, named) => {
    let cleanups = 0;
    const errors: unknown[] = [];
    const odd = fromCallback(({ sendBack }) => {
      sendBack({ type: 'fine' });
      sendBack(event);
      sendBack({ type: 'never' });
      return () => (cleanups += 1);
    });
    const world = await openWorld([defined(odd)]);
    world.kernel.onStep(({ entry }) => 'error' in entry.event && errors.push(entry.event['error']));
    await world.kernel.create('listener', 'l', undefined);
    await settled(world);
    const heard = await heardIn(world);
    expect([heard.length, heard[0], cleanups]).toEqual([2, 'fine', 1]);
    expect(heard[1]).toContain(named);
    expect(errors).toMatchObject([{ code }]);
    expect(await rowsOf(world.store, 'o')).toEqual([]);
  });

  it('K6: a snapshot that is not JSON ends the stream, too', async () => {
    const odd = fromObservable(() =>
      observable<Map<string, string>>((to) => (to.next(new Map()), () => undefined)),
    );
    const world = await openWorld([defined(odd, {}, true)]);
    await world.kernel.create('listener', 'l', undefined);
    await settled(world);
    expect((await heardIn(world)).at(-1)).toContain('$.context');
  });

  it('K6: what the source does with an event afterwards changes nothing', async () => {
    const mine = { type: 'mine', list: [1] };
    const world = await opened(
      fromCallback(({ sendBack }) => {
        sendBack(mine);
        mine.list.push(2);
      }),
    );
    expect(await heardIn(world)).toEqual(['mine {"list":[1]}']);
  });

  it('K11: a stream that runs ahead of the disk fails instead of filling the memory', async () => {
    let cleanups = 0;
    const flood = fromCallback(({ sendBack }) => {
      for (let n = 0; n < limits.streamBacklogMax + 5; n += 1) sendBack({ type: 'drop' });
      return () => (cleanups += 1);
    });
    const world = await opened(flood);
    const heard = await heardIn(world);
    expect(heard).toHaveLength(limits.streamBacklogMax + 1);
    expect([heard.at(-1), cleanups]).toEqual([expect.stringContaining('1000 events'), 1]);
    const last = (await rowsOf(world.store, 'j')).at(-1);
    expect(JSON.parse(last?.[1] ?? '')).toMatchObject({ event: { error: { code: 'EFFECT_BACKLOG' } } });
  });
});

describe('the life of a stream (K6, K7)', () => {
  it('K7: begins anew after a crash, with the same input, and has no timeout of its own', async () => {
    const inputs: unknown[] = [];
    const long = fromCallback(({ input }) => void inputs.push(input));
    const world = await opened(long);
    await world.clock.advance(40 * 86_400_000);
    await world.crash([defined(long)]);
    await settled(world);
    expect(inputs).toEqual([{ from: 'parent' }, { from: 'parent' }]);
    expect(await heardIn(world)).toEqual([]);
  });

  it('K7: a timeout that was asked for ends it', async () => {
    let cleanups = 0;
    const world = await opened(
      fromCallback(() => () => (cleanups += 1)),
      { timeoutMs: 5_000 },
    );
    await world.clock.advance(5_000);
    expect([(await heardIn(world)).length, cleanups]).toEqual([1, 1]);
    expect((await heardIn(world))[0]).toContain('ran for 5000 ms');
  });

  it('a failing one with a restart budget is run again, and only what it sent is heard', async () => {
    let runs = 0;
    const shaky = fromEventObservable(() =>
      observable<AnyEventObject>((to) => {
        runs += 1;
        to.next({ type: `run${runs}` });
        if (runs < 3) to.error(new Error('a broken pipe'));
        return () => undefined;
      }),
    );
    const world = await opened(shaky, { restart: { failuresMax: 2, periodMs: 60_000 } });
    await world.clock.advance(10_000);
    expect(await heardIn(world)).toEqual(['run1', 'run2', 'run3']);
    await send(world, { type: 'leave' });
    expect(await rowsOf(world.store, 'o')).toEqual([]);
  });

  it('a process that ends while it runs is no failure of a stream', async () => {
    let runs = 0;
    const source = defined(
      fromCallback(() => void (runs += 1)),
      { restart: { failuresMax: 0, periodMs: 60_000 } },
    );
    const world = await openWorld([source]);
    await world.kernel.create('listener', 'l', undefined);
    await settled(world);
    for (let death = 0; death < 3; death += 1) {
      await world.crash([source]);
      await settled(world);
    }
    expect([runs, await heardIn(world)]).toEqual([4, []]);
  });

  it('K14: rests while its actor stands still, and is run again when it goes on', async () => {
    let runs = 0;
    let cleanups = 0;
    let sendNow: (event: AnyEventObject) => void = () => undefined;
    const world = await opened(
      fromCallback(({ sendBack }) => {
        runs += 1;
        sendNow = sendBack;
        return () => (cleanups += 1);
      }),
    );
    sendNow({ type: 'boom' });
    sendNow({ type: 'behind.it' });
    await settled(world);
    expect([runs, cleanups]).toEqual([1, 1]);
    sendNow({ type: 'nobody.hears' });
    await world.kernel.operate('skip', 'listener/l', 'me');
    await settled(world);
    expect([runs, cleanups]).toEqual([2, 1]);
    sendNow({ type: 'well' });
    await settled(world);
    expect((await heardIn(world)).at(-1)).toBe('well');
    expect(await heardIn(world)).not.toContain('nobody.hears');
  });

  it('K12: of an older actor runs once that is migrated, unless the new one has it no more', async () => {
    let runs = 0;
    const source = fromCallback(({ sendBack }) => sendBack({ type: `run${++runs}` }));
    const world = await opened(source);
    const fromOne = { from: { '1': 'compatible' } } as const;
    await world.crash([{ ...defined(source), version: '2', migrate: fromOne }]);
    await settled(world);
    expect([runs, await heardIn(world)]).toEqual([2, ['run1', 'run2']]);
    const bare = createMachine({
      context: { heard: [] },
      initial: 'on',
      states: { on: {}, leaving: {}, off: {} },
    });
    const fromTwo = { from: { '2': 'compatible' } } as const;
    await world.crash([{ kind: 'listener', machine: bare, version: '3', migrate: fromTwo }]);
    await settled(world);
    expect([runs, (await world.kernel.reader.record('listener/l'))?.version]).toEqual([2, '3']);
    expect(await rowsOf(world.store, 'o')).toEqual([]);
  });

  it('one that was put off has said nothing and waits its turn', async () => {
    let runs = 0;
    const world = await opened(
      fromCallback(() => {
        runs += 1;
        if (runs === 1) throw new EffectDeferred('not now');
      }),
    );
    await world.clock.advance(limits.deferredPauseMs);
    expect([runs, await heardIn(world)]).toEqual([2, []]);
  });
});

describe('what a stream is told (K6)', () => {
  const echo = fromCallback(({ sendBack, receive }) =>
    receive((event) => sendBack({ type: 'echo', n: Number(Reflect.get(event, 'n')) })),
  );
  const gated: EffectPolicy = { shares: () => [{ name: 'door', limit: 1 }] };

  it('K6: before it runs is kept, in order, up to a hundred', async () => {
    const world = await openWorld([defined(echo, gated)]);
    world.kernel.gate('door', false);
    await world.kernel.create('listener', 'l', undefined);
    for (let n = 0; n < limits.tellBacklogMax + 3; n += 1) {
      await world.kernel.send('listener/l', { type: 'poke', n });
    }
    world.kernel.gate('door', true);
    await settled(world);
    const expected = Array.from({ length: limits.tellBacklogMax }, (_unused, n) => `echo {"n":${n}}`);
    expect(await heardIn(world)).toEqual(expected);
    expect(world.logged.filter(([message]) => message === 'effect.told.dropped')).toHaveLength(3);
  });

  it('K6: is given at most once: what was kept is not told to its next entry, or after a crash', async () => {
    const world = await openWorld([defined(echo, gated)]);
    world.kernel.gate('door', false);
    await world.kernel.create('listener', 'l', undefined);
    await send(world, { type: 'poke', n: 1 });
    await send(world, { type: 'again' });
    await send(world, { type: 'poke', n: 2 });
    world.kernel.gate('door', true);
    await settled(world);
    expect(await heardIn(world)).toEqual(['echo {"n":2}']);
    await world.crash([defined(echo, gated)]);
    await settled(world);
    await send(world, { type: 'poke', n: 3 });
    expect(await heardIn(world)).toEqual(['echo {"n":2}', 'echo {"n":3}']);
  });

  it('K6: right after a crash reaches the run that the crash made necessary', async () => {
    const world = await opened(echo);
    await world.crash([defined(echo)]);
    await world.kernel.send('listener/l', { type: 'poke', n: 1 });
    await settled(world);
    expect(await heardIn(world)).toEqual(['echo {"n":1}']);
  });

  it('K6: is a copy', async () => {
    const world = await opened(
      fromCallback(({ sendBack, receive }) =>
        receive((event) => {
          Reflect.set(event, 'n', 99);
          sendBack({ type: 'changed' });
        }),
      ),
    );
    await send(world, { type: 'poke', n: 1 });
    expect(await heardIn(world)).toEqual(['changed']);
  });
});
