/** Calls of an actor whose record is damaged: they are refused, and nobody else's are. */
import { expect, test } from 'vitest';
import { keys } from '../../src/store/keys.js';
import { openWorld, settled, workflow } from './fixtures.js';

test('a creation under the id of a damaged actor is refused as any call is, and it is listed', async () => {
  const kinds = [{ kind: 'workflow', machine: workflow(async () => 1) }];
  const world = await openWorld(kinds);
  await world.kernel.create('workflow', 'a', { n: 1 });
  await world.disk.corrupt(keys.record('workflow/a'), (stored) => `${stored}?`);
  await world.crash(kinds);
  const again = world.kernel.create('workflow', 'a', { n: 1 });
  await expect(again).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
  await settled(world);
  expect(await world.store.get(keys.index('quarantine', ['workflow'], 'workflow/a'))).toBe('"workflow/a"');
});

test('a record of a wrong shape stops its own actor alone, whatever its checksum says', async () => {
  const kinds = [{ kind: 'workflow', machine: workflow(async () => 1) }];
  const world = await openWorld(kinds);
  for (const parts of [{ seq: 0.5 }, { seq: undefined }, { timers: 'x' }, { effects: [1] }, { marks: [] }]) {
    await world.kernel.create('workflow', 'a', { n: 1 });
    const key = keys.record('workflow/a');
    const record = JSON.parse((await world.store.get(key)) ?? '{}') as object;
    const write = (value: string): Promise<void> =>
      world.store.commit({ number: world.store.lastCommit + 1, rows: [{ key, value }], expect: [] });
    await write(JSON.stringify({ ...record, ...parts }));
    await world.crash(kinds);
    const sent = world.kernel.send('workflow/a', { type: 'go' });
    await expect(sent).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    await world.kernel.create('workflow', 'b', { n: 1 });
    expect(world.failures).toEqual([]);
    await write(JSON.stringify(record));
    await world.crash(kinds);
  }
});
