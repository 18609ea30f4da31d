/** Turns by hand: what they are given, at a checkpoint too, and how each ending settles what they claimed. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Runtime, Session, Turn } from '../../src/index.js';
import { keys } from '../../src/store/keys.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

const KEY = 'chat:1';

async function open(): Promise<TestRuntime<undefined>> {
  const test = await createTestRuntime();
  onTestFinished(() => test.close());
  return test;
}

function sessionOf({ runtime }: { readonly runtime: Runtime }): Session {
  return runtime.sessions.get(KEY);
}

/** The texts of a turn's messages. */
function textsOf({ messages }: Pick<Turn, 'messages'>): readonly unknown[] {
  return messages.map(({ content }) => content);
}

async function historyOf(session: Session): Promise<readonly unknown[]> {
  const { items } = await session.history();
  return items.map(({ entry }) => entry);
}

describe('a turn', () => {
  it('finds at the head what it was told beforehand: a command between turns, none within one', async () => {
    const session = sessionOf(await open());
    const command = { kind: 'resetSession', reason: 'r' } as const;
    const payloads = [{ type: 'sessionCommand', command } as const];
    await session.enqueueDraft({ payloads, deliver: 'earliestSafeBoundary' });
    expect(await session.head()).toMatchObject({ refusal: undefined, batches: [{ kind: 'command' }] });
    const within = await session.head('activeTurnCheckpoint');
    expect(within).toEqual({ refusal: 'commandAtHead', batches: [] });
  });

  it('is given the input at the head, and leaves it in the history with its reply', async () => {
    const session = sessionOf(await open());
    await session.enqueue({ text: 'hello', id: 'm1', turnOptions: { model: 'x' }, traceTurnId: 'trace-1' });
    const turn = await session.turn({ turnContext: { user: 7 }, transientMessages: ['hint'] });
    expect(turn).toMatchObject({
      ...{ isEmpty: false, turnOptions: { model: 'x' }, traceTurnId: 'trace-1', attempts: 0 },
      ...{ turnContext: { user: 7 }, transientMessages: ['hint'], turnCauses: [] },
    });
    expect(turn.messages).toMatchObject([{ inputId: 'm1', content: 'hello' }]);
    expect(turn.acceptedInputs()).toMatchObject([{ id: 'm1', message: { content: 'hello' } }]);
    const settled = await turn.commit('hi');
    expect(settled).toMatchObject({ turnId: turn.turnId, repeated: false });
    expect(await historyOf(session)).toEqual([
      { role: 'user', content: 'hello', inputId: 'm1' },
      { role: 'assistant', content: 'hi' },
    ]);
    expect(await session.view()).toMatchObject({ state: 'empty', pending: 0, claimed: 0 });
  });

  it('is empty where there is nothing, and says why', async () => {
    const test = await open();
    const session = sessionOf(test);
    expect(await session.turn()).toMatchObject({ isEmpty: true, refusal: 'empty' });
    await session.enqueue('later', { availableAt: test.clock.now() + 1_000 });
    const turn = await session.turn();
    expect(turn).toMatchObject({ isEmpty: true, refusal: 'notYetAvailable', messages: [] });
    expect(turn.signal.aborted).toBe(true);
    expect(await turn.commit()).toMatchObject({ batchIds: [] });
    await expect(turn.commit('a reply to nobody')).rejects.toMatchObject({ code: 'TURN_OVER' });
    expect(await turn.abandon({ reason: 'none' })).toBe(true);
    await test.advance(1_000);
    expect(textsOf(await session.turn())).toEqual(['later']);
  });

  it('keeps other turns of its session out until it has ended', async () => {
    const session = sessionOf(await open());
    await session.enqueue('one');
    await session.enqueue('two');
    const [first, second] = await Promise.all([session.turn(), session.turn()]);
    expect([first.refusal, second.refusal]).toEqual([undefined, 'turnActive']);
    await first.commit();
    expect(first.signal.reason).toMatchObject({ code: 'TURN_OVER' });
    expect(textsOf(await session.turn())).toEqual(['two']);
  });

  it('is not over for what happened to its session right before it began', async () => {
    const session = sessionOf(await open());
    await session.enqueue('one');
    const [, turn] = await Promise.all([session.mode({ cap: 5 }), session.turn()]);
    expect([turn.isEmpty, turn.signal.aborted]).toEqual([false, false]);
  });

  it('takes a leading command alone', async () => {
    const session = sessionOf(await open());
    await session.command({ kind: 'resetSession', reason: 'new topic' }, 'k');
    await session.enqueue('hello');
    const turn = await session.turn();
    expect(turn.exclusiveCommand()).toEqual({ kind: 'resetSession', reason: 'new topic' });
    expect(turn.messages).toEqual([]);
    await turn.commit();
    const next = await session.turn();
    expect(next.exclusiveCommand()).toBeUndefined();
    expect(textsOf(next)).toEqual(['hello']);
  });

  it('is told of wakes as causes, without a message', async () => {
    const session = sessionOf(await open());
    await session.wake({ processId: 'job:7', sequence: 1, eventType: 'job.done', input: { ok: true } });
    const turn = await session.turn();
    expect(turn.messages).toEqual([]);
    expect(turn.turnCauses).toEqual([
      { id: 'job:7:1', eventType: 'job.done', origin: 'job:7', text: '{"ok":true}' },
    ]);
    await turn.commit('the render is there');
    expect(await historyOf(session)).toEqual([{ role: 'assistant', content: 'the render is there' }]);
  });

  it('is given images as parts, whose files it may read until it has ended', async () => {
    const test = await open();
    const session = sessionOf(test);
    const bytes = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0]);
    const items = [{ text: 'what is this?' }, { imageRef: 'photo' }];
    await session.enqueue({ id: 'm1', items, images: { photo: { bytes } } });
    const turn = await session.turn();
    const parts = turn.messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
    expect(parts).toMatchObject([
      { type: 'text', text: 'what is this?' },
      { type: 'image', mime: 'image/jpeg', bytes: 11 },
    ]);
    const [name = ''] = parts.flatMap((part) => (part.type === 'image' ? [part.attachment] : []));
    expect(await readFile(test.runtime.sessions.attachmentPath(name))).toEqual(Buffer.from(bytes));
    expect(() => test.runtime.sessions.attachmentPath('../secret')).toThrow(/attachment/);
  });

  it('takes nothing that would have to be kept: what rides on it is refused at the queue', async () => {
    const session = sessionOf(await open());
    for (const field of ['protocolExtension', 'turnContext', 'transientMessages']) {
      const said = { text: 'hello', [field]: [] };
      await expect(session.enqueue(said)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      const payload = { type: 'turnInput' as const, items: [{ text: 'hello' }], [field]: [] };
      await expect(session.enqueueDraft({ payloads: [payload] })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
    expect(await session.list()).toEqual({ items: [] });
  });

  it('refuses a turn id that cannot be kept', async () => {
    const session = sessionOf(await open());
    for (const turnId of ['', 'x'.repeat(121), 'a\0b', '\ud800'])
      await expect(session.turn({ turnId })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a checkpoint', () => {
  it('takes what need not wait, and the commit settles it with the rest', async () => {
    const session = sessionOf(await open());
    await session.enqueue({ text: 'draw a cat', id: 'm1' });
    const turn = await session.turn();
    expect(await turn.checkpoint()).toMatchObject({ isEmpty: true, refusal: 'empty', messages: [] });
    await session.inject({ text: 'a black one', id: 'm2' });
    await session.enqueue('and then a dog');
    const work = await turn.checkpoint();
    expect(work).toMatchObject({ isEmpty: false, transientMessages: [] });
    expect(work.messages).toMatchObject([{ inputId: 'm2', content: 'a black one', transient: false }]);
    expect(await turn.checkpoint()).toMatchObject({ refusal: 'deliveryBoundaryBlocked' });
    expect(turn.acceptedInputs().map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(turn.completion()).toHaveLength(2);
    const { batchIds } = await turn.commit('done');
    expect(batchIds).toHaveLength(2);
    expect(await historyOf(session)).toEqual([
      { role: 'user', content: 'draw a cat', inputId: 'm1' },
      { role: 'user', content: 'a black one', inputId: 'm2' },
      { role: 'assistant', content: 'done' },
    ]);
    expect(textsOf(await session.turn())).toEqual(['and then a dog']);
  });

  it('is refused once the turn has ended', async () => {
    const session = sessionOf(await open());
    await session.enqueue('one');
    const committed = await session.turn();
    await committed.commit();
    await expect(committed.checkpoint()).rejects.toMatchObject({ code: 'TURN_OVER' });
    await session.enqueue('two');
    const abandoned = await session.turn();
    await abandoned.abandon({ reason: 'no' });
    await expect(abandoned.checkpoint()).rejects.toMatchObject({ code: 'TURN_OVER' });
    await expect(abandoned.commit()).rejects.toMatchObject({ code: 'TURN_OVER' });
  });

  it('that cannot read what it took keeps the turn from committing it unread', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.enqueue('one');
    const turn = await session.turn();
    const { batch } = await session.inject('two');
    const nonce = batch.batchId.split('_').slice(2).join('_');
    await test.disk.corrupt(keys.payload(`session/${KEY}`, `b/${nonce}`), () => undefined);
    await expect(turn.checkpoint()).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
    await expect(turn.commit('yes')).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
    expect(await turn.abandon({ reason: 'unreadable' })).toBe(true);
    expect((await session.view()).pending).toBe(2);
  });

  it('that is under way when the turn commits belongs to that commit', async () => {
    const session = sessionOf(await open());
    await session.enqueue('one');
    const turn = await session.turn();
    await session.inject('two');
    const [work, settled] = await Promise.all([turn.checkpoint(), turn.commit()]);
    expect(work.messages).toHaveLength(1);
    expect(settled.batchIds).toHaveLength(2);
  });
});

describe('the commit of a turn', () => {
  it('is one, however often it is sent', async () => {
    const session = sessionOf(await open());
    await session.enqueue({ text: 'one', id: 'm1' });
    const turn = await session.turn({ turnId: 'turn-1' });
    const first = await turn.commit('yes');
    expect(await turn.commit('yes')).toEqual({ ...first, repeated: true });
    await expect(turn.commit('no')).rejects.toMatchObject({ code: 'TURN_COMMIT_CONFLICT' });
    expect(await historyOf(session)).toHaveLength(2);
    await session.enqueue('two');
    await expect(session.turn({ turnId: 'turn-1' })).rejects.toMatchObject({ code: 'TURN_OVER' });
    expect(await session.turn({ turnId: 'turn-2' })).toMatchObject({ turnId: 'turn-2', isEmpty: false });
  });

  it('is refused with what cannot be written, and may be sent again', async () => {
    const session = sessionOf(await open());
    await session.enqueue('one');
    const turn = await session.turn();
    const bad = { history: [{ role: 'assistant', content: Number.NaN }] };
    await expect(turn.commit(bad)).rejects.toMatchObject({ name: 'HoldfastError' });
    expect(turn.signal.aborted).toBe(false);
    await turn.commit('good');
    expect(await historyOf(session)).toHaveLength(2);
  });
});

describe('an abandoned turn', () => {
  it('gives everything back in its old place, and lets the session rest', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.enqueue('one');
    await session.enqueue('two');
    const turn = await session.turn();
    await session.inject('three');
    expect(await turn.abandon({ reason: 'the model is down', retryInMs: 1_000 })).toBe(true);
    expect(turn.signal.reason).toMatchObject({ code: 'TURN_OVER' });
    expect(await turn.abandon({ reason: 'again' })).toBe(false);
    expect(await session.turn()).toMatchObject({ isEmpty: true, refusal: 'paused' });
    await test.advance(1_000);
    const again = await session.turn();
    expect(again.attempts).toBe(1);
    expect(textsOf(again)).toEqual(['one']);
  });

  it('is taken up again by the next process, with one attempt more, when its own has died', async () => {
    const test = await open();
    await sessionOf(test).enqueue('one');
    const turn = await sessionOf(test).turn();
    await test.crash();
    const again = await sessionOf(test).turn();
    expect(again.attempts).toBe(1);
    expect(textsOf(again)).toEqual(['one']);
    await expect(turn.commit('late')).rejects.toMatchObject({ name: 'HoldfastError' });
    await again.commit('in time');
    expect(await historyOf(sessionOf(test))).toHaveLength(2);
  });
});

describe('an interrupting message', () => {
  it('fires the signal, settles what the turn had, and runs once its handler lets go', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    await session.message('one');
    const turn = await session.turn();
    await session.message('two');
    expect(turn.isInterrupted).toBe(true);
    expect(turn.signal.reason).toMatchObject({ code: 'TURN_INTERRUPTED' });
    expect(await session.view()).toMatchObject({ state: 'interrupting' });
    expect(await session.turn()).toMatchObject({ refusal: 'turnActive' });
    await expect(turn.checkpoint()).rejects.toMatchObject({ code: 'TURN_INTERRUPTED' });
    await expect(turn.commit('late')).rejects.toMatchObject({ code: 'TURN_INTERRUPTED' });
    const next = await session.turn();
    expect(textsOf(next)).toEqual(['two']);
    await next.commit('yes');
    expect(await historyOf(session)).toHaveLength(2);
  });

  it('runs once a turn lets go that was interrupted as it read what a checkpoint took', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    await session.message('one');
    const turn = await session.turn();
    await session.inject('now');
    const checkpoint = turn.checkpoint().catch((error: unknown) => error);
    await session.message('two');
    expect(await checkpoint).toMatchObject({ code: 'TURN_INTERRUPTED' });
    await expect(turn.commit('late')).rejects.toMatchObject({ code: 'TURN_INTERRUPTED' });
    expect(textsOf(await session.turn())).toEqual(['two']);
  });

  it('is not held up for ever by a turn that does not end', async () => {
    const test = await open();
    const session = sessionOf(test);
    await session.mode({ mode: 'interrupt' });
    await session.message('one');
    const turn = await session.turn();
    await session.message('two');
    await test.advance('30 s');
    expect(textsOf(await session.turn())).toEqual(['two']);
    expect(await turn.abandon({ reason: 'late' })).toBe(false);
  });
});

it('a runtime that closes fires the signals of its turns', async () => {
  const test = await open();
  await sessionOf(test).enqueue('one');
  const turn = await sessionOf(test).turn();
  await test.close();
  expect(turn.signal.reason).toMatchObject({ code: 'RUNTIME_CLOSED' });
});
