/** Serving: who is called, in which order, how often, and what becomes of a turn that fails. */
import { describe, expect, it } from 'vitest';
import { keys } from '../../src/store/keys.js';
import { echo, gate, open, repliesOf, sessionOf, textOf } from './conversation.js';

describe('serving', () => {
  it('works on what was there before and on what comes later, in order', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.enqueue('one');
    await session.enqueue('two');
    const { told, handler } = echo();
    test.runtime.sessions.serve(handler);
    await test.settle();
    await session.enqueue('three');
    await test.settle();
    expect(told).toEqual(['one', 'two', 'three']);
    expect(await repliesOf(session)).toEqual(['re one', 're two', 're three']);
  });

  it('begins what is for later when its time has come', async () => {
    const test = await open();
    const { told, handler } = echo();
    test.runtime.sessions.serve(handler);
    await sessionOf(test).enqueue('one', { availableAt: test.clock.now() + 60_000 });
    await test.advance(59_999);
    expect(told).toEqual([]);
    await test.advance(1);
    expect(told).toEqual(['one']);
  });

  it('commits with nothing what a handler does not commit', async () => {
    const test = await open();
    const session = sessionOf(test);
    test.runtime.sessions.serve(() => 'ignored');
    await session.enqueue('one');
    await test.settle();
    expect((await session.history()).items).toHaveLength(1);
    expect(await session.view()).toMatchObject({ state: 'empty', counts: { completed: 1 } });
  });

  it('runs one turn at a time per session, and as many sessions as it may', async () => {
    const test = await open();
    const { turns, handler, open: letGo } = gate();
    test.runtime.sessions.serve(handler, { concurrency: 3 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await sessionOf(test, key).enqueue(`${key}1`);
      await sessionOf(test, key).enqueue(`${key}2`);
    }
    await test.settle();
    expect(turns.map(textOf)).toEqual(['a1', 'b1', 'c1']);
    letGo();
    await test.settle();
    expect(turns.map(textOf).toSorted()).toEqual('a1 a2 b1 b2 c1 c2 d1 d2 e1 e2'.split(' '));
    // Whoever waits longest is next: no session is served twice before each was served once.
    expect(turns.slice(3, 5).map(textOf)).toEqual(['d1', 'e1']);
  });

  it('gives commands to who takes them, before any turn', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.command({ kind: 'refreshToolSurface', reason: 'new tools' }, 'k1');
    await session.command({ kind: 'resetSession', reason: 'new topic' }, 'k2');
    await session.enqueue('hello');
    const seen: string[] = [];
    test.runtime.sessions.serve((turn) => seen.push(textOf(turn)), {
      command: ({ kind }) => seen.push(kind),
    });
    await test.settle();
    expect(seen).toEqual(['refreshToolSurface', 'resetSession', 'hello']);
  });

  it('takes a burst of 1,000 enqueues for as many turns as they need, and asks no more often', async () => {
    const test = await open();
    const session = sessionOf(test);
    let begins = 0;
    test.runtime.on('step', ({ entry }) => {
      if (entry.event.type === 'turn.begin') begins += 1;
    });
    const { told, handler } = echo();
    test.runtime.sessions.serve(handler);
    const merged = { slot: 'join', merge: 'payloadDefault' } as const;
    const texts = Array.from({ length: 1_000 }, (_, index) => `m${index}`);
    await Promise.all(texts.map((text) => session.enqueue(text, merged)));
    await test.settle();
    expect(told.join('|').split('|')).toEqual(texts);
    expect(begins).toBe(told.length);
    expect(told.length).toBeLessThanOrEqual(20);
  });

  it('by two at once is still one turn per session', async () => {
    const test = await open();
    const { turns, handler, open: letGo } = gate();
    test.runtime.sessions.serve(handler);
    test.runtime.sessions.serve(handler);
    for (const text of ['one', 'two', 'three']) await sessionOf(test).enqueue(text);
    await test.settle();
    expect(turns.map(textOf)).toEqual(['one']);
    letGo();
    await test.settle();
    expect(turns.map(textOf)).toEqual(['one', 'two', 'three']);
  });

  it('finds a session again that stood still when it was its turn', async () => {
    const from = await open();
    await sessionOf(from).enqueue('one');
    const capsule = await from.fixture({ address: 'session/chat:1' });
    const test = await open();
    const { told, handler } = echo();
    test.runtime.sessions.serve(handler);
    const address = await test.runtime.import(capsule);
    await sessionOf(test, 'other').enqueue('two');
    await test.advance('1 min');
    expect(told).toEqual(['two']);
    await test.runtime.quarantine.resume(address, { operator: 'me' });
    await test.advance('10 s');
    expect(told).toEqual(['two', 'one']);
  });

  it('leaves nothing behind: no claim is renewed once its turn has ended, however it did', async () => {
    const test = await open({ sessions: { attemptsMax: 2 } });
    const steps: string[] = [];
    test.runtime.on('step', ({ entry }) => steps.push(entry.event.type));
    test.runtime.sessions.serve(async (turn) => {
      if (textOf(turn) === 'throws') throw new Error('no');
      if (textOf(turn) === 'long')
        await new Promise((resolve) => turn.signal.addEventListener('abort', resolve));
      await turn.checkpoint();
    });
    for (const text of ['fine', 'throws', 'long']) {
      const session = sessionOf(test, text);
      await session.mode({ mode: 'interrupt' });
      await session.message(text);
      await test.advance('10 s');
    }
    await test.advance('6 min');
    expect(steps.filter((type) => type === 'claim.renew')).toHaveLength(1);
    await sessionOf(test, 'long').message('short');
    await test.settle();
    steps.length = 0;
    await test.advance('1 h');
    expect(steps).toEqual([]);
  });

  it('refuses what cannot be served by', async () => {
    const test = await open();
    const { sessions } = test.runtime;
    for (const concurrency of [0, 1.5, 10_001])
      expect(() => sessions.serve(() => undefined, { concurrency })).toThrow(/concurrency/);
    expect(() => sessions.serve(undefined as never)).toThrow(/handler/);
    await test.runtime.close({ timeoutMs: 0 });
    expect(() => sessions.serve(() => undefined)).toThrow(/closed/);
  });
});

