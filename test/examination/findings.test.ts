/** Each finding: the damage that makes it, what is found then, and what the repair leaves. */
import { describe, expect, it } from 'vitest';
import type { ActorRecord } from '../../src/actors/kernel/index.js';
import { damagesAround } from './damages-around.js';
import { C, damagesOfActors } from './damages-of-actors.js';
import { openHousehold, type Household } from './household.js';

describe('an examination of rows', () => {
  it('finds nothing in a store that was left alone', async () => {
    const house = await openHousehold();
    expect(await house.findings()).toEqual([]);
  });

  it.each([...damagesOfActors, ...damagesAround])(
    'finds $code where $when, and mends what can be',
    async (one) => {
      const { code, damage, besides = [], left = [], held, notes = 3 } = one;
      const house = await openHousehold({ notes });
      await damage(house);
      const codes = await house.codes();
      expect(codes).toEqual([...besides, code].toSorted());
      await house.repair();
      expect(await house.codes()).toEqual(left);
      const stands = await standing(house);
      expect(stands).toEqual([C, ...(held === undefined ? [] : [held])].toSorted());
      const world = await house.reopen();
      await world.kernel.send('house/d', { type: 'add' });
      expect(world.failures).toEqual([]);
    },
  );
});

/** Who stands still, by record and by list. */
async function standing(house: Household): Promise<readonly string[]> {
  const records = (await house.rows('s')).map(([key, text]) => ({
    address: key.slice(2),
    record: JSON.parse(text) as ActorRecord,
  }));
  const listed = (await house.rows('q')).filter(([key]) => key.startsWith('q\0quarantine\0'));
  const found = records.filter(({ record }) => record.quarantine !== undefined);
  expect(listed.map(([, text]) => String(JSON.parse(text))).toSorted()).toEqual(
    found.map(({ address }) => address).toSorted(),
  );
  return found.map(({ address }) => address).toSorted();
}
