/** Capsules: out of one store and into another, and what an imported actor may do. */
import { describe, expect, test } from 'vitest';
import { setup } from 'xstate';
import { examineRows } from '../../src/actors/examination/index.js';
import { parseCapsule } from '../../src/actors/capsule/parse.js';
import { reservedActions } from '../../src/machines/index.js';
import { keys } from '../../src/store/keys.js';
import { faultyStore, type FaultyStore } from '../../src/testing/faulty-store.js';
import { rowsOf, settled } from '../kernel/fixtures.js';
import { openPlace, orderMachine, reread, type Place } from './places.js';

const kind = 'order';
const address = 'order/77';

async function standing(more: object = {}): Promise<Place> {
  const place = await openPlace([{ kind, machine: orderMachine(), ...more }]);
  await place.kernel.create(kind, '77', { cents: 42 });
  await place.kernel.send(address, { type: 'note', text: 'first' });
  await place.kernel.send(address, { type: 'note' }).catch(() => undefined);
  return place;
}

async function charging(): Promise<Place> {
  const place = await openPlace([{ kind, machine: orderMachine(() => new Promise(() => undefined)) }]);
  await place.kernel.create(kind, '77', { cents: 42 });
  await place.kernel.send(address, { type: 'go' });
  return place;
}

describe('export', () => {
  test('a capsule says what happened, where the actor stands and what it could not take', async () => {
    const place = await standing();
    const capsule = await place.capsules().export(address);
    expect(parseCapsule(reread(capsule))).toEqual(reread(capsule));
    expect(capsule).toMatchObject({
      format: 1,
      address,
      machine: 'order',
      version: '1',
      exportedAt: place.clock.now(),
      record: { seq: 2, quarantine: { code: 'THREW', event: { type: 'note' }, source: 'user' } },
      gaps: [],
      redacted: [],
    });
    expect(capsule.journal.map(({ entry }) => entry.event.type)).toEqual(['xstate.init', 'note']);
  });

  test('it needs no machine', async () => {
    const place = await standing();
    const before = await place.capsules().export(address);
    await place.crash([]);
    expect(reread(await place.capsules().export(address))).toEqual(reread(before));
  });

  test('steps that are under way are in it whole, or not at all', async () => {
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    void place.kernel.create(kind, '77', { cents: 42 });
    const sends = Array.from({ length: 50 }, (_none, n) =>
      place.kernel.send(address, { type: 'note', text: String(n) }),
    );
    const capsules = [place.capsules().export(address), place.capsules().export({ address })];
    await settled(place);
    for (const capsule of await Promise.all(capsules)) parseCapsule(reread(capsule));
    await Promise.all(sends);
  });

  test('a letter to it is in it once the letter is on disk', async () => {
    const faulty: FaultyStore[] = [];
    const postman = setup({ actions: reservedActions }).createMachine({
      version: '1',
      on: { go: { actions: [{ type: 'actor.send', params: { to: address, event: { type: 'note' } } }] } },
    });
    const definitions = [
      { kind, machine: orderMachine() },
      { kind: 'postman', machine: postman },
    ];
    const place = await openPlace(definitions, (store) => {
      const wrapped = faultyStore(store);
      faulty.push(wrapped);
      return wrapped;
    });
    await place.kernel.create(kind, '77', { cents: 42 });
    await place.kernel.create('postman', '1', undefined);
    await place.kernel.send(address, { type: 'note' }).catch(() => undefined);
    const hold = faulty[0]?.hold();
    const sent = place.kernel.send('postman/1', { type: 'go' });
    await hold?.reached;
    const order: string[] = [];
    const exported = place.capsules().export(address);
    const both = [sent.then(() => order.push('on disk')), exported.then(() => order.push('exported'))];
    await settled(place);
    hold?.release();
    await Promise.all(both);
    expect((await exported).inbox).toHaveLength(1);
    expect(order).toEqual(['on disk', 'exported']);
  });

  test('of amortized snapshots there is the creation or checkpoint, and the journal since', async () => {
    const place = await openPlace([{ kind, machine: orderMachine(), snapshot: 'amortized' }]);
    await place.kernel.create(kind, '77', { cents: 42 });
    for (let n = 0; n < 600; n += 1)
      await place.kernel.send(address, { type: 'note', text: 'x'.repeat(200) });
    const capsule = await place.capsules().export(address);
    expect(capsule.record).not.toHaveProperty('snapshot');
    expect(capsule.journal[0]?.entry.seq).toBe((capsule.checkpoint?.seq ?? 0) + 1);
    const other = await openPlace([{ kind, machine: orderMachine(), snapshot: 'amortized' }]);
    await other.capsules().import(reread(capsule));
    await other.kernel.operate('resume', address, 'ann');
    expect((await other.kernel.reader.record(address))?.snapshot).toEqual(
      (await place.kernel.reader.record(address))?.snapshot,
    );
  });

  test('a row that is missing is named, and the rest is there; such a capsule is not imported', async () => {
    const place = await standing();
    const number = place.store.lastCommit + 1;
    const rows = [{ key: keys.journal(address, 1), value: undefined }];
    await place.store.commit({ number, rows, expect: [] });
    await place.crash([]);
    const capsule = await place.capsules().export(address);
    expect(capsule.gaps).toEqual([{ what: 'journal', which: '1' }]);
    const other = await openPlace([]);
    await expect(other.capsules().import(capsule)).rejects.toMatchObject({ code: 'CAPSULE_UNFIT' });
  });

  test('nobody is refused by name, a closed kernel by its state', async () => {
    const place = await standing();
    await expect(place.capsules().export('order/nobody')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await expect(place.capsules().export('order')).rejects.toMatchObject({ code: 'INVALID_ID' });
    const capsule = await place.capsules().export(address);
    await place.kernel.close();
    await expect(place.capsules().export(address)).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
    await expect(place.capsules().import(capsule)).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
  });
});

describe('import', () => {
  test('an imported actor stands still: no timer is due, no effect runs, until it is resumed', async () => {
    const capsule = reread(await (await charging()).capsules().export(address));
    const charges: string[] = [];
    const machine = orderMachine((_input, effectId) => {
      charges.push(effectId);
      return Promise.resolve('receipt');
    });
    const place = await openPlace([{ kind, machine }]);
    expect(await place.capsules().import(capsule)).toBe(address);
    expect(await rowsOf(place.store, 'd')).toEqual([]);
    await place.crash([{ kind, machine }]);
    await settled(place);
    expect(charges).toEqual([]);
    expect((await place.kernel.reader.recordOnDisk(address))?.quarantine).toMatchObject({
      code: 'CAPSULE_IMPORTED',
      message: expect.stringContaining('imported from order/77 at step 2') as unknown,
    });
    await expect(place.kernel.send(address, { type: 'ship' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await place.kernel.operate('resume', address, 'ann');
    await settled(place);
    expect(charges).toEqual(['order/77/2:1']);
    expect((await place.kernel.snapshot(address))?.snapshot.value).toBe('packing');
  });

  test('what runs at once after a resume in the process that imported it is the same', async () => {
    const capsule = reread(await (await charging()).capsules().export(address));
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.capsules().import(capsule);
    await settled(place);
    await place.kernel.operate('resume', address, 'ann');
    await settled(place);
    expect((await place.kernel.snapshot(address))?.snapshot.value).toBe('packing');
  });

  test('its effects are those of a process that died: a manual one is not repeated', async () => {
    const capsule = reread(await (await charging()).capsules().export(address));
    const charges: string[] = [];
    const machine = orderMachine((_input, id) => Promise.resolve(charges.push(id)));
    const place = await openPlace([{ kind, machine, effects: { charge: { recovery: 'manual' } } }]);
    await place.capsules().import(capsule);
    await place.kernel.operate('resume', address, 'ann');
    await settled(place);
    expect((await place.kernel.snapshot(address))?.snapshot.value).toBe('doubtful');
    expect(charges).toEqual([]);
  });

  test('what it could not take stands at its head: resumed, a mended machine takes it', async () => {
    const capsule = reread(await (await standing()).capsules().export(address));
    const place = await openPlace([]);
    await place.capsules().import(capsule);
    await place.crash([{ kind, machine: orderMachine(undefined, { bug: false }) }]);
    await place.kernel.operate('resume', address, 'ann');
    const record = await place.kernel.reader.record(address);
    expect(record).toMatchObject({ seq: 3, snapshot: { context: { notes: ['first', ''] } } });
    expect(record).not.toHaveProperty('quarantine');
    // Its deadline counts from when it began, not from its import.
    const due = await rowsOf(place.store, 'd');
    expect(due).toHaveLength(1);
  });

  test('resumed by the machine that threw, it stands still again and is found by no index yet', async () => {
    const indexes = () => [{ index: 'orders', parts: ['all'], unique: true }];
    const capsule = reread(await (await standing()).capsules().export(address));
    const place = await openPlace([{ kind, machine: orderMachine(), indexes }]);
    await place.capsules().import(capsule);
    await expect(place.kernel.operate('resume', address, 'ann')).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    expect(await place.kernel.reader.byUnique('orders', ['all'])).toBeUndefined();
    await place.kernel.operate('skip', address, 'ann');
    expect(await place.kernel.reader.byUnique('orders', ['all'])).toBe(address);
  });

  test('an index key that another actor holds keeps it from going on', async () => {
    const indexes = () => [{ index: 'orders', parts: ['all'], unique: true }];
    const source = await openPlace([{ kind, machine: orderMachine() }]);
    await source.kernel.create(kind, '77', { cents: 42 });
    await source.kernel.send(address, { type: 'note' }).catch(() => undefined);
    const capsule = reread(await source.capsules().export(address));
    const machine = orderMachine(undefined, { bug: false });
    const place = await openPlace([{ kind, machine, indexes }]);
    await place.kernel.create(kind, '1', { cents: 1 });
    await place.capsules().import(capsule);
    await expect(place.kernel.operate('resume', address, 'ann')).rejects.toMatchObject({
      code: 'NOT_UNIQUE',
    });
    expect((await place.kernel.reader.record(address))?.quarantine?.code).toBe('CAPSULE_IMPORTED');
    await place.kernel.operate('dismiss', address, 'ann');
    expect(await place.kernel.reader.byUnique('orders', ['all'])).toBe('order/1');
  });

  test('an address that is taken is refused, also by an import of the same moment', async () => {
    const source = await standing();
    const capsule = reread(await source.capsules().export(address));
    const before = await rowsOf(source.store, 's', 'j', 'q', 'n');
    await expect(source.capsules().import(capsule)).rejects.toMatchObject({ code: 'ADDRESS_TAKEN' });
    expect(await rowsOf(source.store, 's', 'j', 'q', 'n')).toEqual(before);
    for (const definitions of [[], [{ kind, machine: orderMachine() }]]) {
      const place = await openPlace(definitions);
      const both = await Promise.allSettled([
        place.capsules().import(capsule),
        place.capsules().import(capsule),
      ]);
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(place.failures).toEqual([]);
    }
  });

  test('an event for an address before its import does not hide the actor', async () => {
    const capsule = reread(await (await standing()).capsules().export(address));
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await expect(place.kernel.send(address, { type: 'go' })).rejects.toMatchObject({
      code: 'ACTOR_NOT_FOUND',
    });
    await place.capsules().import(capsule);
    await expect(place.kernel.send(address, { type: 'go' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    expect(await place.kernel.create(kind, '77', { cents: 1 })).toMatchObject({ deduplicated: true });
  });

  test('under another id it is its own, also beside the one it was exported from', async () => {
    const source = await standing();
    const capsule = reread(await source.capsules().export(address));
    expect(await source.capsules().import(capsule, { id: 'copy' })).toBe('order/copy');
    await source.kernel.operate('skip', 'order/copy', 'ann');
    expect((await source.kernel.reader.record(address))?.quarantine?.code).toBe('THREW');
    expect(source.kernel.counts(kind).map(({ count }) => count)).toEqual([2]);
    const again = await source.capsules().export('order/copy');
    expect(again.record.origins).toEqual([[address, 2]]);
  });

  test('a structure that is another one here under its version is refused', async () => {
    const capsule = reread(await (await standing()).capsules().export(address));
    const machine = setup({}).createMachine({ id: 'order', version: '1', context: {} });
    const defined = await openPlace([{ kind, machine }]);
    await expect(defined.capsules().import(capsule)).rejects.toMatchObject({ code: 'CAPSULE_UNFIT' });
    await defined.kernel.create(kind, '1', undefined);
    await defined.crash([]);
    await expect(defined.capsules().import(capsule)).rejects.toMatchObject({ code: 'CAPSULE_UNFIT' });
  });

  test('a crash before its commit leaves nothing, one after it leaves it standing still', async () => {
    const capsule = reread(await (await standing()).capsules().export(address));
    let isDown = false;
    const place = await openPlace([], (store) => ({
      ...store,
      generation: store.generation,
      get lastCommit() {
        return store.lastCommit;
      },
      get: (key) => store.get(key),
      getMany: (wanted) => store.getMany(wanted),
      scan: (options) => store.scan(options),
      commit: (commit) => (isDown ? Promise.reject(new Error('no power')) : store.commit(commit)),
      close: () => store.close(),
    }));
    isDown = true;
    await expect(place.capsules().import(capsule)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    isDown = false;
    await place.crash([]);
    expect(await rowsOf(place.store, 's', 'j', 'q', 'o')).toEqual([]);
    await place.capsules().import(capsule);
    await place.crash([{ kind, machine: orderMachine() }]);
    expect((await place.kernel.reader.record(address))?.quarantine?.code).toBe('CAPSULE_IMPORTED');
    await expect(place.capsules().import(capsule)).rejects.toMatchObject({ code: 'ADDRESS_TAKEN' });
  });

  test.each(['each', 'amortized'] as const)(
    'with snapshots %s it is whole to the doctor',
    async (snapshot) => {
      const place = await standing({ snapshot });
      const capsule = await place.capsules().export(address);
      const definition = { kind, machine: orderMachine(undefined, { bug: false }), snapshot };
      const other = await openPlace([definition]);
      await other.capsules().import(capsule, { id: 'copy' });
      const examined = async (): Promise<unknown[]> => {
        const found: unknown[] = [];
        const options = { machines: [definition], deep: true };
        for await (const finding of examineRows(other.store, options)) found.push(finding);
        return found;
      };
      await settled(other);
      expect(await examined()).toEqual([]);
      await other.kernel.operate('resume', 'order/copy', 'ann');
      await other.kernel.send('order/copy', { type: 'note', text: 'second' });
      expect(await examined()).toEqual([]);
    },
  );

  test('a finished actor comes in finished, and goes after its retention once it is resumed', async () => {
    const source = await openPlace([{ kind, machine: orderMachine() }]);
    await source.kernel.create(kind, '77', { cents: 42 });
    await source.clock.advance(86_400_000);
    const capsule = reread(await source.capsules().export(address));
    expect(capsule.record.status).toBe('done');
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.capsules().import(capsule);
    await place.clock.advance(10 * 86_400_000);
    expect(await place.kernel.reader.record(address)).toBeDefined();
    await place.kernel.operate('resume', address, 'ann');
    await place.clock.advance(86_400_000);
    expect(await place.kernel.reader.record(address)).toBeUndefined();
  });

  test('options that mean nothing are refused by name', async () => {
    const place = await standing();
    const capsule = await place.capsules().export(address);
    const wrong = place.capsules().import(capsule, { standIns: 'maybe' as never });
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field: 'standIns' } });
    const nobody = place.capsules().import(capsule, { children: 'adopt' as never });
    await expect(nobody).rejects.toMatchObject({ details: { field: 'children' } });
  });
});
