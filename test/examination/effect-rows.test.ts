/** The outbox, looked through for the effects of many actors. */
import { expect, it } from 'vitest';
import { EffectRows } from '../../src/actors/examination/effect-rows.js';
import { Reading } from '../../src/actors/examination/reading.js';
import { createMemoryDisk, keys, openMemoryStore, ordOf } from '../../src/store/index.js';

const ACTORS = 60;

function addressOf(index: number): string {
  return `house/${String((index * 7) % ACTORS).padStart(3, '0')}`;
}

it('tells every actor’s effects, oldest first, in a few readings of the outbox for all', async () => {
  const store = await openMemoryStore({ disk: createMemoryDisk() });
  const rows = Array.from({ length: 3 * ACTORS }, (_unused, index) => {
    const row = { address: addressOf(index), id: `${index}:0`, child: 'hand', src: 'work' };
    return { key: keys.effect('house', `p${index % 4}`, ordOf(index, 0)), value: JSON.stringify(row) };
  });
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  let scans = 0;
  const counted = {
    get: (key: string) => store.get(key),
    getMany: (wanted: readonly string[]) => store.getMany(wanted),
    scan: (options: Parameters<typeof store.scan>[0]) => {
      if (options.gte === keys.effect('house', '', '').slice(0, 8)) scans += 1;
      return store.scan(options);
    },
  };
  const effects = new EffectRows(new Reading(counted, {}), 20);
  const wanted = Array.from({ length: ACTORS }, (_unused, index) => addressOf(index));
  for (const address of [...wanted.toSorted(), ...wanted.slice(0, 5)]) {
    const found = (await effects.of(address)).map(({ id }) => Number.parseInt(id, 10));
    expect(found).toEqual(rows.flatMap((_row, index) => (addressOf(index) === address ? [index] : [])));
  }
  // Three rows an actor, twenty at hand, and five that are asked for out of order.
  expect(scans).toBeGreaterThan(1);
  expect(scans).toBeLessThan(20);
  expect(await effects.of('house/nobody')).toEqual([]);
  await store.close();
});
