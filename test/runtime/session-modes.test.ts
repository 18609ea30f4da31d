/**
 * Queue modes: what each makes of messages that come while a turn runs, and of those there is no room for.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ModeChange, ServeOptions, Session, Turn } from '../../src/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

interface Chat {
  readonly test: TestRuntime<undefined>;
  readonly session: () => Session;
  /** What the turns were told so far: a text per turn, its messages joined by `|`. */
  readonly told: string[];
  readonly serve: (options?: ServeOptions) => void;
}

/** A session under a mode, and its turns once it is served. */
async function open(mode: ModeChange): Promise<Chat> {
  const test = await createTestRuntime();
  onTestFinished(() => test.close());
  const session = (): Session => test.runtime.sessions.get('chat:1');
  await session().mode(mode);
  const told: string[] = [];
  return {
    ...{ test, session, told },
    serve: (options) => {
      test.runtime.sessions.serve((turn) => told.push(textOf(turn)), options);
    },
  };
}

function textOf({ messages }: Pick<Turn, 'messages'>): string {
  return messages.map(({ content }) => (typeof content === 'string' ? content : 'parts')).join('|');
}

async function say(session: Session, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await session.message(text);
}

describe('steer', () => {
  it('lets messages into the running turn at its next checkpoint, together', async () => {
    const { session } = await open({ mode: 'steer' });
    await say(session(), 'one');
    const turn = await session().turn();
    await say(session(), 'two', 'three');
    expect(textOf(await turn.checkpoint())).toBe('two|three');
    expect((await turn.commit()).batchIds).toHaveLength(3);
  });

  it('falls back to a turn of its own when none runs', async () => {
    const { test, session, told, serve } = await open({ mode: 'steer' });
    await say(session(), 'one', 'two');
    serve();
    await test.settle();
    expect(told).toEqual(['one', 'two']);
  });

  it('loses nothing that came too late for the last checkpoint', async () => {
    const { session } = await open({ mode: 'steer' });
    await say(session(), 'one');
    const turn = await session().turn();
    await say(session(), 'two');
    await turn.commit();
    expect(textOf(await session().turn())).toBe('two');
  });
});

describe('followup', () => {
  it('gives each message a turn of its own, after the running one', async () => {
    const { test, session, told, serve } = await open({ mode: 'followup' });
    await say(session(), 'one');
    const turn = await session().turn();
    await say(session(), 'two', 'three');
    expect(await turn.checkpoint()).toMatchObject({ isEmpty: true, refusal: 'deliveryBoundaryBlocked' });
    await turn.commit();
    serve();
    await test.settle();
    expect(told).toEqual(['two', 'three']);
  });
});

describe('collect', () => {
  it('waits until it has been quiet, and takes everything together', async () => {
    const { test, session, told, serve } = await open({ mode: 'collect', debounceMs: 500 });
    serve();
    await say(session(), 'one');
    await test.advance(400);
    await say(session(), 'two');
    await test.advance(499);
    expect(told).toEqual([]);
    await test.advance(1);
    expect(told).toEqual(['one|two']);
  });

  it('keeps the channels apart', async () => {
    const { test, session, told, serve } = await open({ mode: 'collect' });
    serve();
    await session().message('a1', { channel: 'a' });
    await session().message('b1', { channel: 'b' });
    await session().message('a2', { channel: 'a' });
    await test.advance(500);
    expect(told).toHaveLength(3);
    expect(told.join('|').split('|').toSorted()).toEqual(['a1', 'a2', 'b1']);
  });

  it('goes on waiting after a crash, and no longer than it had to', async () => {
    const chat = await open({ mode: 'collect', debounceMs: 500 });
    await say(chat.session(), 'one', 'two');
    await chat.test.advance(300);
    await chat.test.crash();
    chat.serve();
    await chat.test.advance(199);
    expect(chat.told).toEqual([]);
    await chat.test.advance(1);
    expect(chat.told).toEqual(['one|two']);
  });
});

describe('interrupt', () => {
  it('runs the newest alone, and what it replaced never', async () => {
    const { test, session, told, serve } = await open({ mode: 'interrupt' });
    await say(session(), 'one');
    const turn = await session().turn();
    await say(session(), 'two', 'three', 'four');
    expect(turn.isInterrupted).toBe(true);
    await turn.abandon({ reason: 'interrupted' });
    serve();
    await test.settle();
    expect(told).toEqual(['four']);
    const { counts } = await session().view();
    expect(counts.dropped).toEqual({ old: 0, summarize: 0, interrupt: 2 });
  });

  it('replaces what waits when no turn runs', async () => {
    const { test, session, told, serve } = await open({ mode: 'interrupt' });
    await say(session(), 'one', 'two');
    serve();
    await test.settle();
    expect(told).toEqual(['two']);
  });

  it('leaves alone what did not come through the mode’s door', async () => {
    const { test, session, told, serve } = await open({ mode: 'interrupt' });
    await session().enqueue('kept');
    await say(session(), 'one', 'two');
    serve();
    await test.settle();
    expect(told).toEqual(['kept', 'two']);
  });
});

