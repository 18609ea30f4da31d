/** What a session knows again by its name, and for how long: work, wakes of a process, turns. */
import { describe, expect, test, vi } from 'vitest';
import type { CompleteOptions, Session } from '../../src/index.js';
import { keys } from '../../src/store/keys.js';
import { openOne, refusal, writingNothing, type SessionPlace } from './session-place.js';

const DAY_MS = 86_400_000;
const refresh = { kind: 'refreshToolSurface', reason: 'a new tool' } as const;

async function settleAll(session: Session, options?: CompleteOptions): Promise<void> {
  for (let claim = await session.claim(); !claim.isEmpty; claim = await session.claim())
    await claim.complete(options);
}

function wake(session: Session, sequence: number, processId = 'job_1') {
  return session.wake({ processId, sequence, eventType: 'job.done', input: sequence });
}

/** When `ms` have passed; no sweep comes between. */
async function after({ clock }: SessionPlace, ms: number): Promise<void> {
  clock.jump(ms - 120_000);
  await clock.advance(120_000);
}

describe('who brings work', () => {
  test('is told by its prefix, and each way in has its policies', async () => {
    const { session } = await openOne();
    await session.enqueue({ id: '1', text: 'a' });
    await session.inject({ id: '1', text: 'a' });
    await wake(session, 1);
    await session.command(refresh, '1');
    const { items } = await session.list();
    const said = items.map(({ sourceKey, deliver, slot, merge }) => [sourceKey, deliver, slot, merge]);
    expect(said).toEqual([
      ['host:1', 'afterCurrentTurnCommit', 'exclusive', 'never'],
      ['injection:1', 'earliestSafeBoundary', 'join', 'never'],
      ['process:job_1:event:1:wake', 'earliestSafeBoundary', 'exclusive', 'never'],
      ['command:refreshToolSurface:1', 'afterCurrentTurnCommit', 'exclusive', 'never'],
    ]);
    expect(items.map(({ batchId, items: [first] }) => first?.itemId === `${batchId}:item:0`)).not.toContain(
      false,
    );
  });

  test('of a command is answered by a receipt, the same however often it is sent', async () => {
    const { place, session } = await openOne();
    const receipt = await session.command(refresh, 'k');
    const sourceKey = 'command:refreshToolSurface:k';
    const [batch] = (await session.list()).items;
    expect(receipt).toEqual({ sessionId: 'chat:1', batchId: batch?.batchId, sourceKey });
    expect(await writingNothing(place, () => session.command(refresh, 'k'))).toEqual(receipt);
    const other = await session.command({ kind: 'resetSession', reason: 'new topic' }, 'k');
    expect(other.sourceKey).toBe('command:resetSession:k');
    expect(other.batchId).not.toBe(receipt.batchId);
  });

  test('gets a place of its own, whatever was in the queue before, also after a crash', async () => {
    const { place, session } = await openOne();
    const seqs: number[] = [];
    const enter = async (one: Session): Promise<string> => {
      const { batch } = await one.enqueue('again');
      seqs.push(batch.seq);
      return batch.batchId;
    };
    await session.cancel(await enter(session));
    await enter(session);
    await settleAll(session);
    await enter((await place.crash()).sessions.get('chat:1'));
    expect(seqs).toEqual([1, 2, 3]);
  });
});

