/** What a session refuses to settle, by its code, and that nothing is written when it does. */
import { describe, expect, test } from 'vitest';
import type { ClaimReceipt, CompleteOptions } from '../../src/index.js';
import { openOne, refusal, writingNothing } from './session-place.js';

describe('claims that are refused', () => {
  test('a batch that was claimed as often as a number can say', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const claim = await session.claim();
    await claim.complete();
    // No test claims so often: the counter comes in with the draft, past the door that would refuse it.
    const draft = { nonce: 'n', deliver: 'A', slot: 'X', merge: 'N', kind: 'input', items: 1 };
    const more = { availableAt: 0, digest: '', counter: Number.MAX_SAFE_INTEGER };
    const event = { type: 'session.enqueue', draft: { ...draft, ...more } };
    await place.parts.kernel.send('session/chat:1', event);
    await refusal(place, 'FENCING_EXHAUSTED', () => session.claim());
  });

  test('a claim that lapsed and was taken over neither renews nor completes', async () => {
    const { place, session } = await openOne();
    const { batch } = await session.enqueue('a');
    const late = await session.claim({ hold: 'lease', ttlMs: 1_000 });
    await place.clock.advance(1_000);
    const next = await session.claim({ hold: 'lease' });
    const taken = { batchId: batch.batchId, by: next.claimId };
    for (const act of [() => late.renew(), () => late.complete(), () => session.settle([late.completion()])])
      expect((await refusal(place, 'CLAIM_SUPERSEDED', act)).details).toEqual(taken);
    expect(await writingNothing(place, () => late.abandon({ reason: 'late' }))).toBe(false);
    expect((await next.complete()).batchIds).toEqual([batch.batchId]);
  });

  test('a completion with a token, a set of batches or a count that is not the claim’s', async () => {
    const { place, session } = await openOne();
    const group = { deliver: 'earliestSafeBoundary', slot: 'join', merge: { group: 'g' } } as const;
    for (const text of ['a', 'b']) await session.enqueue(text, group);
    const receipt = (await session.claim()).completion();
    const [first = '', second = ''] = receipt.batchIds;
    const wrong = [
      { ...receipt, leaseToken: 'guessed' },
      { ...receipt, claimId: 'claim_of_nobody' },
      ...[[first], [first, first], [first, second, second], []].map((batchIds) => ({ ...receipt, batchIds })),
    ];
    for (const each of wrong)
      await refusal(place, 'CLAIM_SUPERSEDED', () => session.settle([each], { turnId: 't1' }));
    await refusal(place, 'CLAIM_SUPERSEDED', () => session.settle([receipt, receipt]));
    expect((await session.settle([receipt])).batchIds).toEqual([first, second]);
  });

  test('a claim that was settled, again and without a turn’s name', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const claim = await session.claim();
    await claim.complete();
    expect((await refusal(place, 'CLAIM_SUPERSEDED', () => claim.complete())).details['by']).toBeUndefined();
  });

  test('a receipt of another session, and of one that is not there', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const receipt = (await session.claim()).completion();
    const other = place.sessions.get('chat:2');
    await refusal(place, 'INVALID_INPUT', () => other.settle([receipt]));
    const moved = { ...receipt, sessionId: 'chat:2' };
    await refusal(place, 'ACTOR_NOT_FOUND', () => other.settle([moved]));
  });

  test('a receipt that was spoilt where it was kept: its session does not suffer for it', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const receipt = (await session.claim()).completion();
    const { batchIds: _batchIds, ...without } = receipt;
    const wrong: readonly unknown[] = [
      ...[null, 'x', receipt, [null], ['x'], [without]],
      ...[7, 'x', [7], undefined].map((batchIds) => [{ ...receipt, batchIds }]),
      ...['__proto__', 'constructor', 7].map((claimId) => [{ ...receipt, claimId, batchIds: [] }]),
      [{ ...receipt, leaseToken: undefined }],
    ];
    for (const receipts of wrong)
      await refusal(place, 'INVALID_INPUT', () => session.settle(receipts as readonly ClaimReceipt[]));
    for (const id of ['', 'bat_', 'bat_x_y', 'bat_-1_y', '__proto__'])
      await refusal(place, 'CLAIM_SUPERSEDED', () => session.settle([{ ...receipt, batchIds: [id] }]));
    expect((await session.settle([receipt])).batchIds).toEqual(receipt.batchIds);
  });

  test('the receipt of an empty claim settles nothing, and is no error', async () => {
    const { place, session } = await openOne();
    const nothing = (await session.claim()).completion();
    expect(await writingNothing(place, () => session.settle([nothing]))).toMatchObject({ batchIds: [] });
  });

  test('a turn that was committed, with another hash; with the same it is told again', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const claim = await session.claim();
    const settled = await claim.complete({ turnId: 't1', commitHash: 'h1' });
    const again = () => claim.complete({ turnId: 't1', commitHash: 'h2' });
    await refusal(place, 'TURN_COMMIT_CONFLICT', again);
    const repeated = await writingNothing(place, () => claim.complete({ turnId: 't1', commitHash: 'h1' }));
    expect(repeated).toEqual({ ...settled, repeated: true });
  });

  test('a completion that cannot be kept', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const claim = await session.claim();
    const delivery = { deliveryId: 'd1', channel: 'chat', target: '', message: {} };
    const wrong: unknown[] = [
      ...['', 'a\0b', '\ud800', 'x'.repeat(301), 7].map((turnId) => ({ turnId })),
      { turnId: 't1', commitHash: 7 },
      { history: ['a text'] },
      { history: [{ at: 1n }] },
      { history: {} },
      { deliveries: [delivery] },
      { deliveries: [{ ...delivery, target: '42', text: 'hi' }] },
      { histroy: [] },
    ];
    for (const options of wrong)
      await refusal(place, 'INVALID_INPUT', () => claim.complete(options as CompleteOptions));
    expect((await claim.complete({ turnId: 't1' })).repeated).toBe(false);
  });

  test('a rest that is no number of milliseconds', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const claim = await session.claim();
    for (const retryInMs of [-1, 0.5, Number.NaN])
      await refusal(place, 'INVALID_INPUT', () => claim.abandon({ reason: 'x', retryInMs }));
  });
});

