/** Jobs and the sessions that asked for them: what a job's end is to the next turn. */
import { expect, test } from 'vitest';
import { buildHouse, delivered, until, video } from './house.js';

test('a job that is done is a cause of its session’s next turn, in the words of its history', async () => {
  const house = await buildHouse();
  const runtime = await house.open({ sessions: { attemptsMax: 7 } });
  const session = runtime.sessions.get('chat:1');
  const job = await runtime.jobs.submit(video());
  await delivered(runtime, job);
  await until(runtime, async () => (await session.list()).items.length > 0);
  const { items } = await session.list();
  expect(items).toMatchObject([
    {
      kind: 'wake',
      deliver: 'earliestSafeBoundary',
      slot: 'exclusive',
      sourceKey: `process:${job.id}:event:1:wake`,
      items: [{ payload: { type: 'processWake', processId: job.id, sequence: 1, eventType: 'job.done' } }],
    },
  ]);
  const turn = await session.turn();
  const { items: written } = await session.history();
  const text = String(Reflect.get(Object(written[0]?.entry), 'content'));
  expect(turn).toMatchObject({ messages: [], turnCauses: [{ eventType: 'job.done' }] });
  expect(JSON.parse(turn.turnCauses[0]?.text ?? '')).toMatchObject({ status: 'done', text });
  await turn.commit('here it is');
  // Its number is settled: it wakes nobody again, whoever says so.
  const again = { processId: job.id, sequence: 1, eventType: 'job.done', input: {} };
  await expect(session.wake(again)).rejects.toMatchObject({ code: 'WAKE_HANDLED' });
  const actor = await runtime.inspect.snapshot('session/chat:1');
  expect(actor?.snapshot.context).toMatchObject({ attemptsMax: 7 });
});

test('a job that is to wake nobody is in the history of its session, and makes it no work', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ wakeSession: false }));
  await delivered(runtime, job);
  const session = runtime.sessions.get('chat:1');
  expect((await session.history()).items).toHaveLength(1);
  expect(await runtime.inspect.snapshot('session/chat:1')).toBeUndefined();
});

test('a job has no session whose key no session could have', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  // 501 bytes, and fewer characters.
  for (const sessionKey of ['x'.repeat(501), `${'ü'.repeat(250)}x`]) {
    const refused = runtime.jobs.submit(video({ sessionKey }));
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field: 'sessionKey' } });
  }
  const job = await runtime.jobs.submit(video({ sessionKey: 'ü'.repeat(250) }));
  await job.settled();
  const session = runtime.sessions.get('ü'.repeat(250));
  await until(runtime, async () => (await session.list()).items.length === 1);
});
