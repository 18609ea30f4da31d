/** What is staged together is on disk together; and the rows of an index, read on and taken out. */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { CommitLoop } from '../../src/actors/kernel/commit-loop.js';
import { Counts } from '../../src/actors/kernel/counts.js';
import { createTogether } from '../../src/actors/kernel/create-many.js';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { HoldfastError } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { openMemoryStore } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import type { Commit } from '../../src/store/store.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { faultyStore } from '../../src/testing/index.js';
import { slow } from './box.js';
import { deferred, openWorld, type World } from './fixtures.js';

async function openLoop() {
  const commits: Commit[] = [];
  const store = faultyStore(await openMemoryStore(), {
    onCommit: (_number, phase, commit) => {
      if (phase === 'before') commits.push(commit);
    },
  });
  const counts = await Counts.load(store);
  const loop = new CommitLoop(store, createSimulatedClock(), counts, () => undefined);
  const put = (name: string): Promise<void> => {
    const stage = loop.begin();
    stage.put(row(name), name);
    return new Promise((resolve, reject) => {
      stage.after = resolve;
      stage.failed = reject;
      loop.add(stage);
    });
  };
  /** The names of each commit. */
  const written = () => commits.map(({ rows }) => rows.map(({ key }) => key.slice(4)));
  return { loop, store, put, written };
}

const row = (name: string): string => `q\0t\0${name}`;

