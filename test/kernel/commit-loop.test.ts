import { describe, expect, it } from 'vitest';
import { assign, emit, fromPromise, setup } from 'xstate';
import { CommitLoop } from '../../src/actors/kernel/commit-loop.js';
import { Counts } from '../../src/actors/kernel/counts.js';
import { limits } from '../../src/limits.js';
import { openMemoryStore } from '../../src/store/index.js';
import { keys, rangeAfter, rangeOf } from '../../src/store/keys.js';
import type { Commit, Entry, Store } from '../../src/store/store.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { faultyStore } from '../../src/testing/index.js';
import type { FaultyStore } from '../../src/testing/index.js';
import { deferred, openWorld, settled, workflow } from './fixtures.js';

interface Bench {
  readonly loop: CommitLoop;
  readonly store: FaultyStore;
  readonly commits: Commit[];
  readonly failures: unknown[];
}

async function openLoop(): Promise<Bench> {
  const commits: Commit[] = [];
  const failures: unknown[] = [];
  const store = faultyStore(await openMemoryStore(), {
    onCommit: (_number, phase, commit) => {
      if (phase === 'before') commits.push(commit);
    },
  });
  const counts = await Counts.load(store);
  const loop = new CommitLoop(store, createSimulatedClock(), counts, (error) => failures.push(error));
  return { loop, store, commits, failures };
}

/** Stages rows; resolves when they are on disk. */
function put(loop: CommitLoop, rows: Readonly<Record<string, string | undefined>>): Promise<void> {
  const stage = loop.begin();
  for (const [key, value] of Object.entries(rows)) {
    if (value === undefined) stage.delete(key);
    else stage.put(key, value);
  }
  return new Promise((resolve, reject) => {
    stage.after = resolve;
    stage.failed = reject;
    loop.add(stage);
  });
}

const row = (name: string): string => `q\0t\0${name}`;
const names = (entries: readonly Entry[]): string[] => entries.map(([key]) => key.slice(4));

