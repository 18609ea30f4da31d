/**
 * Damages of actors: records, journals, timers, effects, families.
 *
 * Callers: findings.test.ts.
 */
import type { JournalEntry } from '../../src/actors/kernel/index.js';
import type { FindingCode } from '../../src/findings.js';
import { keys } from '../../src/store/index.js';
import type { Household } from './household.js';

export const A = 'house/a';
export const B = 'house/b';
export const C = 'house/c';
export const KID = 'house.kid/a/heir@1:1';
const NOTEBOOK = 'notebook/n';

/** One damage. */
export interface Damage {
  readonly code: FindingCode;
  readonly when: string;
  readonly damage: (house: Household) => Promise<void>;
  /** Steps of the notebook; a checkpoint is taken after 256. */
  readonly notes?: number;
  /** What is found besides. */
  readonly besides?: readonly FindingCode[];
  /** What no repair can mend. */
  readonly left?: readonly FindingCode[];
  /** Who stands still then. */
  readonly held?: string;
}

async function effectOfA(house: Household): Promise<string> {
  const [effect] = (await house.record(A)).effects;
  return keys.effect('house', effect?.pool ?? '', effect?.ord ?? '');
}

async function entryOfA(house: Household, seq: number): Promise<JournalEntry> {
  const rows = await house.rows('j');
  const text = rows.find(([key]) => key === keys.journal(A, seq))?.[1];
  return JSON.parse(text ?? 'null') as JournalEntry;
}

/** The kid of `house/a` with all its rows. */
async function loseKid(house: Household): Promise<void> {
  const rows = await house.rows('s', 'j', 'd');
  await house.delete(...rows.map(([key]) => key).filter((key) => key.includes(KID)));
}

/** The kid of `house/a` ends, and the row that says so to its parent is lost. */
async function endInSilence(house: Household): Promise<void> {
  const key = keys.journal(KID, 1);
  const [, text = ''] = (await house.rows('j')).find(([found]) => found === key) ?? [];
  const entry = { ...(JSON.parse(text) as JournalEntry), status: 'done' };
  const timer = { id: '1:1', sendId: 'holdfast.retention', dueAt: 10_000_000 };
  await house.delete(await house.key('d', KID));
  await house.change(KID, { status: 'done', timers: [timer] });
  await house.write(
    { key, value: JSON.stringify(entry) },
    {
      key: keys.timer('house.kid', timer.dueAt, KID, 1, 1),
      value: JSON.stringify({ sendId: timer.sendId }),
    },
  );
}

