/** Rows that a definition shows its steps: the same live, after a crash and in every replay. */
import { describe, expect, it } from 'vitest';
import { keys } from '../../src/store/keys.js';
import { expectMended, replay } from '../../src/testing/index.js';
import { openPlace, reread } from '../capsule/places.js';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { A, box, boxMachine, contextOf, reads, slow, type BoxContext } from './box.js';
import { openWorld, reading, rowsOf, settled } from './fixtures.js';
import { codeOf, replays } from './poisons.js';

const look = { type: 'look', names: ['p', 'none'] };
const put = (name: string, value: unknown) => ({ type: 'put', name, value: value as string });

describe('a step is shown the rows its definition reads', () => {
  it.each(['at once', 'later'])('as they were before it, from every door, read %s', async (when) => {
    const kinds = [box({ reads })];
    const world = await openWorld(kinds, (store) => (when === 'later' ? slow(store) : store));
    for (const id of ['a', 'b']) await world.kernel.create('box', id, undefined, { payloads: { p: 1 } });
    // Staged and not on disk; and the row of the same event comes after it.
    const sent = [world.kernel.send(A, put('p', 2)), world.kernel.send(A, look, { payloads: { p: 3 } })];
    await Promise.all(sent);
    await world.kernel.send(A, { type: 'look', names: ['none'] });
    await world.kernel.send('box/b', { type: 'tell', to: A, names: ['p'] });
    await world.kernel.send(A, look, { at: world.clock.now() + 1_000 });
    await world.kernel.send(A, put('none', { deep: [1] }));
    await world.clock.advance(1_000);
    await settled(world);
    const seen = [{ p: 2 }, 'nothing', { p: 3 }, { p: 3, none: { deep: [1] } }];
    expect((await contextOf(world)).seen).toEqual(seen);
    const journal = await world.kernel.reader.journal(A);
    expect(journal.flatMap(({ rows }) => rows ?? [])).toEqual(seen.filter((rows) => rows !== 'nothing'));
    await replays(world, A);
    await world.crash(kinds);
    expect((await contextOf(world)).seen).toEqual(seen);
  });

  it('and the fold of an amortized actor is shown them from its journal', async () => {
    const kinds = [box({ reads, snapshot: 'amortized' })];
    const world = await openWorld(kinds);
    await world.kernel.create('box', 'a', undefined, { payloads: { p: 1 } });
    await world.kernel.send(A, look);
    await world.kernel.send(A, put('p', 2));
    await world.crash(kinds);
    expect((await contextOf(world)).seen).toEqual([{ p: 1 }]);
  });

  it('and which they are may depend on the snapshot before it', async () => {
    const onceCounted: NonNullable<DefinitionOptions['reads']> = (_event, { context }) =>
      (context as BoxContext).n > 0 ? ['p'] : [];
    const world = await openWorld([box({ reads: onceCounted })]);
    await world.kernel.create('box', 'a', undefined, { payloads: { p: 1 } });
    await Promise.all(['look', 'add', 'look'].map((type) => world.kernel.send(A, { type })));
    expect((await contextOf(world)).seen).toEqual(['nothing', { p: 1 }]);
    await replays(world, A);
  });

  it('and its check sees them, too', async () => {
    const world = await openWorld([box({ reads })], slow);
    await world.kernel.create('box', 'a', undefined, { payloads: { p: 1 } });
    let seen: unknown;
    await world.kernel.send(A, look, { check: (_snapshot, { rows }) => void (seen = rows) });
    expect(seen).toEqual({ p: 1 });
  });
});

