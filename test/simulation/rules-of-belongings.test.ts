/** What the oracle holds a single write to, where runs come by it too seldom to be counted on. */
import { expect, test } from 'vitest';
import type { InboxRow } from '../../src/actors/kernel/record.js';
import { keys } from '../../src/store/keys.js';
import { actorChanges } from './batch.js';
import { Chance } from './chance.js';
import { Writes } from './memory.js';
import { Outside } from './outside.js';
import { RulesOfBelongings } from './rules-of-belongings.js';
import { Shadow } from './shadow.js';
import { Verdict, type Violation } from './verdict.js';

const parent = 'family/f1';
const child = 'family.kid/f1/heir@3:1';
const stop: InboxRow = { type: 'stop', id: `${parent}/5:0`, source: `actor:${parent}` };

/** The verdict on a write in which the child gets a stop, and these journal rows of its parent go. */
function verdictOn(seqsRemoved: readonly number[]): Violation | undefined {
  const [verdict, shadow, writes] = [new Verdict(), new Shadow(), new Writes(1)];
  const outside = new Outside({ started: () => undefined, acted: () => undefined }, new Chance(1));
  shadow.apply([{ key: keys.journal(parent, 4), value: '{}' }]);
  writes.begin();
  const changes = shadow.apply([
    { key: keys.inbox(child, '1'), value: JSON.stringify(stop) },
    ...seqsRemoved.map((seq) => ({ key: keys.journal(parent, seq), value: undefined })),
  ]);
  const actors = actorChanges(changes, () => undefined);
  const batch = { commit: undefined, generation: 1, processNumber: 1, changes, actors };
  new RulesOfBelongings(verdict, shadow, writes, outside).check(batch);
  return verdict.violation;
}

test('a stop may come from a step that is removed with its actor in the same write', () => {
  expect(verdictOn([4, 5])).toBe(undefined);
});

test.each([
  ['an older step of one who is removed', [4]],
  ['another step of the same write', [4, 6]],
  ['nobody in the write', []],
] as const)('a stop that comes from %s breaks K8', (_what, seqsRemoved) => {
  expect(verdictOn(seqsRemoved)).toEqual({
    rule: 'K8',
    what: `${child} got ${stop.id}, which nobody has sent`,
  });
});
