/** The numbers of a session that nobody set: how many, how long, how often. And rule 6, in all its parts. */
import { describe, expect, test } from 'vitest';
import type { AskClaim, Claim, Session } from '../../src/index.js';
import { keys } from '../../src/store/keys.js';
import { createMemoryDisk } from '../../src/store/index.js';
import { openOne, openSessions, writingNothing } from './session-place.js';

const MINUTE_MS = 60_000;
const GROUP = { slot: 'join', merge: { group: 'g' } } as const;
const EARLY = { ...GROUP, deliver: 'earliestSafeBoundary' } as const;
const LEASE = { hold: 'lease', ttlMs: 10_000 } as const;
const CHECKPOINT = { boundary: 'activeTurnCheckpoint' } as const;

async function fill(session: Session, count: number, policies: object = {}): Promise<readonly string[]> {
  const all = Array.from({ length: count }, (_, index) => session.enqueue(`${index}`, policies));
  return (await Promise.all(all)).map(({ batch }) => batch.batchId);
}

function seqsOf({ batches }: Pick<Claim, 'batches'>): readonly number[] {
  return batches.map(({ seq }) => seq);
}

describe('unless it is said otherwise', () => {
  test('a claim, a turn and a checkpoint take 64 batches that go together', async () => {
    const { session } = await openOne();
    await fill(session, 65 + 64 + 65 + 2, EARLY);
    expect((await session.claim()).batches).toHaveLength(64);
    const turn = await session.turn();
    expect(turn.messages).toHaveLength(64);
    expect((await turn.checkpoint()).messages).toHaveLength(64);
    expect((await session.claim({ max: 3 })).batches).toHaveLength(3);
    expect((await session.claim({ max: 1_000 })).batches).toHaveLength(1);
  });

  test('a claim lasts 15 min, and is renewed at a third of that while somebody here holds it', async () => {
    const { place, session } = await openOne();
    await fill(session, 2);
    const mine = await session.claim();
    const lease = await session.claim({ hold: 'lease' });
    const start = place.clock.now();
    expect([mine.expiresAt - mine.claimedAt, lease.expiresAt - start]).toEqual([900_000, 900_000]);
    await place.clock.advance(5 * MINUTE_MS - 1);
    expect(mine.expiresAt).toBe(start + 15 * MINUTE_MS);
    await place.clock.advance(1);
    expect(mine.expiresAt).toBe(start + 20 * MINUTE_MS);
    await place.clock.advance(5 * MINUTE_MS);
    expect(mine.expiresAt).toBe(start + 25 * MINUTE_MS);
    expect(lease.expiresAt).toBe(start + 15 * MINUTE_MS);
    await place.clock.advance(5 * MINUTE_MS - 1);
    expect((await session.claim()).isEmpty).toBe(true);
    await place.clock.advance(1);
    expect(seqsOf(await session.claim())).toEqual([2]);
    await mine.complete();
  });

  test('a batch has five attempts, and is a dead letter then', async () => {
    const { session } = await openOne();
    const [batchId = ''] = await fill(session, 2);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const claim = await session.claim();
      expect(claim).toMatchObject({ fencingToken: attempt, batches: [{ batchId, attempts: attempt - 1 }] });
      await claim.abandon({ reason: 'no' });
    }
    expect(await session.batch(batchId)).toMatchObject({ state: 'dead', attempts: 5 });
    expect(seqsOf(await session.claim())).toEqual([2]);
    await session.retry(batchId);
    // Retried, it has all its attempts again; what fences its owners goes on.
    expect(await session.claim()).toMatchObject({ fencingToken: 6, batches: [{ batchId, attempts: 0 }] });
  });

  test('20 messages wait, and messages are collected once it was quiet for 500 ms', async () => {
    const { place, session } = await openOne();
    for (let n = 1; n <= 21; n += 1) await session.message(`${n}`);
    expect((await session.view()).counts).toMatchObject({ batches: 21, dropped: { summarize: 1 } });
    const other = place.sessions.get('chat:2');
    await other.mode({ mode: 'collect' });
    await other.message('hello');
    await place.clock.advance(499);
    expect((await other.claim()).refusal).toBe('notYetAvailable');
    await place.clock.advance(1);
    expect(seqsOf(await other.claim())).toEqual([1]);
  });
});

