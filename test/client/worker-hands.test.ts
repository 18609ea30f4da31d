/** The worker of another process, played by hand: what is in its hands, and when it is lost. */
import { expect, test } from 'vitest';
import type { Door } from '../../src/client/door.js';
import type { WorkClient } from '../../src/client/index.js';
import { Handling } from '../../src/client/worker.js';
import { HoldfastError, type ClaimedWork, type ErrorCode } from '../../src/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';

const TTL_MS = 60_000;
const ITEM: ClaimedWork = {
  ...{ id: 'work_1', kind: 'embed', payload: 1, token: 'work_1.t', workerId: 'w' },
  ...{ attempts: 0, attemptsMax: 5, priority: 128, createdAt: 0, claimedAt: 0, expiresAt: TTL_MS },
};

/** A worker with one item, whose handler ends when its signal fires; heartbeats are answered with these. */
async function play(answers: (ErrorCode | 'renewed')[]) {
  const clock = createSimulatedClock();
  const told: string[] = [];
  const items = [ITEM];
  const note = (what: string) => () => {
    told.push(what);
    return Promise.resolve();
  };
  const client = {
    workerId: 'w',
    claim: (max: number, { signal }: { readonly signal: AbortSignal }) => {
      told.push(`claim ${max}`);
      if (items.length > 0) return Promise.resolve(items.splice(0));
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve([]));
      });
    },
    ...{ done: note('done'), fail: note('fail'), requeue: note('requeue') },
  };
  const door = {
    post: () => {
      const answer = answers.shift() ?? 'renewed';
      told.push(answer);
      return answer === 'renewed' ? Promise.resolve({}) : Promise.reject(new HoldfastError(answer, 'played'));
    },
    pause: () => Promise.resolve(),
  };
  const parts = { client: client as unknown as WorkClient, door: door as unknown as Door, clock };
  const handling = new Handling(
    parts,
    'embed',
    (_item, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          told.push('lost');
          resolve('too late');
        });
      }),
    { ttlMs: TTL_MS },
  );
  await clock.advance(0);
  return { clock, told, handling };
}

test('it claims nothing while its hands are full, and keeps what is in them', async () => {
  const { clock, told, handling } = await play(['renewed', 'STALE_CLAIM']);
  await clock.advance(TTL_MS / 3);
  expect(told).toEqual(['claim 1', 'renewed']);
  await clock.advance(TTL_MS / 3);
  expect(told).toEqual(['claim 1', 'renewed', 'STALE_CLAIM', 'lost', 'claim 1']);
  await handling.close();
});
