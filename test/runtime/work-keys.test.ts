/** Keys of items on a disk that dies, or cannot be read: what is answered is so, and nothing is half done. */
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger, type Runtime } from '../../src/index.js';
import { openOver } from '../../src/runtime.js';
import { openMemoryStore } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import type { Store } from '../../src/store/store.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { reading } from '../kernel/fixtures.js';
import { createDyingDisk } from './dying-disk.js';

async function openedOn(store: Store): Promise<Runtime> {
  const runtime = await openOver(store, {
    ...{ directory: '/nowhere', control: false, log: silentLogger, clock: createSimulatedClock() },
  });
  onTestFinished(() => runtime.close({ timeoutMs: 0 }));
  return runtime;
}

test('a key gives no item that is not on disk', async () => {
  const { disk, dieAt } = createDyingDisk();
  const { work } = await openedOn(await openMemoryStore({ disk }));
  dieAt('before', 1);
  const asked = ['first', 'second'].map((payload) => work.enqueue('a', payload, { dedupeKey: 'key' }));
  const ends = await Promise.allSettled(asked);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('a key that cannot be read keeps all of its call from being written', async () => {
  const store = await openMemoryStore();
  const unreadable = keys.index('work.key', ['a', 'bad'], '');
  const get = (key: string): ReturnType<Store['get']> => {
    if (key === unreadable) throw new Error('the disk is away');
    return store.get(key);
  };
  const { work } = await openedOn(reading(store, { get }));
  const items = [{ kind: 'a' }, { kind: 'a', dedupeKey: 'good' }, { kind: 'a', dedupeKey: 'bad' }];
  await expect(work.enqueueMany(items)).rejects.toThrow('the disk is away');
  expect((await work.counts()).all.ready).toBe(0);
});
