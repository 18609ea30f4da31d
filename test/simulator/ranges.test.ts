/** Artifacts can be asked for from any byte on, by who has the beginning of the very same bytes. */
import { expect, test } from 'vitest';
import { AT_ONCE, get, KEY, opened, videoId } from './opened.js';

async function link(script: { readonly ranges?: boolean } = {}) {
  const simulator = await opened({ script: { life: AT_ONCE, artifacts: script } });
  const id = await videoId(simulator);
  const url = `${simulator.url}/openai/v1/videos/${id}/content`;
  await get(`${simulator.url}/openai/v1/videos/${id}`);
  const whole = await get(url);
  return { url, etag: whole.headers.get('etag') ?? '', bytes: Buffer.from(await whole.arrayBuffer()) };
}

test('the rest of an artifact comes with its place in it, under the same ETag', async () => {
  const { url, etag, bytes } = await link();
  expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
  const rest = await get(url, { ...KEY, range: 'bytes=1000-', 'if-range': etag });
  expect(rest.status).toBe(206);
  expect(rest.headers.get('content-range')).toBe(`bytes 1000-${bytes.length - 1}/${bytes.length}`);
  expect(rest.headers.get('etag')).toBe(etag);
  expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(1_000))).toBe(true);
});

test('who has the beginning of something else gets all of it', async () => {
  const { url, bytes } = await link();
  const whole = await get(url, { ...KEY, range: 'bytes=1000-', 'if-range': '"other"' });
  expect(whole.status).toBe(200);
  expect((await whole.arrayBuffer()).byteLength).toBe(bytes.length);
});

test('there is nothing after the end', async () => {
  const { url, bytes } = await link();
  const none = await get(url, { ...KEY, range: `bytes=${bytes.length}-` });
  expect(none.status).toBe(416);
  expect(none.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
});

test('switched off, there is no ETag, and all of it comes whatever is asked', async () => {
  const { url, etag } = await link({ ranges: false });
  expect(etag).toBe('');
  expect((await get(url, { ...KEY, range: 'bytes=1000-' })).status).toBe(200);
});
