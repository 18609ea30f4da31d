/** What goes wrong between the runner and a model: what is worth another call, when, and what the end is. */
import { expect, test } from 'vitest';
import type { Clock } from '../../src/clock.js';
import { aiSdkRunner, type AiSdkRunnerOptions } from '../../src/runners/ai-sdk/index.js';
import { startOpenAi, modelAt, type Reply } from './openai-server.js';
import { hastyClock, TaskRecord } from './task-record.js';

const OK: Reply = { text: 'all is well' };
const refusal = (status: number, headers = {}): Reply => ({
  ...{ status, headers },
  body: { error: { message: `refused with ${status}` } },
});

async function runWith(script: readonly Reply[], options: Omit<AiSdkRunnerOptions, 'model'> = {}) {
  const { model, requests } = await startOpenAi(script);
  const clock = hastyClock();
  const record = new TaskRecord();
  const result = record.run(aiSdkRunner({ model, clock, ...options }));
  return { result, requests, clock, record };
}

test.each([408, 425, 429, 500, 502, 503, 529])(
  'a %i passes: it asks again, later each time',
  async (status) => {
    const failures = [refusal(status), refusal(status), refusal(status)];
    const { result, requests, clock, record } = await runWith([...failures, OK]);
    expect(await result).toEqual({ output: 'all is well' });
    expect(requests()).toHaveLength(4);
    const [first = 0, second = 0, third = 0] = clock.waits;
    expect(clock.waits).toHaveLength(3);
    // 1, 2 and 4 seconds, each up to a fifth away.
    expect(first).toBeGreaterThanOrEqual(800);
    expect(first).toBeLessThanOrEqual(1_200);
    expect(second).toBeGreaterThanOrEqual(1_600);
    expect(second).toBeLessThanOrEqual(2_400);
    expect(third).toBeGreaterThanOrEqual(3_200);
    expect(third).toBeLessThanOrEqual(4_800);
    expect(record.facts).toEqual(['iteration 1', 'usage 15', 'checkpoint']);
  },
);

test.each([
  ['seconds', { 'retry-after': '7' }, 7_000],
  ['a date', { 'retry-after': 'Sun, 22 Nov 2026 00:00:30 GMT' }, 30_000],
  ['milliseconds', { 'retry-after-ms': '2500', 'retry-after': '9' }, 2_500],
  ['nothing that makes sense', { 'retry-after': '0' }, 1_000],
  ['a day', { 'retry-after': '86400' }, 900_000],
])('Retry-After in %s is waited for, between 1 s and 15 min', async (_form, headers, waitMs) => {
  const { result, clock } = await runWith([refusal(429, headers), OK]);
  await result;
  expect(clock.waits).toEqual([waitMs]);
});

test.each([
  ['cut in its middle', { cut: { text: 'all is lost' } }, false],
  ['cut in its middle, streamed', { cut: { text: 'all is lost' } }, true],
  ['that ends without its end, streamed', { cut: { text: 'all is lost' }, quietly: true }, true],
  ['with an error, streamed', { raw: 'data: {"error":{"message":"overloaded"}}\n\n' }, true],
  ['broken off by its provider', { text: 'all is', finish: 'error' }, false],
] as const)('an answer %s is none: it asks again', async (_what, reply, stream) => {
  const { result, requests, record } = await runWith([reply, OK], { stream });
  expect(await result).toEqual({ output: 'all is well' });
  expect(requests()).toHaveLength(2);
  expect(record.facts).toEqual(['iteration 1', 'usage 15', 'checkpoint']);
});

test.each([
  ['a refusal', refusal(400), 'http-400', /answered 400: refused with 400/],
  ['a key that is wrong', refusal(401), 'http-401', /answered 401/],
  ['an answer that is no JSON', { raw: '<html>all is well</html>' }, 'unusable-answer', /Invalid JSON/],
  ['an answer of something else', { raw: '{"choices":7}' }, 'unusable-answer', /./],
  ['an answer withheld', { text: '', finish: 'content_filter' }, 'content-filter', /withheld/],
] as const)('%s fails the task at once', async (_what, reply, code, message) => {
  const { result, requests } = await runWith([reply, OK]);
  await expect(result).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(requests()).toHaveLength(1);
});

