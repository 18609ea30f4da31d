/** Who holds what: owners that race, come back late, die, hand over, or see the clock jump. */
import { describe, expect, test } from 'vitest';
import type { ClaimReceipt, Session } from '../../src/index.js';
import type { SessionContext } from '../../src/machines/index.js';
import { openOne, refusal, writingNothing } from './session-place.js';

const HOUR_MS = 3_600_000;
const LEASE = { hold: 'lease', ttlMs: 1_000 } as const;
const TURNS_MAX = 1_000;

async function fill(session: Session, texts: readonly string[]): Promise<void> {
  for (const text of texts) await session.enqueue({ id: text, text });
}

async function textsIn(session: Session): Promise<readonly string[]> {
  const { items } = await session.history({ limit: 1_000 });
  return items.map(({ entry }) => String(Reflect.get(Object(entry), 'content')));
}

function numbers(count: number): readonly string[] {
  return Array.from({ length: count }, (_unused, index) => `${index}`);
}

/** Through JSON, as it gets to another process. */
function sent(receipt: ClaimReceipt): ClaimReceipt {
  return JSON.parse(JSON.stringify(receipt)) as ClaimReceipt;
}

describe('owners that race', () => {
  test('of many who claim at once, each batch has one', async () => {
    const { session } = await openOne();
    const texts = numbers(40);
    await fill(session, texts);
    const done: string[] = [];
    const own = async (ownerId: string): Promise<number> => {
      for (let turns = 0; turns < TURNS_MAX; turns += 1) {
        const claim = await session.claim({ ownerId });
        if (claim.isEmpty) return turns;
        const [batch] = await claim.load();
        const text = batch?.sourceKey?.replace('host:', '') ?? '';
        done.push(text);
        await claim.complete({ turnId: `turn-${text}`, history: [{ content: text }] });
      }
      throw new Error('too many turns');
    };
    const turns = await Promise.all(['a', 'b', 'c', 'd'].map(own));
    expect(turns.every((count) => count > 0)).toBe(true);
    expect(done.toSorted()).toEqual(texts.toSorted());
    expect((await textsIn(session)).toSorted()).toEqual(texts.toSorted());
    expect((await session.view()).counts).toMatchObject({ batches: 0, completed: 40 });
  });

  test('of two who claim one batch, one gets it, and the other hears that there is nothing', async () => {
    const { session } = await openOne();
    await fill(session, ['a']);
    const claims = await Promise.all([session.claim({ ownerId: 'one' }), session.claim({ ownerId: 'two' })]);
    expect(claims.filter(({ isEmpty }) => isEmpty)).toHaveLength(1);
    expect(claims.find(({ isEmpty }) => isEmpty)?.refusal).toBe('empty');
  });

  test('of two who begin a turn, one has it until it is committed, whatever waits', async () => {
    const { session } = await openOne();
    await fill(session, ['a', 'b']);
    const turns = await Promise.all([session.turn(), session.turn()]);
    const [mine] = turns.filter(({ isEmpty }) => !isEmpty);
    expect(turns.map(({ refusal: why }) => why)).toContain('turnActive');
    expect(mine?.messages).toMatchObject([{ content: 'a' }]);
    await mine?.commit('done');
    const next = await session.turn();
    expect(next.messages).toMatchObject([{ content: 'b' }]);
  });

  test('of two that serve, one has each turn, and no session has two at once', async () => {
    const { place } = await openOne();
    const keys = numbers(20).map((n) => `chat:${n}`);
    const texts = numbers(5);
    const running = new Set<string>();
    const served = [0, 0];
    const servings = served.map((_none, index) =>
      place.sessions.serve(async (turn) => {
        const { sessionId } = turn;
        expect(running.has(sessionId)).toBe(false);
        running.add(sessionId);
        served[index] = (served[index] ?? 0) + 1;
        // Others get their turn while this one has not ended.
        await place.sessions.get(sessionId).view();
        running.delete(sessionId);
        await turn.commit();
      }),
    );
    await Promise.all(keys.map((key) => fill(place.sessions.get(key), texts)));
    for (const key of keys) await place.parts.kernel.waitFor(`session/${key}`, hasNothing);
    await Promise.all(servings.map((serving) => serving.close()));
    for (const key of keys) expect(await textsIn(place.sessions.get(key))).toEqual(texts);
    expect(served.reduce((sum, count) => sum + count)).toBe(keys.length * texts.length);
    expect(served.every((count) => count > 0)).toBe(true);
  });
});

