/**
 * A sleeper: a small actor behind a timer of its own, and stores full of them.
 *
 * Callers: the benchmarks. Invariants:
 *  1  The rows of a store full of sleepers are those the kernel writes when it creates one (recorded from
 *     it), with the actor's own id, due time and order in each; only their making is cheaper.
 *  2  Commits are as many as a long life leaves: the commit chain is full when there are a million.
 */
import { assign, setup } from 'xstate';
import { systemClock, type Clock } from '../src/clock.js';
import type { DefinitionOptions } from '../src/actors/kernel/index.js';
import { openLevelStore, openMemoryStore } from '../src/store/index.js';
import { keys, orderedNumber, ordOf } from '../src/store/keys.js';
import type { Commit, Row } from '../src/store/store.js';
import { openKernel } from './kernel.js';
import { recording } from './recording.js';

interface SleeperContext {
  readonly session: string;
  readonly sleepMs: number;
  readonly pokes: number;
}

const machine = setup({
  types: {
    context: {} as SleeperContext,
    input: {} as { readonly session: string; readonly sleepMs: number },
    events: {} as { readonly type: 'poke' },
  },
  actions: { count: assign(({ context }) => ({ pokes: context.pokes + 1 })) },
  delays: { sleepTime: ({ context }) => context.sleepMs },
}).createMachine({
  id: 'sleeper',
  version: '1',
  context: ({ input }) => ({ ...input, pokes: 0 }),
  initial: 'asleep',
  states: {
    asleep: { after: { sleepTime: 'awake' }, on: { poke: { actions: 'count' } } },
    awake: {},
  },
});

export const sleeperKind = 'sleeper';

export const sleeperMachine = machine;

export const sleeperDefinition: DefinitionOptions = { kind: sleeperKind, machine };

export const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const SLEEPERS_A_COMMIT = 50;

/** Ids of fixed width. */
export function sleeperId(number: number): string {
  return `sleeper-${String(number).padStart(9, '0')}`;
}

export function sleeperInput(sleepMs: number): { readonly session: string; readonly sleepMs: number } {
  return { session: 'telegram:42', sleepMs };
}

export interface Sleepers {
  readonly directory: string;
  readonly actors: number;
  /** The first so many are due together, a month from now; the others in a year and later. */
  readonly dueTogether: number;
}

/** Fills an empty directory with sleepers. */
export async function fillWithSleepers({ directory, actors, dueTogether }: Sleepers): Promise<void> {
  const now = systemClock.now();
  const template = await recordCreation();
  const store = await openLevelStore({ directory, durability: 'process' });
  try {
    for (let from = 0; from < actors; from += SLEEPERS_A_COMMIT) {
      const number = store.lastCommit + 1;
      const rows: Row[] = [];
      const to = Math.min(actors, from + SLEEPERS_A_COMMIT);
      for (let sleeper = from; sleeper < to; sleeper += 1) {
        const dueAt = sleeper < dueTogether ? now + 30 * DAY_MS : now + YEAR_MS + sleeper * 1_000;
        const ord = ordOf(number, sleeper - from);
        for (const row of template.rows) rows.push(row({ id: sleeperId(sleeper), dueAt, ord }));
      }
      rows.push({ key: template.countKey, value: String(to) });
      await store.commit({ number, rows, expect: [] });
    }
  } finally {
    await store.close();
  }
}

/** What differs between the rows of two sleepers. */
interface Own {
  readonly id: string;
  readonly dueAt: number;
  readonly ord: string;
}

interface Template {
  readonly rows: readonly ((own: Own) => Row)[];
  readonly countKey: string;
}

const RECORDED_AT = 1_700_000_000_000;
const RECORDED_MS = 123_456_789;

/** Creates one sleeper in the real kernel and makes templates of what it wrote. */
async function recordCreation(): Promise<Template> {
  const commits: Commit[] = [];
  const store = recording(await openMemoryStore(), (commit) => commits.push(commit));
  const clock: Clock = { ...systemClock, now: () => RECORDED_AT };
  const kernel = await openKernel(store, { definitions: [sleeperDefinition], clock });
  await kernel.create(sleeperKind, sleeperId(0), sleeperInput(RECORDED_MS));
  await kernel.close();
  await store.close();
  const rows = commits.at(-1)?.rows ?? [];
  const record = rows.find(({ key }) => key === keys.record(`${sleeperKind}/${sleeperId(0)}`));
  const count = rows.find(({ key }) => key.startsWith('n\0'));
  const ord = /"ord":"(\w+)"/.exec(record?.value ?? '')?.[1];
  if (count === undefined || ord === undefined) throw new Error('no sleeper was recorded');
  return {
    countKey: count.key,
    rows: rows
      .filter((row) => row !== count)
      .map(({ key, value }) => {
        const [keyOf, valueOf] = [rendererOf(key, ord), rendererOf(value ?? '', ord)];
        return (own) => ({ key: keyOf(own), value: valueOf(own) });
      }),
  };
}

/** A text with the recorded sleeper's own parts replaced by another's. */
function rendererOf(text: string, recordedOrd: string): (own: Own) => string {
  const dueAt = RECORDED_AT + RECORDED_MS;
  const marks = [sleeperId(0), String(dueAt), orderedNumber(dueAt), recordedOrd];
  const parts = text.split(new RegExp(`(${marks.join('|')})`));
  return ({ id, dueAt: ownDueAt, ord }) => {
    const values = [id, String(ownDueAt), orderedNumber(ownDueAt), ord];
    return parts.map((part) => values[marks.indexOf(part)] ?? part).join('');
  };
}
