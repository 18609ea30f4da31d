import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Clock } from '../../src/clock.js';
import { download, openai, sweepParts } from '../../src/providers/index.js';
import type { DownloadOptions, DownloadOutcome } from '../../src/providers/index.js';
import { listen } from './local-server.js';
import type { Handler, LocalServer } from './local-server.js';

const ftyp = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');
const mp4 = Buffer.concat([ftyp, randomBytes(200_000)]);
const png = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452000000400000002008060000000000000000', 'hex'),
  randomBytes(6_000),
]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let directory: string;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'holdfast-download-')), 'artifacts');
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(join(directory, '..'), { recursive: true, force: true });
});

async function serve(handler: Handler): Promise<LocalServer> {
  const server = await listen(handler);
  closers.push(server.close);
  return server;
}

async function fetchFrom(
  url: string,
  options: Partial<DownloadOptions> & { readonly home?: string; readonly trusted?: readonly string[] } = {},
): Promise<DownloadOutcome> {
  const { home = new URL(url).origin, trusted = [new URL(url).origin], ...rest } = options;
  const adapter = openai({ baseUrl: `${home}/v1`, apiKey: 'sk-secret-0001', trustedOrigins: trusted });
  return download({
    source: { url, authenticated: true },
    adapter,
    credential: await adapter.credential('default'),
    directory,
    kind: 'video',
    clock: systemClock,
    signal: new AbortController().signal,
    ...rest,
  });
}

const serveBytes =
  (bytes: Buffer): Handler =>
  (_request, response) =>
    void response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes);

/** Every file, the unfinished ones in their folder included. */
const files = async (): Promise<readonly string[]> => {
  const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
};

/** Nothing that failed may leave a file behind, whole or in part. */
async function expectFailure(outcome: DownloadOutcome, expected: object): Promise<void> {
  expect(outcome).toMatchObject(expected);
  expect(await files()).toEqual([]);
}

describe('a download', () => {
  it('ends as a file named by its hash, with the credential sent to its own origin', async () => {
    const server = await serve(serveBytes(mp4));
    const outcome = await fetchFrom(`${server.url}/v1/videos/1/content?sig=s3cret`);
    const path = `${sha256(mp4)}.mp4`;
    expect(outcome).toEqual({
      type: 'done',
      artifact: {
        path,
        sha256: sha256(mp4),
        bytes: mp4.byteLength,
        mime: 'video/mp4',
        sourceUrl: `${server.url}/v1/videos/1/content?[redacted]`,
      },
    });
    expect(await files()).toEqual([path]);
    expect((await readFile(join(directory, path))).equals(mp4)).toBe(true);
    expect(server.received[0]?.headers).toMatchObject({
      authorization: 'Bearer sk-secret-0001',
      'accept-encoding': 'identity',
    });
  });

  it('done twice leaves one whole file, even over a damaged one', async () => {
    const server = await serve(serveBytes(mp4));
    await fetchFrom(`${server.url}/a`);
    await writeFile(join(directory, `${sha256(mp4)}.mp4`), 'damaged');
    expect((await fetchFrom(`${server.url}/b`)).type).toBe('done');
    expect(await files()).toHaveLength(1);
    expect((await readFile(join(directory, `${sha256(mp4)}.mp4`))).equals(mp4)).toBe(true);
  });

  it('of a picture knows its size in pixels', async () => {
    const server = await serve(serveBytes(png));
    expect(await fetchFrom(`${server.url}/i`, { kind: 'image' })).toMatchObject({
      artifact: { path: `${sha256(png)}.png`, mime: 'image/png', width: 64, height: 32 },
    });
  });

  it('without authentication sends no credential', async () => {
    const server = await serve(serveBytes(mp4));
    const source = { url: `${server.url}/v`, authenticated: false };
    expect((await fetchFrom(source.url, { source })).type).toBe('done');
    expect(server.received[0]?.headers.authorization).toBeUndefined();
  });

  it('works where the length is not told', async () => {
    const server = await serve((_request, response) => void response.write(mp4, () => response.end()));
    expect(await fetchFrom(server.url)).toMatchObject({ type: 'done', artifact: { bytes: mp4.byteLength } });
  });
});

