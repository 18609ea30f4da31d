/**
 * A database that says it is full, as LevelDB does: what callers hear, and what is there when there is room
 * again. Whether the refused batch was written or not, both ways.
 */
import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.js';
import { Kernel } from '../../src/actors/kernel/index.js';
import { silentLogger } from '../../src/log.js';
import { createMemoryDisk, type MemoryDisk } from '../../src/store/index.js';
import { openRowStore } from '../../src/store/row-store.js';
import type { Store } from '../../src/store/store.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { workflow } from '../kernel/fixtures.js';

type Fullness = 'room' | 'refuses' | 'writes and refuses';

/** What classic-level 3.0.0 throws on a full tmpfs, word for word but the path. */
function noSpace(): Error {
  const message = 'IO error: /data/db/000003.log: No space left on device';
  return Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' });
}

interface Place {
  readonly disk: MemoryDisk;
  fullness: Fullness;
}

async function openOn(place: Place): Promise<{ readonly store: Store; readonly kernel: Kernel }> {
  const database = await place.disk.attach();
  const write: typeof database.write = async (rows) => {
    if (place.fullness !== 'refuses') await database.write(rows);
    if (place.fullness !== 'room') throw noSpace();
  };
  const store = await openRowStore({ database: { ...database, write }, purpose: 'run', mayBeEmpty: true });
  const kernel = await Kernel.open({ store, clock: createSimulatedClock(), log: silentLogger });
  kernel.define({ kind: 'flow', machine: workflow(async () => 1) });
  await kernel.start();
  return { store, kernel };
}

describe.each(['refuses', 'writes and refuses'] as const)('a disk that %s', (full) => {
  test('is STORE_FULL for who sends, who waits and who comes later, and fails the store once', async () => {
    const place: Place = { disk: createMemoryDisk(), fullness: 'room' };
    const { store, kernel } = await openOn(place);
    const failures: unknown[] = [];
    kernel.onFailure((error) => failures.push(error));
    await kernel.create('flow', 'a', { n: 1 });
    const waiting = kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'done');
    place.fullness = full;
    const told = await Promise.allSettled([
      kernel.send('flow/a', { type: 'add', by: 1 }),
      kernel.send('flow/a', { type: 'add', by: 1 }),
      waiting,
    ]);
    const codes = told.map((one) => (one.status === 'rejected' ? codeOf(one.reason) : one.status));
    expect(codes).toEqual(['STORE_FULL', 'STORE_FULL', 'STORE_FULL']);
    place.fullness = 'room';
    await expect(kernel.send('flow/a', { type: 'go' })).rejects.toMatchObject({ code: 'STORE_FULL' });
    await expect(store.commit({ number: store.lastCommit + 1, rows: [], expect: [] })).rejects.toMatchObject({
      code: 'STORE_FULL',
    });
    expect(failures).toEqual([expect.objectContaining({ code: 'STORE_FULL' })]);
    await kernel.close(0);
    await store.close();
  });

  test('loses nothing acknowledged, and takes what is repeated under its id once', async () => {
    const place: Place = { disk: createMemoryDisk(), fullness: 'room' };
    const first = await openOn(place);
    await first.kernel.create('flow', 'a', { n: 1 });
    await first.kernel.send('flow/a', { type: 'add', by: 10 }, { id: 'acknowledged' });
    place.fullness = full;
    const refused = first.kernel.send('flow/a', { type: 'add', by: 100 }, { id: 'refused' });
    await expect(refused).rejects.toMatchObject({ code: 'STORE_FULL' });
    await first.kernel.close(0);
    await first.store.close();

    await expect(openOn(place)).rejects.toMatchObject({ code: 'STORE_FULL' });
    place.disk.cutPower();
    place.fullness = 'room';
    const second = await openOn(place);
    await second.kernel.send('flow/a', { type: 'add', by: 100 }, { id: 'refused' });
    await second.kernel.send('flow/a', { type: 'add', by: 10 }, { id: 'acknowledged' });
    expect((await second.kernel.snapshot('flow/a'))?.snapshot.context).toMatchObject({ n: 111 });
    await second.kernel.close(0);
    await second.store.close();
  });
});

function codeOf(error: unknown): string {
  return isHoldfastError(error) ? error.code : String(error);
}
