/**
 * What every adapter keeps, whichever provider it is for: the invariants of the port, held against replies
 * that nobody has thought of.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { HttpRequest, HttpResponse, TaskRef } from '../../src/providers/index.js';
import { every, type Entry } from './every.js';

/** Take a failing run back with HOLDFAST_SEED=<the printed seed>. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);
const RUNS = 200;
const KEY = 'sk-contract-0123456789';
const url = 'https://simulator.example.com';
const place = { url, clock: systemClock, env: () => ({}) };
const context = { key: 'job_contract', callbackUrl: 'https://agent.example.com/hooks/x/job_contract.t0ken' };

const word = fc.constantFrom(
  'failed',
  'succeeded',
  'completed',
  'COMPLETED',
  'queued',
  'no-such-word',
  '',
  '0',
);
const id = fc.constantFrom('t1', 'models/veo/operations/o1', 7, '', null);
const names = [
  ...['id', 'task_id', 'request_id', 'video_id', 'name', 'status', 'state', 'task_status', 'done', 'error'],
  ...['message', 'code', 'data', 'output', 'outputs', 'url', 'video', 'images', 'assets', 'response', 'task'],
  ...['base_resp', 'status_code', 'detail', 'failure', 'failureCode', 'progress', 'file', 'download_url'],
];
/** Bodies of the words that providers use, put together as none of them would. */
const { body } = fc.letrec<{ body: unknown }>((tie) => ({
  body: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    word,
    id,
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(`${url}/a.mp4`, 'http://127.0.0.1/x?key=secret', 'not a url'),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names), tie('body'), { maxKeys: 6 }),
  ),
}));
const reply = fc.record<HttpResponse>({
  status: fc.constantFrom(
    200,
    201,
    202,
    204,
    302,
    307,
    400,
    401,
    402,
    403,
    404,
    408,
    409,
    410,
    422,
    429,
    500,
    503,
  ),
  headers: fc.constantFrom(
    {},
    { 'retry-after': '3' },
    { 'retry-after': 'soon' },
    { 'content-type': 'text/html' },
  ),
  text: fc.oneof(
    body.map((value) => JSON.stringify(value) ?? ''),
    fc.string(),
    fc.constant('<html>Bad gateway</html>'),
  ),
});

describe.each(Object.entries(every))('%s', (_name, entry) => {
  const adapter = entry.adapter({ ...place, apiKey: KEY });
  const ref: TaskRef = { taskId: 't1', endpoint: 'videos', generation: 'v1', credential: 'default' };
  const wanted = entry.kinds.map((kind) => requestOf(entry, kind));

  it('says what it can do', () => {
    expect(adapter.id).toMatch(/^[a-z][\w-]*$/);
    const { kinds, pollMinMs, urlTtlMs = 1, cancel } = adapter.capabilities;
    expect(kinds).toEqual(expect.arrayContaining([...entry.kinds]));
    expect(pollMinMs).toBeGreaterThanOrEqual(1_000);
    expect(urlTtlMs).toBeGreaterThan(0);
    expect(adapter.buildCancel === undefined).toBe(cancel === 'none');
    if (adapter.cancelErases === true) expect(cancel).not.toBe('none');
    expect(adapter.webhook === undefined).toBe(adapter.capabilities.webhook === 'none');
  });

  it('asks for its key at each call, and has none for an alias it was not told of', async () => {
    const found = await adapter.credential('default');
    if (adapter.direct !== undefined) return;
    expect(Object.keys(found?.headers ?? {}).length, 'a key is sent').toBeGreaterThan(0);
    expect(await adapter.credential('somebody-else')).toBeUndefined();
    expect(await entry.adapter(place).credential('default')).toBeUndefined();
  });

  it('refuses what cannot be built, and takes what can', () => {
    for (const request of wanted) expect(adapter.refuse(request)).toBeUndefined();
    for (const request of wanted) expect(adapter.refuse({ ...request, prompt: '  ' })).toMatch(/prompt/);
    for (const request of wanted) expect(adapter.refuse({ ...request, size: 'large' })).toMatch(/size/);
  });

  // One that makes its calls itself builds and parses nothing.
  if (adapter.direct !== undefined) return;

  it('builds the same request twice, below its base URL and without its key', () => {
    for (const request of wanted) {
      const built = adapter.buildSubmit(request, context);
      expect(adapter.buildSubmit(request, context)).toEqual(built);
      expect(built.method).toBe('POST');
      expectClean(built);
    }
    if (adapter.check !== undefined) expectClean(adapter.check.build());
  });

  it('never throws, and takes nothing for refused that may have been accepted', () => {
    const property = fc.property(reply, fc.constantFrom(...wanted), (response, request) => {
      const outcome = adapter.parseSubmit(response, request, 'default');
      expect(['accepted', 'rejected', 'ambiguous', 'billed']).toContain(outcome.type);
      const isUnproven = response.status >= 500 || [302, 408].includes(response.status);
      if (isUnproven) expect(outcome.type).toBe('ambiguous');
      if (outcome.type !== 'accepted') expect(outcome.error.message).not.toContain('key=secret');
      if (outcome.type === 'accepted') expect(outcome.ref.credential).toBe('default');
    });
    fc.assert(property, { seed, numRuns: RUNS });
  });

  it('never throws for a poll, and ends no task because a gateway stumbled', () => {
    const property = fc.property(reply, (response) => {
      const reading = adapter.parsePoll(response, ref);
      expect(['pending', 'done', 'failed', 'transient', 'more']).toContain(reading.type);
      if (response.status >= 500 || response.status === 429) expect(reading.type).toBe('transient');
      if (reading.type === 'more') expectClean(reading.request);
      if (reading.type === 'pending') expect(reading.progress ?? 0).toBeLessThanOrEqual(1);
      const more = adapter.parseMore?.(response, ref);
      if (more !== undefined) expect(['pending', 'done', 'failed', 'transient']).toContain(more.type);
    });
    fc.assert(property, { seed, numRuns: RUNS });
  });

  it('never throws for a lookup, a listing, a check or what a hook brings', () => {
    const { reconcile } = adapter;
    const property = fc.property(reply, body, fc.constantFrom(...wanted), (response, brought, request) => {
      if (reconcile.by === 'key') reconcile.parseLookup(response, request, 'default', context.key);
      if (reconcile.by === 'list') {
        const page = reconcile.parsePage(response, request, 'default');
        if (page.type === 'page')
          for (const task of page.tasks) reconcile.sameRequest(task, request, context);
      }
      adapter.check?.parse(response);
      const isObject = typeof brought === 'object' && brought !== null && !Array.isArray(brought);
      const news = isObject ? { ...brought } : {};
      const read = adapter.webhook?.parse(news, { request, credential: 'default' });
      if (read?.ref !== undefined) expect(read.ref.credential).toBe('default');
      adapter.webhook?.challenge?.(news);
    });
    fc.assert(property, { seed, numRuns: RUNS });
  });

  function expectClean(built: HttpRequest): void {
    const text = JSON.stringify(built);
    expect(text).not.toContain(KEY);
    expect(text.toLowerCase()).not.toContain('authorization');
    if (built.signedUrl === undefined) expect(built.path).toMatch(/^\//);
    expect([built.json, built.form].filter((part) => part !== undefined).length).toBeLessThanOrEqual(1);
  }
});

function requestOf(entry: Entry, kind: Entry['kinds'][number]) {
  return { kind, prompt: 'a cat on a bicycle', ...entry.request };
}
