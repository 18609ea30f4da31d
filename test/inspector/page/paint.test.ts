/** What a chart shows of one moment: lit states, the edge that was taken, badges. */
import { describe, expect, test } from 'vitest';
import { chartConfigOf } from '../../../src/actors/kernel/chart-config.js';
import {
  activePaths,
  badgesOf,
  edgeOf,
  edgesTaken,
  invokers,
} from '../../../src/inspector/page/actor/paint.js';
import { jobMachine } from '../../../src/machines/index.js';

const edges = (...keys: readonly string[]) => keys.flatMap((key) => edgeOf(key) ?? []);

describe('active states', () => {
  test('a compound value lights its leaves, all that is around them, and the root', () => {
    const paths = activePaths({ submitting: { posting: 'wanted' } });
    expect([...paths]).toEqual(['', 'submitting', 'submitting.posting', 'submitting.posting.wanted']);
  });

  test('every region of a parallel state is lit', () => {
    const paths = activePaths({ sound: 'on', picture: { size: 'full' } });
    expect([...paths]).toEqual(['', 'sound', 'sound.on', 'picture', 'picture.size', 'picture.size.full']);
  });

  test('a machine without states lights its root, an actor without a value nothing', () => {
    expect([...activePaths({})]).toEqual(['']);
    expect([...activePaths(null)]).toEqual([]);
  });
});

describe('the edge of a step', () => {
  test('reads its key from the outside in, so that an event may have a bar in its name', () => {
    expect(edgeOf('a.b|x|y|c')).toMatchObject({ source: 'a.b', event: 'x|y', target: 'c' });
    expect(edgeOf('a|b')).toBeUndefined();
  });

  test('is the one whose source was active and whose target is', () => {
    const all = edges('a|go|b', 'a|go|c', 'b|go|c', 'a|stop|b');
    expect([...edgesTaken(all, 'go', 'a', 'b')]).toEqual(['a|go|b']);
  });

  test('goes on through states that are left at once', () => {
    const all = edges('a|go|deciding', 'deciding||b', 'deciding||c', 'c||b');
    expect([...edgesTaken(all, 'go', 'a', 'b')]).toEqual(['a|go|deciding', 'deciding||b']);
  });

  test('enters a compound state and goes on from one within', () => {
    const all = edges('a|go|work', 'work.first||done');
    expect([...edgesTaken(all, 'go', 'a', 'done')]).toEqual(['a|go|work', 'work.first||done']);
  });

  test('is the innermost state’s, and an exact name’s before a wildcard’s', () => {
    const all = edges('work|go|b', 'work.one|go|b', 'work.one|*|b');
    expect([...edgesTaken(all, 'go', { work: 'one' }, 'b')]).toEqual(['work.one|go|b']);
    expect([...edgesTaken(edges('a|job.*|b'), 'job.cancel', 'a', 'b')]).toEqual(['a|job.*|b']);
  });

  test('is none for an event that nothing took, and ends in a ring of transitions without event', () => {
    expect([...edgesTaken(edges('a|go|b'), 'stop', 'a', 'a')]).toEqual([]);
    expect([...edgesTaken(edges('a|go|b', 'b||c', 'c||b'), 'go', 'a', 'd')]).toEqual([]);
  });
});

describe('badges', () => {
  test('find the state that invokes an effect, named or not', () => {
    const found = invokers(chartConfigOf(jobMachine));
    expect(found.get('submit')).toBe('submitting.posting');
    const unnamed = invokers({
      id: 'm',
      states: { a: { invoke: { src: 'x' } }, b: { invoke: [{ src: 'y' }] } },
    });
    expect([...unnamed]).toEqual([
      ['0.m.a', 'a'],
      ['0.m.b', 'b'],
    ]);
  });

  test('count down to the next timer of a state, and say what runs in it for which time', () => {
    const timer = (state: string | undefined, dueAt: number) => ({
      ...{ id: `1:${dueAt}`, name: 'x', dueAt, event: 'after' },
      ...(state !== undefined && { state }),
    });
    const effect = { id: '3:0', src: 'submit', child: 'submit', pool: 'p', since: 0 };
    const badges = badgesOf({
      timers: [timer('a', 65_000), timer('a', 2_000), timer('b', 10), timer(undefined, 5)],
      effects: [{ ...effect, state: 'running', attempts: 2 }],
      invokers: new Map([['submit', 'a']]),
      now: 1_000,
    });
    expect([...badges]).toEqual([
      ['a', 'submit ×2 runs · 1 s left'],
      ['b', 'time is up'],
    ]);
  });
});
