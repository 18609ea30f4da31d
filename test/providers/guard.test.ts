import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/errors.js';
import { guardedConnector, refuseAddress, refuseUrl } from '../../src/providers/guard.js';
import type { GuardOptions, OpenSocket, Resolve } from '../../src/providers/guard.js';
import { listen } from './local-server.js';
import type { LocalServer } from './local-server.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(): Promise<LocalServer> {
  const server = await listen((_request, response) => response.end());
  closers.push(server.close);
  return server;
}

const answering =
  (...addresses: readonly string[]): Resolve =>
  (_hostname, _options, callback) => {
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };

/** Asks the guard's lookup as `net.connect` would, and opens nothing. */
const lookingUp = (all: boolean, seen: (found: unknown) => void): OpenSocket => {
  return (lookup) => (target, callback) => {
    if (lookup === undefined) throw new Error('a trusted origin needs no lookup');
    lookup(target.hostname, { all }, (error, address, family) => {
      seen(family === undefined ? address : [address, family]);
      callback(error ?? new Error('nothing is opened here'), null);
    });
  };
};

function connect(options: Partial<GuardOptions>, hostname: string, port: number): Promise<Socket | Error> {
  const connector = guardedConnector({ trustedOrigins: [], ...options });
  const host = hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  return new Promise((resolve) => {
    connector({ hostname, host, protocol: 'http:', port: String(port) }, (error, socket) => {
      resolve(error ?? socket ?? new Error('neither'));
    });
  });
}

const isRefusal = (result: Socket | Error): boolean => isHoldfastError(result, 'ADDRESS_REFUSED');

describe('the connector guard', () => {
  it.each(['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '::ffff:127.0.0.1', '::1', '0', '10.0.0.1'])(
    'refuses the literal %s before any socket opens',
    async (hostname) => {
      const server = await serve();
      const open: OpenSocket = () => () => {
        throw new Error('a socket was asked for');
      };
      expect(isRefusal(await connect({ open }, hostname, server.port))).toBe(true);
      expect(server.connections()).toBe(0);
    },
  );

  it.each([true, false])('refuses a name with any private address (all: %s)', async (all) => {
    const open = lookingUp(all, () => undefined);
    for (const resolve of [answering('127.0.0.1'), answering('8.8.8.8', '10.0.0.1'), answering()]) {
      expect(isRefusal(await connect({ resolve, open }, 'cdn.example', 80))).toBe(true);
    }
  });

  it('answers a lookup in the shape it was asked in', async () => {
    const found: unknown[] = [];
    const resolve = answering('8.8.8.8', '2606:4700::1111');
    await connect({ resolve, open: lookingUp(false, (one) => found.push(one)) }, 'cdn.example', 80);
    await connect({ resolve, open: lookingUp(true, (all) => found.push(all)) }, 'cdn.example', 80);
    expect(found).toEqual([
      ['8.8.8.8', 4],
      [
        { address: '8.8.8.8', family: 4 },
        { address: '2606:4700::1111', family: 6 },
      ],
    ]);
  });

  it('passes on what the resolver says when there is no such name', async () => {
    const failure = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    const resolve: Resolve = (_hostname, _options, callback) => callback(failure, []);
    const result = await connect({ resolve, open: lookingUp(true, () => undefined) }, 'cdn.example', 80);
    expect(result).toBe(failure);
  });

  it('refuses a socket that ended up somewhere private after all', async () => {
    const server = await serve();
    let opened: Socket | undefined;
    const open: OpenSocket = () => (_target, callback) => {
      const local = { hostname: '127.0.0.1', protocol: 'http:', port: String(server.port) };
      buildConnector({})(local, (...result) => {
        if (result[0] === null) opened = result[1];
        callback(...result);
      });
    };
    const result = await connect({ open, resolve: answering('8.8.8.8') }, 'cdn.example', 80);
    expect(isRefusal(result)).toBe(true);
    expect(opened?.destroyed).toBe(true);
    expect(server.received).toHaveLength(0);
  });

  it('lets a trusted origin through, and only with its port', async () => {
    const server = await serve();
    const trustedOrigins = [server.url];
    const socket = await connect({ trustedOrigins }, '127.0.0.1', server.port);
    if (socket instanceof Error) throw socket;
    socket.destroy();
    expect(isRefusal(await connect({ trustedOrigins }, '127.0.0.1', 9))).toBe(true);
  });
});

describe('the address rule', () => {
  it.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8'])('lets %s through', (address) => {
    expect(refuseAddress(address)).toBeUndefined();
  });

  it.each([
    'fe80::1%eth0',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fc00::1',
    '169.254.169.254',
    '100.64.0.1',
    '',
    'x',
  ])('refuses %j', (address) => {
    expect(refuseAddress(address)).toBeDefined();
  });
});

describe('the URL rule', () => {
  it.each([
    'http://cdn.example/v.mp4',
    'https://cdn.example:8443/v.mp4',
    'https://user:pass@cdn.example/v.mp4',
    'https://localhost/v.mp4',
    'https://printer.local./v.mp4',
    'https://metadata.google.internal/v.mp4',
    'https://127.0.0.1/v.mp4',
    'https://2130706433/v.mp4',
    'https://0x7f.1/v.mp4',
    'https://[::ffff:127.0.0.1]/v.mp4',
    'file:///etc/passwd',
  ])('refuses %s', (url) => {
    expect(refuseUrl(new URL(url), [])).toBeDefined();
  });

  it('lets public https through, and anything http(s) of a trusted origin', () => {
    expect(refuseUrl(new URL('https://cdn.example/v.mp4?x=1'), [])).toBeUndefined();
    expect(refuseUrl(new URL('http://127.0.0.1:8000/v.mp4'), ['http://127.0.0.1:8000'])).toBeUndefined();
    expect(refuseUrl(new URL('http://127.0.0.1:8001/v.mp4'), ['http://127.0.0.1:8000'])).toBeDefined();
    expect(refuseUrl(new URL('http://u@127.0.0.1:8000/v.mp4'), ['http://127.0.0.1:8000'])).toBeDefined();
  });
});
