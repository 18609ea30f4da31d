/** Reads that are repeated as things happen, and events that somebody typed. */
import { expect, test } from 'vitest';
import { eventWords } from '../../../src/inspector/page/actor/event-words.js';
import { effectNames } from '../../../src/inspector/page/actor/paint.js';
import { OneAtATime } from '../../../src/inspector/page/actor/one-at-a-time.js';
import { parsedEvent } from '../../../src/inspector/page/actor/parsed-event.js';

function reads() {
  const begun: { readonly signal: AbortSignal; readonly end: (error?: Error) => void }[] = [];
  const read = new OneAtATime(
    (signal) =>
      new Promise((resolve, reject) => {
        begun.push({ signal, end: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  );
  return { begun, read };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('pokes while a read is under way lead to one more, after it', async () => {
  const { begun, read } = reads();
  for (let pokes = 0; pokes < 5; pokes += 1) read.poke();
  expect(begun.length).toBe(1);
  begun[0]?.end();
  await turn();
  expect(begun.length).toBe(2);
  begun[1]?.end();
  await turn();
  expect(begun.length).toBe(2);
  read.poke();
  expect(begun.length).toBe(3);
});

test('a read that fails is followed by the next one', async () => {
  const { begun, read } = reads();
  read.poke();
  read.poke();
  begun[0]?.end(new Error('gone'));
  await turn();
  expect(begun.length).toBe(2);
});

test('nothing begins once it is stopped, and what is under way is told so', async () => {
  const { begun, read } = reads();
  read.poke();
  read.poke();
  read.stop();
  expect(begun[0]?.signal.aborted).toBe(true);
  begun[0]?.end();
  await turn();
  read.poke();
  expect(begun.length).toBe(1);
});

test.each([
  ['{"type":"pay","amount":3}', { event: { type: 'pay', amount: 3 } }],
  ['{"type":""}', { problem: 'It is no event: an object with a "type" that is a text.' }],
  ['[1]', { problem: 'It is no event: an object with a "type" that is a text.' }],
  ['null', { problem: 'It is no event: an object with a "type" that is a text.' }],
  ['{', { problem: expect.stringMatching(/^It is no JSON: /) }],
])('an event typed as %s is read', (text, expected) => {
  expect(parsedEvent(text)).toEqual(expected);
});

test.each([
  ['xstate.init', 'created'],
  ['xstate.done.actor.submit', 'submit answers'],
  ['xstate.error.actor.0.order.open.charging', 'open.charging fails'],
  ['xstate.done.state.order.open', 'order.open is done'],
  ['xstate.after.nextPoll.job.pending', 'after nextPoll'],
  ['xstate.after.500.m.a', 'after 500 ms'],
  ['job.cancel', 'job.cancel'],
])('the event %s is called “%s”', (type, words) => {
  expect(eventWords(type)).toBe(words);
});

test('an effect without a name is called by its source, as on the chart', () => {
  const invoke = [{ src: 'charge' }, { id: 'own', src: 'named' }];
  const names = effectNames({ id: 'order', states: { open: { states: { charging: { invoke } } } } });
  expect([...names]).toEqual([['0.order.open.charging', 'charge']]);
  expect(eventWords('xstate.done.actor.0.order.open.charging', names)).toBe('charge answers');
  expect(eventWords('xstate.error.actor.own', names)).toBe('own fails');
});
