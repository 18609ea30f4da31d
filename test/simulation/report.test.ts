/** Kernels broken on purpose: what breaks is noticed, named, made short, and taken back by a command. */
import { expect, test } from 'vitest';
import type { Commit, Store } from '../../src/store/index.js';
import { Chance } from './chance.js';
import { deeds } from './actions.js';
import { commandOf, linesOf, reportOf } from './report.js';
import { shrink } from './shrink.js';
import { simulate, type SimulationOptions } from './simulate.js';
import { workDeeds } from './work-deeds.js';

/** A store whose commits are done in another way. */
function committing(store: Store, commit: (commit: Commit) => Promise<void>, last?: () => number): Store {
  return {
    generation: store.generation,
    get lastCommit() {
      return last?.() ?? store.lastCommit;
    },
    get: (key) => store.get(key),
    getMany: (wanted) => store.getMany(wanted),
    scan: (options) => store.scan(options),
    commit,
    view: () => store.view(),
    close: () => store.close(),
  };
}

/** Answers, and writes later. */
function hasty(store: Store): Store {
  let last = store.lastCommit;
  let writing: Promise<unknown> = Promise.resolve();
  const commit = async (asked: Commit): Promise<void> => {
    last = asked.number;
    writing = writing.then(() => store.commit(asked)).catch(() => undefined);
  };
  return committing(store, commit, () => last);
}

/** Writes everything but the rows whose keys begin so. */
function forgetting(start: string): (store: Store) => Store {
  const isKept = ({ key }: { readonly key: string }): boolean => !key.startsWith(start);
  return (store) =>
    committing(store, (commit) => store.commit({ ...commit, rows: commit.rows.filter(isKept) }));
}

/** Each with the deeds that meet what was forgotten: in a short run they all are too few of each. */
const others = deeds.filter((deed) => !workDeeds.includes(deed));
const options: SimulationOptions = { seed: 7, steps: 200, faults: [], rests: false, actions: others };

test.each([
  ['answers before it has written', hasty, 'K1'],
  ['forgets timers', forgetting('d'), 'K5'],
  ['forgets effects', forgetting('o'), 'K6'],
  ['forgets letters', forgetting('i'), 'K8'],
  ['forgets what was applied', forgetting('x'), 'K15'],
  ['forgets how many there are', forgetting('n'), 'K12'],
  ['forgets by what an actor is found', forgetting('q\0worker'), 'K3'],
  ['forgets who stands still', forgetting('q\0quarantine'), 'K14'],
  ['forgets what a session was told', forgetting('p\0session/a\0b/'), 'SQ9'],
  ['forgets source keys', forgetting('p\0session/a\0k/'), 'SQ9'],
  ['forgets receipts', forgetting('p\0session/a\0t/'), 'SQ7'],
  ['forgets histories', forgetting('h\0a'), 'SQ4'],
  ['forgets what a session holds', forgetting('f\0session/a'), 'SQ9'],
  ['forgets pages', forgetting('c\0session/b\0p'), 'SQ10'],
] as const)('a store that %s breaks a rule that is named', async (_what, spoil, rule) => {
  const { violation } = await simulate({ ...options, spoil, rests: true });
  expect(violation?.rule, violation?.what).toBe(rule);
});

test('a store that forgets who has the key of work breaks a rule that is named', async () => {
  const world = others.filter(({ name }) => ['answer', 'advance', 'settle'].includes(name));
  const actions = [...workDeeds, ...world];
  const spoil = forgetting('q\0work.key');
  const { violation } = await simulate({ ...options, actions, spoil });
  expect(violation?.rule, violation?.what).toBe('W6');
});

test('a failed run is made shorter, and its report has the command that takes it back', async () => {
  const spoiled = { ...options, spoil: forgetting('d') };
  const failed = await simulate(spoiled);
  const names = others.map(({ name }) => name);
  const { rerun, run } = await shrink(spoiled, failed, names);
  expect(rerun.steps).toBeLessThanOrEqual(failed.steps);
  expect(rerun.without.length).toBeGreaterThan(5);
  const again = await simulate({ ...spoiled, steps: rerun.steps, without: rerun.without });
  expect(again.violation).toEqual(run.violation);
  expect(again.digest).toBe(run.digest);
  const [first = '', second, ...rest] = reportOf(run, rerun).split('\n');
  expect(first).toMatch(/^K5 is broken: .+ timers and 0 rows of them$/);
  expect(second).toBe(`seed 7, step ${rerun.steps}; the last ${run.trace.length} steps:`);
  expect(rest.at(-1)?.trim()).toBe(commandOf(rerun));
  expect(commandOf(rerun)).toMatch(/^HOLDFAST_SEED=7 HOLDFAST_STEPS=\d+ HOLDFAST_WITHOUT=[\w,]+ npx vitest/);
});

test('the steps of a report are aligned lines', () => {
  const line = { step: 3, process: 1, at: 1_000, commit: 12, action: 'send', did: 'take to worker/w1' };
  expect(linesOf([line, { ...line, step: 10, action: 'answerLate' }])).toEqual([
    '  step  process  at    commit  action      did',
    '  3     1        1000  12      send        take to worker/w1',
    '  10    1        1000  12      answerLate  take to worker/w1',
  ]);
});

test('an action that is left out changes nothing that the others draw', () => {
  const draws = (): number[] => [0, 1, 2].map((step) => new Chance(5).fork(`step ${step}`).next());
  expect(draws()).toEqual(draws());
  expect(new Set(draws()).size).toBe(3);
});
