import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { createTransport, openai } from '../../src/providers/index.js';
import { submitOutcome } from '../../src/providers/outcome.js';
import type { OpenSocket, Resolve } from '../../src/providers/guard.js';
import type { HttpRequest, ProviderAdapter, ProviderRequest, Transport } from '../../src/providers/index.js';
import type { TransportOptions } from '../../src/providers/index.js';
import { answerJson, listen } from './local-server.js';
import type { Handler, LocalServer } from './local-server.js';

const key = 'sk-secret-0001';
const wanted: ProviderRequest = { kind: 'video', prompt: 'a cat', durationSeconds: 4 };
const never = new AbortController().signal;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(handler: Handler): Promise<LocalServer> {
  const server = await listen(handler);
  closers.push(server.close);
  return server;
}

function transport(options: Partial<TransportOptions> = {}): Transport {
  const made = createTransport({ clock: systemClock, ...options });
  closers.push(made.close);
  return made;
}

/** An adapter whose fleet is the origins given, all of them trusted. */
function fleetAdapter(home: LocalServer, ...fleet: readonly string[]): ProviderAdapter {
  return {
    ...openai({ baseUrl: `${home.url}/v1`, apiKey: key, encoding: 'json', trustedOrigins: fleet }),
    fleet: ({ origin }) => fleet.includes(origin),
  };
}

const post = (adapter: ProviderAdapter): HttpRequest => adapter.buildSubmit(wanted, { key: 'job_1' });
const accepts: Handler = (_request, response) => answerJson(response, 200, { id: 'video_1' });
const sendsTo =
  (location: string, status = 307): Handler =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();

async function closedOrigin(): Promise<string> {
  const server = await listen(() => undefined);
  await server.close();
  return server.url;
}

describe('a call that is sent on within the fleet', () => {
  it.each([307, 308])('by a %i keeps its method, its body and its credential', async (status) => {
    const other = await serve(accepts);
    const home = await serve((request, response) =>
      sendsTo(`${other.url}/eu${request.url ?? ''}`, status)(request, response, ''),
    );
    const adapter = fleetAdapter(home, other.url);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(submitOutcome(adapter, result, wanted, 'default')).toMatchObject({ type: 'accepted' });
    expect(home.received).toHaveLength(1);
    expect(other.received).toHaveLength(1);
    const [there] = other.received;
    expect(there).toMatchObject({ method: 'POST', url: '/eu/v1/videos', body: home.received[0]?.body });
    expect(there?.headers.authorization).toBe(`Bearer ${key}`);
  });

  it('goes on from hop to hop, and back home', async () => {
    const home: LocalServer = await serve((request, response, body) => {
      if (request.url === '/v1/videos') sendsTo(`${other.url}/a`)(request, response, body);
      else accepts(request, response, body);
    });
    const other = await serve((request, response, body) =>
      sendsTo(request.url === '/a' ? '/b' : `${home.url}/v1/c`)(request, response, body),
    );
    const adapter = fleetAdapter(home, other.url);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toMatchObject({ type: 'response', response: { status: 200 } });
    expect([...home.received, ...other.received].map(({ url }) => url)).toEqual([
      '/v1/videos',
      '/v1/c',
      '/a',
      '/b',
    ]);
  });

  it('six times ends with the sixth redirect as its reply', async () => {
    const home = await serve(sendsTo('/v1/videos'));
    const adapter = fleetAdapter(home);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(submitOutcome(adapter, result, wanted, 'default').type).toBe('ambiguous');
    expect(home.received).toHaveLength(6);
  });

  it('to where nothing listens was certainly not sent', async () => {
    const gone = await closedOrigin();
    const home = await serve(sendsTo(`${gone}/v1/videos`));
    const adapter = fleetAdapter(home, gone);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toMatchObject({ type: 'notSent', error: { code: 'ECONNREFUSED' } });
    expect(home.received).toHaveLength(1);
  });

  it('to where the answer is lost is ambiguous', async () => {
    const other = await serve((request) => request.socket.resetAndDestroy());
    const home = await serve(sendsTo(`${other.url}/v1/videos`));
    const adapter = fleetAdapter(home, other.url);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result.type).toBe('unknown');
    expect(other.received).toHaveLength(1);
  });

  it('to a fleet name that leads to a private address opens no socket', async () => {
    const home = await serve(sendsTo('https://eu.fleet.example/v1/videos'));
    const adapter: ProviderAdapter = { ...fleetAdapter(home), fleet: () => true };
    const resolve: Resolve = (_hostname, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const sender = transport({ resolve });
    const result = await sender.send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toMatchObject({ type: 'notSent', error: { code: 'ADDRESS_REFUSED' } });
  });
});

