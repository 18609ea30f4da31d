import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, opened, post, submitVideo, videoId } from './opened.js';

type Fault = NonNullable<SimulatorScript['faults']>[number]['fault'];

/** A simulator whose tasks are done at once, with one fault on one route. */
function faulty(route: string, fault: Fault, more: object = {}): Promise<Simulator> {
  return opened({ script: { life: AT_ONCE, faults: [{ route, fault, ...more }] } });
}

function billed(simulator: Simulator): number {
  return events(simulator).filter((event) => event === 'submit.billed').length;
}

/** What a client meets that reads the whole answer. */
async function outcome(response: Promise<Response>): Promise<string> {
  try {
    const answered = await response;
    return `${answered.status} ${(await answered.arrayBuffer()).byteLength}`;
  } catch {
    return 'connection error';
  }
}

describe('429', () => {
  test('comes with Retry-After in seconds, as a date, in milliseconds, or not at all', async () => {
    const nowMs = Date.UTC(2026, 8, 3, 4, 5, 6);
    const forms = ['seconds', 'date', 'milliseconds', 'none'] as const;
    const simulator = await opened({
      clock: { ...systemClock, now: () => nowMs },
      script: {
        faults: forms.map((retryAfter, index) => ({
          route: 'submit',
          nth: index + 1,
          fault: { type: 'rateLimit', retryAfter, waitMs: 2_500 },
        })),
      },
    });
    const seen: unknown[] = [];
    for (const _ of forms) {
      const response = await submitVideo(simulator);
      expect(response.status).toBe(429);
      expect(field(await json(response), 'error.code')).toBe('rate_limit_exceeded');
      seen.push([response.headers.get('retry-after'), response.headers.get('retry-after-ms')]);
    }
    expect(seen).toEqual([
      ['3', null],
      [new Date(nowMs + 2_000).toUTCString(), null],
      [null, '2500'],
      [null, null],
    ]);
    expect(billed(simulator)).toBe(0);
  });

  test('can carry another of the provider’s codes', async () => {
    const simulator = await opened({
      script: {
        faults: [
          { route: 'kling.submit', fault: { type: 'rateLimit', code: '1303' } },
          { route: 'openai.submit', fault: { type: 'rateLimit', code: 'insufficient_quota' } },
        ],
      },
    });
    const kling = await post(`${simulator.url}/kling/text-to-video/m`, { prompt: 'a' });
    expect(field(await json(kling), 'code')).toBe(1303);
    expect(field(await json(await submitVideo(simulator)), 'error.type')).toBe('insufficient_quota');
  });
});

describe('a bad status', () => {
  test('has a JSON, an HTML or an empty body', async () => {
    const bodies = ['json', 'html', 'empty'] as const;
    const simulator = await opened({
      script: {
        faults: bodies.map((body, index) => ({
          route: 'poll',
          nth: index + 1,
          fault: { type: 'status', status: 503, body },
        })),
      },
    });
    const texts: string[] = [];
    for (const _ of bodies) {
      const response = await get(`${simulator.url}/kling/tasks?task_ids=a`);
      expect(response.status).toBe(503);
      texts.push(await response.text());
    }
    expect(field(JSON.parse(texts[0] ?? ''), 'code')).toBe(5001);
    expect(texts[1]).toContain('<html>');
    expect(texts[2]).toBe('');
  });

  test('bills a submit only when told to', async () => {
    for (const isBilled of [false, true]) {
      const simulator = await faulty('submit', { type: 'status', status: 500, billed: isBilled });
      expect((await submitVideo(simulator)).status).toBe(500);
      expect(billed(simulator)).toBe(isBilled ? 1 : 0);
    }
  });
});

