import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Clock } from '../../src/clock.js';
import { isHoldfastError } from '../../src/errors.js';
import { parseScript, readScript, startSimulator } from '../../src/simulator/index.js';
import { field, get, json, opened, post, videoId } from './opened.js';

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isHoldfastError(error, 'INVALID_INPUT')) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a script', () => {
  test('fills in what is left out', () => {
    expect(parseScript({})).toMatchObject({ lives: [], faults: [], artifacts: { videoBytes: 262_144 } });
  });

  test('that is wrong is refused with the field that is', () => {
    const rule = (route: string, fault: object, more: object = {}): object => ({
      faults: [{ route, fault, ...more }],
    });
    expect(refusal(() => parseScript({ fautls: [] }))).toContain('fautls');
    expect(refusal(() => parseScript(rule('upload', { type: 'expired' })))).toContain(
      'script.faults.0.route',
    );
    expect(refusal(() => parseScript(rule('any', { type: 'explode' })))).toContain('script.faults.0.fault');
    expect(refusal(() => parseScript(rule('poll', { type: 'expired' })))).toContain('download');
    expect(refusal(() => parseScript(rule('any', { type: 'terminalReply' })))).toContain('submit');
    expect(
      refusal(() => parseScript(rule('submit', { type: 'resetBeforeBody' }, { prompt: 'a' }))),
    ).toContain('count');
    expect(refusal(() => parseScript(rule('any', { type: 'latency', wait: { polls: 1 } })))).toContain(
      'milliseconds',
    );
    expect(refusal(() => parseScript({ life: { queued: { minMs: 2, maxMs: 1 } } }))).toContain(
      'script.life.queued: minMs > maxMs',
    );
    expect(refusal(() => parseScript({ life: { queued: { pols: 1 } } }))).toContain(
      'script.life.queued: is {"polls": n}, {"ms": n} or {"minMs": n, "maxMs": n}',
    );
    expect(refusal(() => parseScript('fast'))).toContain('script');
  });

  test('is read from a JSON file, or the file is named', () => {
    const directory = mkdtempSync(join(tmpdir(), 'simulator-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'script.json');
    expect(refusal(() => readScript(file))).toContain('ENOENT');
    writeFileSync(file, '{"keys": ["k"]');
    expect(refusal(() => readScript(file))).toContain(file);
    writeFileSync(file, '{"keys": ["k"]}');
    expect(readScript(file).keys).toEqual(['k']);
  });

  test('that is wrong starts no simulator', async () => {
    await expect(startSimulator({ script: { life: { queued: { ms: -1 } } } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('the life of a task', () => {
  /** A clock that stands still until it is moved. */
  function standing(): Clock & { at: number } {
    const clock = { ...systemClock, at: 1_000_000, now: () => clock.at };
    return clock;
  }

  test('goes by the clock, with progress', async () => {
    const clock = standing();
    const simulator = await opened({
      clock,
      script: { life: { lag: { ms: 500 }, queued: { ms: 2_000 }, running: { ms: 10_000 } } },
    });
    const id = await videoId(simulator);
    const seen: unknown[] = [];
    for (const afterMs of [0, 500, 2_000, 7_000, 12_000]) {
      clock.at = 1_000_000 + afterMs;
      const video = await json(await get(`${simulator.url}/openai/v1/videos/${id}`));
      seen.push([field(video, 'status') ?? field(video, 'error.code'), field(video, 'progress')]);
    }
    expect(seen).toEqual([
      ['not_found', undefined],
      ['queued', 0],
      ['in_progress', 0],
      ['in_progress', 50],
      ['completed', 100],
    ]);
  });

  test('may not be found, nor listed, for some polls', async () => {
    const simulator = await opened({ script: { life: { lag: { polls: 2 }, queued: { polls: 0 } } } });
    const id = await videoId(simulator);
    const url = `${simulator.url}/openai/v1/videos`;
    expect(field(await json(await get(url)), 'data')).toEqual([]);
    const statuses: number[] = [];
    for (const _ of [1, 2, 3]) statuses.push((await get(`${url}/${id}`)).status);
    expect(statuses).toEqual([404, 404, 200]);
    expect(field(await json(await get(url)), 'data')).toHaveLength(1);
  });

  test('is not moved by being listed', async () => {
    const simulator = await opened();
    const id = await videoId(simulator);
    const url = `${simulator.url}/openai/v1/videos`;
    for (const _ of [1, 2, 3, 4]) await json(await get(url));
    expect(field(await json(await get(`${url}/${id}`)), 'status')).toBe('queued');
  });

  test('differs by prompt and by count, laid over the common one', async () => {
    const simulator = await opened({
      script: {
        life: { queued: { polls: 0 }, running: { polls: 0 } },
        lives: [
          { prompt: 'dog', life: { outcome: 'failed' } },
          { nth: 3, life: { queued: { polls: 5 } } },
          { provider: 'kling', life: { outcome: 'failed' } },
        ],
      },
    });
    const url = `${simulator.url}/openai/v1/videos`;
    const words: unknown[] = [];
    for (const prompt of ['a cat', 'a dog', 'a dog'])
      words.push(field(await json(await post(url, { prompt })), 'status'));
    expect(words).toEqual(['completed', 'failed', 'queued']);
    const kling = await json(await post(`${simulator.url}/kling/text-to-video/m`, { prompt: 'a cat' }));
    expect(field(kling, 'data.status')).toBe('failed');
  });

  test('with a range of time lasts equally long under the same seed', async () => {
    const lasts = async (seed: number): Promise<number> => {
      const clock = standing();
      const simulator = await opened({
        clock,
        seed,
        script: { life: { queued: { ms: 0 }, running: { minMs: 1, maxMs: 1_000_000 } } },
      });
      const id = await videoId(simulator);
      clock.at += 2_000_000;
      const video = await json(await get(`${simulator.url}/openai/v1/videos/${id}`));
      return Number(field(video, 'completed_at'));
    };
    const first = await lasts(1);
    expect(await lasts(1)).toBe(first);
    expect(await lasts(2)).not.toBe(first);
  });

  test('gives links that expire, and fresh ones with every poll', async () => {
    const clock = standing();
    const simulator = await opened({
      clock,
      script: { life: { queued: { polls: 0 }, running: { polls: 0 }, urlTtlMs: 60_000 } },
    });
    const submitted = await json(await post(`${simulator.url}/kling/text-to-video/m`, { prompt: 'a' }));
    const stale = String(field(submitted, 'data.outputs.0.url'));
    expect((await get(stale, {})).status).toBe(200);
    clock.at += 60_000;
    expect((await get(stale, {})).status).toBe(403);
    const id = String(field(submitted, 'data.id'));
    const again = await json(await get(`${simulator.url}/kling/tasks?task_ids=${id}`));
    expect((await get(String(field(again, 'data.0.outputs.0.url')), {})).status).toBe(200);
  });
});
