/** `/v1/work` of `runtime.fetch`: who may come in, and what is not served. */
import { expect, onTestFinished, test } from 'vitest';
import { openRuntime, silentLogger, type Runtime, type RuntimeOptions } from '../../src/index.js';
import { newDirectory } from '../control/world.js';

const TOKEN = '0123456789abcdef0123456789abcdef';

async function opened(options: Partial<RuntimeOptions> = { work: { token: TOKEN } }): Promise<Runtime> {
  const base = { directory: await newDirectory(), log: silentLogger, durability: 'process', control: false };
  const runtime = await openRuntime({ ...(base as RuntimeOptions), ...options });
  onTestFinished(() => runtime.close({ timeoutMs: 0 }));
  return runtime;
}

interface Asked {
  readonly method?: string;
  readonly token?: string;
  readonly body?: string | ReadableStream;
}

async function told(
  runtime: Runtime,
  path: string,
  { method = 'POST', token = TOKEN, body = '{}' }: Asked = {},
): Promise<readonly [status: number, code: unknown]> {
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  const init = method === 'GET' ? { method, headers } : { method, headers, body, duplex: 'half' };
  const answer = await runtime.fetch(new Request(`http://any${path}`, init as RequestInit));
  const said: unknown = await answer.json().catch(() => undefined);
  const { error } = Object(said) as { readonly error?: { readonly code?: unknown } };
  return [answer.status, error?.code];
}

test('nobody comes in without the token, and none is served where there is no token at all', async () => {
  const runtime = await opened();
  for (const token of ['', 'wrong', `${TOKEN}0`, TOKEN.slice(1)]) {
    expect(await told(runtime, '/v1/work/claim', { token })).toEqual([401, 'CONTROL_REFUSED']);
    expect(await told(runtime, '/v1/work/nothing', { token })).toEqual([401, 'CONTROL_REFUSED']);
  }
  expect(await told(await opened({}), '/v1/work/claim')).toEqual([404, undefined]);
});

test('a token that is short, or that no header can bring, is refused at the door', async () => {
  for (const token of ['short', `${TOKEN} and a space`]) {
    await expect(opened({ work: { token } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('work.token') as unknown,
    });
  }
});

test('workers are served, also below the public URL, and operators are not', async () => {
  const runtime = await opened({
    work: { token: TOKEN },
    webhooks: { publicUrl: 'https://agent.example/below/' },
  });
  const { id } = await runtime.work.enqueue('a');
  for (const prefix of ['', '/below']) {
    expect(await told(runtime, `${prefix}/v1/work/${id}`, { method: 'GET' })).toEqual([200, undefined]);
    expect(await told(runtime, `${prefix}/v1/work`, { body: '{"kind":"b"}' })).toEqual([201, undefined]);
    for (const path of ['/v1/work/cancel', `/v1/work/${id}/cancel`, '/v1/work/reclaim'])
      expect(await told(runtime, `${prefix}${path}`)).toEqual([404, 'INVALID_INPUT']);
    for (const path of ['/v1/work', '/v1/work/..%2fcounts'])
      expect((await told(runtime, `${prefix}${path}`, { method: 'GET' }))[0]).toBe(404);
    for (const path of ['/v1/schedules', '/v1/workers', '/v1/jobs', '/v1/work/../jobs'])
      expect(await told(runtime, `${prefix}${path}`)).toEqual([404, undefined]);
  }
  expect((await runtime.work.get(id)).status).toBe('ready');
});

test('a body over a mebibyte is refused, whether or not it says so before', async () => {
  const runtime = await opened();
  const text = JSON.stringify({ kind: 'a', payload: 'x'.repeat(1_100_000) });
  expect(await told(runtime, '/v1/work', { body: text })).toEqual([413, 'INVALID_INPUT']);
  const chunks = new Blob([text]).stream();
  expect(await told(runtime, '/v1/work', { body: chunks })).toEqual([413, 'INVALID_INPUT']);
  expect(await told(runtime, '/v1/work', { body: '[' })).toEqual([400, 'INVALID_INPUT']);
  expect((await runtime.work.list()).items).toEqual([]);
});

test('a claim that waits is answered with nothing when the runtime closes', async () => {
  const runtime = await opened();
  const waiting = told(runtime, '/v1/work/claim', { body: '{"wait_ms":60000}' });
  await told(runtime, '/v1/work/claim');
  await runtime.close();
  expect(await waiting).toEqual([200, undefined]);
});
