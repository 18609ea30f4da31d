/**
 * A stream of events and its listener: who goes, who is slow, who takes nothing, and how many there may
 * be.
 */
import { expect, test } from 'vitest';
import { StreamPlaces, streamOf } from '../../src/control/event-stream.js';
import { limits } from '../../src/limits.js';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/index.js';

function place() {
  const clock = createSimulatedClock();
  const closing = new AbortController();
  const gone = new AbortController();
  const streams = new StreamPlaces();
  let listening = 0;
  let send = (_data: unknown): void => undefined;
  const open = (): ReadableStreamDefaultReader<Uint8Array> => {
    const options = { clock, closing: closing.signal, streams };
    const response = streamOf(gone.signal, options, (told) => {
      listening += 1;
      send = told;
      return () => (listening -= 1);
    });
    const { body } = response;
    if (body === null) throw new Error('no body');
    return body.getReader();
  };
  return {
    ...{ clock, closing, gone, streams, open },
    tell: (data: unknown) => send(data),
    listeners: () => listening,
  };
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value, done } = await reader.read();
  return done ? undefined : new TextDecoder().decode(value);
}

/** No timer is set any more. */
async function isAtRest(clock: SimulatedClock): Promise<boolean> {
  const set = clock.timersSet();
  await clock.advance(10 * limits.inspectorHeartbeatMs);
  return clock.timersSet() === set;
}

test('frames come as they are told, and a beat where there is nothing to tell', async () => {
  const { clock, open, tell } = place();
  const reader = open();
  expect(await next(reader)).toBe(': \n\n');
  tell({ text: 'a\nb' });
  expect(await next(reader)).toBe('data: {"text":"a\\nb"}\n\n');
  await clock.advance(limits.inspectorHeartbeatMs);
  expect(await next(reader)).toBe(': \n\n');
});

test.each([
  ['whoever listens goes', 'gone'],
  ['the server closes', 'closing'],
] as const)('it ends, and what it listened to, when %s', async (_what, which) => {
  const all = place();
  const reader = all.open();
  expect(all.listeners()).toBe(1);
  all[which].abort();
  expect(all.listeners()).toBe(0);
  all.tell('too late');
  expect([await next(reader), await next(reader)]).toEqual([': \n\n', undefined]);
  expect(await isAtRest(all.clock)).toBe(true);
});

test('a reader that cancels is listened for no more, and its place is free once', async () => {
  const all = place();
  const readers = Array.from({ length: limits.inspectorStreamsMax }, () => all.open());
  expect(() => all.open()).toThrow(expect.objectContaining({ code: 'INSPECTOR_BUSY' }));
  await readers[0]?.cancel();
  await readers[0]?.cancel();
  expect(all.listeners()).toBe(limits.inspectorStreamsMax - 1);
  all.open();
  expect(() => all.open()).toThrow(expect.objectContaining({ code: 'INSPECTOR_BUSY' }));
});

test('a listener that is behind misses frames, and is told so before the next one', async () => {
  const { open, tell } = place();
  const reader = open();
  const large = 'x'.repeat(limits.inspectorStreamBytesMax / 4);
  for (let n = 0; n < 100; n += 1) tell(large);
  let taken = 0;
  for (; taken < 5; taken += 1) expect((await next(reader))?.length).toBeGreaterThan(3);
  tell('after');
  expect(await next(reader)).toBe('event: behind\ndata: {}\n\ndata: "after"\n\n');
});

test('one that takes nothing from one beat to the next is given up', async () => {
  const all = place();
  all.open();
  for (let n = 0; n < 5; n += 1) all.tell('x'.repeat(limits.inspectorStreamBytesMax));
  await all.clock.advance(limits.inspectorHeartbeatMs);
  expect(all.listeners()).toBe(1);
  await all.clock.advance(limits.inspectorHeartbeatMs);
  expect(all.listeners()).toBe(0);
  expect(await isAtRest(all.clock)).toBe(true);
});

test('what cannot begin gives its place back', () => {
  const { clock, closing, gone, streams } = place();
  const options = { clock, closing: closing.signal, streams };
  const begin = (): never => {
    throw new Error('there is no such actor');
  };
  for (let n = 0; n <= limits.inspectorStreamsMax; n += 1)
    expect(() => streamOf(gone.signal, options, begin)).toThrow('there is no such actor');
});
