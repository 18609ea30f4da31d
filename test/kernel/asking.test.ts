/** What a sender may ask of the step that takes its event: to look first, rows to keep, what became of it. */
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { limits } from '../../src/limits.js';
import { faultyStore } from '../../src/testing/faulty-store.js';
import { A, box, boxMachine, contextOf, everything, slow } from './box.js';
import { openWorld, rowsOf } from './fixtures.js';
import { codeOf, replays } from './poisons.js';

const add = { type: 'add' };
const countIn = (snapshot: AnyMachineSnapshot | undefined): number =>
  ((snapshot?.context ?? { n: NaN }) as { readonly n: number }).n;

class TooMany extends Error {}

/** Refuses where the count is that high already. */
const below = (most: number) => (snapshot: AnyMachineSnapshot) => {
  if (countIn(snapshot) >= most) throw new TooMany(`it is ${countIn(snapshot)}`);
};

describe('a check', () => {
  it.each(['at once', 'later'])('that throws refuses the event and leaves no row, read %s', async (when) => {
    const world = await openWorld([box()], (store) => (when === 'later' ? slow(store) : store));
    await world.kernel.create('box', 'a', undefined);
    const before = await everything(world);
    const refusal = new TooMany('no');
    const check = (): never => {
      throw refusal;
    };
    const payloads = { p: 1 };
    await expect(world.kernel.send(A, add, { id: 'e1', check, payloads })).rejects.toBe(refusal);
    expect(await everything(world)).toEqual(before);
    expect((await world.kernel.reader.record(A))?.quarantine).toBeUndefined();
    // Its id was not used up.
    expect(await world.kernel.send(A, add, { id: 'e1' })).toMatchObject({ seq: 2, deduplicated: false });
    await world.crash([box()]);
    expect(await contextOf(world)).toMatchObject({ n: 1 });
    await replays(world, A);
  });

  it('sees the steps before its own that are not on disk yet, and holds nobody up', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    const check = below(2);
    const sent = Array.from({ length: 5 }, () => world.kernel.send(A, add, { check }));
    sent.push(world.kernel.send(A, add));
    const settled = await Promise.allSettled(sent);
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(await contextOf(world)).toMatchObject({ n: 3 });
  });

  it('K1: refuses after what it saw is on disk, and not at all where that fails', async () => {
    let store: ReturnType<typeof faultyStore> | undefined;
    const world = await openWorld([box()], (inner) => (store = faultyStore(inner)));
    await world.kernel.create('box', 'a', undefined);
    const hold = store?.hold();
    const order: string[] = [];
    const first = world.kernel.send(A, add).then(() => order.push('first'));
    const second = world.kernel.send(A, add, { check: below(1) }).catch(() => order.push('second'));
    await hold?.reached;
    expect(order).toEqual([]);
    hold?.release();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    store?.failNext('before');
    const lost = [world.kernel.send(A, add), world.kernel.send(A, add, { check: below(2) })];
    expect(await Promise.all(lost.map(codeOf))).toEqual(['STORE_FAILED', 'STORE_FAILED']);
  });

  it('is given the envelope of its event', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    const seen: unknown[] = [];
    await world.kernel.send(A, add, { id: 'e1', check: (_snapshot, envelope) => seen.push(envelope) });
    expect(seen).toMatchObject([{ seq: 2, id: 'e1', at: world.clock.now() }]);
  });

  it('is asked again where its step is taken again, and the step is taken once', async () => {
    const world = await openWorld([box()], slow);
    await world.kernel.create('box', 'a', undefined);
    const asked: number[] = [];
    const check = (snapshot: AnyMachineSnapshot): void => void asked.push(countIn(snapshot));
    await world.kernel.send(A, { type: 'call' }, { check });
    expect(asked).toEqual([0, 0]);
    expect(await contextOf(world)).toMatchObject({ n: 1 });
  });

  it('is not asked about a duplicate, nor by an actor that has ended or stands still', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    await world.kernel.send(A, add, { id: 'e1' });
    const check = (): never => {
      throw new Error('it was asked');
    };
    const duplicate = await world.kernel.send(A, add, { id: 'e1', check });
    expect(duplicate).toMatchObject({ seq: 2, deduplicated: true });
    await codeOf(world.kernel.send(A, { type: 'fall' }));
    expect(await codeOf(world.kernel.send(A, add, { check }))).toBe('ACTOR_QUARANTINED');
    await world.kernel.operate('skip', A, 'ann');
    await world.kernel.send(A, { type: 'end' });
    expect(await world.kernel.send(A, add, { check })).toMatchObject({ accepted: false });
    expect(await codeOf(world.kernel.send('box/nobody', add, { check }))).toBe('ACTOR_NOT_FOUND');
  });

  it('is the asking of a sender, not of an operator who lets the event be taken later', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    let asked = 0;
    const check = (): void => void (asked += 1);
    const fall = world.kernel.send(A, { type: 'fall' }, { check, payloads: { p: 'kept' } });
    expect(await codeOf(fall)).toBe('ACTOR_QUARANTINED');
    await world.crash([box()]);
    expect(await codeOf(world.kernel.operate('resume', A, 'ann'))).toBe('ACTOR_QUARANTINED');
    expect(asked).toBe(1);
  });
});

