/** Who comes through to the inspector, and who does not: each header that a browser or a stranger sends. */
import { expect, test } from 'vitest';
import type { InspectorOptions } from '../../src/index.js';
import { asked, newPlace, ORIGIN, outcome, overApi, posted, TOKEN } from './place.js';

const ok = async (): Promise<Response> =>
  new Response('{}', { headers: { 'content-type': 'application/json' } });
const DATA = '/v1/population';

test.each([
  ['a wrong token', { authorization: 'Bearer nobody' }, '401 INSPECTOR_REFUSED'],
  ['no token', { authorization: '' }, '401 INSPECTOR_REFUSED'],
  ['the token under another scheme', { authorization: `Basic ${TOKEN}` }, '401 INSPECTOR_REFUSED'],
  ['the token and more', { authorization: `Bearer ${TOKEN}x` }, '401 INSPECTOR_REFUSED'],
  ['a name that was made to lead here', { host: 'evil.example:4000' }, '403 INSPECTOR_REFUSED'],
  ['loopback’s name with a dot before it', { host: 'x.localhost:4000' }, '403 INSPECTOR_REFUSED'],
  ['another port', { host: '127.0.0.1:4001' }, '403 INSPECTOR_REFUSED'],
  ['a user before the host', { host: 'me@127.0.0.1:4000' }, '403 INSPECTOR_REFUSED'],
  ['another origin', { origin: 'https://evil.example' }, '403 INSPECTOR_REFUSED'],
  ['an origin of another port', { origin: 'http://127.0.0.1:4001' }, '403 INSPECTOR_REFUSED'],
  ['an origin that hides', { origin: 'null' }, '403 INSPECTOR_REFUSED'],
  ['another site', { 'sec-fetch-site': 'cross-site' }, '403 INSPECTOR_REFUSED'],
  ['another port of this machine', { 'sec-fetch-site': 'same-site' }, '403 INSPECTOR_REFUSED'],
  ['its own origin', { origin: ORIGIN, 'sec-fetch-site': 'same-origin' }, '200'],
  ['localhost', { host: 'LOCALHOST:4000' }, '200'],
  ['loopback of IPv6', { host: '[::1]:4000' }, '200'],
])('a request with %s', async (_what, headers, told) => {
  const inspector = await overApi(ok);
  expect(await outcome(inspector.fetch(asked(DATA, headers)))).toBe(told);
});

test('nothing is asked of the data for who is refused', async () => {
  let asks = 0;
  const inspector = await overApi(async () => {
    asks += 1;
    return ok();
  });
  await inspector.fetch(asked(DATA, { authorization: '' }));
  await inspector.fetch(posted('/v1/actors/act', {}));
  await inspector.fetch(asked('/v1/jobs'));
  expect(asks).toBe(0);
  await inspector.fetch(asked(DATA));
  expect(asks).toBe(1);
});

test('the page is opened by the token in its address, which a cookie takes the place of', async () => {
  const inspector = await overApi(ok);
  expect(inspector.path).toBe(`/?token=${TOKEN}`);
  const stranger = { authorization: '' };
  // From a link in a chat: a browser calls it another site.
  const link = { ...stranger, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  const page = await inspector.fetch(asked(inspector.path, link));
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const [cookie = ''] = page.headers.getSetCookie();
  expect(cookie).toMatch(/^holdfast_[\da-f]{12}=\S+; Path=\/; Max-Age=86400; HttpOnly; SameSite=Strict$/);
  const [pair = ''] = cookie.split(';');
  const back = { ...stranger, cookie: `other=1; ${pair}; last=2`, 'sec-fetch-site': 'same-origin' };
  expect(await outcome(inspector.fetch(asked(DATA, back)))).toBe('200');
  expect((await inspector.fetch(asked('/', back))).status).toBe(200);
  const forged = { ...stranger, cookie: pair.replace(/=.*/, '=forged') };
  expect(await outcome(inspector.fetch(asked(DATA, forged)))).toBe('401 INSPECTOR_REFUSED');
});

test('a token in an address opens the page alone, and a wrong one not even with the cookie', async () => {
  const inspector = await overApi(ok);
  const bare = { authorization: '' };
  for (const path of [DATA, '/config.json', '/assets/main-BxT3k9Qz.js', '/chart.svg'])
    expect(await outcome(inspector.fetch(asked(`${path}?token=${TOKEN}`, bare)))).toBe(
      '401 INSPECTOR_REFUSED',
    );
  expect(await outcome(inspector.fetch(asked('/?token=wrong')))).toBe('401 INSPECTOR_REFUSED');
  const embedded = { ...bare, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  expect(await outcome(inspector.fetch(asked(inspector.path, embedded)))).toBe('403 INSPECTOR_REFUSED');
});

test('the cookies of two inspectors on one host stand beside each other', async () => {
  const first = await overApi(ok);
  const second = await overApi(ok, { token: 'another-token-of-21-characters' });
  const cookies = await Promise.all(
    [first, second].map(async (each) => {
      const page = await each.fetch(asked(each.path, { authorization: '' }));
      return (page.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
    }),
  );
  const [one = '', two = ''] = cookies;
  expect(one.split('=')[0]).not.toBe(two.split('=')[0]);
  for (const each of [first, second]) {
    const both = asked(DATA, { authorization: '', cookie: cookies.join('; ') });
    expect(await outcome(each.fetch(both))).toBe('200');
  }
  expect(await outcome(first.fetch(asked(DATA, { authorization: '', cookie: two })))).toBe(
    '401 INSPECTOR_REFUSED',
  );
});

test('behind a proxy the names that are listed are its own, and its cookie goes over TLS alone', async () => {
  const inspector = await overApi(ok, { hosts: ['Agents.Example.com'], basePath: '/inspector/' });
  const proxied = {
    host: 'agents.example.com',
    'x-forwarded-proto': 'https',
    origin: 'https://agents.example.com',
  };
  expect(await outcome(inspector.fetch(asked(`/inspector${DATA}`, proxied)))).toBe('200');
  const page = await inspector.fetch(asked(inspector.path, { ...proxied, authorization: '', origin: '' }));
  expect(page.headers.getSetCookie()[0]).toMatch(/; Path=\/inspector\/; .*; Secure$/);
  const moved = await inspector.fetch(asked(`/inspector?token=${TOKEN}`, { authorization: '' }));
  expect([moved.status, moved.headers.get('location')]).toEqual([308, `/inspector/?token=${TOKEN}`]);
  expect(await outcome(inspector.fetch(asked(DATA)))).toBe('404 INVALID_INPUT');
  expect(await outcome(inspector.fetch(asked('/inspectors/config.json')))).toBe('404 INVALID_INPUT');
});

test.each([
  [{ token: 'short' }, 'token'],
  [{ token: `${TOKEN}; Path=/` }, 'token'],
  [{ hosts: ['https://agents.example.com'] }, 'hosts.0'],
  [{ basePath: 'inspector' }, 'basePath'],
  [{ basePath: '/../x' }, 'basePath'],
  [{ port: 0 }, 'port'],
  [{ operator: '' }, 'operator'],
  [{ operator: 'ann\u202e' }, 'operator'],
  [{ allowAction: true }, 'allowAction'],
])('an option that cannot be is refused by its name: %j', async (options, field) => {
  const { runtime } = await newPlace();
  expect(() => runtime.inspector(options as InspectorOptions)).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(`inspector.${field}: `),
    }),
  );
});
