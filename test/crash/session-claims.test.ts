/**
 * A process killed at each point of a turn's life, once and twice in a row: the next one takes the same work
 * in the same composition, and it is committed once.
 *
 * The short run kills once at every other point and twice at the rest, the other way round by the other way
 * to work, for a process costs half a second; the long one (HOLDFAST_DEEP) does both everywhere.
 */
import { expect, test } from 'vitest';
import { bundled } from '../bundled.js';
import { points, type Fact, type Held, type Point, type Said } from './session-plan.js';
import { openTalks } from './talks.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const program = bundled('test/crash/children/talker.ts');

/** A claim of two takes the first two, the checkpoint the third. */
const FIRST: readonly Said[] = [said('a'), said('b'), said('x')];
/** Comes later, and is like the first: what was never claimed it may join. */
const LATER: readonly Said[] = [said('c'), { ...said('d'), as: 'alone' }];

/** By point: what the last process claims, a list of claims a turn. */
const TURNS: Readonly<Record<Point, readonly (readonly string[])[]>> = {
  enqueued: [['a b x c'], ['d']],
  claimed: [['a b', 'x c'], ['d']],
  checkpointClaimed: [['a b', 'x'], ['c'], ['d']],
  handlerDone: [['a b', 'x'], ['c'], ['d']],
  beforeCommit: [['a b', 'x'], ['c'], ['d']],
  afterCommit: [['c'], ['d']],
  committed: [['c'], ['d']],
};

for (const [way, by] of (['claim', 'turn'] as const).entries()) {
  for (const [index, point] of points.entries()) {
    const isOver = point === 'afterCommit' || point === 'committed';
    const either = isDeep ? [1, 2] : [1 + ((index + way) % 2)];
    for (const deaths of isOver ? [1] : either) {
      const times = deaths === 1 ? 'once' : 'twice in a row';
      const killed = `by ${by}, killed ${times} at "${point}"`;
      test.concurrent(`${killed}, work is committed once, as it was claimed`, async ({ onTestFinished }) => {
        const talks = await openTalks(program, onTestFinished);
        for (let death = 0; death < deaths; death += 1) {
          const talker = talks.start({ by, messages: FIRST, max: 2, dieAt: point });
          expect(await talker.ended).toBe('SIGKILL');
        }
        const before = (await talks.facts()).length;
        await talks.finish({ by, messages: [...FIRST, ...LATER] });

        const facts = await talks.facts();
        const last = turnsIn(facts.slice(before));
        expect(last.map(claimsOf)).toEqual(TURNS[point]);
        // A process that died with a claim is an attempt that failed; each claim is fenced from the last.
        const failed = isOver || point === 'enqueued' ? 0 : deaths;
        const failedLater = point === 'claimed' ? 0 : failed;
        expect(attemptsOf(last, 'a')).toEqual(isOver ? undefined : failed);
        expect(attemptsOf(last, 'x')).toEqual(isOver ? undefined : failedLater);
        expect(heldIn(facts).filter(({ claims, attempts }) => claims !== attempts + 1)).toEqual([]);

        const [told] = await talks.tell(['s']);
        expect(told?.waiting).toEqual([]);
        const settled = isOver ? [['a b', 'x'], ...TURNS[point]] : TURNS[point];
        expect(told?.history).toEqual(settled.flatMap(entriesOf));
        // What was acknowledged is in the history; a commit that killed its process was not acknowledged.
        const noted = turnsIn(facts).map(claimsOf);
        expect(noted).toEqual(point === 'afterCommit' ? TURNS[point] : settled);
      });
    }
  }
}

function said(id: string): Said {
  return { session: 's', id, as: 'together' };
}

/** What each commit's claims held when it was asked for. */
function turnsIn(facts: readonly Fact[]): readonly (readonly Held[])[] {
  return facts.flatMap((fact, index) => {
    const before = facts[index - 1];
    return fact.type === 'committed' && before?.type === 'held' ? [before.batches] : [];
  });
}

function claimsOf(turn: readonly Held[]): readonly string[] {
  const ids = [...new Set(turn.map(({ claimId }) => claimId))];
  return ids.map((id) =>
    turn
      .filter(({ claimId }) => claimId === id)
      .map((batch) => batch.id)
      .join(' '),
  );
}

function attemptsOf(turns: readonly (readonly Held[])[], id: string): number | undefined {
  return turns.flat().find((batch) => batch.id === id)?.attempts;
}

function heldIn(facts: readonly Fact[]): readonly Held[] {
  return facts.flatMap((fact) => (fact.type === 'held' ? fact.batches : []));
}

function entriesOf(claims: readonly string[]): readonly string[] {
  const ids = claims.join(' ');
  return [...ids.split(' '), `reply to ${ids}`];
}