describe('turns that are refused', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const delivery = { channel: 'mail', target: 'a', text: 'x' };
  const unfit: readonly (readonly [string, object])[] = [
    ['a number that JSON has no word for', { history: [{ count: 1n }] }],
    ['a circle', { history: [circle] }],
    [
      'a delivery with an id of more bytes than an id has',
      {
        deliveries: [{ ...delivery, deliveryId: '\u65e5'.repeat(200) }],
      },
    ],
  ];
  test.each(unfit)('a commit with %s: its turn goes on', async (_what, reply) => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const turn = await session.turn();
    await refusal(place, 'INVALID_INPUT', () => turn.commit(reply));
    const deliveries = [{ ...delivery, deliveryId: '\u65e5'.repeat(170) }];
    expect((await turn.commit({ deliveries })).repeated).toBe(false);
  });

  test('a commit with something that no commit has: a reply by another name is not lost', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const turn = await session.turn();
    const wrong = { reply: 'hello' } as object;
    expect((await refusal(place, 'INVALID_INPUT', () => turn.commit(wrong))).message).toContain('reply');
    await turn.commit('hello');
    expect((await session.history()).items).toHaveLength(2);
  });

  test('turnActive: one turn at a time, and what waits is told to wait', async () => {
    const { place, session } = await openOne();
    for (const text of ['a', 'b']) await session.enqueue(text);
    const turn = await session.turn();
    const second = await writingNothing(place, () => session.turn());
    expect(second).toMatchObject({ isEmpty: true, refusal: 'turnActive', messages: [] });
    await turn.commit('done');
    expect((await session.turn()).messages).toMatchObject([{ content: 'b' }]);
  });

  test('a checkpoint takes nothing that waits for the commit', async () => {
    const { place, session } = await openOne();
    for (const text of ['a', 'b']) await session.enqueue(text);
    const turn = await session.turn();
    const work = await writingNothing(place, () => turn.checkpoint());
    expect(work).toMatchObject({ isEmpty: true, refusal: 'deliveryBoundaryBlocked' });
  });

  test('a turn that rests says so, and a session without work says that', async () => {
    const { place, session } = await openOne();
    expect((await writingNothing(place, () => session.turn())).refusal).toBe('empty');
    await session.enqueue('a');
    const turn = await session.turn();
    await turn.abandon({ reason: 'the model is away', retryInMs: 5_000 });
    expect((await writingNothing(place, () => session.turn())).refusal).toBe('paused');
  });

  test('what is asked of a turn that was committed or given back', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const given = await session.turn();
    await given.abandon({ reason: 'later' });
    await refusal(place, 'TURN_OVER', () => given.checkpoint());
    await refusal(place, 'TURN_OVER', () => given.commit('late'));
    const turn = await session.turn({ turnId: 't1' });
    await turn.commit('done');
    await refusal(place, 'TURN_OVER', () => turn.checkpoint());
    await refusal(place, 'TURN_COMMIT_CONFLICT', () => turn.commit('done otherwise'));
    expect((await writingNothing(place, () => turn.commit('done'))).repeated).toBe(true);
    expect(await writingNothing(place, () => turn.abandon({ reason: 'late' }))).toBe(false);
    await refusal(place, 'TURN_OVER', () => session.turn({ turnId: 't1' }));
  });

  test('some of a turn’s claims without the others', async () => {
    const { place, session } = await openOne();
    await session.enqueue('a');
    const turn = await session.turn();
    await session.inject('b');
    await turn.checkpoint();
    const [first] = turn.completion();
    if (first === undefined) throw new Error('a turn has a claim');
    await refusal(place, 'INVALID_INPUT', () => session.settle([first], { turnId: turn.turnId }));
    expect((await turn.commit('done')).batchIds).toHaveLength(2);
  });

  test('the commit of a turn whose place a newer message took', async () => {
    const { place, session } = await openOne();
    await session.mode({ mode: 'interrupt' });
    await session.enqueue('a');
    const turn = await session.turn();
    const receipts = turn.completion();
    await session.message('no, b');
    expect(turn.signal.reason).toMatchObject({ code: 'TURN_INTERRUPTED' });
    const late = () => session.settle(receipts, { turnId: turn.turnId, commitHash: 'h' });
    await refusal(place, 'TURN_INTERRUPTED', late);
    await refusal(place, 'TURN_INTERRUPTED', () => turn.checkpoint());
    await expect(turn.commit('done')).rejects.toMatchObject({ code: 'TURN_INTERRUPTED' });
    expect((await session.history()).items).toEqual([]);
    expect((await session.turn()).messages).toMatchObject([{ content: 'no, b' }]);
  });
});
