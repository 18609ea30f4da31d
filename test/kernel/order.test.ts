/** What was sent first is taken first, although a crash or a quarantine left it on the disk meanwhile. */
import { expect, it } from 'vitest';
import { limits } from '../../src/limits.js';
import type { Store } from '../../src/store/store.js';
import { deferred, openWorld, reading, rowsOf, settled, type World } from './fixtures.js';
import { codeOf, fragileKind, replays, teller } from './poisons.js';

const A = 'fragile/a';

/** A store whose inbox scans wait while the gate is closed. */
function gated(gate: { closed: Promise<void> | undefined }): (store: Store) => Store {
  return (store) =>
    reading(store, {
      scan: async (options) => {
        const page = await store.scan(options);
        if (options.gte.startsWith('i\0')) await gate.closed;
        return page;
      },
    });
}

const tell = (world: World, count: number): Promise<unknown> =>
  world.kernel.send('teller/t', { type: 'tell', what: { type: 'ok' }, count });

async function takenInOrder(world: World, from: number): Promise<void> {
  const entries = (await world.kernel.reader.journal(A)).filter(({ event }) => event.type === 'ok');
  const steps = entries.map(({ eventId }) => eventId.slice('teller/t/'.length));
  const sorted = steps.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  expect(steps).toEqual(sorted);
  expect(steps.length).toBe(from);
  expect(await rowsOf(world.store, 'i')).toEqual([]);
  await replays(world, A);
}

it('when an actor goes on that stood still', async () => {
  const gate: { closed: Promise<void> | undefined } = { closed: undefined };
  const world = await openWorld([fragileKind(), teller()], gated(gate));
  await world.kernel.create('fragile', 'a', { n: 0 });
  await world.kernel.create('teller', 't', undefined);
  await codeOf(world.kernel.send(A, { type: 'poison', how: 'guard' }));
  for (let n = 0; n < 3; n += 1) await tell(world, 1);
  const open = deferred<void>();
  gate.closed = open.promise;
  await world.kernel.operate('skip', A, 'ann');
  for (let n = 0; n < 3; n += 1) await tell(world, 1);
  await settled(world);
  gate.closed = undefined;
  open.resolve();
  await settled(world);
  await takenInOrder(world, 6);
});

it.each([1, limits.scanPageRows + 10])('when a kind is defined late, and %i more come', async (count) => {
  const gate: { closed: Promise<void> | undefined } = { closed: undefined };
  const world = await openWorld([fragileKind(), teller()], gated(gate));
  await world.kernel.create('fragile', 'a', { n: 0 });
  await world.kernel.create('teller', 't', undefined);
  await world.crash([teller()]);
  for (let n = 0; n < 3; n += 1) await tell(world, 1);
  const open = deferred<void>();
  gate.closed = open.promise;
  world.kernel.define(fragileKind());
  await tell(world, count);
  await tell(world, 1);
  await settled(world);
  gate.closed = undefined;
  open.resolve();
  for (let turn = 0; turn < 5; turn += 1) await settled(world);
  await takenInOrder(world, 4 + count);
});
