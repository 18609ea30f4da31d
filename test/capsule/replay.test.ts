/** Replays of capsules: where a changed machine parts from the journal, and what a mended one does. */
import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import { assign, emit, fromPromise, raise, sendTo, setup, type AnyStateMachine } from 'xstate';
import { expectMended, expectReplay, replay } from '../../src/testing/index.js';
import { keys } from '../../src/store/keys.js';
import { settled } from '../kernel/fixtures.js';
import { openPlace, orderMachine, reread } from './places.js';

const kind = 'order';
const address = 'order/77';

/** Every kind of thing a step can ask for, one variation of each. */
interface Variation {
  readonly state?: string;
  readonly final?: boolean;
  readonly src?: 'look' | 'other';
  readonly delayMs?: number;
  readonly word?: string;
  readonly told?: string;
  readonly noted?: number;
  readonly throws?: boolean;
}

function rich(change: Variation = {}): AnyStateMachine {
  const { state = 'working', final = false, src = 'look', delayMs = 1_000, word = 'hello' } = change;
  const { told = 'ping', noted = 1, throws = false } = change;
  const quiet = fromPromise<unknown, unknown>(() => new Promise(() => undefined));
  const child = setup({}).createMachine({ id: 'kid', context: {}, on: { ping: {}, pong: {} } });
  return setup({
    actors: { look: quiet, other: quiet, kid: child },
    actions: {
      say: emit({ type: word }),
      tell: sendTo('kid', { type: told }),
      note: assign(() => {
        if (throws) throw new RangeError('no room');
        return { noted };
      }),
      soon: raise({ type: 'soon' }, { delay: delayMs, id: 'soon' }),
    },
  }).createMachine({
    id: 'rich',
    version: '1',
    context: { noted: 0 },
    initial: 'idle',
    invoke: { id: 'kid', src: 'kid' },
    states: {
      idle: { on: { go: state, end: 'ended' } },
      working: { invoke: { id: 'job', src }, entry: 'soon', on: { next: 'telling' } },
      telling: { entry: ['say', 'tell', 'note'] },
      ended: final ? { type: 'final' } : {},
    },
  });
}

async function richCapsule(...events: readonly string[]) {
  const place = await openPlace([{ kind: 'rich', machine: rich() }]);
  await place.kernel.create('rich', '1', undefined);
  for (const type of events) await place.kernel.send('rich/1', { type });
  await settled(place);
  return reread(await place.capsules().export('rich/1'));
}