export const damagesOfActors: readonly Damage[] = [
  {
    code: 'RECORD_UNREADABLE',
    when: 'a record fails its checksum',
    damage: (house) => house.corrupt(keys.record(A)),
  },
  {
    code: 'RECORD_UNREADABLE',
    when: 'a record lacks what its readers rely on',
    damage: (house) => house.change(A, { timers: undefined }),
  },
  { code: 'RECORD_MISSING', when: 'a record is gone', damage: (house) => house.delete(keys.record(A)) },
  {
    code: 'RECORD_BEHIND',
    when: 'a record is an older one',
    damage: (house) => house.write({ key: keys.record(A), value: house.early }),
  },
  {
    code: 'RECORD_DIFFERS',
    when: 'a record is in another state than its journal says',
    damage: async (house) => {
      const { snapshot } = await house.record(A);
      await house.change(A, { snapshot: { ...(snapshot as object), value: 'dark' } });
    },
  },
  {
    code: 'RECORD_BUSY',
    when: 'an actor that has ended has things under way',
    damage: async (house) => {
      const { timers, effects } = await house.record(A);
      const own = await house.record(B);
      const [timer] = timers;
      await house.change(B, { timers: [...own.timers, timer], effects });
    },
  },
  {
    code: 'RECORD_KEPT',
    when: 'nothing would remove an actor that has ended',
    damage: async (house) => {
      await house.change(B, { timers: [] });
      await house.delete(await house.key('d', `\0${B}\0`));
    },
  },
  { code: 'JOURNAL_GAP', when: 'an entry is gone', damage: (house) => house.delete(keys.journal(A, 2)) },
  {
    code: 'JOURNAL_UNREADABLE',
    when: 'an entry fails its checksum',
    damage: (house) => house.corrupt(keys.journal(A, 2)),
  },
  {
    code: 'JOURNAL_UNREADABLE',
    when: 'an entry is another step’s',
    damage: async (house) => {
      const value = JSON.stringify(await entryOfA(house, 3));
      await house.write({ key: keys.journal(A, 2), value });
    },
  },
  {
    code: 'JOURNAL_UNREADABLE',
    when: 'an entry is of a later commit than the next one',
    damage: async (house) => {
      const value = JSON.stringify({ ...(await entryOfA(house, 2)), commit: 1_000 });
      await house.write({ key: keys.journal(A, 2), value });
    },
  },
  {
    code: 'JOURNAL_TAIL',
    when: 'the state is in the journal alone, and that has a gap',
    notes: 300,
    damage: (house) => house.delete(keys.journal(NOTEBOOK, 280)),
    besides: ['JOURNAL_GAP'],
    held: NOTEBOOK,
  },
  {
    code: 'JOURNAL_LITTER',
    when: 'an entry is older than the journal',
    damage: async (house) => {
      const value = JSON.stringify({ ...(await entryOfA(house, 1)), seq: 0 });
      await house.write({ key: keys.journal(A, 0), value });
    },
  },
  {
    code: 'JOURNAL_DIVERGED',
    when: 'the journal leads elsewhere',
    damage: async (house) => {
      const { snapshot } = await house.record(A);
      await house.change(A, { snapshot: { ...(snapshot as object), context: { n: 7 } } });
    },
    left: ['JOURNAL_DIVERGED'],
  },
  {
    code: 'CHECKPOINT_MISSING',
    when: 'a checkpoint is gone, and the journal before it is there',
    notes: 300,
    damage: (house) => house.delete(keys.checkpoint(NOTEBOOK, 256)),
  },
  {
    code: 'CHECKPOINT_MISSING',
    when: 'a checkpoint fails its checksum',
    notes: 300,
    damage: (house) => house.corrupt(keys.checkpoint(NOTEBOOK, 256)),
  },
  {
    code: 'CHECKPOINT_LITTER',
    when: 'nothing needs a checkpoint',
    damage: (house) => house.write({ key: keys.checkpoint(A, 1), value: house.early }),
  },
  {
    code: 'CHECKPOINT_LITTER',
    when: 'nobody has a checkpoint',
    damage: (house) => house.write({ key: keys.checkpoint('house/zz', 1), value: house.early }),
  },
  {
    code: 'TIMER_MISSING',
    when: 'a timer is in its record alone',
    damage: async (house) => house.delete(await house.key('d', A)),
  },
  {
    code: 'TIMER_MISSING',
    when: 'a timer fails its checksum',
    damage: async (house) => house.corrupt(await house.key('d', A)),
  },
  {
    code: 'TIMER_ORPHAN',
    when: 'a timer is in no record',
    damage: (house) => house.write({ key: keys.timer('house', 5, A, 9, 0), value: '{"sendId":"x"}' }),
  },
  {
    code: 'TIMER_ORPHAN',
    when: 'a timer of nobody cannot be read',
    damage: async (house) => {
      const key = keys.timer('house', 5, 'house/zz', 9, 0);
      await house.write({ key, value: '{"sendId":"x"}' });
      await house.corrupt(key);
    },
  },
  {
    code: 'TIMER_ORPHAN',
    when: 'the timer of one who stands still is in the index',
    damage: async (house) => {
      const [timer] = (await house.record(C)).timers;
      const key = keys.timer('house', timer?.dueAt ?? 0, C, 1, 0);
      await house.write({ key, value: JSON.stringify({ sendId: timer?.sendId }) });
    },
  },
  {
    code: 'EFFECT_MISSING',
    when: 'an effect is in its record alone',
    damage: async (house) => house.delete(await effectOfA(house)),
    held: A,
  },
  {
    code: 'EFFECT_MISSING',
    when: 'an effect fails its checksum',
    damage: async (house) => house.corrupt(await effectOfA(house)),
    held: A,
  },
  {
    code: 'EFFECT_ORPHAN',
    when: 'an effect is in no record',
    damage: async (house) => {
      const value = JSON.stringify({ address: A, id: '9:9', child: 'hand', src: 'work' });
      await house.write({ key: keys.effect('house', 'work', 'f'.repeat(16)), value });
    },
  },
  {
    code: 'EFFECT_ORPHAN',
    when: 'an effect of nobody cannot be read',
    damage: async (house) => {
      const key = keys.effect('house', 'work', 'f'.repeat(16));
      await house.write({ key, value: '{}' });
      await house.corrupt(key);
    },
  },
  {
    code: 'CHILD_MISSING',
    when: 'a child is gone with all its rows',
    damage: loseKid,
    besides: ['COUNT_WRONG'],
    held: A,
  },
  {
    code: 'CHILD_MISSING',
    when: 'a child has ended, and its parent was never told',
    damage: endInSilence,
    held: A,
  },
  {
    code: 'CHILD_ORPHAN',
    when: 'a parent has forgotten its child',
    damage: (house) => house.change(A, { children: undefined }),
    besides: ['SYSTEM_ORPHAN'],
    held: KID,
  },
];
