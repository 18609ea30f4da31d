/**
 * Stores full of actors that are all alike: the rows that the kernel writes when it creates one, recorded
 * from it, with each actor's own id, order and the like in them.
 *
 * Callers: sleeper.ts, work.ts. Invariants:
 *  1  The rows are those of the real kernel; only their making is cheaper.
 *  2  Commits are as many as a long life leaves: the commit chain is full when there are a million.
 */
import { systemClock, type Clock } from '../src/clock.js';
import type { DefinitionOptions, Kernel } from '../src/actors/kernel/index.js';
import type { Json } from '../src/json.js';
import { openLevelStore, openMemoryStore } from '../src/store/index.js';
import { keys, ordOf } from '../src/store/keys.js';
import type { Commit, Row } from '../src/store/store.js';
import { openKernel } from './kernel.js';
import { recording } from './recording.js';

/** What the clock said when the one was created that all others are made from. */
export const RECORDED_AT = 1_700_000_000_000;
const ACTORS_A_COMMIT = 50;

export interface Alike {
  readonly directory: string;
  readonly definition: DefinitionOptions;
  readonly actors: number;
  /** Of fixed width; that of 0 is recorded. */
  readonly id: (number: number) => string;
  readonly input: Json;
  readonly options?: Parameters<Kernel['create']>[3];
  /** What else is different in each: texts of the recorded one, and those of another in their places. */
  readonly recorded?: readonly string[];
  readonly own?: (number: number) => readonly string[];
}

/** Fills an empty directory. */
export async function fillAlike(alike: Alike): Promise<void> {
  const { directory, actors, id, own = () => [] } = alike;
  const template = await recordCreation(alike);
  const store = await openLevelStore({ directory, durability: 'process' });
  try {
    for (let from = 0; from < actors; from += ACTORS_A_COMMIT) {
      const number = store.lastCommit + 1;
      const rows: Row[] = [];
      const to = Math.min(actors, from + ACTORS_A_COMMIT);
      for (let actor = from; actor < to; actor += 1) {
        const values = [id(actor), ordOf(number, actor - from), ...own(actor)];
        for (const row of template.rows) rows.push(row(values));
      }
      rows.push({ key: template.countKey, value: String(to) });
      await store.commit({ number, rows, expect: [] });
    }
  } finally {
    await store.close();
  }
}

interface Template {
  readonly rows: readonly ((values: readonly string[]) => Row)[];
  readonly countKey: string;
}

/** Creates one in the real kernel and makes templates of what it wrote. */
async function recordCreation({ definition, id, input, options, recorded = [] }: Alike): Promise<Template> {
  const commits: Commit[] = [];
  const store = recording(await openMemoryStore(), (commit) => commits.push(commit));
  const clock: Clock = { ...systemClock, now: () => RECORDED_AT };
  const kernel = await openKernel(store, { definitions: [definition], clock });
  await kernel.create(definition.kind, id(0), input, options);
  await kernel.close();
  await store.close();
  const rows = commits.at(-1)?.rows ?? [];
  const record = rows.find(({ key }) => key === keys.record(`${definition.kind}/${id(0)}`));
  const count = rows.find(({ key }) => key.startsWith('n\0'));
  const ord = /"ord":"(\w+)"/.exec(record?.value ?? '')?.[1];
  if (count === undefined || ord === undefined) throw new Error(`no ${definition.kind} was recorded`);
  const marks = [id(0), ord, ...recorded];
  return {
    countKey: count.key,
    rows: rows
      .filter((row) => row !== count)
      .map(({ key, value }) => {
        const [keyOf, valueOf] = [rendererOf(key, marks), rendererOf(value ?? '', marks)];
        return (values) => ({ key: keyOf(values), value: valueOf(values) });
      }),
  };
}

/** A text with the recorded one's own parts replaced by another's. */
function rendererOf(text: string, marks: readonly string[]): (values: readonly string[]) => string {
  const parts = text.split(new RegExp(`(${marks.join('|')})`));
  return (values) => parts.map((part) => values[marks.indexOf(part)] ?? part).join('');
}