describe('the commit loop', () => {
  it('K3: has one batch in flight, and what is staged meanwhile forms the next, in order', async () => {
    const { loop, store, commits } = await openLoop();
    const hold = store.hold();
    const order: string[] = [];
    const first = put(loop, { [row('a')]: '1' }).then(() => order.push('a'));
    await hold.reached;
    const later = ['b', 'c', 'd'].map((name) => put(loop, { [row(name)]: '1' }).then(() => order.push(name)));
    hold.release();
    await Promise.all([first, ...later]);
    expect(commits.map(({ rows }) => rows.length)).toEqual([1, 3]);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('K3: closes a group at 2,000 rows and at 4 MiB', async () => {
    const { loop, commits } = await openLoop();
    const many = Array.from({ length: limits.commitRowsMax + 1 }, (_unused, index) =>
      put(loop, { [row(String(index).padStart(5, '0'))]: 'x' }),
    );
    await Promise.all(many);
    expect(commits.map(({ rows }) => rows.length)).toEqual([limits.commitRowsMax, 1]);
    const big = 'x'.repeat(limits.commitBytesMax / 2);
    await Promise.all(['a', 'b', 'c'].map((name) => put(loop, { [row(name)]: big })));
    expect(commits.slice(2).map(({ rows }) => rows.length)).toEqual([2, 1]);
  });

  it('K3: shows staged rows and hides staged deletes, both ways and page by page', async () => {
    const { loop, store } = await openLoop();
    const start = Object.fromEntries(['a', 'c', 'e', 'g', 'i'].map((name) => [row(name), 'disk']));
    await put(loop, start);
    const hold = store.hold();
    const flight = put(loop, { [row('b')]: 'flight', [row('c')]: undefined, [row('e')]: undefined });
    await hold.reached;
    const next = put(loop, {
      [row('d')]: 'next',
      [row('e')]: 'back',
      [row('b')]: undefined,
      [row('g')]: undefined,
    });
    const wanted = ['a', 'd', 'e', 'i'];
    const range = rangeOf('q', 't');
    expect(names(await loop.scan({ ...range, limit: 100 }))).toEqual(wanted);
    expect(names(await loop.scan({ ...range, limit: 100, reverse: true }))).toEqual(wanted.toReversed());
    for (const limit of [1, 2, 3]) {
      const found: string[] = [];
      let from = range;
      for (let page = 0; page < 10; page += 1) {
        const entries = await loop.scan({ ...from, limit });
        found.push(...names(entries));
        const last = entries.at(-1);
        if (last === undefined) break;
        from = rangeAfter(from, last[0]);
      }
      expect(found).toEqual(wanted);
    }
    expect([await loop.read(row('b')), await loop.read(row('e'))]).toEqual([undefined, '"back"']);
    hold.release();
    await Promise.all([flight, next]);
    expect(names(await loop.scan({ ...range, limit: 100 }))).toEqual(wanted);
  });

  it('K4: after a failed commit everybody is told once and nothing is written', async () => {
    const { loop, store, commits, failures } = await openLoop();
    const hold = store.hold();
    const first = put(loop, { [row('a')]: '1' });
    await hold.reached;
    const second = put(loop, { [row('b')]: '1' });
    store.failNext('before');
    hold.release();
    for (const outcome of [first, second])
      await expect(outcome).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(failures).toHaveLength(1);
    expect(() => loop.begin()).toThrow('failed');
    await expect(loop.settled(row('a'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(loop.flushed()).resolves.toBeUndefined();
    expect(commits).toHaveLength(1);
  });

  it('is flushed although a stage was begun and given up', async () => {
    const { loop, commits } = await openLoop();
    loop.begin();
    await loop.flushed();
    await put(loop, { [row('a')]: '1' });
    expect(commits).toHaveLength(1);
  });

  it('refuses a key that the store would choke on, before it can harm the others', async () => {
    const { loop } = await openLoop();
    expect(() => loop.begin().put(row('\ud800'), 1)).toThrow('lone surrogate');
    await put(loop, { [row('a')]: '1' });
  });
});

describe('a step', () => {
  it('K1: shows nothing before its commit: no answer, effect, action, event or snapshot', async () => {
    const seen: string[] = [];
    const machine = setup({
      types: { context: {} as { n: number } },
      actors: { work: fromPromise(async () => seen.push('effect')) },
      actions: { act: () => seen.push('action'), more: assign(({ context }) => ({ n: context.n + 1 })) },
    }).createMachine({
      version: '1',
      context: { n: 0 },
      initial: 'idle',
      states: {
        idle: { on: { go: { target: 'busy', actions: ['act', 'more', emit({ type: 'out' })] } } },
        busy: { invoke: { src: 'work' } },
      },
    });
    let store: FaultyStore | undefined;
    const world = await openWorld(
      [{ kind: 'flow', machine }],
      (inner: Store) => (store = faultyStore(inner)),
    );
    await world.kernel.create('flow', 'a', {});
    world.kernel.onStep(({ entry }) => seen.push(`step ${entry.seq}`));
    const hold = store?.hold();
    const sent = world.kernel.send('flow/a', { type: 'go' }).then(() => seen.push('answer'));
    const waited = world.kernel
      .waitFor('flow/a', ({ value }) => value === 'busy')
      .then(() => seen.push('waiter'));
    const looked = world.kernel
      .snapshot('flow/a')
      .then((found) => seen.push(`seen ${String(found?.record.seq)}`));
    await hold?.reached;
    await settled(world);
    expect(seen).toEqual([]);
    hold?.release();
    await Promise.all([sent, waited, looked]);
    await settled(world);
    expect(seen.slice(0, 2)).toEqual(['action', 'step 2']);
    expect(seen.toSorted()).toEqual(['action', 'answer', 'effect', 'seen 2', 'step 2', 'step 3', 'waiter']);
  });

  it('K15: a duplicate of an event that is not on disk waits for its commit, or fails with it', async () => {
    let store: FaultyStore | undefined;
    const gate = deferred<number>();
    const world = await openWorld([{ kind: 'flow', machine: workflow(() => gate.promise) }], (inner) => {
      store = faultyStore(inner);
      return store;
    });
    await world.kernel.create('flow', 'a', { n: 0 });
    const hold = store?.hold();
    const answers: string[] = [];
    const sends = [1, 2].map(() =>
      world.kernel.send('flow/a', { type: 'add', by: 1 }, { id: 'evt' }).then(
        () => answers.push('ok'),
        (error: unknown) => answers.push(String(Reflect.get(Object(error), 'code'))),
      ),
    );
    await hold?.reached;
    await settled(world);
    expect(answers).toEqual([]);
    store?.failNext('before');
    hold?.release();
    await Promise.all(sends);
    expect(answers).toEqual(['STORE_FAILED', 'STORE_FAILED']);
  });

  it('K3: two actors in one batch may step on each other while both wait', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const before = world.store.lastCommit;
    await Promise.all([1, 2, 3].map(() => world.kernel.send('flow/a', { type: 'add', by: 1 })));
    expect(world.store.lastCommit - before).toBe(1);
    expect((await world.kernel.snapshot('flow/a'))?.snapshot.context).toMatchObject({ n: 3 });
  });

  it('K3: a batch says what it expects of its actors: no step of another writer is lost', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const record = await world.kernel.reader.record('flow/a');
    const key = keys.record('flow/a');
    const others = JSON.stringify({ ...record, seq: 7 });
    await world.store.commit({
      number: world.store.lastCommit + 1,
      rows: [{ key, value: others }],
      expect: [],
    });
    const sent = world.kernel.send('flow/a', { type: 'add', by: 1 });
    await expect(sent).rejects.toMatchObject({
      code: 'STORE_FAILED',
      cause: { code: 'COMMIT_REFUSED' },
    });
    expect(await world.store.get(key)).toBe(others);
  });

  it('close ends although a create was refused while it was written', async () => {
    const machine = setup({}).createMachine({ version: '1', context: { at: new Date(0) } });
    const world = await openWorld([{ kind: 'bad', machine }]);
    await expect(world.kernel.create('bad', 'a', {})).rejects.toMatchObject({ code: 'INVALID_DEFINITION' });
    await world.kernel.close();
    await expect(world.kernel.create('bad', 'b', {})).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
  });
});