function hasNothing({ context }: { readonly context: unknown }): boolean {
  const { counts } = context as SessionContext;
  return counts.completed === 5;
}

describe('an owner that comes back late', () => {
  test('superseded, it settles, renews and gives back nothing', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a']);
    const zombie = await session.claim(LEASE);
    await place.clock.advance(LEASE.ttlMs);
    const heir = await session.claim();
    const batchId = heir.batches[0]?.batchId;
    expect(heir.batches).toMatchObject([{ batchId: zombie.batches[0]?.batchId, attempts: 1 }]);
    expect(heir.fencingToken).toBeGreaterThan(zombie.fencingToken);

    for (const late of [() => zombie.complete({ history: [{ content: 'late' }] }), () => zombie.renew()]) {
      const { details } = await refusal(place, 'CLAIM_SUPERSEDED', late);
      expect(details).toEqual({ batchId, by: heir.claimId });
    }
    expect(await writingNothing(place, () => zombie.abandon({ reason: 'late' }))).toBe(false);

    await heir.complete({ history: [{ content: 'in time' }] });
    const { details } = await refusal(place, 'CLAIM_SUPERSEDED', () => zombie.complete());
    expect(details).toEqual({ batchId, by: undefined });
    expect(await textsIn(session)).toEqual(['in time']);
  });

  test('lapsed, and nobody took it, it completes', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a']);
    const late = await session.claim(LEASE);
    await place.clock.advance(HOUR_MS);
    expect(await session.pending()).toMatchObject({ items: [{ state: 'interrupted' }] });
    await late.complete({ history: [{ content: 'late' }] });
    expect(await textsIn(session)).toEqual(['late']);
    expect((await session.list()).items).toEqual([]);
  });

  test('lapsed, and nobody took it, it renews, and holds again', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a']);
    const late = await session.claim(LEASE);
    await place.clock.advance(HOUR_MS);
    await late.renew();
    expect(late.expiresAt).toBe(place.clock.now() + LEASE.ttlMs);
    expect(await session.claim()).toMatchObject({ isEmpty: true });
    await late.complete();
  });

  test('of several claims one was taken over: none of them is settled', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a', 'b']);
    const lapsing = await session.claim(LEASE);
    const kept = await session.claim();
    await place.clock.advance(LEASE.ttlMs);
    const heir = await session.claim();
    const both = [kept.completion(), lapsing.completion()];
    const settle = () => session.settle(both, { turnId: 'both', history: [{ content: 'both' }] });
    const { details } = await refusal(place, 'CLAIM_SUPERSEDED', settle);
    expect(details).toMatchObject({ by: heir.claimId });
    await kept.complete();
    await heir.complete();
  });
});

