/** The work item chart, walked by hand: who may do what with it, and what it counts. */
import { describe, expect, it } from 'vitest';
import { claimRefusal, workDefaults, workItemMachine, workStatus } from '../../src/machines/index.js';
import type { WorkItemContext, WorkItemInput } from '../../src/machines/index.js';
import { drive, START_AT, throughDisk, type Driver } from './drive.js';

type Item = Driver<ReturnType<(typeof workItemMachine)['getInitialSnapshot']>>;

const TTL_MS = 60_000;
const trouble = { code: 'boom', message: 'it fell' };
const input: WorkItemInput = { workId: 'work_1', kind: 'embed' };

const item = (more: Partial<WorkItemInput> = {}): Item => drive(workItemMachine, { ...input, ...more });
const claimOf = (token: string, more: object = {}) => ({
  ...{ type: 'work.claim', token, workerId: 'w', ttlMs: TTL_MS },
  ...more,
});
const failOf = (token: string, more: object = {}) => ({
  ...{ type: 'work.fail', token, error: trouble, retry: true },
  ...more,
});
const claimed = (more: Partial<WorkItemInput> = {}): Item => {
  const one = item(more);
  one.send(claimOf('a'));
  return one;
};
const statusOf = (one: Item) => workStatus(one.now().snapshot);
const contextOf = (one: Item): WorkItemContext => one.now().snapshot.context;

describe('a work item', () => {
  it('is ready at once, or at its time', () => {
    expect(statusOf(item())).toBe('ready');
    expect(statusOf(item({ runAt: START_AT - 1 }))).toBe('ready');
    const later = item({ runAt: START_AT + 5_000 });
    expect(statusOf(later)).toBe('scheduled');
    expect(later.timers()).toEqual({ runAt: 5_000 });
    later.send(claimOf('a'));
    expect(statusOf(later)).toBe('scheduled');
    later.fire('runAt');
    expect(statusOf(later)).toBe('ready');
  });

  it('keeps the payload that a step asked for as a row, and not in its context', () => {
    const one = item({ payload: { doc: 1 } });
    expect(one.written()).toEqual([{ type: 'payload.put', params: { name: 'payload', value: { doc: 1 } } }]);
    expect(JSON.stringify(contextOf(one))).not.toContain('doc');
    expect(item().written()).toEqual([]);
  });

  it('takes a priority and a number of attempts that came through no door for the nearest there are', () => {
    expect(contextOf(item({ priority: 900, attemptsMax: 0 }))).toMatchObject({
      priority: 255,
      attemptsMax: 1,
    });
    expect(contextOf(item({ priority: -3 }))).toMatchObject({ priority: 0, attemptsMax: 5 });
    expect(contextOf(item())).toMatchObject({ priority: workDefaults.priority });
  });

  it('is as others are in what is no number', () => {
    const odd = { priority: 'high', attemptsMax: null, runAt: '2026-01-01', retentionMs: 'a day' } as never;
    const one = item(odd);
    expect(statusOf(one)).toBe('ready');
    const { priority, attemptsMax } = workDefaults;
    expect(contextOf(one)).toMatchObject({ priority, attemptsMax, runAt: START_AT });
    one.send(claimOf('a'));
    one.send({ type: 'work.done', token: 'a', hasResult: false });
    expect(one.timers()).toEqual({ keep: workDefaults.retentionMs });
  });

  it('is claimed by one, and by nobody else while that lasts', () => {
    const one = claimed();
    expect(contextOf(one).claim).toEqual({
      ...{ token: 'a', workerId: 'w', claimedAt: START_AT, expiresAt: START_AT + TTL_MS, ttlMs: TTL_MS },
    });
    one.send(claimOf('b'));
    expect(contextOf(one).claim?.token).toBe('a');
  });

  it('goes on as it is after a trip to disk', () => {
    const one = claimed({ attemptsMax: 2 });
    const restored = throughDisk(workItemMachine, one.now().snapshot);
    expect(restored.value).toBe('running');
    expect(restored.context).toEqual(one.now().snapshot.context);
  });
});

