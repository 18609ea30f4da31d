/** Policies that throw where the outbox asks them: nobody else is held up by one (K14). */
import { expect, it } from 'vitest';
import { openWorld, rowsOf, settled, workflow } from './fixtures.js';

it('K7: an effect whose shares throw waits and is logged; the next one in its pool runs', async () => {
  const ran: number[] = [];
  const shares = (input: unknown): [] => {
    if (Reflect.get(Object(input), 'n') === 0) throw new Error('an input it was not made for');
    return [];
  };
  const machine = workflow(async ({ n }) => ran.push(n));
  const world = await openWorld([{ kind: 'worker', machine, effects: { work: { limit: 1, shares } } }]);
  for (const n of [0, 1, 2]) {
    await world.kernel.create('worker', `w${n}`, { n });
    await world.kernel.send(`worker/w${n}`, { type: 'go' });
  }
  await settled(world);
  expect(ran).toEqual([1, 2]);
  expect(await rowsOf(world.store, 'o')).toHaveLength(1);
  const fields: unknown = expect.objectContaining({ effect: 'worker/w0/2:0' });
  expect(world.logged).toContainEqual(['effect.failed', fields]);
  expect(world.failures).toEqual([]);
});