describe('a source key', () => {
  test('stands for one batch while that is in the queue, claimed or not, and is free then', async () => {
    const { place, session } = await openOne();
    const first = await session.enqueue({ id: 'm', text: 'a' });
    const claim = await session.claim();
    const again = await writingNothing(place, () => session.enqueue({ id: 'm', text: 'a' }));
    expect(again).toMatchObject({
      ...{ deduplicated: true, contentMatches: true },
      batch: { batchId: first.batch.batchId, state: 'claimed' },
    });
    await claim.complete();
    const second = await session.enqueue({ id: 'm', text: 'a' });
    expect(second).toMatchObject({ deduplicated: false, batch: { seq: 2 } });
    await session.cancel(second.batch.batchId);
    expect(await session.enqueue({ id: 'm', text: 'b' })).toMatchObject({ batch: { seq: 3 } });
  });

  test.each(['settled', 'cancelled'])(
    'stays taken after its batch was %s, as long as was asked',
    async (end) => {
      const { place, session } = await openOne();
      const policies = { dedupeRetentionMs: 600_000 };
      const first = await session.enqueue({ id: 'm', text: 'a' }, policies);
      if (end === 'settled') await settleAll(session);
      else await session.cancel(first.batch.batchId);
      await place.clock.advance(599_999);
      const again = await writingNothing(place, () => session.enqueue({ id: 'm', text: 'a' }, policies));
      expect(again).toMatchObject({
        ...{ deduplicated: true, contentMatches: true },
        batch: { batchId: first.batch.batchId, state: 'settled', items: [] },
      });
      const other = () => session.enqueue({ id: 'm', text: 'b' }, { ...policies, onConflict: 'reject' });
      await refusal(place, 'SOURCE_KEY_CONFLICT', other);
      const next = (await place.crash()).sessions.get('chat:1');
      await place.clock.advance(1);
      expect(await next.enqueue({ id: 'm', text: 'b' })).toMatchObject({ deduplicated: false });
    },
  );
});

describe('the wakes of a process', () => {
  test('have a floor for each process of each session, which only settling raises', async () => {
    const { place, session } = await openOne();
    const { batch } = await wake(session, 9);
    await session.cancel(batch.batchId);
    await wake(session, 5);
    await wake(session, 4);
    await settleAll(session);
    for (const sequence of [5, 4, 0]) await refusal(place, 'WAKE_HANDLED', () => wake(session, sequence));
    expect(await wake(session, 5, 'job_2')).toMatchObject({ deduplicated: false });
    expect(await wake(place.sessions.get('chat:2'), 5)).toMatchObject({ deduplicated: false });
    expect(await wake(session, 6)).toMatchObject({ deduplicated: false });
  });

  test('that an interrupted turn had are settled, and do not come again', async () => {
    const { place, session } = await openOne();
    await wake(session, 1);
    await session.turn();
    await session.mode({ mode: 'interrupt' });
    await session.message('stop');
    await refusal(place, 'WAKE_HANDLED', () => wake(session, 1));
  });

  test('are refused for seven days after the last that was settled, and then begin anew', async () => {
    const { place, session } = await openOne();
    await wake(session, 100);
    await settleAll(session);
    await after(place, 7 * DAY_MS - 1);
    await refusal(place, 'WAKE_HANDLED', () => wake(session, 1));
    await place.clock.advance(1);
    // No sweep has been here since: the row of the old floor is there still, and counts no more.
    expect((await place.rows()).map(([key]) => key)).toContain(keys.payload('session/chat:1', 'f/job_1'));
    await wake(session, 1);
    await settleAll(session);
    await refusal(place, 'WAKE_HANDLED', () => wake(session, 1));
    expect(await wake(session, 2)).toMatchObject({ deduplicated: false });
  });
});

describe('a turn’s receipt', () => {
  test('is found for seven days, and its row goes', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const claim = await session.claim();
    const named = { turnId: 't1', commitHash: 'h' };
    await claim.complete(named);
    await after(place, 7 * DAY_MS - 1);
    expect(await claim.complete(named)).toMatchObject({ repeated: true });
    await place.clock.advance(1);
    await refusal(place, 'CLAIM_SUPERSEDED', () => claim.complete(named));
    await place.clock.advance(2 * 3_600_000);
    // A commit sweeps, at its leisure.
    await session.enqueue('b');
    const row = keys.payload('session/chat:1', 't/t1');
    await vi.waitFor(async () => expect((await place.rows()).map(([key]) => key)).not.toContain(row), {
      timeout: 10_000,
    });
  });

  test('is no receipt for batches that its commit had not: nobody may take them for settled', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    await session.enqueue('b');
    const [first, second] = [await session.claim(), await session.claim()];
    await first.complete({ turnId: 't1' });
    await refusal(place, 'TURN_COMMIT_CONFLICT', () => second.complete({ turnId: 't1' }));
    const both = [first.completion(), second.completion()];
    await refusal(place, 'TURN_COMMIT_CONFLICT', () => session.settle(both, { turnId: 't1' }));
    expect(await writingNothing(place, () => first.complete({ turnId: 't1' }))).toMatchObject({
      repeated: true,
    });
    await second.complete({ turnId: 't2' });
    expect((await session.list()).items).toEqual([]);
  });
});