describe('payloads of an event', () => {
  it('are rows of the step that takes it, copied when it is sent, and in no journal', async () => {
    const world = await openWorld([box()], slow);
    await world.kernel.create('box', 'a', undefined);
    const payload = { text: 'long' };
    const sent = world.kernel.send(A, add, { payloads: { 'b/1': payload } });
    payload.text = 'changed';
    await sent;
    await world.crash([box()]);
    expect(await world.kernel.reader.payload(A, 'b/1')).toEqual({ text: 'long' });
    expect(JSON.stringify(await world.kernel.reader.journal(A))).not.toContain('long');
    await replays(world, A);
  });

  it('give way to what the machine does with the row in that step', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    await world.kernel.send(A, { type: 'drop', name: 'p' }, { payloads: { p: 1, q: 2 } });
    expect(await world.kernel.reader.payload(A, 'p')).toBeUndefined();
    expect(await world.kernel.reader.payload(A, 'q')).toBe(2);
  });

  it('wait at the head with an event that the machine threw on, and go where it is given up', async () => {
    const world = await openWorld([box(), box({ kind: 'frail', supervision: { onFailure: 'stop' } })]);
    for (const kind of ['box', 'frail']) {
      await world.kernel.create(kind, 'a', undefined);
      await codeOf(world.kernel.send(`${kind}/a`, { type: 'fall' }, { payloads: { p: kind } }));
    }
    expect(await rowsOf(world.store, 'p')).toEqual([]);
    const mended = boxMachine();
    mended.implementations.actions['fall'] = (): void => undefined;
    await world.crash([box({ machine: mended })]);
    await world.kernel.operate('resume', A, 'ann');
    expect(await world.kernel.reader.payload(A, 'p')).toBe('box');
  });

  it('are refused at the door where no row could hold them, and with an event for later', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    const before = await everything(world);
    const big = 'x'.repeat(limits.payloadBytesMax);
    const { kernel } = world;
    expect(await codeOf(kernel.send(A, add, { payloads: { p: new Map() as never } }))).toBe('INVALID_INPUT');
    expect(await codeOf(kernel.send(A, add, { payloads: { p: big } }))).toBe('INVALID_INPUT');
    expect(await codeOf(kernel.send(A, add, { payloads: { '\0': 1 } }))).toBe('INVALID_ID');
    const at = world.clock.now() + 1_000;
    expect(await codeOf(kernel.send(A, add, { at, payloads: { p: 1 } }))).toBe('INVALID_INPUT');
    expect(await codeOf(kernel.send(A, add, { at, check: below(1) }))).toBe('INVALID_INPUT');
    expect(await everything(world)).toEqual(before);
  });
});

describe('an outcome', () => {
  it('has the snapshot of its own step, whatever comes behind it', async () => {
    const world = await openWorld([box()]);
    await world.kernel.create('box', 'a', undefined);
    const outcomes = await Promise.all([world.kernel.send(A, add, { id: 'e1' }), world.kernel.send(A, add)]);
    expect(outcomes.map(({ snapshot }) => countIn(snapshot))).toEqual([1, 2]);
    expect((await world.kernel.send(A, add, { id: 'e1' })).snapshot).toBeUndefined();
    await world.kernel.send(A, { type: 'end' });
    expect((await world.kernel.send(A, add)).snapshot).toBeUndefined();
  });
});