describe('replay', () => {
  test('the machine that wrote a journal leads to it again', async () => {
    const report = expectReplay(rich(), await richCapsule('go', 'next'));
    expect(report).toMatchObject({ divergence: undefined, sameStructure: true });
    expect(report.steps.map(({ seq, value }) => [seq, value])).toEqual([
      [1, 'idle'],
      [2, 'working'],
      [3, 'telling'],
    ]);
    expect(report.steps[1]).toMatchObject({ effects: [{ src: 'look' }], timers: [{ sendId: 'soon' }] });
    expect(report.steps[2]).toMatchObject({ emitted: [{ type: 'hello' }], sends: [{ type: 'ping' }] });
    expect(report.snapshot).toMatchObject({ value: 'telling', context: { noted: 1 } });
  });

  test.each([
    ['value', { state: 'telling' }, 2, ['go']],
    ['status', { final: true }, 2, ['end']],
    ['effects', { src: 'other' }, 2, ['go', 'next']],
    ['timers', { delayMs: 2_000 }, 2, ['go', 'next']],
    ['emitted', { word: 'goodbye' }, 3, ['go', 'next']],
    ['sends', { told: 'pong' }, 3, ['go', 'next']],
    ['snapshot', { noted: 2 }, 3, ['go', 'next']],
    ['threw', { throws: true }, 3, ['go', 'next']],
  ] as const)('another %s is found at the step that leads to it', async (what, change, seq, events) => {
    const capsule = await richCapsule(...events);
    const { divergence, steps } = replay(rich(change), capsule);
    expect(divergence).toMatchObject({ seq, what });
    expect(steps.length).toBeLessThanOrEqual(seq);
    expect(replay(rich(change), capsule, { to: seq - 1 }).divergence).toBeUndefined();
    expect(() => expectReplay(rich(change), capsule)).toThrow(AssertionError);
  });

  test('timers, results, children, restarts, schedules and operators’ steps are taken again', async () => {
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.kernel.create(kind, '77', { cents: 42 });
    await place.kernel.send(address, { type: 'note' }).catch(() => undefined);
    await place.kernel.operate('skip', address, 'ann');
    await place.kernel.send(address, { type: 'note', text: 'a' }, { at: place.clock.now() + 5_000 });
    await place.clock.advance(10_000);
    await place.kernel.send(address, { type: 'go' });
    await settled(place);
    await place.clock.advance(60_000);
    await place.kernel.send(address, { type: 'ship' });
    const capsule = reread(await place.capsules().export(address));
    expect(capsule.record.status).toBe('done');
    expectReplay(orderMachine(), capsule);
    const restarting = { kind, machine: orderMachine(), supervision: { onFailure: 'restart' } } as const;
    const again = await openPlace([restarting]);
    await again.kernel.create(kind, '77', { cents: 42 });
    await again.kernel.send(address, { type: 'note' }).catch(() => undefined);
    const restarted = reread(await again.capsules().export(address));
    expect(restarted.journal.map(({ entry }) => entry.event.type)).toEqual(['xstate.init', 'xstate.init']);
    expectReplay(orderMachine(), restarted);
  });

  test('a journal goes on from its checkpoint, and from a migration', async () => {
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.kernel.create(kind, '77', { cents: 42 });
    for (let n = 0; n < 1_400; n += 1) await place.kernel.send(address, { type: 'note', text: String(n) });
    const capsule = reread(await place.capsules().export(address));
    expect(capsule.checkpoint).toBeDefined();
    expectReplay(orderMachine(), capsule);
    const next = orderMachine(undefined, { version: '2' });
    await place.crash([{ kind, machine: next, migrate: { from: { '1': 'compatible' } } }]);
    await place.kernel.send(address, { type: 'go' });
    await settled(place);
    const migrated = reread(await place.capsules().export(address));
    const report = expectReplay(next, migrated);
    expect(report.steps[0]?.event.type).toBe('holdfast.migrated');
  });

  test('an effect under way with another input, and another payload, are differences', async () => {
    const machine = (input: number, value: number) =>
      setup({
        actors: { work: fromPromise<unknown, number>(() => new Promise(() => undefined)) },
        actions: {
          'payload.put': (_scene, _params: { readonly name: string; readonly value: number }) => undefined,
        },
      }).createMachine({
        version: '1',
        initial: 'idle',
        states: {
          idle: { on: { go: 'working' } },
          working: {
            entry: [{ type: 'payload.put', params: { name: 'text', value } }],
            invoke: { src: 'work', input },
          },
        },
      });
    const place = await openPlace([{ kind: 'worker', machine: machine(1, 1), snapshot: 'amortized' }]);
    await place.kernel.create('worker', '1', undefined);
    await place.kernel.send('worker/1', { type: 'go' });
    const capsule = reread(await place.capsules().export('worker/1'));
    const divergenceOf = (input: number, value: number) => replay(machine(input, value), capsule).divergence;
    expect(divergenceOf(1, 1)).toBeUndefined();
    expect(divergenceOf(2, 1)).toMatchObject({ seq: 2, what: 'input', expected: 1, actual: 2 });
    expect(divergenceOf(1, 2)).toMatchObject({ seq: 2, what: 'payload', expected: 1, actual: 2 });
  });

  test('a step that is missing is told as that', async () => {
    const place = await openPlace([{ kind: 'rich', machine: rich() }]);
    await place.kernel.create('rich', '1', undefined);
    for (const type of ['go', 'next']) await place.kernel.send('rich/1', { type });
    await settled(place);
    for (const seq of [2, 1]) {
      const rows = [{ key: keys.journal('rich/1', seq), value: undefined }];
      await place.store.commit({ number: place.store.lastCommit + 1, rows, expect: [] });
      await place.crash([]);
      const { divergence } = replay(rich(), reread(await place.capsules().export('rich/1')));
      expect(divergence).toMatchObject({ seq, what: 'gap' });
    }
  });

  test('an actor of another address is replayed under the one its steps were taken with', async () => {
    const chance = setup({
      actions: {
        draw: assign(({ event }) => ({ drawn: (event as unknown as { $: { random: number } }).$.random })),
      },
    }).createMachine({ id: 'chance', version: '1', context: {}, on: { draw: { actions: 'draw' } } });
    const definition = { kind: 'chance', machine: chance, snapshot: 'amortized' } as const;
    const place = await openPlace([definition]);
    await place.kernel.create('chance', 'a', undefined);
    await place.kernel.send('chance/a', { type: 'draw' });
    const drawn = (await place.kernel.reader.record('chance/a'))?.snapshot;
    const other = await openPlace([definition]);
    await other.capsules().import(reread(await place.capsules().export('chance/a')), { id: 'b' });
    await other.kernel.operate('resume', 'chance/b', 'ann');
    expect((await other.kernel.reader.record('chance/b'))?.snapshot).toEqual(drawn);
    await other.kernel.send('chance/b', { type: 'draw' });
    expectReplay(chance, reread(await other.capsules().export('chance/b')));
  });
});