describe('a claim', () => {
  it('is over strictly after its time, by a timer: an attempt is counted', () => {
    const one = claimed();
    expect(one.timers()).toEqual({ claim: TTL_MS + 1 });
    one.fire('claim');
    expect(statusOf(one)).toBe('ready');
    expect(contextOf(one)).toMatchObject({
      attempts: 1,
      lastError: { code: 'claim_token_expired', message: 'claim_token_expired' },
      lost: ['a'],
    });
    expect(contextOf(one).claim).toBeUndefined();
  });

  it('is not taken away at the very moment it expires', () => {
    const one = claimed();
    one.send({ type: 'work.reclaim', now: START_AT + TTL_MS });
    expect(statusOf(one)).toBe('running');
    one.send({ type: 'work.reclaim', now: START_AT + TTL_MS + 1 });
    expect(statusOf(one)).toBe('ready');
  });

  it('at the last attempt makes a dead letter when it is lost', () => {
    for (const lose of [
      (one: Item) => one.fire('claim'),
      (one: Item) => one.send({ type: 'work.reclaim', now: START_AT + TTL_MS + 1 }),
    ]) {
      const one = claimed({ attemptsMax: 1 });
      lose(one);
      expect(statusOf(one)).toBe('failed');
      expect(contextOf(one).lastError?.message).toBe('claim_token_expired (max attempts exceeded)');
    }
  });

  it('is made longer by a heartbeat, and never shorter', () => {
    const one = claimed();
    one.send({ type: 'work.heartbeat', token: 'a', ttlMs: 1_000 }, { afterMs: 10_000 });
    expect(contextOf(one).claim?.expiresAt).toBe(START_AT + TTL_MS);
    expect(one.timers()).toEqual({ claim: TTL_MS - 10_000 + 1 });
    one.send({ type: 'work.heartbeat', token: 'a' }, { afterMs: 10_000 });
    expect(contextOf(one).claim?.expiresAt).toBe(START_AT + 20_000 + TTL_MS);
    expect(one.timers()).toEqual({ claim: TTL_MS + 1 });
  });

  it('is ended by its own token alone', () => {
    const one = claimed();
    for (const type of ['work.done', 'work.fail', 'work.requeue', 'work.heartbeat']) {
      const before = one.now().snapshot;
      one.send({ type, token: 'b', error: trouble, retry: true, hasResult: false });
      expect([one.now().snapshot.value, one.now().snapshot.context]).toEqual([before.value, before.context]);
    }
    one.send({ type: 'work.done', token: 'a', hasResult: true });
    expect(statusOf(one)).toBe('done');
    expect(contextOf(one)).toMatchObject({ hasResult: true, endedAt: START_AT });
  });

  it('of a process that is gone is freed, and counted; one of this process, or of elsewhere, is not', () => {
    const own = item();
    own.send(claimOf('a', { epoch: 2 }));
    own.send({ type: 'generation.began', epoch: 2 });
    expect(statusOf(own)).toBe('running');
    own.send({ type: 'generation.began', epoch: 3 });
    expect(statusOf(own)).toBe('ready');
    expect(contextOf(own)).toMatchObject({ attempts: 1, lastError: { code: 'claim_interrupted' } });
    const elsewhere = claimed();
    elsewhere.send({ type: 'generation.began', epoch: 9 });
    expect(statusOf(elsewhere)).toBe('running');
    const last = item({ attemptsMax: 1 });
    last.send(claimOf('a', { epoch: 1 }));
    last.send({ type: 'generation.began', epoch: 2 });
    expect(statusOf(last)).toBe('failed');
  });

  it('is told from one that was taken away, ended before, or never was', () => {
    const one = claimed();
    expect(claimRefusal(contextOf(one), 'a')).toBeUndefined();
    expect(claimRefusal(contextOf(one), 'x')).toEqual({ type: 'wrong' });
    one.fire('claim');
    expect(claimRefusal(contextOf(one), 'a', 'done')).toEqual({ type: 'reclaimed' });
    one.send(claimOf('b'));
    one.send({ type: 'work.done', token: 'b', hasResult: false });
    expect(claimRefusal(contextOf(one), 'b', 'done')).toEqual({ type: 'repeated' });
    expect(claimRefusal(contextOf(one), 'b', 'failed')).toEqual({ type: 'wrong' });
    expect(claimRefusal(contextOf(one), 'b')).toEqual({ type: 'wrong' });
  });
});

