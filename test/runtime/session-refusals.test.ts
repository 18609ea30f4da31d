/** Everything a session refuses, by its code or its reason, and that nothing is written when it does. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors.js';
import type { Session, WorkDraft } from '../../src/index.js';
import { takingOf } from '../../src/machines/session-claims.js';
import { enqueueRefusal } from '../../src/machines/session-intake.js';
import { startSession } from '../../src/machines/session-setup.js';
import { openOne, refusal, writingNothing, type SessionPlace } from './session-place.js';

const ENQUEUED_AT_MAX = 1_000_000;

const input = (text: string) => ({ type: 'turnInput', items: [{ text }] }) as const;
const refresh = { kind: 'refreshToolSurface', reason: 'a new tool' } as const;
const wake = { processId: 'job_1', sequence: 3, eventType: 'job.done', input: { files: 1 } };

describe('work that is refused at the door', () => {
  const said = { payloads: [input('hello')] };
  const unsafe = Number.MAX_SAFE_INTEGER + 1;
  const image = { type: 'turnInput', items: [{ imageRef: 'a' }] };
  const absent = { attachment: `${'0'.repeat(64)}.png`, mime: 'image/png', bytes: 1 };
  const cases: readonly (readonly [title: string, draft: unknown, field: string])[] = [
    ['no payloads', { payloads: [] }, 'payloads'],
    ['an input without items', { payloads: [{ type: 'turnInput', items: [] }] }, 'payloads.0.items'],
    ['an empty merge group', { ...said, merge: { group: '' } }, 'merge'],
    ['an unknown delivery policy', { ...said, deliver: 'now' }, 'deliver'],
    ['an unknown slot', { ...said, slot: 'shared' }, 'slot'],
    ['an unknown payload', { payloads: [{ type: 'note' }] }, 'payloads.0.type'],
    ['an empty source key', { ...said, sourceKey: '' }, 'sourceKey'],
    ['a time before all times', { ...said, availableAt: -1 }, 'availableAt'],
    ['a time that no number can say', { ...said, availableAt: unsafe }, 'availableAt'],
    ['a retention below nothing', { ...said, dedupeRetentionMs: -1 }, 'dedupeRetentionMs'],
    [
      'a wake with an unsafe sequence',
      { payloads: [{ type: 'processWake', ...wake, sequence: unsafe, targetSessionId: 'chat:1' }] },
      'payloads.0.sequence',
    ],
    [
      'a wake for another session',
      { payloads: [{ type: 'processWake', ...wake, targetSessionId: 'chat:2' }] },
      'targetSessionId',
    ],
    ['an image that no one gave', { payloads: [image] }, 'imageRef'],
    ['an image that is not stored', { payloads: [{ ...image, images: { a: absent } }] }, 'images'],
    [
      'a command beside an input',
      { payloads: [input('hello'), { type: 'sessionCommand', command: refresh }] },
      'payloads',
    ],
    ['what is needed for one turn alone', { ...said, protocolExtension: {} }, 'protocolExtension'],
    ['context of one turn alone', { ...said, turnContext: {} }, 'turnContext'],
  ];
  test.each(cases)('%s', async (_title, draft, field) => {
    const { place, session } = await openOne();
    const error = await refusal(place, 'INVALID_INPUT', () => session.enqueueDraft(draft as WorkDraft));
    expect(error.message).toContain(field.split('.').at(-1));
    expect(readdirSync(place.directory)).toEqual([]);
  });

  test('a word that is unknown is refused with those that are known', async () => {
    const { place, session } = await openOne();
    const draft = { ...said, deliver: 'now' } as unknown as WorkDraft;
    const { message } = await refusal(place, 'INVALID_INPUT', () => session.enqueueDraft(draft));
    expect(message).toMatch(/earliestSafeBoundary.*afterCurrentTurnCommit/);
  });

  test('an input that says nothing, or the same in two ways', async () => {
    const { place, session } = await openOne();
    await refusal(place, 'INVALID_INPUT', () => session.enqueue({ id: 'm1' }));
    await refusal(place, 'INVALID_INPUT', () => session.inject({ text: 'a', items: [{ text: 'a' }] }));
  });

  test('a command without a key, and one that is none', async () => {
    const { place, session } = await openOne();
    await refusal(place, 'INVALID_INPUT', () => session.command(refresh, ''));
    const unknown = { kind: 'forgetAll', reason: 'x' } as unknown as typeof refresh;
    await refusal(place, 'INVALID_INPUT', () => session.command(unknown, 'k'));
  });

  test('a session whose key cannot be stored', async () => {
    const { place } = await openOne();
    for (const key of ['', 'a\0b', '\ud800', 'x'.repeat(501)])
      await refusal(place, 'INVALID_INPUT', async () => place.sessions.get(key).enqueue('hello'));
  });
});

describe('work that the queue refuses', () => {
  test('other content under a source key that is taken, where that was asked for', async () => {
    const { place, session } = await openOne();
    const { batch } = await session.enqueue({ id: 'm1', text: 'one' });
    const again = () => session.enqueue({ id: 'm1', text: 'two' }, { onConflict: 'reject' });
    const { details } = await refusal(place, 'SOURCE_KEY_CONFLICT', again);
    expect(details).toEqual({ batchId: batch.batchId });
  });

  test('what is known is told, and not written twice', async () => {
    const { place, session } = await openOne();
    const first = await session.enqueue({ id: 'm1', text: 'one' });
    const other = await writingNothing(place, () => session.enqueue({ id: 'm1', text: 'two' }));
    expect(other).toEqual({ batch: first.batch, deduplicated: true, contentMatches: false });
  });

  test('a wake at or below the highest that was settled', async () => {
    const { place, session } = await openOne();
    await session.wake(wake);
    const claim = await session.claim();
    await claim.complete();
    for (const sequence of [3, 2]) {
      const late = () => session.wake({ ...wake, sequence });
      const { details } = await refusal(place, 'WAKE_HANDLED', late);
      expect(details).toEqual({ sequence: 3 });
    }
    expect((await session.wake({ ...wake, sequence: 4 })).deduplicated).toBe(false);
  });

  test('one message more than may wait, where newer ones are dropped', async () => {
    const { place, session } = await openOne();
    await session.mode({ cap: 1, drop: 'new' });
    await session.message('one');
    const { details } = await refusal(place, 'SESSION_QUEUE_FULL', () => session.message('two'));
    expect(details).toEqual({ cap: 1 });
  });

  test('one batch more than a session may have', () => {
    const empty = startSession({ key: 'k' });
    const draft = { nonce: 'n', deliver: 'A', slot: 'X', merge: 'N', kind: 'input', items: 1 } as const;
    const event = { type: 'session.enqueue', draft: { ...draft, availableAt: 0, digest: '' } } as const;
    const asked = Object.assign({ ...event }, { $: { at: 0 } });
    const withBatches = (batches: number) => ({ ...empty, counts: { ...empty.counts, batches } });
    expect(enqueueRefusal(withBatches(100_000), asked)).toEqual({ type: 'full', cap: 100_000 });
    expect(enqueueRefusal(withBatches(99_999), asked)).toBeUndefined();
    // A job cannot be told, and would lose what it has to say.
    const brought = Object.assign({ ...asked }, { row: { payloads: [] } });
    expect(enqueueRefusal(withBatches(100_000), brought)).toBeUndefined();
  });

  test('a channel that is no text of up to 300 characters', async () => {
    const { place, session } = await openOne();
    for (const channel of [7, 'x'.repeat(301), 'a\0b', '\ud800'])
      await refusal(place, 'INVALID_INPUT', () => session.message('hi', { channel: channel as string }));
  });

  test('a mode that nobody knows, or with a number out of its range', async () => {
    const { place, session } = await openOne();
    for (const change of [{ mode: 'shout' as 'steer' }, { cap: 0 }, { debounceMs: -1 }])
      await refusal(place, 'INVALID_INPUT', () => session.mode(change));
  });
});

describe('claims that take nothing say why, and write nothing', () => {
  /** Enqueues, then claims; why the claim is empty. */
  async function refusedWith(
    act: (session: Session, place: SessionPlace) => Promise<{ readonly refusal: unknown }>,
    prepare: (session: Session) => Promise<unknown>,
  ): Promise<unknown> {
    const { place, session } = await openOne();
    await prepare(session);
    const claim = await writingNothing(place, () => act(session, place));
    expect(claim).toMatchObject({ isEmpty: true });
    return claim.refusal;
  }

  test('limitZero: nothing was asked for', async () => {
    const why = await refusedWith(
      (session) => session.claim({ max: 0 }),
      (session) => session.enqueue('a'),
    );
    expect(why).toBe('limitZero');
  });

  test('empty: of a session that is not there, and of one whose work is held', async () => {
    expect(
      await refusedWith(
        (session) => session.claim(),
        () => Promise.resolve(),
      ),
    ).toBe('empty');
    const why = await refusedWith(
      (session) => session.claim(),
      async (session) => {
        await session.enqueue('a');
        await session.claim();
      },
    );
    expect(why).toBe('empty');
  });

  test('notYetAvailable: what waits is for later', async () => {
    const why = await refusedWith(
      (session) => session.claim(),
      (session) => session.enqueue('a', { availableAt: ENQUEUED_AT_MAX * 2 }),
    );
    expect(why).toBe('notYetAvailable');
  });

  test('deliveryBoundaryBlocked: the head waits for a commit, and nobody overtakes it', async () => {
    const why = await refusedWith(
      (session) => session.claim({ boundary: 'activeTurnCheckpoint' }),
      async (session) => {
        await session.enqueue('a');
        await session.inject('b');
      },
    );
    expect(why).toBe('deliveryBoundaryBlocked');
  });

  test('commandAtHead: a command goes before turn work', async () => {
    const why = await refusedWith(
      (session) => session.claim(),
      async (session) => {
        await session.command(refresh, 'k');
        await session.enqueue('a');
      },
    );
    expect(why).toBe('commandAtHead');
  });

  test('noCommandAtHead: a command further back stays there', async () => {
    const why = await refusedWith(
      (session) => session.claimCommand(),
      async (session) => {
        await session.enqueue('a');
        await session.command(refresh, 'k');
      },
    );
    expect(why).toBe('noCommandAtHead');
  });

  test('idsDiffer: others, in another order, or fewer than an ordinary claim would take', async () => {
    const ids: string[] = [];
    const policies = { deliver: 'earliestSafeBoundary', slot: 'join', merge: { group: 'g' } } as const;
    const prepare = async (session: Session): Promise<void> => {
      ids.length = 0;
      for (const text of ['a', 'b']) ids.push((await session.enqueue(text, policies)).batch.batchId);
    };
    const asks = [(): string[] => ids.toReversed(), () => ids.slice(1), () => [...ids, 'bat_9_none']];
    for (const asked of asks)
      expect(await refusedWith((session) => session.claimByIds(asked()), prepare)).toBe('idsDiffer');
  });

  test('nothingAsked: no ids', async () => {
    const why = await refusedWith(
      (session) => session.claimByIds([]),
      (session) => session.enqueue('a'),
    );
    expect(why).toBe('nothingAsked');
  });

  test('paused: a turn failed, and the session rests', async () => {
    const prepare = async (session: Session): Promise<void> => {
      await session.enqueue('a');
      const claim = await session.claim();
      await claim.abandon({ reason: 'the model is away', retryInMs: 5_000 });
    };
    expect(await refusedWith((session) => session.claim(), prepare)).toBe('paused');
    const resumed = await openOne();
    await prepare(resumed.session);
    await resumed.session.resume();
    expect((await resumed.session.claim()).refusal).toBeUndefined();
  });

  test('claimsMax: a thousand claims are open', () => {
    const asked = { claimId: 'c', ownerId: 'o', leaseToken: 'l', boundary: 'idle', wanted: 'turn' } as const;
    const open = { ...asked, fencingToken: 1, claimedAt: 0, expiresAt: 1e6, ttlMs: 1e6, seqs: [] };
    const ids = Array.from({ length: 1_000 }, (_, index) => `claim_${index}`);
    const claims = Object.fromEntries(ids.map((claimId) => [claimId, { ...open, claimId }]));
    const context = { ...startSession({ key: 'k' }), claims };
    const taking = (at: number) => takingOf(context, { ...asked, max: 1, ttlMs: 1_000 }, at);
    expect(taking(999_999)).toEqual({ type: 'refused', reason: 'claimsMax' });
    // Interrupted, all of them: another claim is what they wait for.
    expect(taking(1_000_000)).toEqual({ type: 'refused', reason: 'empty' });
  });

  test('a claim of too many, for too short a time, or at a boundary that nobody knows', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    for (const asked of [{ max: -1 }, { max: 1_001 }, { ttlMs: 999 }, { boundary: 'now' as 'idle' }])
      await refusal(place, 'INVALID_INPUT', () => session.claim(asked));
  });
});

