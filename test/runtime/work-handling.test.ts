/** The worker inside the process on a store that does not always answer, played by hand. */
import { expect, test } from 'vitest';
import { Handling, type HandlingOptions } from '../../src/actors/work/handling.js';
import type { ClaimedWork, WorkHandler } from '../../src/index.js';
import { HoldfastError, silentLogger, type ErrorCode } from '../../src/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';

type Claims = HandlingOptions['claims'];

const ITEM: ClaimedWork = {
  ...{ id: 'work_1', kind: 'embed', payload: 1, token: 'work_1.t', workerId: 'w' },
  ...{ attempts: 0, attemptsMax: 5, priority: 128, createdAt: 0, claimedAt: 0, expiresAt: 60_000 },
};
const TTL_MS = 60_000;

const error = (code: ErrorCode) => new HoldfastError(code, 'played');

/** Calls fail with these, one after the other, then succeed. Each is noted. */
function play(faults: Partial<Record<keyof Claims, ErrorCode[]>>, handler: WorkHandler) {
  const clock = createSimulatedClock();
  const told: string[] = [];
  let items: readonly ClaimedWork[] = [ITEM];
  const answer = <T>(name: keyof Claims, value: T): Promise<T> => {
    const code = faults[name]?.shift();
    told.push(code === undefined ? name : `${name} ${code}`);
    return code === undefined ? Promise.resolve(value) : Promise.reject(error(code));
  };
  const claims: Claims = {
    claim: async () => {
      const found = await answer('claim', items);
      items = [];
      return found;
    },
    claimWhenReady: (_kinds, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(undefined));
      }),
    heartbeat: () => answer('heartbeat', 1),
    done: () => answer('done', undefined),
    fail: () => answer('fail', undefined),
    requeue: () => answer('requeue', undefined),
  };
  const kernel = { subscribe: () => () => undefined, onFailure: () => undefined };
  const options = { kernel, claims, clock, log: silentLogger, generation: 1 };
  const handling = new Handling(options, 'embed', handler, { ttlMs: TTL_MS });
  return { clock, told, handling };
}

test('what cannot be claimed for now is tried again after a second', async () => {
  const { clock, told, handling } = play({ claim: ['COMMITS_BEHIND', 'COMMITS_BEHIND'] }, () => 'done');
  await clock.advance(999);
  expect(told).toEqual(['claim COMMITS_BEHIND']);
  await clock.advance(1_001);
  expect(told).toEqual(['claim COMMITS_BEHIND', 'claim COMMITS_BEHIND', 'claim', 'done', 'claim']);
  await handling.close();
});

test('a result waits for a store that is behind, and is not lost', async () => {
  const { clock, told, handling } = play({ done: ['COMMITS_BEHIND', 'MAILBOX_FULL'] }, () => 'done');
  await clock.advance(2_000);
  expect(told).toEqual(['claim', 'done COMMITS_BEHIND', 'done MAILBOX_FULL', 'done', 'claim']);
  await handling.close();
});

test('a claim that could not be renewed is renewed a second later, not a third of its time', async () => {
  let finish = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { clock, told, handling } = play({ heartbeat: ['COMMITS_BEHIND'] }, () => waiting);
  await clock.advance(TTL_MS / 3);
  await clock.advance(1_000);
  expect(told).toEqual(['claim', 'heartbeat COMMITS_BEHIND', 'heartbeat']);
  finish();
  await handling.close();
  await clock.advance(TTL_MS);
  expect(told.slice(3)).toEqual(['done']);
});

test('a lost claim fires the signal, and what its handler says then is dropped', async () => {
  const { clock, told, handling } = play(
    { heartbeat: ['STALE_CLAIM'] },
    (_item, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve('too late'));
      }),
  );
  await clock.advance(TTL_MS);
  expect(told).toEqual(['claim', 'heartbeat STALE_CLAIM', 'claim']);
  await handling.close();
});

test.each(['ACTOR_QUARANTINED', 'STALE_CLAIM', 'STORE_FAILED'] as const)(
  'an end that is %s is not tried again, and holds up nobody',
  async (code) => {
    const { clock, told, handling } = play({ done: [code] }, () => 'done');
    await clock.advance(TTL_MS);
    expect(told).toEqual(['claim', `done ${code}`, 'claim']);
    await handling.close();
  },
);

test('what was being claimed when it closed is given back, and no handler sees it', async () => {
  let calls = 0;
  const { told, handling } = play({}, () => {
    calls += 1;
  });
  await handling.close();
  expect([calls, told]).toEqual([0, ['claim', 'requeue']]);
});

test('it closes at once while it waits to claim again', async () => {
  const { clock, told, handling } = play({ claim: ['COMMITS_BEHIND'] }, () => 'done');
  await clock.advance(1);
  const ends: string[] = [];
  const closed = handling.close().then(() => ends.push('closed'));
  await clock.advance(0);
  expect([ends, told]).toEqual([['closed'], ['claim COMMITS_BEHIND']]);
  await closed;
});

test('a store that is over ends it', async () => {
  const { clock, told, handling } = play({ claim: ['STORE_FAILED'] }, () => 'done');
  await clock.advance(TTL_MS);
  expect(told).toEqual(['claim STORE_FAILED']);
  await handling.close();
});
