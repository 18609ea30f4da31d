/** Where somebody stands in an actor's steps. */
import { expect, test } from 'vitest';
import type { StepLine } from '../../../src/actors/inspection/face.js';
import { isUntold, written } from '../../../src/inspector/page/actor/place.js';
import {
  asTold,
  movedBy,
  newerCount,
  noSteps,
  positionOf,
  reaches,
  shownAt,
  stepBefore,
  stepShown,
  withSteps,
} from '../../../src/inspector/page/actor/steps-model.js';

const step = (seq: number, commit = seq): StepLine => ({
  ...{ address: 'a/1', seq, at: seq, source: 'user', event: { type: 'x' }, eventId: String(seq) },
  ...{
    value: 'v',
    status: 'active',
    effects: [],
    timers: [],
    sends: [],
    emitted: [],
    commit,
    migrated: false,
  },
});
const steps = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_each, index) => step(from + index));
const five = withSteps(noSteps, steps(3, 7));

test('the newest is shown, and stays the newest as steps come', () => {
  expect(stepShown(five)?.seq).toBe(7);
  const grown = withSteps(five, steps(8, 9));
  expect([stepShown(grown)?.seq, newerCount(grown)]).toEqual([9, 0]);
});

test('who went back stays there, and is told how many came since', () => {
  const back = shownAt(five, 4);
  expect([stepShown(back)?.seq, stepBefore(back)?.seq, newerCount(back)]).toEqual([4, 3, 0]);
  const grown = withSteps(back, steps(8, 9));
  expect([stepShown(grown)?.seq, newerCount(grown)]).toEqual([4, 2]);
  expect([stepShown(shownAt(grown, undefined))?.seq, newerCount(shownAt(grown, undefined))]).toEqual([9, 0]);
});

test('a step that is not kept any more gives the nearest that is', () => {
  expect(stepShown(shownAt(five, 1))?.seq).toBe(3);
  expect(stepShown(shownAt(withSteps(noSteps, [step(1), step(5), step(9)]), 6))?.seq).toBe(5);
  expect(stepShown(shownAt(five, 99))?.seq).toBe(7);
});

test('moving ends at the ends, and older pages do not move what is shown', () => {
  expect(stepShown(movedBy(five, -99))?.seq).toBe(3);
  expect(stepShown(movedBy(movedBy(five, -2), 99))?.seq).toBe(7);
  expect(movedBy(movedBy(five, -1), 1).shown).toBeUndefined();
  const older = withSteps(shownAt(five, 5), steps(1, 2));
  expect([stepShown(older)?.seq, positionOf(older)]).toEqual([5, 4]);
});

test('a step read twice is there once, as it was read last', () => {
  const again = withSteps(five, [step(7, 70), step(5, 50)]);
  expect(again.steps.map(({ commit }) => commit)).toEqual([3, 4, 50, 6, 70]);
});

test('without steps nothing is shown, and nothing can be moved', () => {
  expect([stepShown(noSteps), positionOf(noSteps), stepBefore(noSteps)]).toEqual([undefined, -1, undefined]);
  expect(movedBy(noSteps, 1)).toEqual(noSteps);
});

test('one stands where the address says once the steps reach back to it, and not before', () => {
  expect([reaches(noSteps, undefined, 1), reaches(noSteps, 4, 1)]).toEqual([false, false]);
  expect([reaches(five, undefined, 1), reaches(five, 3, 1), reaches(five, 99, 1)]).toEqual([
    true,
    true,
    true,
  ]);
  // Older pages are still to come; of what is not kept any more none is.
  expect([reaches(five, 2, 1), reaches(five, 2, 3)]).toEqual([false, true]);
  const there = asTold(five, 4);
  expect([there.shown, there.place]).toEqual([4, { phase: 'placed', address: 4 }]);
});

test('what one wrote into the address moves nobody when it comes back, what another wrote does', () => {
  const there = asTold(five, 4);
  const told = { ...shownAt(there, 5), place: written(there.place, 5) };
  const gone = shownAt(told, 6);
  // Heard late: by then one stands elsewhere.
  expect(asTold(gone, 4)).toEqual(gone);
  const heard = asTold(gone, 5);
  expect([heard.shown, isUntold(heard.place, heard.shown)]).toEqual([6, true]);
  expect(asTold(heard, 5)).toEqual(heard);
  expect(asTold(gone, 3).shown).toBe(3);
  expect(asTold(gone, undefined).shown).toBeUndefined();
});

test('a panel that is opened without a step between does not lose the next address', () => {
  const there = asTold(five, 4);
  expect(written(there.place, 4)).toBe(there.place);
  expect(asTold({ ...there, shown: 5 }, 4).shown).toBe(5);
  expect(written(noSteps.place, 4)).toBe(noSteps.place);
  expect(isUntold(noSteps.place, 4)).toBe(false);
  const twice = written(written(there.place, 5), 6);
  expect(twice).toEqual({ phase: 'writing', from: 5, to: 6 });
});
