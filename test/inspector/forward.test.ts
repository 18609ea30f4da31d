/**
 * The inspector in front of another process's door: it ends, comes back, streams, and gives parts of
 * files.
 */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { forwardTo } from '../../src/control/index.js';
import { newDirectory, newWorld, opened } from '../control/world.js';
import { orderMachine } from '../inspection/orders.js';
import { asked, outcome, overApi, posted } from './place.js';

/** An inspector over the control door of a directory. */
async function before(directory: string, options: Parameters<typeof overApi>[1] = {}) {
  const forwarder = forwardTo(directory, systemClock);
  onTestFinished(() => forwarder.close());
  return overApi(forwarder.fetch, options);
}

test('what a process says is passed on; it ends, and is asked again when it is back', async () => {
  const directory = await newDirectory();
  const options = { directory, durability: 'process' as const };
  const inspector = await before(directory);
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('503 RUNTIME_CLOSED');
  const first = await opened(options);
  await first.define(orderMachine).create({ id: '1', input: { title: 'a cat' } });
  const seen = await inspector.fetch(asked('/v1/actors/actor?address=order%2F1'));
  expect(await seen.json()).toMatchObject({ address: 'order/1', context: { title: 'a cat' } });
  expect(await outcome(inspector.fetch(asked('/v1/actors/actor?address=order%2F2')))).toBe(
    '404 ACTOR_NOT_FOUND',
  );
  await first.close();
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('503 RUNTIME_CLOSED');
  const second = await opened(options);
  second.define(orderMachine);
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('200');
  const events = [{ type: 'add', line: 'one' }];
  const tried = await inspector.fetch(posted('/v1/actors/what-if', { address: 'order/1', events }));
  expect(await tried.json()).toMatchObject({ steps: [{ taken: true }] });
});

test('an act goes through under the operator’s name, and a live stream tells of it', async () => {
  const directory = await newDirectory();
  const runtime = await opened({ directory, durability: 'process' });
  await runtime.define(orderMachine).create({ id: '1', input: { title: 'a cat' } });
  const inspector = await before(directory, { allowActions: true, operator: 'ada' });
  const gone = new AbortController();
  const live = await inspector.fetch(asked('/v1/live?address=order%2F1', {}, { signal: gone.signal }));
  expect(live.headers.get('content-type')).toBe('text/event-stream');
  const told = firstFrame(live);
  const act = { address: 'order/1', act: 'send:add', input: { line: 'one' } };
  expect(await outcome(inspector.fetch(posted('/v1/actors/act', act)))).toBe('200');
  expect(await told).toContain('"source":"operator:ada"');
  gone.abort();
});

test('a stream ends with the process that it is of', async () => {
  const directory = await newDirectory();
  const runtime = await opened({ directory, durability: 'process' });
  const inspector = await before(directory);
  const live = await inspector.fetch(asked('/v1/live'));
  const ended = live.text();
  await runtime.close();
  expect(await ended).toContain(': \n\n');
});

test('a stream whose process died ends well, and what has its length is known to be cut off', async () => {
  const directory = await newDirectory();
  const head = (more: string): string => `HTTP/1.1 200 OK\r\ncontent-type: ${more}\r\n\r\n`;
  const server = createServer((socket) => {
    socket.once('data', (asked) => {
      const isLive = asked.toString().includes('/v1/live');
      const chunked = `${head('text/event-stream\r\ntransfer-encoding: chunked')}4\r\n: \n\n\r\n`;
      const part = `${head('video/mp4\r\ncontent-length: 100')}half`;
      socket.write(isLive ? chunked : part, () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(join(directory, 'control.sock'), resolve));
  onTestFinished(() => void server.close());
  const inspector = await before(directory);
  expect(await (await inspector.fetch(asked('/v1/live'))).text()).toBe(': \n\n');
  const cut = await inspector.fetch(asked('/v1/artifacts/a.mp4'));
  await expect(cut.arrayBuffer()).rejects.toThrow(/aborted|terminated/);
});

test('of an artifact the part that is asked for is passed on, with the words about it', async () => {
  const { directory, runtime } = await newWorld();
  const job = await runtime.jobs.submit({ provider: 'openai', prompt: 'a cat' });
  await job.settled();
  const [artifact] = (await runtime.inspection.actor(`job/${job.id}`)).artifacts;
  const inspector = await before(directory);
  const path = `/v1/artifacts/${artifact?.file}`;
  const whole = await inspector.fetch(asked(path));
  const bytes = Buffer.from(await whole.arrayBuffer());
  expect(bytes.length).toBe(Number(whole.headers.get('content-length')));
  const part = await inspector.fetch(asked(path, { range: 'bytes=4-7' }));
  expect(part.status).toBe(206);
  expect(part.headers.get('content-range')).toBe(`bytes 4-7/${bytes.length}`);
  expect(part.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(4, 8));
});

test('somebody who listens there and hangs up is no answer', async () => {
  const directory = await newDirectory();
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(join(directory, 'control.sock'), resolve));
  onTestFinished(() => void server.close());
  const inspector = await before(directory);
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('503 CONTROL_FAILED');
});

test('where a socket cannot be, it goes to the port that the directory names, with its token', async () => {
  const directory = await newDirectory();
  const long = join(directory, 'x'.repeat(120));
  const runtime = await opened({ directory: long, durability: 'process' });
  expect(runtime.controlAddress).toMatch(/^http:/);
  const inspector = await before(long);
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('200');
});

/** The first frame of a stream that tells of something. */
async function firstFrame(response: Response): Promise<string> {
  let text = '';
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (/^data: .*\n\n/m.test(text)) return text;
  }
  return text;
}