describe('mending', () => {
  async function broken() {
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.kernel.create(kind, '77', { cents: 42 });
    await place.kernel.send(address, { type: 'go' });
    await settled(place);
    await place.kernel.send(address, { type: 'note' }).catch(() => undefined);
    return reread(await place.capsules().export(address));
  }

  test('the machine as it is throws again, and the failure names step, event and error', async () => {
    const capsule = await broken();
    expect(() => expectMended(orderMachine(), capsule)).toThrow(
      /^order\/77 throws at step 4 \(note\): TypeError: text is undefined$/,
    );
  });

  test('a mended one takes every event, and ends where it should', async () => {
    const capsule = await broken();
    const mended = orderMachine(undefined, { bug: false });
    expect(expectMended(mended, capsule, { state: 'packing' })).toMatchObject({
      value: 'packing',
      unasked: [],
    });
    expect(() => expectMended(mended, capsule, { state: 'shipped' })).toThrow(
      /^order\/77 ends in "packing", not in "shipped"$/,
    );
  });

  test('what it does not ask for any more, and what it waits for, is said', async () => {
    const capsule = await broken();
    const quiet = fromPromise<unknown, unknown>(() => new Promise(() => undefined));
    const other = setup({ actors: { credit: quiet } }).createMachine({
      id: 'order',
      version: '2',
      context: {},
      initial: 'open',
      states: {
        open: { on: { go: 'crediting' } },
        crediting: { invoke: { id: 'credit', src: 'credit', onDone: 'done' } },
        done: {},
      },
    });
    expect(expectMended(other, capsule)).toMatchObject({
      value: 'crediting',
      unasked: [{ seq: 3, child: 'charge' }],
      underWay: ['credit'],
    });
    expect(() => expectMended(other, capsule, { state: 'done' })).toThrow(
      /step 3 is the end of "charge", which it had not under way\nit waits for "credit"$/,
    );
  });

  test('an event that an operator made it skip, or that restarted it, is given again', async () => {
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.kernel.create(kind, '77', { cents: 42 });
    await place.kernel.send(address, { type: 'note' }).catch(() => undefined);
    await place.kernel.operate('skip', address, 'ann');
    const skipped = reread(await place.capsules().export(address));
    expect(() => expectMended(orderMachine(), skipped)).toThrow(/throws at step 2 \(note\)/);
    expectMended(orderMachine(undefined, { bug: false }), skipped, { state: 'open' });
    const again = await openPlace([{ kind, machine: orderMachine(), supervision: { onFailure: 'restart' } }]);
    await again.kernel.create(kind, '77', { cents: 42 });
    await again.kernel.send(address, { type: 'note' }).catch(() => undefined);
    const restarted = reread(await again.capsules().export(address));
    expect(() => expectMended(orderMachine(), restarted)).toThrow(/throws at step 2 \(note\)/);
    expectMended(orderMachine(undefined, { bug: false }), restarted);
  });
});
