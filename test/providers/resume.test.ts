/** A download that broke off goes on where it was: within an attempt, in the next, and after a SIGKILL. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { limits } from '../../src/limits.js';
import { download, openai } from '../../src/providers/index.js';
import type { DownloadOptions, DownloadOutcome } from '../../src/providers/index.js';
import { PartFile } from '../../src/providers/part-file.js';
import { etagOf, send, serveFile, type FileServer } from './file-server.js';

const ftyp = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');
const film = (): Buffer => Buffer.concat([ftyp, randomBytes(300_000)]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const PART = 'job_1.0';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-resume-'));
});

async function serve(file = film()): Promise<FileServer> {
  const served = await serveFile(file);
  onTestFinished(async () => {
    await served.server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return served;
}

function fetchFrom(url: string, more: Partial<DownloadOptions> = {}): Promise<DownloadOutcome> {
  return download({
    source: { url: `${url}/v.mp4?signature=s3cret`, authenticated: false },
    adapter: openai({ baseUrl: `${url}/v1`, apiKey: 'sk-secret-0001' }),
    credential: undefined,
    directory,
    kind: 'video',
    clock: systemClock,
    signal: new AbortController().signal,
    part: PART,
    ...more,
  });
}

const parts = (): Promise<string[]> => readdir(join(directory, 'parts'));

async function expectWhole(outcome: DownloadOutcome, file: Buffer): Promise<void> {
  const path = `${sha256(file)}.mp4`;
  expect(outcome).toMatchObject({ type: 'done', artifact: { path, bytes: file.byteLength } });
  expect((await readFile(join(directory, path))).equals(file)).toBe(true);
  expect(await parts()).toEqual([]);
}

/** The first answers break off after so many bytes each; when they are used up, nothing does. */
const cutting =
  (served: FileServer, ...bytes: readonly number[]): FileServer['mischief'] =>
  (request, response, count) => {
    const until = bytes[count - 1];
    if (until !== undefined) send(served, request, response, until);
    return until !== undefined;
  };

/** The first body breaks off, and so does what asks for the rest: the attempt is over. */
async function brokenOff(served: FileServer, bytes = 100_000): Promise<void> {
  served.mischief = (request, response, count) => {
    if (count === 1) send(served, request, response, bytes);
    else response.writeHead(503).end();
    return true;
  };
  expect(await fetchFrom(served.url)).toMatchObject({ type: 'transient', error: { code: 'http503' } });
  served.mischief = () => false;
}

describe('within one attempt', () => {
  it('a body that is cut off is gone on with at once', async () => {
    const served = await serve();
    served.mischief = cutting(served, 50_000, 60_000);
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges()).toEqual([undefined, 'bytes=50000-', 'bytes=110000-']);
    expect(served.server.received[1]?.headers['if-range']).toBe(served.etag);
  });

  it('there is an end to it, and what is there is kept', async () => {
    const served = await serve();
    served.mischief = cutting(served, ...Array.from({ length: 20 }, () => 10_000));
    expect(await fetchFrom(served.url)).toMatchObject({ type: 'transient' });
    expect(served.ranges()).toHaveLength(limits.downloadRequestsMax);
    expect(await parts()).toEqual([`${PART}.note`, `${PART}.part`]);
  });

  it('a body that brings nothing is not asked for again', async () => {
    const served = await serve();
    served.mischief = cutting(served, 10_000, 0);
    expect(await fetchFrom(served.url)).toMatchObject({ type: 'transient' });
    expect(served.ranges()).toEqual([undefined, 'bytes=10000-']);
  });

  it.each([undefined, 'W/"weak"', 'no quotes'])(
    'with %s for an ETag it is not gone on with',
    async (etag) => {
      const served = await serve();
      served.etag = etag;
      served.mischief = cutting(served, 50_000);
      expect(await fetchFrom(served.url)).toMatchObject({ type: 'transient' });
      expect(served.ranges()).toEqual([undefined]);
      expect(await parts()).toEqual([]);
    },
  );

  it.each([
    [61_000, true],
    [59_000, false],
  ])('a file that is %i ms old is known by its date: %s', async (ageMs, isKnown) => {
    const served = await serve();
    served.etag = undefined;
    const date = new Date(Date.now());
    const modified = new Date(date.getTime() - ageMs);
    served.headers = { date: date.toUTCString(), 'last-modified': modified.toUTCString() };
    served.mischief = cutting(served, 50_000);
    const outcome = await fetchFrom(served.url);
    expect(outcome.type).toBe(isKnown ? 'done' : 'transient');
    expect(served.ranges()).toEqual(isKnown ? [undefined, 'bytes=50000-'] : [undefined]);
  });
});

