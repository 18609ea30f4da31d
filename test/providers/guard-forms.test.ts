/**
 * Every way to write an address that is not public, and every way to lead a download there: none of them
 * opens a socket.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildConnector } from 'undici';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.js';
import { download, openai } from '../../src/providers/index.js';
import type { DownloadOptions, DownloadOutcome } from '../../src/providers/index.js';
import type { OpenSocket, Resolve } from '../../src/providers/guard.js';
import { listen, type Handler, type LocalServer } from './local-server.js';

/** As they may stand in a URL; what they mean beside it. */
const forms = [
  ['127.0.0.1', 'loopback'],
  ['2130706433', 'loopback in decimal'],
  ['0x7f000001', 'loopback in hex'],
  ['0x7f.1', 'loopback in hex, short'],
  ['017700000001', 'loopback in octal'],
  ['0177.0.0.1', 'loopback in octal, dotted'],
  ['127.1', 'loopback, short'],
  ['127.0.0.1.', 'loopback with a dot behind it'],
  ['0', 'this host'],
  ['0.0.0.0', 'this host'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'link-local: the metadata of a cloud'],
  ['100.64.0.1', 'shared by a carrier'],
  ['192.0.0.8', 'of the IETF'],
  ['192.0.2.1', 'documentation'],
  ['198.18.0.1', 'benchmarking'],
  ['224.0.0.1', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['[::1]', 'loopback'],
  ['[::]', 'this host'],
  ['[::ffff:127.0.0.1]', 'mapped'],
  ['[::ffff:7f00:1]', 'mapped, in hex'],
  ['[::ffff:0:127.0.0.1]', 'translated'],
  ['[::127.0.0.1]', 'compatible'],
  ['[64:ff9b::7f00:1]', 'NAT64'],
  ['[64:ff9b:1::7f00:1]', 'NAT64 of a network of its own'],
  ['[2002:7f00:1::]', '6to4'],
  ['[2001::1]', 'Teredo'],
  ['[2001:db8::1]', 'documentation'],
  ['[fc00::1]', 'unique local'],
  ['[fd12:3456::1]', 'unique local'],
  ['[fe80::1]', 'link-local'],
  ['[fec0::1]', 'site-local'],
  ['[ff02::1]', 'multicast'],
  ['[100::1]', 'discarded'],
  ['[4000::1]', 'given to nobody'],
] as const;
const names = [
  ['localhost', 'a local name'],
  ['localhost.', 'a local name with a dot'],
  ['LOCALHOST', 'a local name in capitals'],
  ['app.localhost', 'below a local name'],
  ['printer.local', 'a name of the neighbourhood'],
  ['metadata.google.internal', 'a name of a cloud'],
  ['metadata.google.internal.', 'the same with a dot'],
] as const;
const hosts = [...forms, ...names];

/** What a resolver may answer. */
const resolved = forms
  .map(([host]) => new URL(`https://${host}/`).hostname.replace(/^\[|\]$|\.$/g, ''))
  .filter((address, index, all) => all.indexOf(address) === index);

const ftyp = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');
const mp4 = Buffer.concat([ftyp, randomBytes(100_000)]);

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-guard-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function serve(handler: Handler): Promise<LocalServer> {
  const server = await listen(handler);
  onTestFinished(() => server.close());
  return server;
}

/**
 * Counts sockets. One to a trusted origin is opened; one that the guard lets through after a lookup is
 * counted and not opened.
 */
function counting(): { readonly open: OpenSocket; readonly opened: string[] } {
  const opened: string[] = [];
  const open: OpenSocket = (lookup) => {
    const really = buildConnector({});
    return (target, callback) => {
      if (lookup === undefined) {
        really(target, callback);
        return;
      }
      lookup(target.hostname, { all: true }, (error) => {
        if (error === null) opened.push(target.hostname);
        callback(error ?? new Error('nothing is opened here'), null);
      });
    };
  };
  return { open, opened };
}

interface Home {
  readonly url: string;
  readonly trusted?: readonly string[];
}

async function fetchFrom(
  url: string,
  home: Home,
  more: Partial<DownloadOptions> = {},
): Promise<DownloadOutcome> {
  const trustedOrigins = home.trusted ?? [home.url];
  const adapter = openai({ baseUrl: `${home.url}/v1`, apiKey: 'sk-secret-0001', trustedOrigins });
  return download({
    source: { url, authenticated: true },
    adapter,
    credential: await adapter.credential('default'),
    directory,
    kind: 'video',
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  });
}

const HOME: Home = { url: 'https://gateway.example', trusted: [] };
const refused = { type: 'permanent', error: { code: 'refusedUrl' } };
const answering =
  (...addresses: readonly string[]): Resolve =>
  (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

describe('no socket is opened', () => {
  test.each(hosts)('to %s (%s)', async (host) => {
    const { open, opened } = counting();
    expect(await fetchFrom(`https://${host}/v.mp4`, HOME, { open })).toMatchObject(refused);
    expect(opened).toEqual([]);
  });

  test.each(hosts)('to %s (%s), where a redirect leads after another', async (host) => {
    const { open, opened } = counting();
    const home = await serve((request, response) => {
      const location = request.url === '/start' ? '/next' : `https://${host}/v.mp4`;
      response.writeHead(302, { location }).end();
    });
    expect(await fetchFrom(`${home.url}/start`, home, { open })).toMatchObject(refused);
    expect(opened).toEqual([]);
    expect(home.received).toHaveLength(2);
  });

  test.each(resolved)('to a name that resolves to %s', async (address) => {
    const { open, opened } = counting();
    for (const resolve of [
      answering(address),
      answering('8.8.8.8', address),
      answering(address, '8.8.8.8'),
    ]) {
      const outcome = await fetchFrom('https://cdn.example/v.mp4', HOME, { open, resolve });
      expect(outcome).toMatchObject({ type: 'permanent', error: { code: 'ADDRESS_REFUSED' } });
    }
    expect(opened).toEqual([]);
  });

  test('to a name that is public when it is looked at and private when it is used', async () => {
    const inside = await serve((_request, response) => response.end(mp4));
    const open: OpenSocket = () => (target, callback) => {
      const local = { ...target, protocol: 'http:', hostname: '127.0.0.1', port: String(inside.port) };
      buildConnector({})(local, callback);
    };
    const resolve = answering('8.8.8.8');
    const outcome = await fetchFrom('https://cdn.example/v.mp4', HOME, { open, resolve });
    expect(outcome).toMatchObject({ type: 'permanent', error: { code: 'ADDRESS_REFUSED' } });
    expect(inside.received).toEqual([]);
  });

  test.each([
    ['http://cdn.example/v.mp4', 'plain http'],
    ['https://cdn.example:8443/v.mp4', 'another port'],
    ['https://cdn.example:22/v.mp4', 'a port of something else'],
    ['https://user@cdn.example/v.mp4', 'a user'],
    ['https://user:password@cdn.example/v.mp4', 'a user and a password'],
    ['https://gateway.example@127.0.0.1/v.mp4', 'a user that looks like a host'],
    ['ftp://cdn.example/v.mp4', 'another protocol'],
    ['file:///etc/passwd', 'a file'],
    ['data:video/mp4;base64,AAAA', 'no place at all'],
  ])('for %s (%s)', async (url) => {
    const { open, opened } = counting();
    expect(await fetchFrom(url, HOME, { open })).toMatchObject(refused);
    expect(opened).toEqual([]);
  });

  test('and what is public passes, whatever its form', async () => {
    for (const [host, address] of [
      ['cdn.example', '8.8.8.8'],
      ['cdn.example.', '8.8.8.8'],
      ['cdn.example', '2606:4700::1111'],
    ] as const) {
      const { open, opened } = counting();
      const resolve = answering(address);
      const outcome = await fetchFrom(`https://${host}/v.mp4`, HOME, { open, resolve });
      expect(outcome.type).toBe('transient');
      expect(opened).toEqual([host]);
    }
  });
});

describe('a credential', () => {
  const seenBy = (seen: (string | undefined)[], answer: Handler): Handler => {
    return (request, response, body) => {
      seen.push(request.headers.authorization);
      answer(request, response, body);
    };
  };

  test.each([301, 302, 303, 307, 308])('does not cross an origin by %i, nor come back', async (status) => {
    const seen: (string | undefined)[] = [];
    const away = await serve(
      seenBy(seen, (_request, response) => response.writeHead(status, { location: `${home.url}/v` }).end()),
    );
    const home = await serve(
      seenBy(seen, (request, response) => {
        if (request.url === '/v') response.end(mp4);
        else response.writeHead(status, { location: `${away.url}/x` }).end();
      }),
    );
    const trusted = [home.url, away.url];
    expect((await fetchFrom(`${home.url}/start`, { url: home.url, trusted })).type).toBe('done');
    expect(seen).toEqual(['Bearer sk-secret-0001', undefined, undefined]);
  });

  test('goes along within the fleet of a provider, and stays when the chain leaves it', async () => {
    const seen: (string | undefined)[] = [];
    const store = await serve(seenBy(seen, (_request, response) => response.end(mp4)));
    const second = await serve(
      seenBy(seen, (_request, response) => response.writeHead(307, { location: `${store.url}/v` }).end()),
    );
    const home = await serve(
      seenBy(seen, (_request, response) => response.writeHead(307, { location: `${second.url}/v` }).end()),
    );
    const trustedOrigins = [home.url, second.url, store.url];
    const adapter = {
      ...openai({ baseUrl: `${home.url}/v1`, apiKey: 'sk-secret-0001', trustedOrigins }),
      fleet: (origin: URL) => origin.origin === second.url,
    };
    const outcome = await fetchFrom(`${home.url}/v`, home, { adapter });
    expect(outcome.type).toBe('done');
    expect(seen).toEqual(['Bearer sk-secret-0001', 'Bearer sk-secret-0001', undefined]);
  });
});

describe('a bomb', () => {
  const BYTES_MAX = 1_000_000;
  const expectLittle = async (outcome: DownloadOutcome, expected: object): Promise<void> => {
    expect(outcome).toMatchObject(expected);
    expect(await readdir(join(directory, 'parts'))).toEqual([]);
  };
  const endless = (response: ServerResponse): void => {
    const chunk = Buffer.alloc(65_536, 7);
    response.write(ftyp);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };

  test.each([
    [
      'that says its size',
      (response: ServerResponse) => response.writeHead(200, { 'content-length': 10 ** 12 }),
    ],
    ['that does not say its size', (response: ServerResponse) => response.writeHead(200)],
  ])('%s is refused at the cap', async (_name, begin) => {
    const home = await serve((_request, response) => endless(begin(response)));
    const outcome = await fetchFrom(home.url, home, { bytesMax: BYTES_MAX });
    await expectLittle(outcome, { type: 'permanent', error: { code: 'tooLarge' } });
  });

  test.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip'])(
    'that is packed with %s is not unpacked: it is refused unread',
    async (encoding) => {
      const home = await serve((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync(Buffer.alloc(5_000_000)));
      });
      const outcome = await fetchFrom(home.url, home, { bytesMax: BYTES_MAX });
      await expectLittle(outcome, { type: 'transient', error: { code: 'encoded' } });
      expect(home.received[0]?.headers['accept-encoding']).toBe('identity');
    },
  );

  test('that drips is cut off when its time is over, however often it goes on', async () => {
    // The time of the whole body is granted once, and nothing of it.
    let waits = 0;
    const clock: Clock = {
      ...systemClock,
      schedule: (delayMs, run) => systemClock.schedule((waits += 1) === 1 ? delayMs : 0, run),
    };
    const home = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': mp4.length });
      response.write(mp4.subarray(0, 5_000));
    });
    const outcome = await fetchFrom(home.url, home, { clock, part: 'drip.0' });
    await expectLittle(outcome, { type: 'transient', error: { code: 'timeout' } });
    expect(waits).toBe(2);
  });
});

describe('what a content is', () => {
  const sha256 = createHash('sha256').update(mp4).digest('hex');

  test.each(['text/html', 'application/xml', 'image/png', 'application/octet-stream', 'nonsense'])(
    'is not for a header to say: a film is a film under %s',
    async (type) => {
      const home = await serve((_request, response) => {
        response.writeHead(200, {
          'content-type': type,
          'content-disposition': 'attachment; filename="../../x.sh"',
        });
        response.end(mp4);
      });
      expect(await fetchFrom(`${home.url}/v.html`, home)).toMatchObject({
        type: 'done',
        artifact: { mime: 'video/mp4', path: `${sha256}.mp4` },
      });
      expect((await readdir(directory)).toSorted()).toEqual(['parts', `${sha256}.mp4`].toSorted());
    },
  );

  test.each([
    '<!doctype html><html>',
    '<?xml version="1.0"?><Error/>',
    '{"error":"later"}',
    '#!/bin/sh\nexit 1\n',
  ])('nor is a page a film because it says so: %s', async (text) => {
    const home = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'video/mp4' }).end(text);
    });
    expect(await fetchFrom(home.url, home)).toMatchObject({ type: 'transient', error: { code: 'mistyped' } });
  });
});
