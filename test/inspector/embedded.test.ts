/** What docs/inspector.md says of one's own server, run: its code is in examples/inspector. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { serverOf } from '../../examples/inspector/embedded.js';
import { newPlace, outcome } from './place.js';

test('a server has the inspector beside its own paths, for those whom it lets in', async () => {
  const { runtime } = await newPlace();
  const server = serverOf(runtime, (request) => request.headers.get('x-staff') === 'yes').listen(
    0,
    '127.0.0.1',
  );
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://${host}${path}`, { headers, redirect: 'manual' });
  expect(await (await get('/')).text()).toBe('the rest of the app');
  expect((await get('/admin')).status).toBe(403);
  expect(await outcome(get('/inspector/v1/population'))).toBe('401 INSPECTOR_REFUSED');
  const path = (await get('/admin', { 'x-staff': 'yes' })).headers.get('location') ?? '';
  expect(path).toMatch(/^\/inspector\/\?token=inspector_[\w-]{21}$/);
  const authorization = `Bearer ${path.split('=')[1] ?? ''}`;
  const config = await get('/inspector/config.json', { authorization });
  expect(await config.json()).toMatchObject({ allowActions: true, live: true });
  const socket = new WebSocket(`ws://${host}/inspector/v1/stately`, { headers: { authorization } });
  await once(socket, 'open');
  socket.terminate();
});
