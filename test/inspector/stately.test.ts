/** Stately's frames: read by its own receiver, of dormant actors and live ones; and who may have them. */
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createMachine } from 'xstate';
import { limits } from '../../src/limits.js';
import { startInspector } from '../../src/inspector/index.js';
import { newWorld, ENDLESS, opened } from '../control/world.js';
import { orderMachine } from '../inspection/orders.js';
import { asked, newPlace, outcome, TOKEN } from './place.js';

/** Where the sockets of an inspector of this runtime are. */
async function listening(open: Parameters<typeof startInspector>[1]): Promise<URL> {
  const inspector = await startInspector(0, open);
  onTestFinished(() => inspector.close());
  const url = new URL(inspector.url);
  url.protocol = 'ws:';
  url.pathname = '/v1/stately';
  return url;
}

/** What a receiver of Stately's own package hears, and a wait for something of it. */
function received(url: URL) {
  const heard: StatelyInspectionEvent[] = [];
  const waiting = new Set<() => void>();
  createWebSocketReceiver({ server: url.href }).subscribe((event) => {
    heard.push(event);
    for (const look of waiting) look();
  });
  const until = (is: (heard: readonly StatelyInspectionEvent[]) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!is(heard)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { heard, until };
}

test('a dormant actor is told of from its journal, with a chart that createMachine takes', async () => {
  const { runtime, directory } = await newPlace();
  const [kind] = [runtime.define(orderMachine)];
  const order = await kind.create({ id: '77', input: { title: 'a cat' } });
  await order.send({ type: 'add', line: 'one' });
  await order.send({ type: 'add', line: 'two' });
  await runtime.close();
  // Nobody has touched it since it was opened again.
  const again = await opened({ directory, durability: 'process', control: false });
  again.define(orderMachine);
  const url = await listening((port) => again.inspector({ token: TOKEN, port }));
  url.searchParams.set('address', 'order/77');
  const { heard, until } = received(url);
  await until(({ length }) => length === 7);
  expect(heard.map(({ type }) => type)).toEqual([
    '@xstate.actor',
    ...['@xstate.event', '@xstate.snapshot'],
    ...['@xstate.event', '@xstate.snapshot'],
    ...['@xstate.event', '@xstate.snapshot'],
  ]);
  expect(heard[0]).toMatchObject({ sessionId: 'order/77', rootId: 'order/77', name: '77', id: null });
  const definition = heard[0]?.type === '@xstate.actor' ? heard[0].definition : undefined;
  const drawn = createMachine(JSON.parse(definition ?? '{}') as object);
  expect(Object.keys(drawn.states)).toEqual(Object.keys(orderMachine.states));
  expect(heard.at(-1)).toMatchObject({
    event: { type: 'add', line: 'two' },
    snapshot: { status: 'active', value: 'cart', context: { title: 'a cat', lines: ['one', 'two'] } },
  });
});

test('what an actor does is told as it does it, and one that is made of its kind is introduced', async () => {
  const { runtime } = await newPlace();
  const kind = runtime.define(orderMachine);
  await kind.create({ id: '1', input: { title: 'first' } });
  const url = await listening((port) => runtime.inspector({ token: TOKEN, port }));
  url.searchParams.set('kind', 'order');
  const { heard, until } = received(url);
  await until(({ length }) => length === 3);
  const second = await kind.create({ id: '2', input: { title: 'second' } });
  await second.send({ type: 'pay', amount: 10 });
  await until((all) => all.some((each) => JSON.stringify(each).includes('"charged"')));
  const ofSecond = heard.filter(({ sessionId }) => sessionId === 'order/2');
  expect(ofSecond[0]?.type).toBe('@xstate.actor');
  expect(
    ofSecond.filter(({ type }) => type === '@xstate.event').map((each) => 'event' in each && each.event.type),
  ).toEqual(['xstate.init', 'pay', 'xstate.done.actor.charge']);
});

test('a job that runs is told of without its secrets', async () => {
  const { runtime } = await newWorld(ENDLESS, { control: false });
  const job = await runtime.jobs.submit({
    provider: 'openai',
    prompt: 'a cat with sk-abcdefghijklmnopqrstuvwxyz0123456789',
  });
  const url = await listening((port) => runtime.inspector({ token: TOKEN, port }));
  url.searchParams.set('address', `job/${job.id}`);
  const { heard, until } = received(url);
  await until((all) => all.some(({ type }) => type === '@xstate.snapshot'));
  expect(heard[0]).toMatchObject({ type: '@xstate.actor', sessionId: `job/${job.id}` });
  const before = heard.length;
  await job.cancel('no more');
  await until((all) => all.slice(before).some((each) => JSON.stringify(each).includes('"job.cancel"')));
  expect(JSON.stringify(heard)).not.toContain('sk-abcdefghijklmnopqrstuvwxyz0123456789');
});

test('an actor that is not there, or a question that is none, is an error before any frame', async () => {
  const { inspector } = await newPlace();
  expect(await outcome(inspector.fetch(asked('/v1/stately?address=order/none')))).toBe('404 ACTOR_NOT_FOUND');
  expect(await outcome(inspector.fetch(asked('/v1/stately?actor=order/none')))).toBe('400 INVALID_INPUT');
});

test.each([
  ['without a token', {}, '?kind=order', 401],
  ['with a wrong one', {}, '?kind=order&token=wrong', 401],
  ['from another origin', { origin: 'https://evil.example' }, `?token=${TOKEN}`, 403],
  ['by another name', { headers: { host: 'evil.example' } }, `?token=${TOKEN}`, 403],
])('a socket %s is refused', async (_what, options, query, status) => {
  const { runtime } = await newPlace();
  const url = await listening((port) => runtime.inspector({ token: TOKEN, port }));
  url.search = query;
  const socket = new WebSocket(url, options);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  expect(response.statusCode).toBe(status);
});

test('there is no socket elsewhere, and one that asks for nobody is closed with the reason', async () => {
  const { runtime } = await newPlace();
  const url = await listening((port) => runtime.inspector({ token: TOKEN, port }));
  const elsewhere = new URL(url);
  elsewhere.pathname = '/v1/live';
  const [, response] = (await once(new WebSocket(elsewhere), 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  expect(response.statusCode).toBe(404);
  url.searchParams.set('address', 'order/none');
  const [code, reason] = (await once(new WebSocket(url), 'close')) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([1008, 'ACTOR_NOT_FOUND']);
});

test('a runtime that closes ends its sockets', async () => {
  const { runtime } = await newPlace();
  const url = await listening((port) => runtime.inspector({ token: TOKEN, port }));
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  await runtime.close();
  expect((await closed)[0]).toBe(1001);
});

test('an inspector closes although a receiver does not answer', { timeout: 20_000 }, async () => {
  const { runtime } = await newPlace();
  const inspector = await startInspector(0, (port) => runtime.inspector({ token: TOKEN, port }));
  const socket = new WebSocket(`${inspector.url.replace('http', 'ws').replace('/?', '/v1/stately?')}`);
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.pause();
  await inspector.close();
});

test('one stream more than there may be is refused, until one has ended', async () => {
  const { inspector } = await newPlace();
  const open: AbortController[] = [];
  const listen = (path: string): Promise<Response> => {
    const gone = new AbortController();
    open.push(gone);
    return inspector.fetch(asked(path, {}, { signal: gone.signal }));
  };
  for (let n = 0; n < limits.inspectorStreamsMax; n += 1) {
    expect((await listen(n % 2 === 0 ? '/v1/live' : '/v1/stately')).status).toBe(200);
  }
  expect(await outcome(listen('/v1/live'))).toBe('429 INSPECTOR_BUSY');
  expect(await outcome(listen('/v1/stately'))).toBe('429 INSPECTOR_BUSY');
  open[0]?.abort();
  expect((await listen('/v1/stately')).status).toBe(200);
});
