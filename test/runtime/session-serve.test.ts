/** Serving: who is called, how often, when a turn fails or is interrupted, and what a close waits for. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Runtime, Session, Turn } from '../../src/index.js';
import { keys } from '../../src/store/keys.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';

async function open(options: TestRuntimeOptions<undefined> = {}): Promise<TestRuntime<undefined>> {
  const test = await createTestRuntime(options);
  onTestFinished(() => test.close());
  return test;
}

function sessionOf({ runtime }: { readonly runtime: Runtime }, key = 'chat:1'): Session {
  return runtime.sessions.get(key);
}

function textOf({ messages }: Pick<Turn, 'messages'>): string {
  return messages.map(({ content }) => (typeof content === 'string' ? content : 'parts')).join('|');
}

async function repliesOf(session: Session): Promise<readonly string[]> {
  const { items } = await session.history({ limit: 1_000 });
  return items.flatMap(({ entry }) => {
    const { role, content } = entry as { role: string; content: string };
    return role === 'assistant' ? [content] : [];
  });
}

/** A handler that answers each turn with what it was told, and what it was told. */
function echo(): { readonly told: string[]; readonly handler: (turn: Turn) => Promise<void> } {
  const told: string[] = [];
  return {
    told,
    handler: async (turn) => {
      told.push(textOf(turn));
      await turn.commit(`re ${textOf(turn)}`);
    },
  };
}

/** Turns that wait, each until the test lets it go on. */
function gate(): {
  readonly turns: Turn[];
  readonly open: () => void;
  readonly handler: (turn: Turn) => Promise<void>;
} {
  const turns: Turn[] = [];
  let release: (() => void)[] = [];
  let isOpen = false;
  return {
    turns,
    open: () => {
      isOpen = true;
      for (const go of release) go();
      release = [];
    },
    handler: async (turn) => {
      turns.push(turn);
      if (isOpen) return;
      await new Promise<void>((resolve) => {
        release.push(resolve);
      });
    },
  };
}

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
    await test.advance('1 min');
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