describe('what cannot be read', () => {
  it('sets its own actor aside where a row is damaged', async () => {
    const kinds = [box({ reads })];
    for (const change of [(text: string) => `${text.slice(0, -1)}x`, () => '']) {
      const world = await openWorld(kinds);
      for (const id of ['a', 'b'])
        await world.kernel.create('box', id, undefined, { payloads: { p: 'one' } });
      await world.disk.corrupt(keys.payload(A, 'p'), change);
      await world.crash(kinds);
      expect(await codeOf(world.kernel.send(A, look))).toBe('ACTOR_QUARANTINED');
      expect((await world.kernel.reader.record(A))?.quarantine).toMatchObject({ code: 'STORE_CORRUPTED' });
      await world.kernel.send('box/b', look);
      await world.kernel.operate('skip', A, 'ann');
      await world.kernel.send(A, put('p', 'two'));
      await world.kernel.send(A, look);
      expect((await contextOf(world)).seen).toEqual([{ p: 'two' }]);
    }
  });

  it('is told to the sender where the store does not read, and harms nobody', async () => {
    let fails = false;
    const world = await openWorld([box({ reads })], (store) =>
      reading(store, {
        get: async (key) => {
          if (fails && key.startsWith('p\0')) throw new Error('the network is gone');
          return store.get(key);
        },
      }),
    );
    await world.kernel.create('box', 'a', undefined, { payloads: { p: 1 } });
    fails = true;
    await expect(world.kernel.send(A, look)).rejects.toThrow('the network is gone');
    fails = false;
    await world.kernel.send(A, look);
    expect((await contextOf(world)).seen).toEqual([{ p: 1 }]);
  });

  it('refuses an event by undefined, and writes nothing', async () => {
    const world = await openWorld([box({ reads: ({ type }) => (type === 'look' ? undefined : []) })]);
    await world.kernel.create('box', 'a', undefined);
    const before = await rowsOf(world.store, 'a', 'j', 'q');
    expect(await world.kernel.send(A, look)).toMatchObject({ accepted: false });
    expect(await rowsOf(world.store, 'a', 'j', 'q')).toEqual(before);
    expect(await world.kernel.send(A, put('p', 1))).toMatchObject({ accepted: true });
  });

  it('is a bug of the definition where it throws, or names no row', async () => {
    for (const wrong of [
      (): never => {
        throw new Error('a bug in reads');
      },
      () => ['a\0b'],
      () => [''],
    ]) {
      const world = await openWorld([box({ reads: wrong })]);
      await world.kernel.create('box', 'a', undefined);
      expect(await codeOf(world.kernel.send(A, look))).toBe('ACTOR_QUARANTINED');
    }
  });
});

describe('a capsule', () => {
  it('holds what each step was shown, and the one that was not taken', async () => {
    const place = await openPlace([box({ reads, machine: boxMachine({ broken: true }) })]);
    await place.kernel.create('box', 'a', undefined, { payloads: { p: { password: 'hunter22' } } });
    await codeOf(place.kernel.send(A, look));
    const capsule = reread(await place.capsules().export(A));
    const report = expectMended(boxMachine(), capsule, { state: 'open' });
    expect(report).toMatchObject({ failure: undefined, steps: [{ seq: 1 }, { seq: 2 }] });
    expect(JSON.stringify(capsule)).not.toContain('hunter22');
  });

  it('replays, is imported, and replays again', async () => {
    const kinds = [box({ reads })];
    const place = await openPlace(kinds);
    await place.kernel.create('box', 'a', undefined);
    await place.kernel.send(A, put('p', { password: 'hunter22' }));
    await place.kernel.send(A, look);
    const capsule = reread(await place.capsules().export(A));
    expect(JSON.stringify(capsule)).not.toContain('hunter22');
    expect(replay(boxMachine(), capsule).divergence).toBeUndefined();
    const whole = reread(await place.capsules().export(A, { redact: false }));
    const other = await openPlace(kinds);
    await other.capsules().import(whole);
    await other.kernel.operate('resume', A, 'ann');
    await other.kernel.send(A, look);
    const shown = { p: { password: 'hunter22' } };
    expect((await contextOf(other)).seen).toEqual([shown, shown]);
    const again = reread(await other.capsules().export(A));
    expect(replay(boxMachine(), again).divergence).toBeUndefined();
  });
});
