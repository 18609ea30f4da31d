/** A story as a sequence diagram: where steps stand, and the arrows between them. */
import { expect, test } from 'vitest';
import type { StoryStep } from '../../../src/actors/inspection/face.js';
import { COLUMN_PX, diagramOf, GUTTER_PX, shortened } from '../../../src/inspector/page/story/diagram.js';

function step(order: number, address: string, more: Partial<StoryStep> = {}): StoryStep {
  return {
    ...{ order, address, seq: 1, at: 1_000 * order, source: 'user', eventId: `${order}`, value: 'open' },
    ...{ event: { type: 'go' }, status: 'active', commit: order, migrated: false },
    ...more,
  };
}

const actors = ['job/1', 'session/a', 'delivery/x'];
const steps = [
  step(0, 'job/1'),
  step(1, 'job/1', { seq: 2, source: 'effect', cause: { address: 'job/1', seq: 1 } }),
  step(2, 'delivery/x', { source: 'actor:job/1', cause: { address: 'job/1', seq: 2 } }),
  step(3, 'session/a', { source: 'actor:job/9', cause: { address: 'job/9', seq: 4 } }),
  step(4, 'job/1', { seq: 3, value: 'done', cause: { address: 'delivery/x', seq: 1 } }),
];
const diagram = diagramOf({ actors, steps });

test('each step is a row in the column of its actor', () => {
  expect(diagram.columns.map(({ x }) => (x - GUTTER_PX) / COLUMN_PX)).toEqual([0.5, 1.5, 2.5]);
  const columns = diagram.boxes.map(({ x, width }) => (x + width / 2 - GUTTER_PX) / COLUMN_PX - 0.5);
  expect(columns).toEqual([0, 0, 2, 1, 0]);
  const rows = diagram.boxes.map(({ y }) => y);
  expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  expect(diagram.height).toBeGreaterThan(diagram.boxes.at(-1)?.stateY ?? Infinity);
});

test('arrows lead from causes, from outside where there is none, and not to a step of one’s own', () => {
  const [first, second, third, fourth] = diagram.arrows;
  expect(diagram.arrows).toHaveLength(4);
  expect(first).toMatchObject({ words: 'user' });
  expect(second?.from).toBe(diagram.columns[0]?.x);
  expect(second?.words).toBeUndefined();
  expect(second?.to).toBe(diagram.boxes[2]?.x);
  expect(third).toMatchObject({ words: 'actor:job/9' });
  // Back to the left: it arrives at the right side of the box.
  expect(fourth?.to).toBe((diagram.boxes[4]?.x ?? 0) + (diagram.boxes[4]?.width ?? 0));
});

test('a state is written where it is another than before, and the time since the last step', () => {
  expect(diagram.boxes.map(({ state }) => state)).toEqual(['open', undefined, 'open', 'open', 'done']);
  expect(diagram.boxes.map(({ gap }) => gap)).toEqual(['', '+1 s', '+1 s', '+1 s', '+1 s']);
});

test('what is too long keeps its beginning and its end', () => {
  expect(shortened('delivery/dlv_0123456789abcdef', 12)).toBe('delivery…def');
  expect(shortened('short', 12)).toBe('short');
});