describe('an owner that dies', () => {
  test('what it held is free at the next open, as it was claimed, and the dead one is fenced', async () => {
    const { place, session } = await openOne();
    const merge = { slot: 'join', merge: { group: 'g' } } as const;
    for (const id of ['a', 'b']) await session.enqueue({ id, text: id }, merge);
    const dead = await session.claim();
    await session.enqueue({ id: 'c', text: 'c' }, merge);
    const next = await place.crash();
    const again = next.sessions.get('chat:1');
    // Nobody took it yet, so whoever has the receipt of the dead could still settle it.
    const heir = await again.claim();
    expect(heir.batches.map(({ seq, attempts }) => [seq, attempts])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(heir.fencingToken).toBeGreaterThan(dead.fencingToken);
    await refusal(next, 'CLAIM_SUPERSEDED', () => again.settle([sent(dead.completion())]));
    await heir.complete();
    expect((await again.list()).items).toMatchObject([{ seq: 3, attempts: 0 }]);
  });

  test('a receipt settles what it held, as long as nobody took it', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a']);
    const receipt = sent((await session.claim()).completion());
    const again = (await place.crash()).sessions.get('chat:1');
    await again.settle([receipt], {
      turnId: 'turn-1',
      commitHash: 'h',
      history: [{ content: 'handed over' }],
    });
    expect(await textsIn(again)).toEqual(['handed over']);
    // Whoever did not hear of it may say so again.
    const repeated = await again.settle([receipt], { turnId: 'turn-1', commitHash: 'h' });
    expect(repeated).toMatchObject({ turnId: 'turn-1', repeated: true });
    expect(await textsIn(again)).toEqual(['handed over']);
  });

  test('a lease that was handed to another process lasts its time, whoever claimed it', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a', 'b']);
    const lease = await session.claim({ ...LEASE, ownerId: 'worker-7' });
    const receipt = sent(lease.completion());
    const next = await place.crash();
    const again = next.sessions.get('chat:1');
    const other = await again.claim();
    expect(other.batches).toMatchObject([{ seq: 2 }]);
    const { items } = await again.list();
    expect(items[0]).toMatchObject({ state: 'claimed', claim: { ownerId: 'worker-7' } });
    await next.clock.advance(LEASE.ttlMs - 1);
    expect(await again.claim()).toMatchObject({ isEmpty: true });
    await again.settle([receipt], { history: [{ content: 'by worker 7' }] });
    await other.complete();
    expect(await textsIn(again)).toEqual(['by worker 7']);
    expect((await again.list()).items).toEqual([]);
  });

  test('a turn that was running is no turn any more, and another begins at once', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a']);
    const dead = await session.turn();
    const again = (await place.crash()).sessions.get('chat:1');
    expect(await again.view()).toMatchObject({ state: 'ready', claimed: 0 });
    const turn = await again.turn();
    expect(turn).toMatchObject({ attempts: 1, messages: [{ content: 'a' }] });
    expect(turn.turnId).not.toBe(dead.turnId);
    await turn.commit('once');
    expect(await textsIn(again)).toEqual(['a', 'once']);
  });
});

describe('a lease that is held elsewhere', () => {
  test('lasts longer when its receipt renews it, and is given back by it', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a']);
    const claim = await session.claim({ hold: 'lease', ttlMs: 60_000 });
    const receipt = sent(claim.completion());
    const until = await session.renew(receipt);
    expect(until).toBeGreaterThanOrEqual(claim.claimedAt + 60_000);
    expect((await session.list()).items).toMatchObject([{ claim: { expiresAt: until } }]);
    const again = (await place.crash()).sessions.get('chat:1');
    expect(await again.giveBack([receipt], { reason: 'out of credit' })).toBe(true);
    expect((await again.list()).items).toMatchObject([{ state: 'ready', attempts: 1 }]);
    expect(await again.giveBack([receipt], { reason: 'again' })).toBe(false);
    await expect(again.renew(receipt)).rejects.toMatchObject({ code: 'CLAIM_SUPERSEDED' });
  });
});

describe('a clock that jumps', () => {
  test('hours forward, no live owner loses a claim or a turn', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a', 'b']);
    const claim = await session.claim();
    const other = place.sessions.get('chat:2');
    await fill(other, ['c']);
    const turn = await other.turn();
    const before = claim.expiresAt;
    place.clock.jump(12 * HOUR_MS);
    await place.clock.advance(60_000);
    expect(await session.claim()).toMatchObject({ batches: [{ seq: 2 }] });
    expect(await session.claim()).toMatchObject({ isEmpty: true });
    expect(await other.turn()).toMatchObject({ isEmpty: true, refusal: 'turnActive' });
    // Its renewal is due by the time that passed, not by the time that is shown.
    await place.clock.advance(300_000);
    expect(claim.expiresAt).toBeGreaterThan(before + 12 * HOUR_MS);
    await claim.complete({ history: [{ content: 'a' }] });
    await turn.commit('c is done');
    expect(await textsIn(session)).toEqual(['a']);
  });

  test('hours back, claims are kept, renewed and settled, and leases last longer by the jump', async () => {
    const { place, session } = await openOne();
    await fill(session, ['a', 'b']);
    const claim = await session.claim();
    const lease = await session.claim(LEASE);
    const { expiresAt } = claim;
    place.clock.jump(-12 * HOUR_MS);
    await place.clock.advance(300_000);
    // What was promised is not taken back.
    expect(claim.expiresAt).toBe(expiresAt);
    expect(await session.claim()).toMatchObject({ isEmpty: true });
    await claim.complete({ history: [{ content: 'a' }] });
    await lease.complete({ history: [{ content: 'b' }] });
    expect(await textsIn(session)).toEqual(['a', 'b']);
    await fill(session, ['c']);
    expect(await session.claim()).toMatchObject({ batches: [{ seq: 3 }] });
  });
});
