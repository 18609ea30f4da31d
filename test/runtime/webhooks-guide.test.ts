/** What docs/guide-webhooks.md says, run: its code is in examples/webhooks. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { inHono, inNode, signedChannel } from '../../examples/webhooks/embed.js';
import { NEVER, seenAs, video } from './house.js';
import { hookPlace, KEY } from './hook-place.js';

test('a server of the host serves the hooks beside its own paths', async () => {
  const place = await hookPlace({ life: NEVER });
  const runtime = await place.open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  const path = `/hooks/openai/${await place.token(job.id)}`;
  const app = inHono(runtime);
  const server = inNode(runtime).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const news = (
    status: string,
  ): { readonly method: 'POST'; readonly body: string; readonly headers: Record<string, string> } => {
    const body = JSON.stringify({ id: ref?.taskId, status });
    const at = new Date(place.house.clock.now());
    const headers = {
      'webhook-id': `msg_${status}`,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(KEY).sign(`msg_${status}`, at, body),
    };
    return { method: 'POST', body, headers };
  };
  expect((await app.request(path, news('pending'))).status).toBe(200);
  expect((await app.request(path, { method: 'POST', body: '{}' })).status).toBe(401);
  expect(await (await app.request('/')).text()).toBe('the rest of the app');
  expect((await fetch(`${url}${path}`, news('failed'))).status).toBe(200);
  expect((await job.settled()).status).toBe('failed');
  expect(await (await fetch(url)).text()).toBe('the rest of the app');
  expect(signedChannel(url, [KEY])).toHaveProperty('send');
});