describe('a call that is sent elsewhere', () => {
  it.each(['stranger', 'user part', 'plain http'])('to a %s stays where it is', async (how) => {
    const stranger = await serve(accepts);
    const locations: Readonly<Record<string, string>> = {
      stranger: `${stranger.url}/v1/videos`,
      'user part': stranger.url.replace('//', '//someone:s3cret@'),
      'plain http': 'http://eu.fleet.example/v1/videos',
    };
    const home = await serve(sendsTo(locations[how] ?? ''));
    // It may be downloaded from there; that is no reason to take a call there.
    const adapter = fleetAdapter(home, stranger.url);
    const wide: ProviderAdapter = { ...adapter, fleet: () => how !== 'stranger' };
    const result = await transport().send(wide, 'default', post(wide), { signal: never });
    expect(submitOutcome(wide, result, wanted, 'default').type).toBe('ambiguous');
    expect(home.received).toHaveLength(1);
    expect(stranger.connections()).toBe(0);
  });

  it.each([301, 302, 303])('by a %i is not sent on, not even within the fleet', async (status) => {
    const other = await serve(accepts);
    const home = await serve(sendsTo(`${other.url}/v1/videos`, status));
    const adapter = fleetAdapter(home, other.url);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toMatchObject({ type: 'response', response: { status } });
    expect(other.connections()).toBe(0);
  });
});

describe('a signed URL', () => {
  const signed = (signedUrl: string): HttpRequest => ({ method: 'GET', path: '/', signedUrl });

  it('is asked without a credential, and without there being one', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, { status: 'queued' }));
    const adapter = openai({ baseUrl: `${server.url}/v1`, env: () => ({}) });
    const request = signed(`${server.url}/poll/7?sig=s3cret`);
    const result = await transport().send(adapter, 'default', request, { signal: never });
    expect(result).toMatchObject({ type: 'response', response: { status: 200 } });
    expect(server.received[0]).toMatchObject({ url: '/poll/7?sig=s3cret' });
    expect(server.received[0]?.headers.authorization).toBeUndefined();
  });

  it('is followed nowhere, and hidden when the reply echoes it', async () => {
    const server = await serve(sendsTo('/elsewhere'));
    const adapter = fleetAdapter(server);
    const request = signed(`${server.url}/poll/7?sig=s3cret`);
    const result = await transport().send(adapter, 'default', request, { signal: never });
    expect(result).toMatchObject({ type: 'response', response: { status: 307 } });
    expect(result.type === 'response' && result.secrets).toEqual(
      expect.arrayContaining([`${server.url}/poll/7?sig=s3cret`, '/poll/7', 's3cret']),
    );
    expect(server.received).toHaveLength(1);
  });

  it.each(['https://10.0.0.7/p?sig=s3cret', 'http://example.com/p?sig=s3cret', 'no URL, s3cret'])(
    'that leads inwards or is none (%s) is refused and not shown',
    async (url) => {
      const adapter = openai({ apiKey: key });
      const open: OpenSocket = () => () => {
        throw new Error('a socket was asked for');
      };
      const result = await transport({ open }).send(adapter, 'default', signed(url), { signal: never });
      expect(result).toMatchObject({ type: 'notSent', error: { code: 'refusedUrl', retryable: true } });
      expect(JSON.stringify(result)).not.toContain('s3cret');
    },
  );

  it('whose name leads inwards opens no socket, at its own provider either', async () => {
    const resolve: Resolve = (_hostname, _options, callback) =>
      callback(null, [{ address: '169.254.169.254', family: 4 }]);
    const adapter = openai({ apiKey: key });
    const request = signed('https://api.openai.com/secret-part?sig=s3cret');
    const result = await transport({ resolve }).send(adapter, 'default', request, { signal: never });
    expect(result).toMatchObject({ type: 'unknown', error: { code: 'ADDRESS_REFUSED' } });
    expect(JSON.stringify(result)).not.toMatch(/s3cret|secret-part/);
  });
});