describe('C5: what is staged together', () => {
  it('is one commit, which what others stage meanwhile joins; what came before is not held up', async () => {
    const { loop, put, written } = await openLoop();
    const before = put('before');
    const go = deferred<undefined>();
    const staged: Promise<void>[] = [];
    const together = loop.together(async () => {
      staged.push(put('a'));
      await go.promise;
      staged.push(put('b'));
    });
    await before;
    const other = put('other');
    expect(written()).toEqual([['before']]);
    go.resolve(undefined);
    await Promise.all([together, other, ...staged]);
    await put('after');
    expect(written()).toEqual([['before'], ['a', 'other', 'b'], ['after']]);
  });

  it('is one commit beyond every bound of a group', async () => {
    const { loop, put, written } = await openLoop();
    const names = Array.from({ length: 2_500 }, (_, n) => String(n));
    const staged: Promise<void>[] = [];
    await loop.together(async () => {
      staged.push(...names.map(put));
      await Promise.resolve();
    });
    await Promise.all(staged);
    expect(written()).toEqual([names]);
  });

  it('lets no more in from outside when its orders run short: who found none would stand still', async () => {
    const { loop, put } = await openLoop();
    const staged: Promise<void>[] = [];
    await loop.together(async () => {
      staged.push(put('a'));
      await Promise.resolve();
      expect(loop.pending).toBe(1);
      for (let n = 0; n < 32_768; n += 1) loop.nextOrd();
      expect(loop.pending).toBe(limits.pendingStepsMax);
    });
    expect(loop.pending).toBe(1);
    await Promise.all(staged);
    expect(loop.pending).toBe(0);
  });

  it('comes one after the other, and a throw lets the next one go', async () => {
    const { loop, put, written } = await openLoop();
    const first = loop.together(async () => {
      void put('a');
      await Promise.resolve();
      throw new Error('it fell');
    });
    const second = loop.together(() => Promise.resolve([put('b')]));
    await expect(first).rejects.toThrow('it fell');
    await Promise.all(await second);
    await loop.released();
    expect(written()).toEqual([['a'], ['b']]);
  });

  it('writes nothing when nothing was staged', async () => {
    const { loop, put, written } = await openLoop();
    await loop.together(() => Promise.resolve());
    await loop.flushed();
    expect(written()).toEqual([]);
    await put('a');
    expect(written()).toEqual([['a']]);
  });

  it('fails with the store, and so does what would come next', async () => {
    const { loop, store, put } = await openLoop();
    store.failNext('before');
    const staged: Promise<void>[] = [];
    await loop.together(async () => {
      staged.push(put('a'));
      await Promise.resolve();
    });
    await expect(Promise.all(staged)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(loop.together(() => Promise.resolve())).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });
});

/** Found by its shelf, and by its name, which one has. */
const book: DefinitionOptions = {
  kind: 'book',
  machine: setup({
    types: {
      context: {} as { name: string; shelf: string },
      input: {} as { name: string; shelf?: string },
    },
  }).createMachine({
    id: 'book',
    version: '1',
    context: ({ input }) => ({ name: input.name, shelf: input.shelf ?? 'new' }),
  }),
  indexes: ({ context }) => {
    const { name, shelf } = context as { name: string; shelf: string };
    return [
      { index: 'shelf', parts: [shelf, name] },
      { index: 'name', parts: [name], unique: true },
    ];
  },
};

const booksOf = ({ kernel }: World) =>
  kernel.reader.byKind('book', { limit: 1_000 }).then(({ items }) => items);

describe('creating together', () => {
  it('makes all in one commit with their rows, and says who has the key of one that is refused', async () => {
    const world = await openWorld([book]);
    const { kernel, store } = world;
    await kernel.create('book', 'old', { name: 'emma' });
    const before = store.lastCommit;
    const created = await kernel.createTogether('book', [
      { id: '1', input: { name: 'ulysses' }, payloads: { text: 'yes' } },
      { id: '2', input: { name: 'emma' } },
      { id: '3', input: { name: 'ulysses' } },
      { id: 'old', input: { name: 'other' } },
    ]);
    expect(store.lastCommit - before).toBe(1);
    const refusal = (holder: string) => ({ code: 'NOT_UNIQUE', details: { holder } });
    expect(created).toMatchObject([
      { type: 'made', outcome: { seq: 1, accepted: true } },
      { type: 'refused', error: refusal('book/old') },
      { type: 'refused', error: refusal('book/1') },
      { type: 'made', outcome: { deduplicated: true } },
    ]);
    expect(await kernel.reader.payload('book/1', 'text')).toBe('yes');
    expect(await booksOf(world)).toEqual(['book/1', 'book/old']);
    expect(await kernel.createTogether('book', [])).toEqual([]);
  });

  it('makes none when one of them cannot be stored', async () => {
    const world = await openWorld([book]);
    const good = { id: '1', input: { name: 'a' } };
    const wrong = [
      { code: 'INVALID_ID', creation: { id: '', input: { name: 'b' } } },
      {
        code: 'INVALID_INPUT',
        creation: { id: '2', input: { name: 'b' }, payloads: { text: 'x'.repeat(300_000) } },
      },
    ];
    for (const { code, creation } of wrong)
      await expect(world.kernel.createTogether('book', [good, creation])).rejects.toMatchObject({ code });
    expect(await booksOf(world)).toEqual([]);
  });

  it('hands over none where there is no room for all', async () => {
    const handed: string[] = [];
    const { loop } = await openLoop();
    const doors = {
      admitMany: (count: number) => {
        throw new HoldfastError('COMMITS_BEHIND', `${count} steps more`);
      },
      enqueue: (address: string) => void handed.push(address),
    };
    const creations = [{ id: '1' }, { id: '2' }];
    const created = createTogether('book', creations, doors, loop);
    await expect(created).rejects.toMatchObject({ code: 'COMMITS_BEHIND' });
    expect(handed).toEqual([]);
  });

  it('comes in whole, or not at all, when the kernel closes meanwhile', async () => {
    const world = await openWorld([book], slow);
    const { kernel } = world;
    const creations = Array.from({ length: 20 }, (_, n) => ({ id: String(n), input: { name: `book ${n}` } }));
    const created = kernel.createTogether('book', creations);
    await kernel.close(0);
    const made = (await created).filter(({ type }) => type === 'made').length;
    expect([0, 20]).toContain(made);
    await world.crash([book]);
    expect(await booksOf(world)).toHaveLength(made);
  });

  it('leaves all or nothing behind when the process dies at the commit', async () => {
    for (const phase of ['before', 'after'] as const) {
      const world = await openWorld([book], (store) => {
        const faulty = faultyStore(store);
        if (store.generation === 1) faulty.failNext(phase);
        return faulty;
      });
      const creations = Array.from({ length: 250 }, (_, n) => ({
        id: String(n),
        input: { name: `book ${n}` },
      }));
      const created = await world.kernel.createTogether('book', creations);
      expect(created.every(({ type }) => type === 'refused')).toBe(true);
      await world.crash([book]);
      expect(await booksOf(world)).toHaveLength(phase === 'before' ? 0 : 250);
    }
  });
});

describe('the rows of an index', () => {
  async function library(): Promise<World> {
    const world = await openWorld([book]);
    const shelves = { a: 'low', b: 'high', c: 'low', d: 'low', e: 'middle' };
    for (const [name, shelf] of Object.entries(shelves))
      await world.kernel.create('book', name, { name, shelf });
    return world;
  }

  it('are read on after a place, and found by their next part', async () => {
    const { indexRows } = (await library()).kernel;
    const rows = await indexRows.after('shelf', ['low'], [], 2);
    expect(rows).toEqual([
      ['low', 'a', 'book/a'],
      ['low', 'c', 'book/c'],
    ]);
    expect(await indexRows.after('shelf', ['low'], ['c'], 10)).toEqual([['low', 'd', 'book/d']]);
    expect(await indexRows.after('shelf', ['low'], ['d'], 10)).toEqual([]);
    expect(await indexRows.nextPart('shelf', [])).toBe('high');
    expect(await indexRows.nextPart('shelf', [], 'high')).toBe('low');
    expect(await indexRows.nextPart('shelf', [], 'middle')).toBeUndefined();
    expect(await indexRows.nextPart('shelf', ['low'], 'a')).toBe('c');
  });

  it('are taken out when nobody is behind them, and only then', async () => {
    const disk = await library();
    const ghost = keys.index('shelf', ['low', 'ghost'], 'book/ghost');
    const { store } = disk;
    await store.commit({
      ...{ number: store.lastCommit + 1, expect: [] },
      rows: [{ key: ghost, value: JSON.stringify('book/ghost') }],
    });
    await disk.crash([book]);
    const { indexRows } = disk.kernel;
    expect(await indexRows.after('shelf', ['low'], ['d'], 10)).toEqual([['low', 'ghost', 'book/ghost']]);
    expect(await indexRows.unlist('shelf', ['low', 'ghost'], 'book/ghost')).toBe(true);
    expect(await indexRows.unlist('shelf', ['low', 'a'], 'book/a')).toBe(false);
    expect((await indexRows.after('shelf', ['low'], [], 10)).map(([, name]) => name)).toEqual([
      'a',
      'c',
      'd',
    ]);
  });
});
