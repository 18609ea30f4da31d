import { describe, expect, it } from 'vitest';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';
import { keepers } from './keeper.js';

async function openKeepers(...ids: readonly string[]): Promise<World & { readonly freed: string[] }> {
  const world = await openWorld([keepers]);
  const freed: string[] = [];
  world.kernel.onUnreferenced((file) => freed.push(file));
  for (const id of ids) await world.kernel.create('keeper', id, {});
  return Object.assign(world, { freed });
}

const holdsIn = async ({ store }: World): Promise<readonly string[]> =>
  (await rowsOf(store, 'a', 'f')).map(([key]) => key.replaceAll('\0', ' '));

describe('files that actors hold (K8)', () => {
  it('K8: a hold is written by the step that asks for it, as two rows, once however often', async () => {
    const world = await openKeepers('k');
    const before = world.store.lastCommit;
    await world.kernel.send('keeper/k', { type: 'hold', name: 'one', files: ['a.png', 'b.png'] });
    expect(world.store.lastCommit - before).toBe(1);
    await world.kernel.send('keeper/k', { type: 'hold', name: 'one', files: ['a.png'] });
    expect(await holdsIn(world)).toEqual([
      'a a.png keeper/k one',
      'a b.png keeper/k one',
      'f keeper/k one a.png',
      'f keeper/k one b.png',
    ]);
    expect(world.freed).toEqual([]);
  });

  it('K8: a file is free when its last hold goes, of whichever name and actor, and not before', async () => {
    const world = await openKeepers('k', 'l');
    await world.kernel.send('keeper/k', { type: 'hold', name: 'one', files: ['a.png'] });
    await world.kernel.send('keeper/k', { type: 'hold', name: 'two', files: ['a.png'] });
    await world.kernel.send('keeper/l', { type: 'hold', name: 'one', files: ['a.png'] });
    for (const [who, name] of [
      ['k', 'one'],
      ['l', 'one'],
    ] as const) {
      await world.kernel.send(`keeper/${who}`, { type: 'release', name, files: ['a.png'] });
      await settled(world);
      expect(world.freed).toEqual([]);
    }
    await world.kernel.send('keeper/k', { type: 'release', name: 'two', files: ['a.png'] });
    await settled(world);
    expect(world.freed).toEqual(['a.png']);
    expect(await holdsIn(world)).toEqual([]);
  });

  it('K8: a step that moves a file from one hold to another lets nobody think that it is free', async () => {
    const world = await openKeepers('k');
    await world.kernel.send('keeper/k', { type: 'hold', name: 'one', files: ['a.png'] });
    await world.kernel.send('keeper/k', { type: 'move' });
    await settled(world);
    expect(world.freed).toEqual([]);
    expect(await holdsIn(world)).toEqual(['a a.png keeper/k two', 'f keeper/k two a.png']);
  });

  it('K8: an actor that ended holds its files until its rows go, and then none', async () => {
    const world = await openKeepers('k', 'kk');
    await world.kernel.send('keeper/k', { type: 'hold', name: 'one', files: ['a.png', 'b.png'] });
    await world.kernel.send('keeper/kk', { type: 'hold', name: 'one', files: ['b.png'] });
    await world.kernel.send('keeper/k', { type: 'end' });
    await world.clock.advance(999);
    expect(world.freed).toEqual([]);
    await world.clock.advance(1);
    await settled(world);
    expect(world.freed).toEqual(['a.png']);
    expect(await holdsIn(world)).toEqual(['a b.png keeper/kk one', 'f keeper/kk one b.png']);
  });

  it('K8: files that are no list of names stop the actor that asks, and nothing is written', async () => {
    const world = await openKeepers('k');
    const sent = world.kernel.send('keeper/k', { type: 'bad' });
    await expect(sent).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    expect(await holdsIn(world)).toEqual([]);
  });
});