describe('a turn that fails', () => {
  it('rests its session, so that nothing later overtakes it, ever longer', async () => {
    const test = await open();
    const session = sessionOf(test);
    const tries: (readonly [number, string])[] = [];
    const began = test.clock.now();
    test.runtime.sessions.serve((turn) => {
      tries.push([test.clock.now() - began, textOf(turn)]);
      if (tries.length < 4) throw new Error('the model is down');
    });
    await session.enqueue('one');
    await session.enqueue('two');
    await test.settle();
    expect(await session.view()).toMatchObject({ state: 'pausing' });
    await test.advance('1 min');
    expect(tries.map(([, text]) => text)).toEqual(['one', 'one', 'one', 'one', 'two']);
    const [first = 0, second = 0, third = 0, fourth = 0] = tries.map(([at]) => at);
    const rests = [second - first, third - second, fourth - third];
    rests.forEach((rest, index) => {
      expect(rest).toBeGreaterThanOrEqual(800 * 2 ** index);
      expect(rest).toBeLessThanOrEqual(1_200 * 2 ** index);
    });
  });

  it('too often leaves a dead letter, and the session goes on with the next', async () => {
    const test = await open({ sessions: { attemptsMax: 2 } });
    const session = sessionOf(test);
    const told: string[] = [];
    test.runtime.sessions.serve((turn) => {
      told.push(textOf(turn));
      if (textOf(turn) === 'one') throw new Error('never');
    });
    await session.enqueue('one');
    await session.enqueue('two');
    // The rest after the first attempt; there is none after the last.
    await test.advance(1_200);
    expect(told).toEqual(['one', 'one', 'two']);
    expect((await session.list()).items).toMatchObject([{ state: 'dead', attempts: 2 }]);
    expect(await session.view()).toMatchObject({ state: 'empty' });
  });

  it('after its commit is committed all the same', async () => {
    const test = await open();
    const session = sessionOf(test);
    let calls = 0;
    test.runtime.sessions.serve(async (turn) => {
      calls += 1;
      await turn.commit('done');
      throw new Error('too late');
    });
    await session.enqueue('one');
    await test.advance('1 h');
    expect([calls, await repliesOf(session)]).toEqual([1, ['done']]);
  });

  it('while its session cannot be read is given back once it can', async () => {
    const test = await open({ memory: { actorsMax: 1 } });
    const told: string[] = [];
    const release: (() => void)[] = [];
    test.runtime.sessions.serve(async (turn) => {
      told.push(textOf(turn));
      if (told.length > 1) return;
      await new Promise<void>((_, reject) => {
        release.push(() => reject(new Error('no')));
      });
    });
    await sessionOf(test).enqueue('one');
    await test.settle();
    await sessionOf(test, 'other').enqueue('evicts it', { availableAt: test.clock.now() + 3_600_000 });
    await test.settle();
    let whole = '';
    await test.disk.corrupt(keys.record('session/chat:1'), (stored) => {
      whole = stored;
      return 'damaged';
    });
    for (const throws of release) throws();
    await test.settle();
    await test.disk.corrupt(keys.record('session/chat:1'), () => whole);
    await test.advance('1 min');
    expect(told).toEqual(['one', 'one']);
  });

  it('with its process is begun again by the next', async () => {
    const test = await open();
    await sessionOf(test).enqueue('one');
    const { turns, handler } = gate();
    test.runtime.sessions.serve(handler);
    await test.settle();
    await test.crash();
    const again = echo();
    test.runtime.sessions.serve(again.handler);
    await test.settle();
    expect([turns.map(textOf), again.told]).toEqual([['one'], ['one']]);
    expect(await repliesOf(sessionOf(test))).toEqual(['re one']);
  });
});

describe('a turn whose payloads are gone', () => {
  it('is given back until it is a dead letter, and holds up nobody for longer', async () => {
    const test = await open({ sessions: { attemptsMax: 2 } });
    const session = sessionOf(test);
    await session.enqueue('one');
    await session.enqueue('two');
    const { told, handler } = echo();
    const [first] = (await session.list()).items;
    const nonce = first?.batchId.split('_').slice(2).join('_') ?? '';
    await test.disk.corrupt(keys.payload('session/chat:1', `b/${nonce}`), () => undefined);
    test.runtime.sessions.serve(handler);
    await test.advance('1 min');
    expect(told).toEqual(['two']);
    await expect(session.turn()).resolves.toMatchObject({ isEmpty: true });
  });
});