describe('a broken connection', () => {
  test('before the body leaves no trace of the request but its end', async () => {
    const simulator = await faulty('submit', { type: 'resetBeforeBody' });
    expect(await outcome(submitVideo(simulator))).toBe('connection error');
    expect(events(simulator)).toEqual(['submit.dropped']);
    expect(simulator.ledger()[0]).toMatchObject({ by: 'fault', fault: 'resetBeforeBody' });
  });

  test('after the body bills, or does not, as told', async () => {
    for (const isBilled of [false, true]) {
      const simulator = await faulty('submit', { type: 'resetAfterBody', billed: isBilled });
      expect(await outcome(submitVideo(simulator))).toBe('connection error');
      expect(await entry(simulator, 'submit.dropped')).toMatchObject({ by: 'fault' });
      expect(billed(simulator)).toBe(isBilled ? 1 : 0);
    }
  });

  test('in the middle of an answer comes after the bill', async () => {
    const simulator = await faulty('submit', { type: 'halfResponse' });
    expect(await outcome(submitVideo(simulator))).toBe('connection error');
    expect(await entry(simulator, 'submit.dropped')).toMatchObject({ by: 'fault', fault: 'halfResponse' });
    expect(billed(simulator)).toBe(1);
  });
});

describe('a wrong answer', () => {
  test('has a content-length that is too long or too short', async () => {
    const long = await faulty('submit', { type: 'wrongContentLength', deltaBytes: 10 });
    expect(await outcome(submitVideo(long))).toBe('connection error');
    const short = await faulty('submit', { type: 'wrongContentLength', deltaBytes: -10 });
    // Some clients refuse the bytes behind the end, others hand over what fits: neither is a whole answer.
    const text = await submitVideo(short).then(
      (response) => response.text().catch(() => ''),
      () => '',
    );
    expect(() => void JSON.parse(text)).toThrow(SyntaxError);
  });

  test('is JSON that breaks off, with a bill', async () => {
    const simulator = await faulty('submit', { type: 'invalidJson' });
    const response = await submitVideo(simulator);
    expect(response.status).toBe(200);
    await expect(json(response)).rejects.toThrow(SyntaxError);
    expect(billed(simulator)).toBe(1);
  });

  test('has a status word nobody knows, once', async () => {
    const simulator = await faulty('poll', { type: 'unknownStatus', word: 'pondering' }, { nth: 1 });
    const url = `${simulator.url}/openai/v1/videos/${await videoId(simulator)}`;
    expect(field(await json(await get(url)), 'status')).toBe('pondering');
    expect(field(await json(await get(url)), 'status')).toBe('completed');
  });

  test('to a submit is a task that is over already', async () => {
    const simulator = await opened({
      script: {
        faults: [
          { route: 'submit', nth: 1, fault: { type: 'terminalReply' } },
          { route: 'submit', nth: 2, fault: { type: 'terminalReply', outcome: 'failed' } },
        ],
      },
    });
    const words: unknown[] = [];
    for (const _ of [1, 2, 3]) words.push(field(await json(await submitVideo(simulator)), 'status'));
    expect(words).toEqual(['completed', 'failed', 'queued']);
  });

  test('refuses a key for a while, as if it had been revoked', async () => {
    const simulator = await faulty('poll', { type: 'unauthorized' }, { from: 2, until: 3 });
    const url = `${simulator.url}/openai/v1/videos/${await videoId(simulator)}`;
    const statuses: number[] = [];
    for (const _ of [1, 2, 3, 4]) statuses.push((await get(url)).status);
    expect(statuses).toEqual([200, 401, 401, 200]);
  });
});

