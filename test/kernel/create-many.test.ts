import { describe, expect, it } from 'vitest';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { openWorld, workflow, type World } from './fixtures.js';

function world(): Promise<World> {
  return openWorld([{ kind: 'flow', machine: workflow(async ({ n }) => n * 2) }]);
}

describe('creating many', () => {
  it('makes them in one commit, with an outcome each in the order asked', async () => {
    const { kernel, store } = await world();
    const before = store.lastCommit;
    const wanted = Array.from({ length: 100 }, (_unused, index) => ({
      id: `a${index}`,
      input: { n: index },
    }));
    const outcomes = await kernel.createMany('flow', wanted);
    expect(store.lastCommit - before).toBe(1);
    expect(outcomes).toHaveLength(100);
    expect(outcomes.every(({ seq, accepted }) => seq === 1 && accepted)).toBe(true);
    expect((await kernel.snapshot('flow/a99'))?.snapshot.context).toMatchObject({ n: 99 });
  });

  it('says which of them were there before', async () => {
    const { kernel } = await world();
    await kernel.create('flow', 'old', { n: 1 });
    const outcomes = await kernel.createMany('flow', [
      { id: 'old', input: { n: 2 } },
      { id: 'new', input: { n: 2 } },
    ]);
    expect(outcomes.map(({ deduplicated }) => deduplicated)).toEqual([true, false]);
  });

  it('settles at once when there is nothing to make', async () => {
    const { kernel } = await world();
    await expect(kernel.createMany('flow', [])).resolves.toEqual([]);
  });

  it('makes none when one of them cannot be stored', async () => {
    const { kernel } = await world();
    const creations = [{ id: 'good', input: { n: 1 } }, { id: '' }];
    await expect(kernel.createMany('flow', creations)).rejects.toMatchObject({ code: 'INVALID_ID' });
    expect(await kernel.snapshot('flow/good')).toBeUndefined();
  });

  it('resolves after the commit and not before', async () => {
    let faulty: FaultyStore | undefined;
    const { kernel } = await openWorld(
      [{ kind: 'flow', machine: workflow(async () => 1) }],
      (store) => (faulty = faultyStore(store)),
    );
    const hold = faulty?.hold();
    let settled = false;
    const created = kernel.createMany('flow', [{ id: 'a', input: { n: 1 } }]).finally(() => {
      settled = true;
    });
    await hold?.reached;
    expect(settled).toBe(false);
    hold?.release();
    await created;
  });
});