describe('what an operator is refused', () => {
  test('a retry of what is no dead letter, or not there', async () => {
    const { place, session } = await openOne();
    const { batch } = await session.enqueue('a');
    const refusedAs = (code: ErrorCode) => refusal(place, code, () => session.retry(batch.batchId));
    expect((await refusedAs('BATCH_NOT_RETRYABLE')).details['state']).toBe('ready');
    const claim = await session.claim();
    expect((await refusedAs('BATCH_NOT_RETRYABLE')).details['state']).toBe('claimed');
    await claim.complete();
    await refusedAs('BATCH_NOT_FOUND');
  });

  test('the cancellation of what is claimed, settled or was never there tells of nothing', async () => {
    const { place, session } = await openOne();
    const { batch } = await session.enqueue('a');
    const claim = await session.claim();
    const none = () => session.cancel(batch.batchId);
    expect(await writingNothing(place, none)).toBeUndefined();
    await claim.complete();
    expect(await writingNothing(place, none)).toBeUndefined();
    expect(await writingNothing(place, () => session.cancel('bat_1_guessed'))).toBeUndefined();
  });

  test('whatever is asked of a session that is not there', async () => {
    const { place, session } = await openOne();
    const asks = [() => session.view(), () => session.retry('bat_1_x'), () => session.resume()];
    for (const act of asks) await refusal(place, 'ACTOR_NOT_FOUND', act);
    expect(await writingNothing(place, () => session.list())).toEqual({ items: [] });
    expect(await writingNothing(place, () => session.head())).toEqual({ refusal: 'empty', batches: [] });
  });

  test('a cursor that no listing returned', async () => {
    const { place, session } = await openOne();
    await refusal(place, 'INVALID_INPUT', () => session.list({ cursor: 'somewhere' }));
  });
});
