/**
 * Events that other actors send to a session, unchecked: what no session can take changes nothing, and the
 * conversation goes on.
 */
import { expect, test } from 'vitest';
import { openOne, writingNothing } from './session-place.js';

const draft = {
  ...{
    nonce: 'n',
    deliver: 'A',
    slot: 'X',
    merge: 'N',
    kind: 'input',
    items: 1,
    availableAt: 0,
    digest: 'd',
  },
};
const claim = {
  ...{ claimId: 'c', ownerId: 'o', leaseToken: 'l', boundary: 'idle', max: 1, wanted: 'turn', ttlMs: 1_000 },
};
const proof = { claimId: 'c', leaseToken: 'l', batchIds: [] };

const enqueues: readonly object[] = [
  ...[{}, { draft: 1 }, { draft: {} }, { draft: { ...draft, availableAt: -1 } }],
  { draft: { ...draft, nonce: 'a\0b' } },
  { draft: { ...draft, merge: 5 } },
  { draft: { ...draft, wakes: [{ process: 'p' }] } },
  { draft: { ...draft, files: ['\ud800'] } },
  ...[
    { draft, row: {} },
    { draft, row: { payloads: [{ type: 'note' }] } },
    { draft, row: [] },
  ],
];
const claims: readonly object[] = [{}, { claim: {} }, { claim: { ...claim, max: '1' } }, { claim: null }];
const ends: readonly object[] = [
  ...[{}, { claims: 1 }, { claims: [{}] }, { claims: [{ ...proof, batchIds: [1] }] }],
];
const malformed: readonly (readonly [string, readonly object[]])[] = [
  ['session.enqueue', enqueues],
  ['message.arrived', [{}, { draft }, { draft, channel: 3, line: '' }, { draft: {}, channel: '', line: '' }]],
  ['mode.set', [{}, { settings: { mode: 'loud' } }, { settings: { cap: 0 } }, { settings: {}, channel: 1 }]],
  ['claim.take', claims],
  ['turn.begin', [...claims, { claim }, { claim, turnId: '' }]],
  ['turn.checkpoint', [...claims, { claim, turnId: 'a\0b' }]],
  ['claim.renew', [{}, { claim: { claimId: 'c' } }]],
  ['claims.abandon', [...ends, { claims: [], retryInMs: -1 }]],
  ['claims.complete', [...ends, { claims: [], history: 5 }, { claims: [], deliveries: [{}] }]],
  ['generation.began', [{}, { epoch: 'now' }]],
  ['generation.ended', [{}]],
];

test.each(malformed)('%s without what it needs is refused, and nothing is written', async (type, all) => {
  const { place, session } = await openOne();
  await session.enqueue('one');
  for (const fields of all) {
    const sent = await writingNothing(place, () =>
      place.parts.kernel.send('session/chat:1', { type, ...fields } as { readonly type: string }),
    );
    expect(sent, JSON.stringify(fields)).toMatchObject({ accepted: false });
  }
  const turn = await session.turn();
  expect((await turn.commit('done')).batchIds).toHaveLength(1);
});

const strange: readonly object[] = [
  { type: 'batch.cancel' },
  { type: 'batch.retry', batchId: 5 },
  { type: 'turn.released' },
  { type: 'claim.renew', claim: { ...proof, claimId: 'constructor' } },
  { type: 'claims.complete', claims: [{ ...proof, claimId: '__proto__' }] },
  { type: 'claims.abandon', claims: [proof], retryInMs: 1 },
  { type: 'claims.complete', claims: [], turnId: 't' },
  { type: 'session.renamed' },
];

test.each(strange)('%j finds nothing to change', async (event) => {
  const { place, session } = await openOne();
  await session.enqueue('one');
  const before = await session.view();
  await place.parts.kernel.send('session/chat:1', event as { readonly type: string });
  expect(await session.view()).toEqual(before);
});

test('work that another actor brings is taken with the row that it comes with', async () => {
  const { place, session } = await openOne();
  await session.enqueue('one');
  const row = { payloads: [{ type: 'turnInput', items: [{ text: 'two' }] }] };
  await place.parts.kernel.send('session/chat:1', { type: 'session.enqueue', draft, row });
  const { items } = await session.list();
  expect(items[1]?.items[0]?.payload).toEqual(row.payloads[0]);
});
