/** Thirty actors, random events, random crashes: what K1 to K16 promise together. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { checkReplay, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { reservedActions } from '../../src/machines/reserved.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';

/** Take a failing run back with HOLDFAST_SEED=<the printed seed>. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);
const ACTORS = 30;
const EVENTS = 500;

/** mulberry32: a number in [0, 1) for each call, fixed by the seed. */
function chance(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Counts what it takes, works and rests by turns, tells its neighbour, and may end. */
const ant: AnyStateMachine = setup({
  types: {
    context: {} as { taken: string[]; told: number; worked: number; next: string },
    input: {} as { next: string },
  },
  actors: { work: fromPromise(async () => 1) },
  actions: {
    ...reservedActions,
    take: assign(({ context, event }) => ({ taken: [...context.taken, String(event['name'])] })),
    hear: assign(({ context }) => ({ told: context.told + 1 })),
    count: assign(({ context }) => ({ worked: context.worked + 1 })),
  },
}).createMachine({
  id: 'ant',
  version: '1',
  context: ({ input }) => ({ taken: [], told: 0, worked: 0, next: input.next }),
  initial: 'resting',
  on: {
    take: { actions: 'take' },
    hear: { actions: 'hear' },
    tell: {
      actions: [
        'take',
        { type: 'actor.send', params: ({ context }) => ({ to: context.next, event: { type: 'hear' } }) },
      ],
    },
    end: { target: '.over', actions: 'take' },
  },
  states: {
    resting: { on: { work: { target: 'working', actions: 'take' } }, after: { 700: 'working' } },
    working: {
      invoke: { src: 'work', onDone: { target: 'resting', actions: 'count' }, onError: 'resting' },
      on: { work: { actions: 'take' } },
      after: { 900: 'resting' },
    },
    over: { type: 'final' },
  },
});

const definitions: readonly DefinitionOptions[] = [{ kind: 'ant', machine: ant, retentionMs: 10 ** 9 }];

interface Book {
  /** What each actor was told to take, by event id. */
  readonly sent: Map<string, Set<string>>;
  readonly ended: Set<string>;
}

/** Sends until it is answered, as any sender does that was not told what became of its event. */
async function insist(world: () => World, address: string, type: string, name: string): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      const { accepted } = await world().kernel.send(address, { type, name }, { id: name });
      return accepted;
    } catch (error) {
      const code: unknown = Reflect.get(Object(error), 'code');
      if (code !== 'STORE_FAILED' && code !== 'RUNTIME_CLOSED') throw error;
      await settled(world());
    }
  }
  throw new Error(`${name} was never answered`);
}

async function audit(world: World, book: Book): Promise<void> {
  const states = new Map<string, number>();
  const listed = await world.kernel.reader.byKind('ant', { limit: 1_000 });
  expect(listed.items).toHaveLength(ACTORS);
  /** Ids of what was told, with whom; ids of what was heard. */
  const told = new Map<string, string>();
  const heard: string[] = [];
  for (const address of listed.items) {
    const found = await world.kernel.snapshot(address);
    const definition = world.kernel.definitionOf('ant');
    if (found === undefined || definition === undefined) throw new Error(`${address} is gone`);
    const { taken } = found.snapshot.context as { taken: string[] };
    expect(taken.toSorted()).toEqual([...(book.sent.get(address) ?? [])].toSorted());
    const entries = await world.kernel.reader.journal(address);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_unused, index) => index + 1));
    expect(entries).toHaveLength(found.record.seq);
    for (const { id, to } of entries.flatMap(({ sends = [] }) => sends)) told.set(id, to);
    heard.push(...entries.filter(({ event }) => event.type === 'hear').map(({ eventId }) => eventId));
    checkReplay({ definition, address, entries }, found.record.snapshot);
    const state = JSON.stringify(found.snapshot.value);
    states.set(state, (states.get(state) ?? 0) + 1);
    const timers = (await rowsOf(world.store, 'd')).filter(([key]) => key.includes(`\0${address}\0`));
    expect(timers).toHaveLength(found.record.timers.length);
    if (book.ended.has(address)) expect([found.record.effects, timers.length]).toEqual([[], 1]);
  }
  const counted = world.kernel.counts('ant').map(({ state, count }) => [state, count] as const);
  expect(new Map(counted)).toEqual(states);
  expect(await rowsOf(world.store, 'i')).toEqual([]);
  for (const [, text] of await rowsOf(world.store, 'o')) {
    const row = JSON.parse(text) as { readonly address: string };
    expect(book.ended.has(row.address)).toBe(false);
  }
  expect(heard.length).toBeGreaterThan(0);
  expect(new Set(heard).size).toBe(heard.length);
  expect(heard.toSorted()).toEqual(heard.filter((id) => told.has(id)).toSorted());
  for (const [id, to] of told) if (!book.ended.has(to)) expect(heard).toContain(id);
}

describe('the kernel in a random world', () => {
  it(`applies everything once and keeps its books, whatever it dies of (seed ${seed})`, async () => {
    const random = chance(seed);
    const stores: FaultyStore[] = [];
    const opened = await openWorld(definitions, (inner) => {
      const store = faultyStore(inner);
      stores.push(store);
      return store;
    });
    const book: Book = { sent: new Map(), ended: new Set() };
    const address = (n: number): string => `ant/a${n % ACTORS}`;
    for (let n = 0; n < ACTORS; n += 1) await opened.kernel.create('ant', `a${n}`, { next: address(n + 1) });
    let pending: Promise<void>[] = [];
    const crash = async (): Promise<void> => {
      if (random() < 0.5) {
        stores.at(-1)?.failNext(random() < 0.5 ? 'before' : 'after');
        await settled(opened);
      }
      await opened.crash(definitions);
    };
    for (let n = 0; n < EVENTS; n += 1) {
      const to = address(Math.floor(random() * ACTORS));
      const ends = random() < 0.02 && book.ended.size < ACTORS / 3;
      const type = ends ? 'end' : (['take', 'tell', 'work'][Math.floor(random() * 3)] ?? 'take');
      const name = `${type}-${n}`;
      pending.push(
        insist(() => opened, to, type, name).then((accepted) => {
          if (!accepted) return;
          book.sent.set(to, (book.sent.get(to) ?? new Set()).add(name));
          if (ends) book.ended.add(to);
        }),
      );
      if (random() < 0.1) await opened.clock.advance(Math.floor(random() * 1_000));
      if (random() < 0.05) await crash();
      if (random() < 0.1) {
        await Promise.all(pending);
        pending = [];
      }
    }
    await Promise.all(pending);
    await opened.clock.advance(3_000);
    await audit(opened, book);
    await opened.crash(definitions);
    await audit(opened, book);
  });
});