test('a stream that is no JSON fails the task', async () => {
  const { result, requests } = await runWith([{ raw: 'data: {"choices": [}\n\n' }, OK], { stream: true });
  await expect(result).rejects.toMatchObject({ code: 'unusable-answer' });
  expect(requests()).toHaveLength(1);
});

test('what `onText` throws fails the task', async () => {
  const { result, requests } = await runWith([OK, OK], {
    onText: () => {
      throw new Error('the terminal has gone');
    },
  });
  await expect(result).rejects.toThrow('the terminal has gone');
  expect(requests()).toHaveLength(1);
});

test('it gives up after its retries, and no key is in what it says', async () => {
  const body = { error: { message: 'wrong key sk-abcdefghijklmnop, see https://x.test/?token=12345678' } };
  const failing: Reply = { status: 503, body };
  const { result, requests } = await runWith([failing, failing, failing, OK], { retries: 2 });
  const error = await result.then(String, (thrown: unknown) => thrown as Error & { readonly code: string });
  expect(error).toMatchObject({ name: 'ModelFailure', code: 'http-503' });
  expect(String(error)).toContain('wrong key');
  expect(JSON.stringify([String(error), error])).not.toMatch(/abcdefgh|12345678/);
  expect(requests()).toHaveLength(3);
});

test('a provider that is not there fails the task as `network`, after its retries', async () => {
  const clock = hastyClock();
  // Nobody listens at port 1.
  const runner = aiSdkRunner({ model: modelAt('http://127.0.0.1:1'), clock, retries: 2 });
  await expect(new TaskRecord().run(runner)).rejects.toMatchObject({ code: 'network' });
  expect(clock.waits).toHaveLength(2);
});

test.each([[false], [true]])('no answer in time is worth another call (streamed: %s)', async (stream) => {
  const { result, requests } = await runWith([{ silent: true }, OK], {
    callTimeoutMs: CALL_MS,
    stream,
    clock: impatientOnce(),
  });
  expect(await result).toEqual({ output: 'all is well' });
  expect(requests()).toHaveLength(2);
});

const CALL_MS = 400;

/** Cuts off the first call in real time, and gives the second all the time that a slow machine needs. */
function impatientOnce(): Clock {
  let calls = 0;
  return {
    ...hastyClock(),
    schedule: (delayMs, run) => {
      if (delayMs === CALL_MS) calls += 1;
      const timer = setTimeout(run, delayMs === CALL_MS && calls > 1 ? 30_000 : Math.min(delayMs, CALL_MS));
      return () => clearTimeout(timer);
    },
  };
}

test.each([[false], [true]])(
  'cancelled while it waits for an answer, it ends with the reason (streamed: %s)',
  async (stream) => {
    const { model, requests } = await startOpenAi([{ silent: true }]);
    const controller = new AbortController();
    const record = new TaskRecord();
    const run = record.run(aiSdkRunner({ model, stream }), { signal: controller.signal });
    await expect.poll(requests).toHaveLength(1);
    controller.abort(new Error('not wanted any more'));
    await expect(run).rejects.toThrow('not wanted any more');
    expect(record.facts).toEqual(['iteration 1']);
  },
);

test('cancelled while it waits to ask again, it asks no more', async () => {
  const controller = new AbortController();
  const { model, requests } = await startOpenAi([refusal(500), OK]);
  const schedule = (delayMs: number): (() => void) => {
    // The other is the time that a call may take.
    if (delayMs < 10_000) setImmediate(() => controller.abort(new Error('enough')));
    return () => undefined;
  };
  const runner = aiSdkRunner({ model, clock: { ...hastyClock(), schedule } });
  await expect(new TaskRecord().run(runner, { signal: controller.signal })).rejects.toThrow('enough');
  expect(requests()).toHaveLength(1);
});
