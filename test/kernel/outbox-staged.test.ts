/** Effects that are asked for and not on disk yet: a pool that is being read finds them, and waits (K1). */
import { expect, test } from 'vitest';
import { fromPromise, setup } from 'xstate';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { reservedActions } from '../../src/machines/reserved.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import type { Store } from '../../src/store/store.js';
import { openWorld, settled } from './fixtures.js';

function asker(): DefinitionOptions {
  const machine = setup({ actions: reservedActions }).createMachine({
    id: 'asker',
    version: '1',
    on: { ask: { actions: { type: 'actor.create', params: { kind: 'late', id: 'a', input: {} } } } },
  });
  return { kind: 'asker', machine };
}

/** Works as soon as it is there; `ran` says that it did. */
function worker(kind: string, ran: () => void): DefinitionOptions {
  const work = fromPromise(async () => ran());
  const machine = setup({ actors: { work } }).createMachine({
    id: kind,
    version: '1',
    invoke: { src: 'work' },
  });
  return { kind, machine };
}

async function opened(definitions: readonly DefinitionOptions[]) {
  const stores: FaultyStore[] = [];
  const wrap = (inner: Store): Store => {
    const store = faultyStore(inner);
    stores.push(store);
    return store;
  };
  const world = await openWorld(definitions, wrap);
  const [store] = stores;
  if (store === undefined) throw new Error('there is a store');
  return { world, store };
}

test('an effect that a recovery finds among staged rows runs after its commit, not before (K1)', async () => {
  const { world, store } = await opened([asker()]);
  await world.kernel.create('asker', 'a', {});
  await world.kernel.send('asker/a', { type: 'ask' });
  const hold = store.hold();
  let runs = 0;
  world.kernel.define(worker('late', () => (runs += 1)));
  await hold.reached;
  await settled(world);
  expect(runs).toBe(0);
  hold.release();
  await settled(world);
  expect(runs).toBe(1);
});

test('an effect that is hurried before its commit runs after it (K1)', async () => {
  let runs = 0;
  const { world, store } = await opened([worker('late', () => (runs += 1))]);
  const hold = store.hold();
  const created = world.kernel.create('late', 'a', {});
  await hold.reached;
  const hurried = world.kernel.hurry('late/a');
  await settled(world);
  expect(runs).toBe(0);
  hold.release();
  await Promise.all([created, hurried]);
  await settled(world);
  expect(runs).toBe(1);
});
