/** Creating an actor again whose record is damaged. */
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