describe('a failure', () => {
  it('rests a second, then twice as long each time, 15 minutes at most', () => {
    const one = item({ attemptsMax: 1_000 });
    const rests: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      one.send(claimOf(`t${n}`));
      one.send(failOf(`t${n}`));
      rests.push(one.timers()['runAt'] ?? NaN);
      one.fire('runAt');
    }
    expect(rests.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(rests.at(-1)).toBe(900_000);
    expect(contextOf(one)).toMatchObject({ attempts: 12, lastError: trouble });
  });

  it('rests as long as its worker says, and is tried at once when somebody says so', () => {
    const one = claimed();
    one.send(failOf('a', { retryInMs: 30_000 }));
    expect(one.timers()).toEqual({ runAt: 30_000 });
    expect(contextOf(one).runAt).toBe(START_AT + 30_000);
    one.send({ type: 'work.retry' }, { afterMs: 5 });
    expect(statusOf(one)).toBe('ready');
    expect(contextOf(one)).toMatchObject({ attempts: 1, runAt: START_AT + 5 });
  });

  it('is a dead letter at the last attempt, or when it is permanent', () => {
    const last = claimed({ attemptsMax: 1, notify: 'order/77' });
    last.send(failOf('a'));
    const permanent = claimed({ notify: 'order/77' });
    permanent.send(failOf('a', { retry: false }));
    for (const one of [last, permanent]) {
      expect(statusOf(one)).toBe('failed');
      expect(contextOf(one)).toMatchObject({ attempts: 1, lastError: trouble, endedAt: START_AT });
      const told = { type: 'work.settled', workId: 'work_1', kind: 'embed', status: 'failed', at: START_AT };
      expect(one.written()).toEqual([
        { type: 'actor.send', params: { to: 'order/77', event: { ...told, error: trouble } } },
      ]);
      const notice = { type: 'work.failed', workId: 'work_1', kind: 'embed', attempts: 1, ...trouble };
      const emitted = one.now().asked.find(({ type }) => type === 'xstate.emit');
      expect(emitted?.params).toMatchObject({ event: notice });
    }
  });

  it('retried by hand has all its attempts again, and keeps its last error', () => {
    const one = claimed({ attemptsMax: 1 });
    one.send(failOf('a'));
    one.send({ type: 'work.retry' }, { afterMs: 7 });
    expect(statusOf(one)).toBe('ready');
    expect(contextOf(one)).toMatchObject({ attempts: 0, lastError: trouble, runAt: START_AT + 7 });
    expect(contextOf(one).endedAt).toBeUndefined();
  });

  it('given back counts no attempt', () => {
    const one = claimed();
    one.send({ type: 'work.requeue', token: 'a' });
    expect(statusOf(one)).toBe('ready');
    expect(contextOf(one).attempts).toBe(0);
    expect(contextOf(one).lastError).toBeUndefined();
  });
});

describe('the end', () => {
  it('cancels whatever has not ended, and takes the claim away', () => {
    const running = claimed();
    for (const one of [item(), item({ runAt: START_AT + 5 }), running]) {
      one.send({ type: 'work.cancel' });
      expect(statusOf(one)).toBe('cancelled');
    }
    expect(claimRefusal(contextOf(running), 'a', 'done')).toEqual({ type: 'reclaimed' });
  });

  it('keeps what is done for its retention, and a dead letter for a month', () => {
    const done = claimed({ retentionMs: 10 });
    done.send({ type: 'work.done', token: 'a', hasResult: false });
    expect(done.timers()).toEqual({ keep: 10 });
    done.fire('keep');
    expect(done.now().snapshot.status).toBe('done');
    const failed = claimed();
    failed.send(failOf('a', { retry: false }));
    expect(failed.timers()).toEqual({ deadLetter: workDefaults.deadLetterMs });
    failed.fire('deadLetter');
    expect(failed.now().snapshot.status).toBe('done');
  });

  it('remembers so many lost tokens and no more', () => {
    const one = item({ attemptsMax: 1_000 });
    for (let n = 0; n < 40; n += 1) {
      one.send(claimOf(`t${n}`));
      one.fire('claim');
    }
    expect(contextOf(one).lost).toHaveLength(16);
    expect(contextOf(one).lost.at(-1)).toBe('t39');
  });
});