test('what is at the head is said and claimed without a look at any payload', async () => {
  const disk = createMemoryDisk();
  const place = await openSessions({}, disk);
  const session = place.sessions.get('chat:1');
  const [batchId = ''] = await fill(session, 1);
  const row = keys.payload('session/chat:1', `b/${batchId.split('_').slice(2).join('_')}`);
  await disk.corrupt(row, () => 'not what was written');
  const again = (await place.crash()).sessions.get('chat:1');
  expect(await again.head()).toMatchObject({ refusal: undefined, batches: [{ batchId, state: 'ready' }] });
  const claim = await again.claim();
  expect(seqsOf(claim)).toEqual([1]);
  await expect(claim.load()).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  await claim.complete();
});

describe('a claim that was interrupted', () => {
  async function interrupted(policies: object, asked: AskClaim = {}) {
    const { place, session } = await openOne();
    const ids = await fill(session, 4, policies);
    await session.claim({ ...LEASE, ...asked, max: 3 });
    await fill(session, 1, policies);
    await place.clock.advance(LEASE.ttlMs);
    return { place, session, ids };
  }

  test('is taken again as it was, whatever may be taken at once, before anything joins it', async () => {
    const { session } = await interrupted(GROUP);
    const heir = await session.claim({ max: 1 });
    expect([seqsOf(heir), heir.fencingToken]).toEqual([[1, 2, 3], 2]);
    expect(heir.batches.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    expect(seqsOf(await session.claim({ max: 1_000 }))).toEqual([4, 5]);
  });

  test('is taken again without the members that were cancelled, its head too', async () => {
    for (const [gone, left] of [
      [0, [2, 3]],
      [1, [1, 3]],
      [2, [1, 2]],
    ] as const) {
      const { session, ids } = await interrupted(GROUP);
      expect(await session.cancel(ids[gone] ?? '')).toMatchObject({ state: 'interrupted' });
      expect(seqsOf(await session.claim())).toEqual(left);
    }
  });

  test('waits for the commit where it has to: the boundary holds for it, too', async () => {
    const { session } = await interrupted(GROUP);
    expect((await session.claim(CHECKPOINT)).refusal).toBe('deliveryBoundaryBlocked');
    expect(seqsOf(await session.claim())).toEqual([1, 2, 3]);
    const early = await interrupted(EARLY, CHECKPOINT);
    expect(seqsOf(await early.session.claim(CHECKPOINT))).toEqual([1, 2, 3]);
  });

  test('is not there for a limit of nothing, nor for who names other batches than its own', async () => {
    const { place, session, ids } = await interrupted(GROUP);
    expect((await session.claim({ max: 0 })).refusal).toBe('limitZero');
    for (const some of [ids.slice(0, 2), ids])
      expect((await writingNothing(place, () => session.claimByIds(some))).refusal).toBe('idsDiffer');
    expect(seqsOf(await session.claimByIds(ids.slice(0, 3)))).toEqual([1, 2, 3]);
  });

  test('is one of two, where a turn died after a checkpoint: each comes back apart', async () => {
    const { place, session } = await openOne();
    await fill(session, 1);
    const turn = await session.turn();
    await fill(session, 2, EARLY);
    await turn.checkpoint();
    await fill(session, 1, EARLY);
    const next = (await place.crash()).sessions.get('chat:1');
    const again = await next.turn();
    expect(again.messages.map(({ content }) => content)).toEqual(['0']);
    expect((await again.checkpoint()).messages).toHaveLength(2);
    expect((await again.checkpoint()).messages).toHaveLength(1);
    expect((await again.commit()).batchIds).toHaveLength(4);
  });
});