describe('a status', () => {
  it.each([
    [401, 'stale'],
    [403, 'stale'],
    [404, 'stale'],
    [410, 'stale'],
    [408, 'transient'],
    [429, 'transient'],
    [500, 'transient'],
    [503, 'transient'],
    [204, 'transient'],
    [206, 'transient'],
    [300, 'transient'],
    [302, 'transient'],
    [400, 'permanent'],
    [415, 'permanent'],
    [451, 'permanent'],
  ])('%i is %s', async (status, type) => {
    const server = await serve((_request, response) => {
      response.writeHead(status, { 'retry-after': '4' }).end(status === 204 ? undefined : mp4);
    });
    await expectFailure(await fetchFrom(server.url), { type, error: { code: `http${status}` } });
  });

  it('that asks to wait is passed on', async () => {
    const server = await serve((_request, response) => response.writeHead(503, { 'retry-after': '4' }).end());
    expect(await fetchFrom(server.url)).toMatchObject({ error: { retryAfterMs: 4_000 } });
  });
});

describe('a body', () => {
  const cutOff = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': mp4.byteLength });
    response.write(mp4.subarray(0, 50_000), () => response.destroy());
  };

  it('that breaks off is transient and leaves nothing', async () => {
    const server = await serve((_request, response) => cutOff(response));
    await expectFailure(await fetchFrom(server.url), { type: 'transient', error: { class: 'network' } });
  });

  it('that breaks off without a length is transient', async () => {
    const server = await serve((_request, response) => {
      response.write(mp4.subarray(0, 50_000), () => response.destroy());
    });
    await expectFailure(await fetchFrom(server.url), { type: 'transient' });
  });

  it('with nothing in it is transient', async () => {
    const server = await serve((_request, response) => response.end());
    await expectFailure(await fetchFrom(server.url), { type: 'transient', error: { code: 'empty' } });
  });

  it.each([
    ['an HTML page', '<!doctype html><html><body>Bad gateway</body></html>'],
    ['an XML error', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['a JSON error', '{"error":"not ready"}'],
    ['a script picture', '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
    ['a long page', `<html>${'x'.repeat(300_000)}`],
  ])('that is %s under a 200 is transient', async (_name, text) => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'video/mp4' }).end(text);
    });
    await expectFailure(await fetchFrom(server.url), { type: 'transient', error: { code: 'mistyped' } });
  });

  it('of the other kind is permanent', async () => {
    const server = await serve(serveBytes(png));
    await expectFailure(await fetchFrom(server.url), { type: 'permanent', error: { code: 'mistyped' } });
  });

  it('over the cap is permanent, by what it declares and by what it sends', async () => {
    const declaring = await serve(serveBytes(mp4));
    const sending = await serve((_request, response) => void response.write(mp4, () => response.end()));
    for (const server of [declaring, sending]) {
      const outcome = await fetchFrom(server.url, { bytesMax: 100_000 });
      await expectFailure(outcome, { type: 'permanent', error: { code: 'tooLarge' } });
    }
  });

  it('that falls silent is transient', async () => {
    const server = await serve((_request, response) => void response.write(mp4.subarray(0, 5_000)));
    await expectFailure(await fetchFrom(server.url, { idleMs: 200 }), {
      type: 'transient',
      error: { code: 'UND_ERR_BODY_TIMEOUT' },
    });
  });

  it('that trickles below the lowest rate is cut off', async () => {
    // The clock grants the second wait, the one for the body, no time at all.
    let waits = 0;
    const clock: Clock = {
      ...systemClock,
      schedule: (delayMs, run) => systemClock.schedule((waits += 1) === 1 ? delayMs : 0, run),
    };
    const server = await serve((_request, response) => void response.write(mp4.subarray(0, 5_000)));
    await expectFailure(await fetchFrom(server.url, { clock }), {
      type: 'transient',
      error: { code: 'timeout' },
    });
  });

  it('is abandoned when the caller aborts', async () => {
    const controller = new AbortController();
    const server = await serve((_request, response) => {
      response.write(mp4.subarray(0, 5_000), () => controller.abort());
    });
    const outcome = await fetchFrom(server.url, { signal: controller.signal });
    await expectFailure(outcome, { type: 'transient', error: { code: 'AbortError' } });
  });
});

