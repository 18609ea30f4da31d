/**
 * Puts a moment into the drawing of a chart: what is lit, what the badges say.
 *
 * Owns: `data-active`, `data-taken`, `data-supposed`, `data-would` of the drawing, and its badges. Callers:
 * chart-stage.tsx. Invariants:
 *  1  A paint says all: what an earlier one lit is dark again.
 *  2  What is so already is not written again: a paint that changes nothing costs no layout.
 */
import { badgesIn, statesIn } from '../chart/chart-box.js';
import { activePaths, edgeOf, edgesTaken, type Edge, type Value } from './paint.js';

/** Of a badge's letters, which have one width. */
const BADGE_CHAR_PX = 7.23;
const BADGE_PAD_PX = 8;

/** What there is to paint. */
export interface Moment {
  readonly value: Value;
  /** The step that led here; absent: no edge is lit. */
  readonly step?: { readonly event: string; readonly before: Value } | undefined;
  readonly badges: ReadonlyMap<string, string>;
  /** Where a what-if ends; absent: there is none. */
  readonly supposed?: { readonly event: string; readonly before: Value; readonly value: Value } | undefined;
}

export function paintMoment(svg: SVGSVGElement, { value, step, badges, supposed }: Moment): void {
  const active = activePaths(value);
  const meant = activePaths(supposed?.value ?? null);
  for (const [path, node] of statesIn(svg)) {
    // There is nothing to do with a state here: thirty stops on the way to the steps would be in the way.
    if (node.hasAttribute('tabindex')) node.removeAttribute('tabindex');
    mark(node, 'data-active', active.has(path));
    mark(node, 'data-supposed', meant.has(path));
  }
  const lines = edgesOf(svg);
  const edges = [...lines.values()].map(({ edge }) => edge);
  const taken = step === undefined ? new Set<string>() : edgesTaken(edges, step.event, step.before, value);
  const would =
    supposed === undefined
      ? new Set<string>()
      : edgesTaken(edges, supposed.event, supposed.before, supposed.value);
  for (const [name, keys] of [
    ['data-taken', taken],
    ['data-would', would],
  ] as const) {
    const lit = new Set([...keys].flatMap((key) => lines.get(key)?.nodes ?? []));
    // A line stands for all ways along it.
    const along = new Set([...lit].map((node) => node.closest('.edge')));
    for (const { nodes } of lines.values()) for (const node of nodes) mark(node, name, lit.has(node));
    for (const line of svg.querySelectorAll('.edge')) mark(line, name, along.has(line));
  }
  for (const [path, node] of badgesIn(svg)) {
    const text = cut(badges.get(path) ?? '', node);
    if (node.textContent !== text) node.textContent = text;
  }
}

/** Nodes of each transition: its line and its label. */
function edgesOf(
  svg: SVGSVGElement,
): ReadonlyMap<string, { readonly edge: Edge; readonly nodes: Element[] }> {
  const found = new Map<string, { readonly edge: Edge; readonly nodes: Element[] }>();
  for (const node of svg.querySelectorAll('[data-edge]')) {
    const key = node.getAttribute('data-edge') ?? '';
    const edge = edgeOf(key);
    const nodes = found.get(key)?.nodes ?? [];
    nodes.push(node);
    if (edge !== undefined) found.set(key, { edge, nodes });
  }
  return found;
}

function mark(node: Element, name: string, isOn: boolean): void {
  if (isOn !== node.hasAttribute(name)) node.toggleAttribute(name, isOn);
}

/** As much as its box has room for: the panels have all of it. */
function cut(text: string, node: Element): string {
  const width = Number(node.parentElement?.querySelector('.box')?.getAttribute('width') ?? Number.NaN);
  const chars = Math.floor((width - 2 * BADGE_PAD_PX) / BADGE_CHAR_PX);
  return text.length <= chars || Number.isNaN(chars) ? text : `${text.slice(0, Math.max(0, chars - 1))}…`;
}
