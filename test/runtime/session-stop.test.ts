/**
 * Turns that must come to their end: by an interrupting message, or because serving or the runtime closes.
 */
import { describe, expect, it } from 'vitest';
import { gate, open, repliesOf, sessionOf, textOf } from './conversation.js';
import { openOne, writingNothing } from './session-place.js';

describe('an interrupting message while a handler runs', () => {
  it('runs once a handler that heeds its signal has come to its end', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    const told: string[] = [];
    test.runtime.sessions.serve(async (turn) => {
      told.push(textOf(turn));
      if (textOf(turn) !== 'one') return;
      await new Promise((_, reject) => {
        turn.signal.addEventListener('abort', () => reject(turn.signal.reason as Error));
      });
    });
    await session.message('one');
    await test.settle();
    await session.message('two');
    await test.settle();
    expect(told).toEqual(['one', 'two']);
    expect(await session.view()).toMatchObject({ state: 'empty', counts: { completed: 2, dead: 0 } });
  });

  it('waits for a handler that ignores its signal, for 30 s', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    const { turns, handler, open: letGo } = gate();
    test.runtime.sessions.serve(handler);
    await session.message('one');
    await test.settle();
    await session.message('two');
    await test.advance(29_999);
    expect(turns.map(textOf)).toEqual(['one']);
    await test.advance(1);
    expect(turns.map(textOf)).toEqual(['one', 'two']);
    letGo();
    await test.settle();
    expect(await session.view()).toMatchObject({ state: 'empty', counts: { completed: 2 } });
  });

  it('keeps a late commit out', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    let isFirst = true;
    let goOn = (): void => undefined;
    test.runtime.sessions.serve(async (turn) => {
      if (isFirst) {
        isFirst = false;
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
      await turn.commit(`re ${textOf(turn)}`);
    });
    await session.message('one');
    await test.settle();
    await session.message('two');
    goOn();
    await test.settle();
    expect(await repliesOf(session)).toEqual(['re two']);
  });
});

describe('an interrupting message while a command runs', () => {
  it('waits for it: a command is not settled by what somebody says', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    await session.command({ kind: 'resetSession', reason: 'asked' }, 'one');
    const turn = await session.turn();
    await session.message('one');
    expect([turn.isInterrupted, (await session.view()).state]).toEqual([false, 'commanding']);
    await turn.commit();
    expect(textOf(await session.turn())).toBe('one');
  });
});

describe('closing', () => {
  it('a serving begins nothing more, and waits for what runs', async () => {
    const test = await open();
    const { turns, handler, open: letGo } = gate();
    const serving = test.runtime.sessions.serve(handler);
    await sessionOf(test, 'a').enqueue('one');
    await test.settle();
    let isClosed = false;
    const closing = serving.close().then(() => {
      isClosed = true;
    });
    await sessionOf(test, 'b').enqueue('two');
    await test.settle();
    expect([isClosed, turns.map(textOf)]).toEqual([false, ['one']]);
    expect(turns[0]?.signal.aborted).toBe(false);
    letGo();
    await closing;
    await test.settle();
    expect(turns).toHaveLength(1);
    expect(await sessionOf(test, 'a').view()).toMatchObject({ counts: { completed: 1 } });
  });

  it('a runtime lets handlers commit until its time is up', async () => {
    const test = await open();
    const { turns, handler, open: letGo } = gate();
    test.runtime.sessions.serve(handler);
    await sessionOf(test).enqueue('one');
    await test.settle();
    const closing = test.runtime.close({ timeoutMs: 60_000 });
    await test.advance('30 s');
    expect(turns[0]?.signal.aborted).toBe(false);
    letGo();
    await closing;
    await test.crash();
    expect(await sessionOf(test).view()).toMatchObject({ state: 'empty', counts: { completed: 1 } });
  });

  it('a store that fails fires the signals of its turns', async () => {
    const test = await open();
    const { turns, handler, open: letGo } = gate();
    test.runtime.sessions.serve(handler);
    await sessionOf(test).enqueue('one');
    await test.settle();
    test.disk.failNextWrite('nothingWritten');
    await expect(sessionOf(test).enqueue('two')).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(turns[0]?.signal.reason).toMatchObject({ code: 'RUNTIME_CLOSED' });
    letGo();
    await test.crash();
    expect((await sessionOf(test).list()).items).toMatchObject([{ state: 'interrupted' }]);
  });

  it('a runtime waits no longer for a handler than it may, and fires its signal then', async () => {
    const test = await open();
    const { turns, handler } = gate();
    test.runtime.sessions.serve(handler);
    await sessionOf(test).enqueue('one');
    await test.settle();
    const closing = test.runtime.close({ timeoutMs: 60_000 });
    await test.advance('60 s');
    await closing;
    expect(turns[0]?.signal.reason).toMatchObject({ code: 'RUNTIME_CLOSED' });
    expect(test.runtime.status).toBe('closed');
  });
});

describe('a claim that is taken while its runtime closes', () => {
  it('is not renewed', async () => {
    const { place, session } = await openOne();
    await session.enqueue('one');
    const taken = session.claim();
    await place.sessions.close();
    expect((await taken).isEmpty).toBe(false);
    await writingNothing(place, () => place.clock.advance(3_600_000));
  });
});

describe('a close in good order', () => {
  it('counts nothing against what turns and claims still held, and keeps it together', async () => {
    const test = await open();
    const session = () => sessionOf(test);
    const together = { slot: 'join', merge: { group: 'g' } } as const;
    for (const text of ['a', 'b']) await session().enqueue(text, together);
    for (let closes = 0; closes < 6; closes += 1) {
      const turn = await session().turn();
      expect(turn).toMatchObject({ attempts: 0, messages: [{ content: 'a' }, { content: 'b' }] });
      await test.runtime.close({ timeoutMs: 0 });
      await test.crash();
      expect((await session().view()).state).toBe('ready');
      await session().enqueue('later', together);
    }
    expect((await session().turn()).messages).toHaveLength(2);
  });

  it('leaves what the process dies with a failed attempt', async () => {
    const test = await open();
    await sessionOf(test).enqueue('a');
    await sessionOf(test).claim();
    await test.crash();
    expect((await sessionOf(test).claim()).batches).toMatchObject([{ attempts: 1 }]);
  });
});
