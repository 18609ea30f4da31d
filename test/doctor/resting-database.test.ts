/** The database that the doctor reads from end to end: opened anew, and the same to its reader. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { restingDatabase } from '../../src/store/doctor/resting-database.js';
import { openLevelDatabase } from '../../src/store/level-store.js';
import { newDirectory } from '../store/place.js';

test('it rests between reads, loses no row by it, and is closed when its reader closes it', async () => {
  const path = join(await newDirectory(), 'db');
  let opened = 0;
  const open = () => {
    opened += 1;
    return openLevelDatabase(path, { sync: false, createIfMissing: true });
  };
  const database = await restingDatabase(open, 100);
  const rows = Array.from({ length: 20 }, (_unused, at) => ({ key: `k${at + 10}`, value: 'v'.repeat(40) }));
  await database.write(rows);
  const found: string[] = [];
  for (const { key } of rows) {
    for (const [read] of await database.read({ gte: key, lt: `${key}~`, limit: 5 })) found.push(read);
  }
  expect(found).toEqual(rows.map(({ key }) => key));
  expect(await database.getMany(['k10', 'none', 'k29'])).toEqual([
    rows[0]?.value,
    undefined,
    rows[19]?.value,
  ]);
  expect(database.get('k15')).toBe(rows[5]?.value);
  expect(opened).toBeGreaterThan(5);
  await database.close();
  // Whoever comes next finds it free.
  await (await open()).close();
});
