/** What the inspector serves: of the data what looks, of the disk its page; and what it says with it. */
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { controlRoutes } from '../../src/control/routes.js';
import { checkInspector, createInspector, startInspector } from '../../src/inspector/index.js';
import { silentLogger } from '../../src/index.js';
import { orderMachine } from '../inspection/orders.js';
import { asked, newPlace, outcome, overApi, posted } from './place.js';

const ok = async (): Promise<Response> =>
  new Response('{}', { headers: { 'content-type': 'application/json' } });

/** Of all that the control door serves. */
const LOOKS = [
  ...['GET /v1/actors', 'GET /v1/actors/actor', 'GET /v1/actors/acts', 'GET /v1/actors/capsule'],
  ...['GET /v1/actors/step', 'GET /v1/actors/steps', 'GET /v1/actors/story', 'GET /v1/actors/why'],
  ...['GET /v1/artifacts/:file', 'GET /v1/charts', 'GET /v1/live', 'GET /v1/population'],
  ...['POST /v1/actors/act', 'POST /v1/actors/what-if', 'POST /v1/capsules/look'],
  ...['POST /v1/capsules/what-if', 'GET /metrics', 'GET /v1/stately'],
];

test('of the routes of the control door it has those that look, and act when it is allowed', async () => {
  const reached: string[] = [];
  const inspector = await overApi(
    async (request) => {
      reached.push(`${request.method} ${new URL(request.url).pathname}`);
      return ok();
    },
    { allowActions: true },
  );
  const { runtime } = await newPlace();
  const { signal: closing } = new AbortController();
  const door = controlRoutes({ runtime, clock: systemClock, log: silentLogger, closing });
  const routes = door.routes.filter(({ method }) => method !== 'ALL');
  expect(routes.length).toBeGreaterThan(50);
  const passed: string[] = [];
  for (const { method, path } of routes) {
    const at = path.replaceAll(/:\w+/g, 'x');
    const body = method === 'GET' ? {} : { body: '{}' };
    const before = reached.length;
    const told = await outcome(
      inspector.fetch(asked(at, { 'content-type': 'application/json' }, { method, ...body })),
    );
    if (reached.length > before) passed.push(`${method} ${path}`);
    else expect(told, `${method} ${path}`).toMatch(/^40[45] INVALID_INPUT$/);
  }
  expect(passed.toSorted()).toEqual(LOOKS.toSorted());
  expect(new Set(reached).size).toBe(LOOKS.length);
});

test('without allowActions no act is passed on; with it, under the operator’s name', async () => {
  const bodies: unknown[] = [];
  const api = async (request: Request): Promise<Response> => {
    bodies.push(await request.json());
    return ok();
  };
  const act = { address: 'order/1', act: 'send:drop' };
  const looking = await overApi(api);
  expect(await outcome(looking.fetch(posted('/v1/actors/act', act)))).toBe('403 ACTION_FORBIDDEN');
  expect(bodies).toEqual([]);
  for (const options of [{}, { operator: 'ada' }]) {
    const acting = await overApi(api, { allowActions: true, ...options });
    await acting.fetch(posted('/v1/actors/act', act));
    await acting.fetch(posted('/v1/actors/act', { ...act, operator: 'eve' }));
  }
  expect(
    bodies.map((body) => Object(body) as { readonly operator?: string }).map(({ operator }) => operator),
  ).toEqual([...['inspector', 'eve'], ...['ada', 'ada']]);
});

