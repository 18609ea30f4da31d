/** Capsules of parents and children: none of them reaches the family it was exported from. */
import { expect, test } from 'vitest';
import { sendParent, setup } from 'xstate';
import { expectReplay } from '../../src/testing/index.js';
import { rowsOf, settled } from '../kernel/fixtures.js';
import { openPlace, reread, type Place } from './places.js';

const kid = setup({}).createMachine({
  id: 'kid',
  context: {},
  initial: 'busy',
  states: {
    busy: { on: { call: { actions: sendParent({ type: 'called' }) }, end: 'over' } },
    over: { type: 'final' },
  },
});

const parent = setup({ actors: { kid } }).createMachine({
  id: 'parent',
  version: '1',
  context: {},
  initial: 'waiting',
  states: {
    waiting: {
      invoke: { id: 'kid', src: 'kid', onDone: 'glad', onError: 'sad' },
      on: { called: 'called', leave: 'left' },
    },
    called: {},
    glad: {},
    sad: {},
    left: {},
  },
});

const definition = { kind: 'parent', machine: parent };
const child = 'parent.kid/1/kid@1:0';

async function family(): Promise<Place> {
  const place = await openPlace([definition]);
  await place.kernel.create('parent', '1', undefined);
  await settled(place);
  return place;
}

const stateOf = async (place: Place, address: string): Promise<unknown> =>
  (await place.kernel.snapshot(address))?.snapshot.value;

test('a parent comes in alone, when that is agreed to, and hears that its children failed', async () => {
  const source = await family();
  const capsule = reread(await source.capsules().export('parent/1'));
  expectReplay(parent, capsule);
  const place = await openPlace([definition]);
  await expect(place.capsules().import(capsule)).rejects.toMatchObject({
    code: 'CAPSULE_UNFIT',
    message: expect.stringContaining('children: "failed"') as unknown,
  });
  await place.capsules().import(capsule, { children: 'failed' });
  await place.crash([definition]);
  expect(await stateOf(place, 'parent/1')).toBe('waiting');
  await place.kernel.operate('resume', 'parent/1', 'ann');
  await settled(place);
  expect(await stateOf(place, 'parent/1')).toBe('sad');
  expect(await rowsOf(place.store, 'i')).toEqual([]);
});

test('beside the family it was exported from, a copy stops and tells nobody of it', async () => {
  const place = await family();
  const copy = reread(await place.capsules().export('parent/1'));
  await place.capsules().import(copy, { id: 'copy', children: 'failed' });
  await place.kernel.operate('resume', 'parent/copy', 'ann');
  await settled(place);
  expect(await stateOf(place, child)).toBe('busy');
  const kidCopy = reread(await place.capsules().export(child));
  expectReplay(kid, kidCopy);
  await place.capsules().import(kidCopy, { id: 'orphan' });
  await place.kernel.operate('resume', 'parent.kid/orphan', 'ann');
  await place.kernel.send('parent.kid/orphan', { type: 'call' });
  await place.kernel.send('parent.kid/orphan', { type: 'end' });
  await settled(place);
  expect(await stateOf(place, 'parent/1')).toBe('waiting');
  expect(await stateOf(place, 'parent.kid/orphan')).toBe('over');
  expect(await rowsOf(place.store, 'i')).toEqual([]);
  await place.kernel.send(child, { type: 'end' });
  await settled(place);
  expect(await stateOf(place, 'parent/1')).toBe('glad');
});

test('what waits for an actor is in its capsule', async () => {
  const place = await family();
  await place.kernel.send(child, { type: 'unknown' });
  const waiting = reread(await place.capsules().export('parent/1'));
  expect(waiting.inbox).toEqual([]);
  const broken = await openPlace([definition]);
  await broken.capsules().import(waiting, { children: 'failed' });
  const again = reread(await broken.capsules().export('parent/1'));
  expect(again.inbox.map(({ row }) => row)).toMatchObject([
    { type: 'event', event: { type: 'xstate.error.actor.kid' }, from: '1:0' },
  ]);
});
