/**
 * Servers that close the connection while its bytes still wait to be read. undici 7 asserts that its parser
 * is not paused then (nodejs/undici#5360, mended in 8, which needs Node 22): an exception nobody can catch,
 * the end of the host's process. So we never let it pause.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { createTransport, download, openai } from '../../src/providers/index.js';
import { silentLogger } from '../../src/log.js';

const TIMES = 30;
const MP4 = Buffer.concat([
  Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex'),
  Buffer.alloc(600_000, 7),
]);

/** Sends so much of the body it announced, then ends the connection. */
async function serve(body: Buffer, sentBytes: number, type: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const fields = [`content-type: ${type}`, `content-length: ${body.length}`, 'connection: close'];
      socket.write(`HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`);
      socket.end(body.subarray(0, sentBytes));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return `http://127.0.0.1:${address.port}`;
}

async function downloadFrom(origin: string) {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-cut-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const adapter = openai({ baseUrl: `${origin}/v1`, apiKey: 'sk-test' });
  return download({
    source: { url: `${origin}/video`, authenticated: false },
    adapter,
    credential: undefined,
    directory,
    kind: 'video',
    clock: systemClock,
    signal: AbortSignal.timeout(50_000),
  });
}

test('a whole file whose connection is closed behind it arrives whole, every time', async () => {
  const origin = await serve(MP4, MP4.length, 'video/mp4');
  for (let time = 0; time < TIMES; time += 1) {
    expect(await downloadFrom(origin)).toMatchObject({ type: 'done', artifact: { bytes: MP4.length } });
  }
});

test('a file that is cut off is a transient fault, every time', async () => {
  for (let time = 1; time <= TIMES; time += 1) {
    const origin = await serve(MP4, Math.floor((MP4.length * time) / (TIMES + 1)), 'video/mp4');
    expect((await downloadFrom(origin)).type).toBe('transient');
  }
});

test('a large JSON reply whose connection is closed behind it is read to its end, every time', async () => {
  const text = JSON.stringify({ id: 'video_1', status: 'queued', prompt: 'x'.repeat(500_000) });
  const origin = await serve(Buffer.from(text), text.length, 'application/json');
  const adapter = openai({ baseUrl: `${origin}/v1`, apiKey: 'sk-test' });
  const transport = createTransport({ clock: systemClock, log: silentLogger });
  onTestFinished(() => transport.close());
  for (let time = 0; time < TIMES; time += 1) {
    const result = await transport.send(
      adapter,
      'default',
      { method: 'GET', path: '/videos/video_1' },
      { signal: new AbortController().signal },
    );
    expect(result).toMatchObject({ type: 'response', response: { status: 200 } });
  }
});