test.each([
  [
    'a form of another page',
    { 'content-type': 'application/x-www-form-urlencoded' },
    '{}',
    '415 INVALID_INPUT',
  ],
  ['text', { 'content-type': 'text/plain' }, '{}', '415 INVALID_INPUT'],
  ['more than it says', { 'content-length': '2' }, `"${'x'.repeat(1_100_000)}"`, '413 INVALID_INPUT'],
  ['too much', { 'content-length': '99999999' }, '{}', '413 INVALID_INPUT'],
  ['no JSON', {}, '{', '400 INVALID_INPUT'],
  ['no object', {}, '7', '400 INVALID_INPUT'],
])('a body that is %s is refused before anything is asked', async (_what, headers, body, told) => {
  const inspector = await overApi(() => Promise.reject(new Error('asked')), { allowActions: true });
  const json = { 'content-type': 'application/json', ...headers };
  expect(await outcome(inspector.fetch(asked('/v1/actors/act', json, { method: 'POST', body })))).toBe(told);
});

test('of what a request says, the data hears its path, its body, its range and nothing else', async () => {
  const heard: Record<string, string>[] = [];
  const inspector = await overApi(async (request) => {
    heard.push(Object.fromEntries(request.headers));
    return ok();
  });
  const sent = { range: 'bytes=0-9', 'x-forwarded-for': '1.2.3.4', 'transfer-encoding': 'chunked', te: 'x' };
  await inspector.fetch(asked('/v1/artifacts/a.mp4', sent));
  expect(heard).toEqual([{ range: 'bytes=0-9' }]);
});

test.each([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/%252e%252e%252fsecret.txt',
  '/assets/../../secret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/assets',
  '/index.html%00.js',
  '//etc/passwd',
  '/v1/artifacts/../jobs',
  '/v1/artifacts/..%2fholdfast.json',
  '/v1/jobs',
  '/v1/backup',
  '/favicon.ico',
])('there is nothing at %s', async (path) => {
  const inspector = await overApi(() => Promise.reject(new Error('asked')));
  expect(await outcome(inspector.fetch(asked(path)))).toBe('404 INVALID_INPUT');
});

test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'POST'])(
  '%s is no way to the page',
  async (method) => {
    const inspector = await overApi(ok);
    const body = method === 'HEAD' ? {} : { body: '{}' };
    expect((await inspector.fetch(asked('/', {}, { method, ...body }))).status).toBe(405);
    expect((await inspector.fetch(asked('/v1/population', {}, { method, ...body }))).status).toBe(405);
  },
);

