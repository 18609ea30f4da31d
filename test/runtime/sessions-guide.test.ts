/** What docs/guide-sessions.md says, run: its code is in examples/sessions, and the agent in test/crash. */
import { expect, test } from 'vitest';
import { handOut, takeBack } from '../../examples/sessions/elsewhere.js';
import { fill, remark, talk } from '../../examples/sessions/ways-in.js';
import { buildHouse } from './house.js';

test('what comes in stands in its order, each with its policies and its name', async () => {
  const runtime = await (await buildHouse()).open();
  const chat = await fill(runtime);
  const { items } = await chat.list();
  expect(items.map(({ sourceKey, kind, deliver, slot }) => [sourceKey, kind, deliver, slot])).toEqual([
    ['host:update-8812', 'input', 'afterCurrentTurnCommit', 'exclusive'],
    ['injection:update-8813', 'input', 'earliestSafeBoundary', 'join'],
    ['process:import-7:event:1:wake', 'wake', 'earliestSafeBoundary', 'exclusive'],
    ['command:refreshToolSurface:tools-3', 'command', 'afterCurrentTurnCommit', 'exclusive'],
  ]);
  expect(await remark(chat, 'look at the roof', 0)).toBe(true);
  expect(await remark(chat, 'look at the roof', 0)).toBe(false);
});

test('messages wait under the mode of their channel', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const chat = runtime.sessions.get('telegram:42');
  await talk(chat);
  expect(await chat.view()).toMatchObject({
    mode: { mode: 'steer' },
    channels: { group: { mode: 'collect' } },
  });
  const { items } = await chat.list();
  expect(items.map(({ state }) => state)).toEqual(['ready', 'future']);
});

test('what another process brings back is written once, however often it comes', async () => {
  const runtime = await (await buildHouse()).open();
  const chat = runtime.sessions.get('telegram:42');
  expect(await handOut(runtime, chat.key)).toBe('empty');
  await chat.enqueue('count the bricks');
  const errand = await handOut(runtime, chat.key);
  if (typeof errand !== 'object') throw new Error('there is work to hand out');
  expect(errand.texts[0]).toContain('count the bricks');
  expect(await takeBack(runtime, errand, '40,212')).toBe(true);
  expect(await takeBack(runtime, errand, '40,212')).toBe(false);
  const { items } = await chat.history();
  expect(items.map(({ entry }) => entry)).toEqual([{ role: 'assistant', content: '40,212' }]);
  await expect(takeBack(runtime, errand, 'twelve')).rejects.toMatchObject({ code: 'TURN_COMMIT_CONFLICT' });
});