describe('the next attempt', () => {
  it('goes on where the last one broke off, at whatever URL', async () => {
    const served = await serve();
    await brokenOff(served);
    const source = { url: `${served.url}/elsewhere.mp4?signature=other`, authenticated: false };
    await expectWhole(await fetchFrom(served.url, { source }), served.file);
    expect(served.ranges().at(-1)).toBe('bytes=100000-');
  });

  it('of another name begins anew, and leaves the first alone', async () => {
    const served = await serve();
    await brokenOff(served);
    expect((await fetchFrom(served.url, { part: 'job_2.0' })).type).toBe('done');
    expect(served.ranges().at(-1)).toBeUndefined();
    expect(await parts()).toEqual([`${PART}.note`, `${PART}.part`]);
  });

  it('begins anew when the file is another one by now', async () => {
    const served = await serve();
    await brokenOff(served);
    served.file = film();
    served.etag = etagOf(served.file);
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().at(-1)).toBe('bytes=100000-');
  });

  const rest = (served: FileServer, from: number): Buffer => served.file.subarray(from);
  type Lie = readonly [name: string, headers: (served: FileServer) => Readonly<Record<string, string>>];
  const lies: readonly Lie[] = [
    [
      'from another place',
      ({ file }) => ({ 'content-range': `bytes 99999-${file.length - 1}/${file.length}` }),
    ],
    [
      'of another length',
      ({ file }) => ({ 'content-range': `bytes 100000-${file.length - 1}/${file.length + 1}` }),
    ],
    ['of a length nobody knows', ({ file }) => ({ 'content-range': `bytes 100000-${file.length - 1}/*` })],
    ['past its end', ({ file }) => ({ 'content-range': `bytes 100000-${file.length}/${file.length}` })],
    ['without a place', () => ({})],
    [
      'of another content',
      ({ file }) => ({
        'content-range': `bytes 100000-${file.length - 1}/${file.length}`,
        etag: '"another"',
      }),
    ],
  ];
  it.each(lies)('asks for all of it when it gets a part %s', async (_name, headersOf) => {
    const served = await serve();
    await brokenOff(served);
    served.mischief = (request, response) => {
      if (request.headers.range === undefined) return false;
      const etag = served.etag ?? '';
      response.writeHead(206, { etag, ...headersOf(served) }).end(rest(served, 100_000));
      return true;
    };
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().slice(-2)).toEqual(['bytes=100000-', undefined]);
  });

  it('asks for all of it when there is no such range any more', async () => {
    const served = await serve();
    await brokenOff(served);
    served.file = film().subarray(0, 40_000);
    served.mischief = (request, response) => {
      if (request.headers.range === undefined) return false;
      response.writeHead(416, { 'content-range': `bytes */${served.file.length}` }).end();
      return true;
    };
    served.etag = etagOf(served.file);
    await expectWhole(await fetchFrom(served.url), served.file);
  });

  it('of a file that grows while it is sent in parts is no file', async () => {
    const served = await serve();
    await brokenOff(served);
    served.mischief = (_request, response) => {
      const { file, etag = '' } = served;
      response.writeHead(206, { etag, 'content-range': `bytes 100000-${file.length - 1}/${file.length}` });
      response.end(Buffer.concat([rest(served, 100_000), Buffer.from('more')]));
      return true;
    };
    expect(await fetchFrom(served.url)).toMatchObject({ type: 'transient', error: { code: 'range' } });
    expect(await parts()).toEqual([]);
  });

  it('takes a shorter range than it asked for, and asks for the rest', async () => {
    const served = await serve();
    await brokenOff(served);
    served.mischief = (request, response) => {
      if (request.headers.range !== 'bytes=100000-') return false;
      const { file, etag = '' } = served;
      response.writeHead(206, { etag, 'content-range': `bytes 100000-149999/${file.length}` });
      response.end(file.subarray(100_000, 150_000));
      return true;
    };
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().slice(-2)).toEqual(['bytes=100000-', 'bytes=150000-']);
  });

  it.each([401, 403, 404, 410])('keeps its part when the URL is no longer good (%i)', async (status) => {
    const served = await serve();
    await brokenOff(served);
    served.mischief = (_request, response) => {
      response.writeHead(status).end();
      return true;
    };
    expect((await fetchFrom(served.url)).type).toBe('stale');
    served.mischief = () => false;
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().at(-1)).toBe('bytes=100000-');
  });

  it('counts the whole against the cap, not what is left', async () => {
    const served = await serve();
    await brokenOff(served);
    const outcome = await fetchFrom(served.url, { bytesMax: 250_000 });
    expect(outcome).toMatchObject({ type: 'permanent', error: { code: 'tooLarge' } });
    expect(await parts()).toEqual([]);
  });

  it('asks nobody when every byte is there already', async () => {
    const served = await serve();
    const part = await PartFile.open(directory, PART);
    await part.begin({
      validator: { header: 'etag', value: etagOf(served.file) },
      totalBytes: served.file.length,
    });
    await part.append(served.file, false);
    await part.end('keep');
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges()).toEqual([]);
  });

  it('is abandoned with its part kept, when its caller aborts', async () => {
    const served = await serve();
    const controller = new AbortController();
    served.mischief = (_request, response) => {
      const { file, etag = '' } = served;
      response.writeHead(200, { etag, 'content-length': file.length });
      response.write(file.subarray(0, 80_000));
      return true;
    };
    const fetching = fetchFrom(served.url, { signal: controller.signal });
    // The file grows while it is written: a fact to wait for.
    const size = async (): Promise<number> =>
      (await readFile(join(directory, 'parts', `${PART}.part`)).catch(() => Buffer.alloc(0))).byteLength;
    await expect.poll(size, { timeout: 20_000 }).toBe(80_000);
    controller.abort();
    expect(await fetching).toMatchObject({ type: 'transient', error: { code: 'AbortError' } });
    served.mischief = () => false;
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().at(-1)).toBe('bytes=80000-');
  });
});