describe('a bad download', () => {
  async function download(fault: Fault): Promise<readonly [Simulator, Promise<Response>]> {
    const simulator = await faulty('download', fault);
    const id = await videoId(simulator);
    return [simulator, get(`${simulator.url}/openai/v1/videos/${id}/content`)];
  }

  test('ends early, politely or with a reset', async () => {
    for (const fault of [{ type: 'truncated', share: 0.25 }, { type: 'halfResponse' }] as const) {
      const [simulator, response] = await download(fault);
      expect(await outcome(response)).toBe('connection error');
      const aborted = await entry(simulator, 'download.aborted');
      expect(aborted).toMatchObject({ by: 'fault', bytes: fault.type === 'truncated' ? 65_536 : 131_072 });
    }
  });

  test('is a page with status 200, honest or lying about its type', async () => {
    const [, honest] = await download({ type: 'mistyped', body: 'html' });
    expect((await honest).headers.get('content-type')).toBe('text/html');
    const [simulator, lying] = await download({ type: 'mistyped', body: 'xml', lying: true });
    expect((await lying).headers.get('content-type')).toBe('video/mp4');
    expect(await (await lying).text()).toContain('AccessDenied');
    expect(await entry(simulator, 'download.refused')).toMatchObject({ status: 200, fault: 'mistyped' });
  });

  test('is refused or sent elsewhere', async () => {
    const [, expired] = await download({ type: 'expired' });
    expect((await expired).status).toBe(403);
    const [, redirected] = await download({
      type: 'redirect',
      location: 'http://127.0.0.1:1/x',
      status: 307,
    });
    expect((await redirected).status).toBe(307);
    expect((await redirected).headers.get('location')).toBe('http://127.0.0.1:1/x');
  });
});

describe('a rule', () => {
  test('is for every k-th call, for one prompt, or counts by prompt', async () => {
    const fault = { type: 'status', status: 500 } as const;
    const sequence = async (rule: object, prompts: readonly string[]): Promise<readonly number[]> => {
      const simulator = await faulty('submit', fault, rule);
      const statuses: number[] = [];
      for (const prompt of prompts) statuses.push((await submitVideo(simulator, prompt)).status);
      return statuses;
    };
    expect(await sequence({ every: 2 }, ['a', 'a', 'a', 'a'])).toEqual([200, 500, 200, 500]);
    expect(await sequence({ prompt: 'dog' }, ['a cat', 'a dog'])).toEqual([200, 500]);
    expect(await sequence({ nth: 1, countPer: 'prompt' }, ['a', 'b', 'a', 'b'])).toEqual([
      500, 500, 200, 200,
    ]);
  });

  test('with a chance falls the same way under the same seed', async () => {
    const draw = async (seed: number): Promise<string> => {
      const simulator = await opened({
        seed,
        script: { faults: [{ route: 'submit', chance: 0.5, fault: { type: 'status', status: 500 } }] },
      });
      const statuses: number[] = [];
      for (let call = 0; call < 24; call += 1) statuses.push((await submitVideo(simulator)).status);
      return statuses.join(' ');
    };
    const first = await draw(1);
    expect(await draw(1)).toBe(first);
    expect(await draw(2)).not.toBe(first);
    expect(first).toMatch(/200.*500|500.*200/);
  });

  test('gives way to the first that matches, while latencies add up', async () => {
    const waits: number[] = [];
    const simulator = await opened({
      clock: {
        ...systemClock,
        schedule: (delayMs, run) => {
          waits.push(delayMs);
          queueMicrotask(run);
          return () => undefined;
        },
      },
      script: {
        faults: [
          { route: 'any', fault: { type: 'latency', wait: { ms: 300 } } },
          { route: 'submit', fault: { type: 'latency', wait: { minMs: 10, maxMs: 20 } } },
          { route: 'submit', fault: { type: 'latency', wait: { ms: 70 }, before: 'task' } },
          { route: 'submit', fault: { type: 'status', status: 502 } },
          { route: 'submit', fault: { type: 'status', status: 504 } },
        ],
      },
    });
    expect((await submitVideo(simulator)).status).toBe(502);
    expect(waits).toHaveLength(2);
    expect(waits[0]).toBe(70);
    expect(waits[1]).toBeGreaterThanOrEqual(310);
    expect(waits[1]).toBeLessThanOrEqual(320);
  });

  test('can be changed while the simulator runs', async () => {
    const simulator = await opened();
    simulator.setScript({ keys: [] });
    expect((await submitVideo(simulator)).status).toBe(401);
    simulator.setScript({});
    expect((await submitVideo(simulator)).status).toBe(200);
  });
});