describe('cap', () => {
  it('drops the oldest under `old`, and counts it', async () => {
    const { test, session, told, serve } = await open({ mode: 'followup', cap: 2, drop: 'old' });
    await say(session(), 'one', 'two', 'three', 'four');
    expect((await session().list()).items).toHaveLength(2);
    expect(await session().view()).toMatchObject({ counts: { batches: 2, dropped: { old: 2 } } });
    serve();
    await test.settle();
    expect(told).toEqual(['three', 'four']);
  });

  it('refuses the newest under `new`, and writes nothing', async () => {
    const { session } = await open({ mode: 'followup', cap: 2, drop: 'new' });
    await say(session(), 'one', 'two');
    await expect(session().message('three')).rejects.toMatchObject({
      code: 'SESSION_QUEUE_FULL',
      details: { cap: 2 },
    });
    expect((await session().list()).items).toHaveLength(2);
    const turn = await session().turn();
    await session().message('three');
    await turn.commit();
  });

  it('keeps a line of each under `summarize`, where the first of them stood', async () => {
    const { test, session, told, serve } = await open({ mode: 'followup', cap: 2, drop: 'summarize' });
    await say(session(), 'one\nand more', 'two', 'three', 'four');
    expect(await session().view()).toMatchObject({ counts: { batches: 3, dropped: { summarize: 2 } } });
    serve();
    await test.settle();
    expect(told).toEqual(['2 messages were dropped while you were busy:\n- one\n- two', 'three', 'four']);
  });

  it('has its summary made by a summariser, and falls back to the lines when that fails', async () => {
    const first = await open({ cap: 1, drop: 'summarize' });
    await say(first.session(), 'one', 'two');
    first.serve({ summarise: ({ lines }) => Promise.resolve(`they said ${lines.join()}`) });
    await first.test.settle();
    expect(first.told).toEqual(['they said one', 'two']);
    for (const summarise of [
      () => Promise.reject(new Error('no model')),
      () => Promise.resolve(''),
      () => new Promise<string>(() => undefined),
    ]) {
      const chat = await open({ cap: 1, drop: 'summarize' });
      await say(chat.session(), 'one', 'two');
      chat.serve({ summarise });
      await chat.test.advance('30 s');
      expect(chat.told).toEqual(['1 message was dropped while you were busy:\n- one', 'two']);
    }
  });

  it('counts what waits, and not what a turn has taken', async () => {
    const { session } = await open({ mode: 'followup', cap: 1, drop: 'new' });
    await say(session(), 'one');
    const turn = await session().turn();
    await say(session(), 'two');
    await turn.commit();
    expect(await session().view()).toMatchObject({ pending: 1 });
  });
});

describe('the mode', () => {
  it('is followup, with room for 20 and a line of what is dropped, until it is said otherwise', async () => {
    const { session } = await open({});
    const standard = { mode: 'followup', cap: 20, drop: 'summarize', debounceMs: 500 };
    expect(await session().mode()).toEqual(standard);
    expect(await session().mode({ cap: 3 })).toEqual({ ...standard, cap: 3 });
  });

  it('may change while a turn runs: it holds for what comes from then on', async () => {
    const { session } = await open({ mode: 'followup' });
    await say(session(), 'one');
    const turn = await session().turn();
    await say(session(), 'two');
    await session().mode({ mode: 'interrupt' });
    expect(turn.isInterrupted).toBe(false);
    await say(session(), 'three');
    expect(turn.isInterrupted).toBe(true);
    await turn.abandon({ reason: 'interrupted' });
    expect(textOf(await session().turn())).toBe('three');
  });

  it('is there again after a crash, of the session and of each channel', async () => {
    const { test, session } = await open({ mode: 'steer', cap: 7 });
    await session().mode({ channel: 'mail', mode: 'collect', debounceMs: 60_000 });
    const before = await session().view();
    await test.crash();
    const after = await session().view();
    expect([after.mode, after.channels]).toEqual([before.mode, before.channels]);
    expect(after.channels['mail']).toEqual({
      ...{ mode: 'collect', cap: 7, drop: 'summarize', debounceMs: 60_000 },
    });
  });

  it.each(['constructor', '__proto__', 'toString'])('may be that of a channel named %s', async (channel) => {
    const { session } = await open({ mode: 'followup' });
    expect(await session().mode({ channel, cap: 5 })).toEqual({ ...(await session().mode()), cap: 5 });
    const { batch } = await session().message('one', { channel });
    expect((await session().list()).items).toEqual([batch]);
  });

  it('of a channel holds for its messages alone', async () => {
    const { session } = await open({ mode: 'followup' });
    await session().mode({ channel: 'voice', mode: 'interrupt' });
    await say(session(), 'one');
    const turn = await session().turn();
    await session().message('two', { channel: 'mail' });
    expect(turn.isInterrupted).toBe(false);
    await session().message('three', { channel: 'voice' });
    expect(turn.isInterrupted).toBe(true);
    await turn.abandon({ reason: 'interrupted' });
  });

  it('of a channel counts, drops and stands in for its messages alone', async () => {
    const { session } = await open({ mode: 'followup', cap: 2 });
    await session().mode({ channel: 'voice', cap: 1 });
    await say(session(), 'one', 'two');
    for (const text of ['a', 'b', 'c']) await session().message(text, { channel: 'voice' });
    await session().message('three', { channel: 'mail' });
    const { items } = await session().pending();
    const waiting = items.map(({ seq, items: [first] }) => [seq, first?.payload.type]);
    expect(waiting).toEqual([
      [1, 'droppedMessages'],
      [2, 'turnInput'],
      [3, 'droppedMessages'],
      [5, 'turnInput'],
      [6, 'turnInput'],
    ]);
    expect((await session().view()).counts.dropped.summarize).toBe(3);
  });

  it('interrupt leaves nothing before the newest message, not even what stood for others', async () => {
    const { session } = await open({ mode: 'followup', cap: 1 });
    await say(session(), 'one', 'two');
    await session().mode({ mode: 'interrupt' });
    await say(session(), 'three');
    expect(textOf(await session().turn())).toBe('three');
    expect((await session().view()).pending).toBe(0);
  });

  it('refuses words and bounds that it does not know', async () => {
    const { session } = await open({});
    for (const change of [{ mode: 'loud' }, { drop: 'all' }, { cap: 0 }, { debounceMs: -1 }, { caps: 1 }])
      await expect(session().mode(change as ModeChange)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
