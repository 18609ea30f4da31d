/** The faulty store fails exactly where it is told to, and holds what it is told to hold. */
import { expect, test } from 'vitest';
import { createMemoryDisk, openMemoryStore, type Commit, type Store } from '../../src/store/index.js';
import { faultyStore } from '../../src/testing/index.js';

function commitOf(store: Store, value: string): Commit {
  return { number: store.lastCommit + 1, rows: [{ key: 'q\0a', value }], expect: [] };
}

test.each([
  ['before', undefined],
  ['after', '1'],
] as const)('a fault %s a commit leaves %j behind, and ends all commits', async (phase, left) => {
  const disk = createMemoryDisk();
  const store = faultyStore(await openMemoryStore({ disk }));
  store.failNext(phase);
  await expect(store.commit(commitOf(store, '1'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await expect(store.commit(commitOf(store, '2'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
  expect(store.commitCount).toBe(0);
  await store.close();
  const next = await openMemoryStore({ disk });
  expect(await next.get('q\0a')).toBe(left);
});

test('the callback sees each commit before and after, and may throw or wait', async () => {
  const seen: string[] = [];
  const store = faultyStore(await openMemoryStore(), {
    onCommit: async (number, phase, commit) => {
      await Promise.resolve();
      seen.push(`${number} ${phase} ${commit.rows.length}`);
      if (number === 3) throw new Error('enough');
    },
  });
  await store.commit(commitOf(store, '1'));
  await expect(store.commit(commitOf(store, '2'))).rejects.toMatchObject({
    code: 'STORE_FAILED',
    cause: new Error('enough'),
  });
  expect(seen).toEqual(['2 before 1', '2 after 1', '3 before 1']);
  expect(store.commitCount).toBe(1);
});

test.each([['before', undefined] as const, ['after', '1'] as const])(
  'a commit held %s its write settles only when it is released',
  async (phase, written) => {
    const store = faultyStore(await openMemoryStore());
    const hold = store.hold(phase);
    let settled = false;
    const number = store.lastCommit + 1;
    const commit = store.commit(commitOf(store, '1')).then(() => {
      settled = true;
    });
    expect(await hold.reached).toBe(number);
    expect(await store.get('q\0a')).toBe(written);
    expect(settled).toBe(false);
    hold.release();
    hold.release();
    await commit;
    await store.commit(commitOf(store, '2'));
    expect(await store.get('q\0a')).toBe('2');
  },
);

test('closing waits for a commit that is held', async () => {
  const disk = createMemoryDisk();
  const store = faultyStore(await openMemoryStore({ disk }));
  const hold = store.hold();
  const commit = store.commit(commitOf(store, '1'));
  await hold.reached;
  const closing = store.close();
  hold.release();
  await Promise.all([commit, closing]);
  const next = await openMemoryStore({ disk });
  expect(await next.get('q\0a')).toBe('1');
});

test('a memory disk whose power is cut serves only its next holder', async () => {
  const disk = createMemoryDisk();
  const first = await openMemoryStore({ disk });
  await first.commit(commitOf(first, '1'));
  const inFlight = first.commit(commitOf(first, '2'));
  disk.cutPower();
  await expect(inFlight).rejects.toMatchObject({ code: 'STORE_FAILED' });
  const second = await openMemoryStore({ disk });
  await expect(first.commit(commitOf(first, '3'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
  expect(() => first.get('q\0a')).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
  await first.close();
  expect(await second.get('q\0a')).toBe('2');
  await second.commit(commitOf(second, '4'));
  await expect(openMemoryStore({ disk })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
});

test.each([
  ['before', undefined],
  ['after', '1'],
] as const)('killed %s a commit, it answers nobody and leaves %j to the next', async (phase, left) => {
  const disk = createMemoryDisk();
  const answered: string[] = [];
  const answer = (name: string) => (): void => void answered.push(name);
  const inner = await openMemoryStore({ disk });
  await new Promise<void>((resolve) => {
    const store = faultyStore(inner, {
      onCommit: (_number, reached) => {
        if (reached !== phase) return;
        void store.scan({ gte: 'q', lt: 'r', limit: 10 }).finally(answer('a scan under way'));
        resolve(store.kill());
        void store.commit(commitOf(store, '2')).finally(answer('a later commit'));
      },
    });
    void store.commit(commitOf(store, '1')).finally(answer('the commit'));
  });
  const next = await openMemoryStore({ disk });
  expect(await next.get('q\0a')).toBe(left);
  expect(answered).toEqual([]);
});