describe('a part on disk', () => {
  const file = (name: string): string => join(directory, 'parts', name);

  it.each([
    ['changed', async () => writeFile(file(`${PART}.part`), randomBytes(100_000))],
    ['shorter than noted', async () => writeFile(file(`${PART}.part`), ftyp)],
    ['gone', async () => rm(file(`${PART}.part`))],
    ['without its note', async () => rm(file(`${PART}.note`))],
    ['with half a note', async () => writeFile(file(`${PART}.note`), '{"validator":{"hea')],
    ['with a note of nothing', async () => writeFile(file(`${PART}.note`), '{"bytes":0}')],
  ])('that is %s is begun anew', async (_name, damage) => {
    const served = await serve();
    await brokenOff(served);
    await damage();
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().at(-1)).toBeUndefined();
  });

  it('longer than noted, as a SIGKILL leaves it, is cut to what is known', async () => {
    const served = await serve();
    await brokenOff(served);
    const path = file(`${PART}.part`);
    await writeFile(path, Buffer.concat([await readFile(path), randomBytes(5_000)]));
    await expectWhole(await fetchFrom(served.url), served.file);
    expect(served.ranges().at(-1)).toBe('bytes=100000-');
  });

  it('is noted on the way, and never says where it came from', async () => {
    const large = Buffer.concat([ftyp, randomBytes(limits.downloadNoteBytes + 1_000_000)]);
    const served = await serve(large);
    const controller = new AbortController();
    served.mischief = (_request, response) => {
      response.writeHead(200, { etag: served.etag ?? '', 'content-length': large.length });
      response.write(large.subarray(0, large.length - 10));
      return true;
    };
    const fetching = fetchFrom(served.url, { signal: controller.signal });
    const note = (): Promise<string> => readFile(file(`${PART}.note`), 'utf8').catch(() => '');
    await expect.poll(note, { timeout: 20_000 }).not.toBe('');
    const noted = await note();
    controller.abort();
    await fetching;
    expect(Object.keys(JSON.parse(noted) as object).toSorted()).toEqual([
      'bytes',
      'sha256',
      'totalBytes',
      'validator',
    ]);
    expect(noted).not.toMatch(/s3cret|http/);
  });
});

describe('a disk without room', () => {
  it('is seen before the first byte is written', async () => {
    const served = await serve();
    const outcome = await fetchFrom(served.url, { freeBytes: async () => Promise.resolve(200_000) });
    expect(outcome).toMatchObject({ type: 'transient', error: { code: 'STORE_FULL' } });
    expect(await parts()).toEqual([]);
    await expectWhole(await fetchFrom(served.url), served.file);
  });

  it('needs room for what is left alone', async () => {
    const served = await serve();
    await brokenOff(served, 150_000);
    const outcome = await fetchFrom(served.url, { freeBytes: async () => Promise.resolve(200_000) });
    await expectWhole(outcome, served.file);
  });
});