describe('a redirect', () => {
  it('within the origin keeps the credential, across origins loses it for good', async () => {
    const seen: (string | undefined)[] = [];
    const away = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: `${home.url}/back` }).end();
    });
    const home = await serve((request, response) => {
      seen.push(request.headers.authorization);
      if (request.url === '/start') response.writeHead(302, { location: '/next' }).end('moved');
      else if (request.url === '/next') response.writeHead(308, { location: `${away.url}/x` }).end();
      else response.end(mp4);
    });
    const outcome = await fetchFrom(`${home.url}/start`, { trusted: [home.url, away.url] });
    expect(outcome.type).toBe('done');
    expect(seen).toEqual(['Bearer sk-secret-0001', 'Bearer sk-secret-0001', undefined, undefined]);
  });

  it('to an origin that is not trusted is refused without a connection', async () => {
    const inside = await serve(serveBytes(mp4));
    const home = await serve((_request, response) => {
      response.writeHead(302, { location: `${inside.url}/secret` }).end();
    });
    await expectFailure(await fetchFrom(home.url), { type: 'permanent', error: { code: 'refusedUrl' } });
    expect(inside.connections()).toBe(0);
  });

  it('that never ends is refused after five', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { location: '/again' }).end());
    await expectFailure(await fetchFrom(server.url), { type: 'permanent', error: { code: 'redirects' } });
    expect(server.received).toHaveLength(6);
  });

  it('with a body of its own does no harm', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/v') response.end(mp4);
      else response.writeHead(302, { location: '/v' }).end('x'.repeat(500_000));
    });
    expect((await fetchFrom(`${server.url}/start`)).type).toBe('done');
  });
});

describe('a source that may not be fetched', () => {
  it.each(['http://cdn.example/v.mp4', 'https://localhost/v.mp4', 'https://127.0.0.1/v.mp4'])(
    '%s',
    async (url) => {
      const outcome = await fetchFrom(url, { home: 'https://gateway.example', trusted: [] });
      await expectFailure(outcome, { type: 'permanent', error: { code: 'refusedUrl' } });
    },
  );

  it('is a name that resolves to a private address', async () => {
    const outcome = await fetchFrom('https://cdn.example/v.mp4?sig=s3cret', {
      home: 'https://gateway.example',
      trusted: [],
      resolve: (_hostname, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    await expectFailure(outcome, { type: 'permanent', error: { code: 'ADDRESS_REFUSED' } });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
  });

  it('is a server that is not there: transient', async () => {
    const gone = await listen(() => undefined);
    await gone.close();
    await expectFailure(await fetchFrom(gone.url), { type: 'transient', error: { code: 'ECONNREFUSED' } });
  });
});

describe('the sweep', () => {
  it('removes part files and nothing else, and does not mind a missing directory', async () => {
    expect(await sweepParts(directory)).toBe(0);
    const server = await serve(serveBytes(mp4));
    await fetchFrom(server.url);
    await writeFile(join(directory, 'parts', 'download_x.part'), 'half');
    expect(await sweepParts(directory)).toBe(1);
    expect(await files()).toEqual([`${sha256(mp4)}.mp4`]);
  });
});
