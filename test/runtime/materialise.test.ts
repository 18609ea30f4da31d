/** What claimed batches are for a turn: messages, causes, options and ids. */
import { describe, expect, it } from 'vitest';
import type { Batch, Payload } from '../../src/index.js';
import { droppedText, exclusiveCommandOf, materialise } from '../../src/actors/session/materialise.js';

const IDLE = { boundary: 'idle' } as const;
const CAT = { attachment: 'aa.png', mime: 'image/png', bytes: 10 };
const DOG = { attachment: 'bb.png', mime: 'image/png', bytes: 20 };

function batch(seq: number, payloads: readonly Payload[], more: Partial<Batch> = {}): Batch {
  const batchId = `bat_${seq}_n${seq}`;
  return {
    ...{ batchId, seq, kind: 'input', deliver: 'afterCurrentTurnCommit', slot: 'exclusive', merge: 'never' },
    ...{ availableAt: 0, enqueuedAt: 0, state: 'claimed', attempts: 0, claims: 1 },
    items: payloads.map((payload, index) => ({ itemId: `${batchId}:item:${index}`, payload })),
    ...more,
  };
}

function input(...texts: readonly string[]): Extract<Payload, { type: 'turnInput' }> {
  return { type: 'turnInput', items: texts.map((text) => ({ text })) };
}

function wake(sequence: number, more: object = {}): Payload {
  const event = { processId: 'job:1', sequence, eventType: 'job.done', input: 'a video' };
  return { type: 'processWake', targetSessionId: 'chat:1', ...event, ...more };
}

describe('messages', () => {
  it('are one per input, in order, with their texts joined within each alone', () => {
    const { messages } = materialise([batch(1, [input('a', 'b'), input('c')]), batch(2, [input('d')])], IDLE);
    expect(messages.map(({ content }) => content)).toEqual(['a\nb', 'c', 'd']);
    expect(messages.map(({ id }) => id)).toEqual(['bat_1_n1:item:0', 'bat_1_n1:item:1', 'bat_2_n2:item:0']);
  });

  it('say that they stay, at a checkpoint', () => {
    const batches = [batch(1, [input('a')])];
    const [atIdle] = materialise(batches, IDLE).messages;
    const [within] = materialise(batches, { boundary: 'activeTurnCheckpoint' }).messages;
    expect(atIdle).not.toHaveProperty('transient');
    expect(within).toHaveProperty('transient', false);
  });

  it('are parts where the input has images, in the order of its items, those that none names last', () => {
    const items = [{ text: 'this' }, { imageRef: 'x' }, { text: 'and' }];
    const payload: Payload = { type: 'turnInput', items, images: { y: DOG, x: CAT } };
    const { messages } = materialise([batch(1, [payload])], IDLE);
    const id = (n: number): string => `bat_1_n1:item:0:queued.p${n}`;
    expect(messages[0]?.content).toEqual([
      { type: 'text', id: id(0), text: 'this' },
      { type: 'image', id: id(1), ...CAT },
      { type: 'text', id: id(2), text: 'and' },
      { type: 'image', id: id(3), ...DOG },
    ]);
  });

  it('share no id of a part, whatever two inputs call their images', () => {
    const payload: Payload = { type: 'turnInput', items: [{ imageRef: 'x' }], images: { x: CAT } };
    const { messages } = materialise([batch(1, [payload, payload]), batch(2, [payload])], IDLE);
    const ids = messages.flatMap(({ content }) =>
      typeof content === 'string' ? [] : content.map(({ id }) => id),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it('say how many were dropped, and what is left of each', () => {
    const dropped: Payload = { type: 'droppedMessages', lines: ['hello', 'are you there'], more: 3 };
    const of = batch(1, [dropped]);
    const lines = '- and 3 more before these\n- hello\n- are you there';
    const { messages, acceptedInputs } = materialise([of], IDLE);
    expect(messages).toMatchObject([
      { content: `5 messages were dropped while you were busy:\n${lines}`, inputId: 'bat_1_n1:item:0' },
    ]);
    expect(acceptedInputs).toEqual([]);
    expect(droppedText({ lines: ['hello'], more: 0 })).toBe(
      '1 message was dropped while you were busy:\n- hello',
    );
    const summaries = new Map([['bat_1_n1:item:0', 'they greeted you']]);
    expect(materialise([of], { ...IDLE, summaries }).messages).toMatchObject([
      { content: 'they greeted you' },
    ]);
  });
});

describe('options', () => {
  it('are the first that are not empty', () => {
    const first = { ...input('a'), turnOptions: {} };
    const second = { ...input('b'), turnOptions: { model: 'x' }, traceTurnId: 't2' };
    const third = { ...input('c'), turnOptions: { model: 'y' }, traceTurnId: 't3' };
    expect(materialise([batch(1, [first, second]), batch(2, [third])], IDLE)).toMatchObject({
      turnOptions: { model: 'x' },
      traceTurnId: 't2',
    });
    const none = materialise([batch(1, [first])], IDLE);
    expect([none.turnOptions, none.traceTurnId]).toEqual([undefined, undefined]);
  });
});

describe('wakes', () => {
  it('are causes, each once, and make no message', () => {
    const made = materialise(
      [batch(1, [wake(1), wake(2, { input: { url: 'x' }, causedBy: 'task:9' })]), batch(2, [wake(1)])],
      IDLE,
    );
    expect(made.messages).toEqual([]);
    expect(made.turnCauses).toEqual([
      { id: 'job:1:1', eventType: 'job.done', origin: 'job:1', text: 'a video' },
      { id: 'job:1:2', eventType: 'job.done', origin: 'task:9', text: '{"url":"x"}' },
    ]);
  });

  it('are told of beside the inputs of the same claim', () => {
    const made = materialise([batch(1, [input('a'), wake(1)])], IDLE);
    expect([made.messages.length, made.turnCauses.length]).toEqual([1, 1]);
  });
});

describe('accepted inputs', () => {
  it('go by what their senders call them', () => {
    const { acceptedInputs } = materialise(
      [
        batch(1, [input('a')], { sourceKey: 'host:m1' }),
        batch(2, [input('b')], { sourceKey: 'injection:host:m2' }),
        batch(3, [input('c')], { sourceKey: 'telegram:7' }),
        batch(4, [input('d'), input('e')], { sourceKey: 'host:m4' }),
        batch(5, [input('f')]),
      ],
      IDLE,
    );
    expect(acceptedInputs.map(({ id }) => id)).toEqual([
      'm1',
      'host:m2',
      'telegram:7',
      'm4:0',
      'm4:1',
      'bat_5_n5:item:0',
    ]);
    for (const { id, message } of acceptedInputs) expect(message.inputId).toBe(id);
  });
});

describe('the exclusive command', () => {
  const command: Payload = { type: 'sessionCommand', command: { kind: 'resetSession', reason: 'new' } };

  it('is that of one exclusive batch with one item', () => {
    expect(exclusiveCommandOf([batch(1, [command])])).toEqual({ kind: 'resetSession', reason: 'new' });
    expect(exclusiveCommandOf([])).toBeUndefined();
    expect(exclusiveCommandOf([batch(1, [input('a')])])).toBeUndefined();
    expect(exclusiveCommandOf([batch(1, [command], { slot: 'join' })])).toBeUndefined();
    expect(exclusiveCommandOf([batch(1, [command, command])])).toBeUndefined();
    expect(exclusiveCommandOf([batch(1, [command]), batch(2, [command])])).toBeUndefined();
  });
});
