/** The worker elsewhere at a runtime that is played by hand, on a clock that the test moves. */
import { expect, test } from 'vitest';
import type { Door } from '../../src/client/door.js';
import type { WorkClient } from '../../src/client/index.js';
import { Handling, type ElsewhereOptions } from '../../src/client/worker.js';
import { HoldfastError, type ClaimedWork, type WorkHandler } from '../../src/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';

const ITEM: ClaimedWork = {
  ...{ id: 'work_1', kind: 'embed', payload: 1, token: 'work_1.t', workerId: 'w' },
  ...{ attempts: 0, attemptsMax: 5, priority: 128, createdAt: 0, claimedAt: 0, expiresAt: 60_000 },
};
const TTL_MS = 60_000;
/** More would be a worker that asks without a pause. */
const CLAIMS_MAX = 500;

const away = () => new HoldfastError('CONTROL_FAILED', 'nobody answered');

/** Claims are answered at once: with these, then with nothing. Heartbeats fail when their patience ends. */
function play(
  answers: readonly (readonly ClaimedWork[] | Error)[],
  handler: WorkHandler,
  options: ElsewhereOptions,
) {
  const clock = createSimulatedClock();
  const left = [...answers];
  const told: string[] = [];
  const claim: WorkClient['claim'] = (_max, { signal } = {}) => {
    told.push('claim');
    if (told.length > CLAIMS_MAX)
      return new Promise((resolve) => signal?.addEventListener('abort', () => resolve([])));
    const answer = left.shift() ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const ending = (name: string) => () => {
    told.push(name);
    return Promise.resolve();
  };
  const client = {
    workerId: 'w',
    claim,
    done: ending('done'),
    fail: ending('fail'),
    requeue: ending('requeue'),
  };
  const pause: Door['pause'] = (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        signal?.removeEventListener('abort', end);
        resolve();
      };
      clock.schedule(ms, end);
      signal?.addEventListener('abort', end);
    });
  const post: Door['post'] = ({ patienceMs = 0 }) =>
    new Promise((_resolve, reject) => {
      clock.schedule(patienceMs, () => reject(away()));
    });
  const parts = { client, door: { pause, post }, clock } as unknown as ConstructorParameters<
    typeof Handling
  >[0];
  return { clock, told, handling: new Handling(parts, 'embed', handler, { ttlMs: TTL_MS, ...options }) };
}

test('a runtime that answers at once with nothing, for it is closing, is asked once a second', async () => {
  const { clock, told, handling } = play([], () => undefined, {});
  await clock.advance(999);
  expect(told).toEqual(['claim']);
  await clock.advance(2_001);
  expect(told).toEqual(['claim', 'claim', 'claim', 'claim']);
  await handling.close();
});

test('a claim that nobody renewed is given up when its time is over, not a call later', async () => {
  let firedAtMs = 0;
  const { clock, told, handling } = play(
    [[ITEM]],
    (_item, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          firedAtMs = clock.monotonicMs();
          reject(signal.reason as Error);
        });
      }),
    {},
  );
  await clock.advance(TTL_MS * 2);
  expect(firedAtMs).toBe(TTL_MS);
  expect(told).toContain('fail');
  await handling.close();
});

test('who hears of faults and throws ends nothing', async () => {
  const deaf = () => {
    throw new Error('deaf');
  };
  const { clock, told, handling } = play([away(), [ITEM]], () => 'done', { onError: deaf });
  await clock.advance(1_000);
  expect(told.slice(0, 3)).toEqual(['claim', 'claim', 'done']);
  await handling.close();
});

test('a signal for the life of the process keeps nothing of a worker that has ended', async () => {
  const life = new AbortController();
  const heard = new Set<unknown>();
  const { signal } = life;
  const listens = signal.addEventListener.bind(signal);
  const leaves = signal.removeEventListener.bind(signal);
  Object.assign(signal, {
    addEventListener: (type: 'abort', listener: () => void) => {
      heard.add(listener);
      listens(type, listener);
    },
    removeEventListener: (type: 'abort', listener: () => void) => {
      heard.delete(listener);
      leaves(type, listener);
    },
  });
  const { clock, told, handling } = play([[ITEM]], () => 'done', { signal });
  await clock.advance(1_000);
  expect(told).toContain('done');
  expect(heard.size).toBe(1);
  await handling.close();
  expect(heard.size).toBe(0);
});
