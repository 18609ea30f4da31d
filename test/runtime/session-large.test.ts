/** What a turn may take it can commit: long inputs, and many of them. */
import { expect, test } from 'vitest';
import { openOne } from './session-place.js';

const KIB = 1_024;
const joining = { slot: 'join', merge: 'payloadDefault' } as const;

test('a turn of as many long inputs as one claim takes is committed', async () => {
  const { place, session } = await openOne();
  const text = 'x'.repeat(255 * KIB);
  for (let count = 0; count < 64; count += 1) await session.enqueue(text, joining);
  const turn = await session.turn();
  expect(turn.messages).toHaveLength(64);
  await turn.commit('read');
  const again = (await place.crash()).sessions.get(session.key);
  expect((await again.history({ newestFirst: true, limit: 1 })).items).toMatchObject([
    { entry: { role: 'assistant', content: 'read' } },
  ]);
  expect(await again.view()).toMatchObject({ state: 'empty', counts: { batches: 0, completed: 64 } });
}, 60_000);

test('a turn of thousands of inputs is committed', async () => {
  const { session } = await openOne();
  const payloads = Array.from({ length: 64 }, () => ({ type: 'turnInput' as const, items: [{ text: 'x' }] }));
  for (let count = 0; count < 20; count += 1) await session.enqueueDraft({ payloads, ...joining });
  const turn = await session.turn();
  expect(turn.messages).toHaveLength(1_280);
  expect((await turn.commit('read')).batchIds).toHaveLength(20);
});
