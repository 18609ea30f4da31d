/**
 * A store of every kind of row, written by the real kernel, and what may happen to it.
 *
 * Callers: the tests of the examination. Invariant: untouched, an examination finds nothing in it.
 */
import { assign, fromPromise, sendTo, setup } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { examineRows, type RowFinding } from '../../src/actors/examination/index.js';
import type { ActorRecord, DefinitionOptions } from '../../src/actors/kernel/index.js';
import { reservedActions } from '../../src/machines/reserved.js';
import { keys, openMemoryStore, type MemoryDisk, type Row, type RowLetter } from '../../src/store/index.js';
import type { Entry, Store } from '../../src/store/store.js';
import { openWorld, rowsOf, settled, type World } from '../kernel/fixtures.js';

const events = {} as AnyEventObject;

const kid = setup({ types: { context: {} as { n: number }, events } }).createMachine({
  id: 'kid',
  context: { n: 0 },
  initial: 'growing',
  states: { growing: { after: { 60_000: 'grown' } }, grown: { type: 'final' } },
});

/** Has a child and an effect with system ids, and waits; it hears, tells, writes and falls. */
const house: AnyStateMachine = setup({
  types: { context: {} as { n: number }, events },
  actors: { kid, work: fromPromise(() => new Promise(() => undefined)) },
  actions: {
    ...reservedActions,
    count: assign({ n: ({ context }) => context.n + 1 }),
    fall: assign(() => {
      throw new Error('a bug in an assign');
    }),
  },
}).createMachine({
  id: 'house',
  version: '1',
  context: { n: 0 },
  initial: 'lit',
  on: {
    add: { actions: 'count' },
    boom: { actions: 'fall' },
    write: {
      actions: { type: 'history.append', params: { session: 'diary', entry: { text: 'a day' } } },
    },
    tell: {
      actions: { type: 'actor.send', params: { to: 'house/nobody', event: { type: 'add' } } },
    },
    hurry: { actions: sendTo('heir', { type: 'hurry' } as AnyEventObject) },
    dim: '.dark',
    end: '.over',
  },
  states: {
    lit: {
      invoke: [
        { id: 'heir', src: 'kid', systemId: 'heir' },
        { id: 'hand', src: 'work', systemId: 'hand' },
      ],
      after: { 60_000: 'over' },
    },
    dark: {},
    over: { type: 'final' },
  },
});

/** A large context that every note changes a little: its snapshot is written seldom. */
const notebook: AnyStateMachine = setup({
  types: { context: {} as { n: number; text: string }, events },
  actions: { count: assign({ n: ({ context }) => context.n + 1 }) },
}).createMachine({
  id: 'notebook',
  version: '1',
  context: { n: 0, text: 'x'.repeat(500) },
  initial: 'open',
  states: { open: { on: { note: { actions: 'count' } }, after: { 600_000: 'shut' } }, shut: {} },
});

export const machines: readonly DefinitionOptions[] = [
  {
    kind: 'house',
    machine: house,
    indexes: ({ value }, { address }) => [
      { index: 'house:state', parts: [JSON.stringify(value)] },
      { index: 'house:name', parts: [address], unique: true },
    ],
    references: () => ['f00d.png'],
  },
  { kind: 'notebook', machine: notebook, snapshot: 'amortized' },
];

/** The store at rest, and hands that damage it. */
export class Household {
  readonly disk: MemoryDisk;
  readonly world: World;
  /** The record of `house/a` when it had just begun. */
  readonly early: string;

  constructor(world: World, early: string) {
    this.world = world;
    this.disk = world.disk;
    this.early = early;
  }

  /** What an examination finds. */
  async findings(known = machines, deep = true): Promise<readonly RowFinding[]> {
    return await this.#within(async (store) => {
      const found: RowFinding[] = [];
      // Few keys a pass, so that what is compared in passes is.
      const options = { machines: known, deep, dedupeKeysMax: 2 };
      for await (const finding of examineRows(store, options)) found.push(finding);
      return found;
    });
  }

  /** The codes of what is found, each once. */
  async codes(known = machines): Promise<readonly string[]> {
    return codesOf(await this.findings(known));
  }

  /** Writes every repair there is, as often as that leads on. */
  async repair(known = machines): Promise<void> {
    for (let round = 0; round < 6; round += 1) {
      const rows = (await this.findings(known)).flatMap(({ mend = [] }) => mend);
      if (rows.length === 0) return;
      await this.write(...rows);
    }
    throw new Error(`the repair does not end: ${(await this.codes(known)).join(' ')}`);
  }

  async write(...rows: readonly Row[]): Promise<void> {
    await this.#within((store) => store.commit({ number: store.lastCommit + 1, rows, expect: [] }));
  }

  async delete(...gone: readonly string[]): Promise<void> {
    await this.write(...gone.map((key) => ({ key, value: undefined })));
  }

  /** Flips what is stored, behind its checksum. */
  async corrupt(key: string): Promise<void> {
    await this.disk.corrupt(key, (stored) => `${stored.slice(0, -1)}~`);
  }

  rows(...letters: readonly RowLetter[]): Promise<Entry[]> {
    return this.#within((store) => rowsOf(store, ...letters));
  }

  /** The first key of a letter that holds a text. */
  async key(letter: RowLetter, part = ''): Promise<string> {
    const found = (await this.rows(letter)).find(([key]) => key.includes(part));
    if (found === undefined) throw new Error(`no row ${letter} has ${part}`);
    return found[0];
  }

  async record(address: string): Promise<ActorRecord> {
    const text = await this.#within(async (store) => store.get(keys.record(address)));
    return JSON.parse(text ?? 'null') as ActorRecord;
  }

  async change(address: string, parts: object): Promise<void> {
    const value = JSON.stringify({ ...(await this.record(address)), ...parts });
    await this.write({ key: keys.record(address), value });
  }

  /** The kernel runs on it again. */
  async reopen(): Promise<World> {
    await this.world.crash(machines);
    await settled(this.world);
    return this.world;
  }

  async #within<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = await openMemoryStore({ disk: this.disk, purpose: 'look' });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
}

export function codesOf(findings: readonly RowFinding[]): readonly string[] {
  return [...new Set(findings.map(({ code }) => code))].toSorted();
}

/** Houses of every sort: at work, ended, standing still; a notebook; and their store at rest. */
export async function openHousehold({ notes = 3 } = {}): Promise<Household> {
  const world = await openWorld(machines);
  const { kernel } = world;
  await kernel.create('house', 'a', null, { payloads: { plan: { rooms: 3 } } });
  await settled(world);
  const early = (await world.store.get(keys.record('house/a'))) ?? '';
  for (const id of ['b', 'c', 'd']) await kernel.create('house', id, null);
  await kernel.send('house/a', { type: 'add' }, { id: 'first' });
  await kernel.send('house/a', { type: 'write' }, { id: 'second' });
  await kernel.send('house/a', { type: 'tell' });
  await kernel.send('house/b', { type: 'end' });
  await kernel.send('house/c', { type: 'boom' }).catch(() => undefined);
  await kernel.create('notebook', 'n', null);
  for (let note = 0; note < notes; note += 1) await kernel.send('notebook/n', { type: 'note' });
  await settled(world);
  await world.store.close();
  return new Household(world, early);
}