test('the page loads nothing from elsewhere, is in no frame, and is asked for again each time', async () => {
  const inspector = await overApi(ok);
  const page = await inspector.fetch(asked('/'));
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*/);
  expect(Object.fromEntries(page.headers)).toMatchObject({
    'cache-control': 'no-cache',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  const etag = page.headers.get('etag') ?? '';
  expect((await inspector.fetch(asked('/', { 'if-none-match': etag }))).status).toBe(304);
  const asset = await inspector.fetch(asked('/assets/main-BxT3k9Qz.js'));
  expect(asset.headers.get('cache-control')).toContain('immutable');
  expect((await inspector.fetch(asked('/v1/population'))).headers.get('cache-control')).toBe('no-store');
});

test('what goes wrong inside is a status, and its inside is in no answer', async () => {
  const inspector = await overApi(() => Promise.reject(new Error('the password is swordfish')));
  const answer = await inspector.fetch(asked('/v1/population'));
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('swordfish');
});

test('a page that was not built says how it is, and its data is served all the same', async () => {
  const inspector = createInspector({
    ...checkInspector({ token: 'a-token-of-at-least-21-characters', port: 4_000 }),
    ...{
      api: ok,
      clock: systemClock,
      log: silentLogger,
      live: true,
      name: 'here',
      page: '/nowhere/at-all',
    },
  });
  const answer = await inspector.fetch(asked('/'));
  const text = await answer.text();
  expect(answer.status).toBe(503);
  expect(text).toContain('INSPECTOR_UNBUILT');
  expect(text).toContain('npm run build');
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('200');
});

test('a chart is drawn once for its structure, and one that somebody brings is drawn, too', async () => {
  let asks = 0;
  const inspector = await overApi(async () => {
    asks += 1;
    const config = { id: 'door', initial: 'open', states: { open: { on: { close: 'shut' } }, shut: {} } };
    return new Response(JSON.stringify({ kind: 'door', version: '1', hash: 'h', config }));
  });
  const drawn = asked('/chart.svg?kind=door&version=1&hash=h');
  const [one, two] = await Promise.all([inspector.fetch(drawn.clone()), inspector.fetch(drawn.clone())]);
  expect(one.headers.get('content-type')).toBe('image/svg+xml');
  expect(await one.text()).toBe(await two.text());
  expect([asks, one.headers.get('cache-control')]).toEqual([1, expect.stringContaining('immutable')]);
  const newest = await inspector.fetch(asked('/chart.svg?kind=door'));
  expect([asks, newest.headers.get('cache-control')]).toEqual([2, 'no-cache']);
  const etag = newest.headers.get('etag') ?? '';
  expect((await inspector.fetch(asked('/chart.svg?kind=door', { 'if-none-match': etag }))).status).toBe(304);
  const config = {
    id: 'bell',
    initial: 'still',
    states: { still: { on: { ring: 'ringing' } }, ringing: {} },
  };
  const brought = await inspector.fetch(posted('/chart.svg', { config }));
  expect(await brought.text()).toContain('data-state="ringing"');
  expect(await outcome(inspector.fetch(posted('/chart.svg', { config: 7 })))).toBe('400 INVALID_INPUT');
});

test('the numbers of the runtime are there for a scraper that brings the token', async () => {
  const { inspector } = await newPlace();
  const numbers = await inspector.fetch(asked('/metrics'));
  expect(numbers.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await numbers.text()).toContain('# TYPE ');
  expect(await outcome(inspector.fetch(asked('/metrics', { authorization: '' })))).toBe(
    '401 INSPECTOR_REFUSED',
  );
});

test('a capsule comes without secrets, whatever is asked for', async () => {
  const { runtime, inspector } = await newPlace();
  const title = 'sk-abcdefghijklmnopqrstuvwxyz0123456789';
  await runtime.define(orderMachine).create({ id: '1', input: { title } });
  const answer = await inspector.fetch(asked('/v1/actors/capsule?address=order/1'));
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ capsule: { address: 'order/1' } });
  expect(text).not.toContain(title);
});

test('what would bring secrets of a process elsewhere is not passed on to it', async () => {
  const inspector = await overApi(() => Promise.reject(new Error('asked')));
  const bare = inspector.fetch(asked('/v1/actors/capsule?address=order/1&redact=false'));
  expect(await outcome(bare)).toBe('400 INVALID_INPUT');
});

test('a chart that nobody knows is told as the data tells it', async () => {
  const { inspector } = await newPlace();
  expect(await outcome(inspector.fetch(asked('/chart.svg?kind=nobody')))).toBe('404 CHART_UNKNOWN');
});

test('its streams end with the runtime, and it says that the runtime is closed', async () => {
  const { runtime, inspector } = await newPlace();
  const live = await inspector.fetch(asked('/v1/live'));
  expect(live.headers.get('content-type')).toBe('text/event-stream');
  const ended = live.text();
  await runtime.close();
  expect(await ended).toContain(': \n\n');
  expect(await outcome(inspector.fetch(asked('/v1/population')))).toBe('503 RUNTIME_CLOSED');
});

test('on a port of its own it is reached by the URL it tells, and not by another name', async () => {
  const { runtime } = await newPlace();
  const listening = await startInspector(0, (port) => runtime.inspector({ port }));
  onTestFinished(() => listening.close());
  const { origin, port, searchParams } = new URL(listening.url);
  const headers = { authorization: `Bearer ${searchParams.get('token') ?? ''}` };
  const config = await fetch(`${origin}/config.json`, { headers });
  expect(await config.json()).toMatchObject({ allowActions: false, live: true });
  expect(await outcome(fetch(`${origin}/config.json`))).toBe('401 INSPECTOR_REFUSED');
  const taken = startInspector(Number(port), () => runtime.inspector());
  await expect(taken).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
});
