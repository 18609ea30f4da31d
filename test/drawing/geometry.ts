/**
 * What is wrong with a layout, in words: an empty list is a picture that can be read.
 *
 * Callers: geometry.test.ts.
 */
import { writtenIn } from '../../src/drawing/boxes.js';
import type { Box, Layout, PlacedState } from '../../src/drawing/index.js';

type Named = Box & { readonly name: string };

export function faultsOf(layout: Layout): readonly string[] {
  const labels = labelsOf(layout);
  const words = layout.states.flatMap(wordsOf);
  return [
    ...pairs(labels).flatMap(([a, b]) => (overlap(a, b) ? [`label ${a.name} lies on label ${b.name}`] : [])),
    ...labels.flatMap((label) =>
      words.flatMap((word) => (overlap(label, word) ? [`label ${label.name} lies on ${word.name}`] : [])),
    ),
    ...labels.flatMap((label) =>
      layout.states.flatMap((state) =>
        crosses(label, state) || (state.state.states.length === 0 && overlap(label, state))
          ? [`label ${label.name} lies on ${named(state)}`]
          : [],
      ),
    ),
    ...labels.flatMap((label) => strikesOf(label, layout)),
    ...layout.states.flatMap((state) => nestingFaults(state, layout)),
    ...layout.edges.flatMap((edge, at) => edgeFaults(edge, at, layout)),
    ...outside(layout, labels),
  ];
}

function labelsOf({ edges }: Layout): readonly Named[] {
  return edges.flatMap(({ edge, label }) =>
    edge === undefined || label === undefined ? [] : [{ ...label, name: `${edge.source}→${edge.target}` }],
  );
}

function wordsOf(state: PlacedState): readonly Named[] {
  return writtenIn(state).map((line) => ({ ...line, name: `"${line.text}" in ${named(state)}` }));
}

/** Lines of other edges that run through a label. */
function strikesOf(label: Named, { edges }: Layout): readonly string[] {
  const core = { x: label.x + 4, y: label.y + 4, width: label.width - 8, height: label.height - 8 };
  return edges.flatMap(({ edge, points }) => {
    const name = edge === undefined ? 'an initial edge' : `${edge.source}→${edge.target}`;
    if (name === label.name) return [];
    const struck = points.slice(1).some((to, before) => {
      const from = points[before] ?? to;
      const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
      const line = { x, y, width: Math.abs(from.x - to.x) + 1, height: Math.abs(from.y - to.y) + 1 };
      return overlap(
        { ...line, x: x - SLACK_PX, y: y - SLACK_PX, width: line.width + 4, height: line.height + 4 },
        core,
      );
    });
    return struck ? [`${name} runs through label ${label.name}`] : [];
  });
}

function named({ state }: PlacedState): string {
  return state.path === '' ? 'the root' : state.path;
}

/** Children lie within their parent and below its text; siblings apart; text within its box. */
function nestingFaults(placed: PlacedState, { states, dots }: Layout): readonly string[] {
  const { state } = placed;
  const children = states.filter((each) => state.states.includes(each.state));
  const words = wordsOf(placed);
  const inner = [...children, ...dots.filter(({ path }) => path === state.path)];
  return [
    ...inner.flatMap((child) => (within(child, placed) ? [] : [`a child is outside of ${named(placed)}`])),
    ...pairs(inner).flatMap(([a, b]) => (overlap(a, b) ? [`two states overlap in ${named(placed)}`] : [])),
    ...words.flatMap((word) => (within(word, placed) ? [] : [`${word.name} is outside of its box`])),
    ...words.flatMap((word) => (inner.some((each) => overlap(word, each)) ? [`${word.name} is hidden`] : [])),
  ];
}

/** It begins at the border of its source and ends at that of its target, or of its signpost. */
function edgeFaults(placed: Layout['edges'][number], at: number, layout: Layout): readonly string[] {
  const { edge, points, label, signpost } = placed;
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return [`edge ${at} is not drawn`];
  const bent = points.slice(1).filter((to, before) => {
    const from = points[before] ?? to;
    return from.x !== to.x && from.y !== to.y;
  });
  const slanted = bent.length === 0 ? [] : [`edge ${at} is slanted`];
  if (edge === undefined) return slanted;
  const stateAt = (path: string) => layout.states.find(({ state }) => state.path === path);
  const [source, target] = [stateAt(edge.source), signpost ? label : stateAt(edge.target)];
  const name = `${edge.source}→${edge.target}`;
  return [
    ...slanted,
    ...(edge.ways.length > 0 && label === undefined ? [`${name} says nothing`] : []),
    ...(source && onBorder(first, source) ? [] : [`${name} does not begin at its source`]),
    ...(target && onBorder(last, target) ? [] : [`${name} does not end at its target`]),
  ];
}

function outside({ width, height, states }: Layout, labels: readonly Named[]): readonly string[] {
  const paper = { x: 0, y: 0, width, height };
  return [...states, ...labels].flatMap((each) =>
    within(each, paper) ? [] : ['something is off the paper'],
  );
}

/** Rounding moves a border by a pixel. */
const SLACK_PX = 2;

function overlap(a: Box, b: Box): boolean {
  return (
    a.x + SLACK_PX < b.x + b.width &&
    b.x + SLACK_PX < a.x + a.width &&
    a.y + SLACK_PX < b.y + b.height &&
    b.y + SLACK_PX < a.y + a.height
  );
}

function within(inner: Box, outer: Box): boolean {
  return (
    inner.x >= outer.x - SLACK_PX &&
    inner.y >= outer.y - SLACK_PX &&
    inner.x + inner.width <= outer.x + outer.width + SLACK_PX &&
    inner.y + inner.height <= outer.y + outer.height + SLACK_PX
  );
}

/** Partly in it: neither inside nor out. */
function crosses(label: Box, state: Box): boolean {
  return overlap(label, state) && !within(label, state);
}

function onBorder({ x, y }: { readonly x: number; readonly y: number }, box: Box): boolean {
  const near = (a: number, b: number) => Math.abs(a - b) <= SLACK_PX;
  const inX = x >= box.x - SLACK_PX && x <= box.x + box.width + SLACK_PX;
  const inY = y >= box.y - SLACK_PX && y <= box.y + box.height + SLACK_PX;
  const atX = near(x, box.x) || near(x, box.x + box.width);
  const atY = near(y, box.y) || near(y, box.y + box.height);
  return (inX && atY) || (inY && atX);
}

function pairs<T>(list: readonly T[]): readonly (readonly [T, T])[] {
  return list.flatMap((a, at) => list.slice(at + 1).map((b) => [a, b] as const));
}
