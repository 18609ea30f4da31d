/** A store that lets its readers wait, as one behind a network does, under a kernel. */
import { expect, test } from 'vitest';
import { openWorld, reading, workflow } from './fixtures.js';

test('a read that fails while an actor is created is told to its caller, and ends nobody else', async () => {
  const kind = { kind: 'workflow', machine: workflow(async () => 1) };
  let fails = false;
  const world = await openWorld([kind], (store) =>
    reading(store, {
      get: async (key) => {
        if (fails && key.startsWith('s')) throw new Error('the network is gone');
        return store.get(key);
      },
    }),
  );
  fails = true;
  await expect(world.kernel.create('workflow', 'a', { n: 1 })).rejects.toThrow('the network is gone');
  fails = false;
  await world.kernel.create('workflow', 'a', { n: 1 });
  expect((await world.kernel.snapshot('workflow/a'))?.record.seq).toBe(1);
});
