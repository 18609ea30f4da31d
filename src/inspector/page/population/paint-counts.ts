/**
 * Paints a chart with how many actors are in each state.
 *
 * Owns: its marks in the drawing, which it takes away before it paints anew. Caller: kind-sheet.tsx.
 */
import type { DwellView } from '../../../actors/inspection/face.js';
import { badgesIn, statesIn } from '../chart/chart-box.js';
import { countWords, durationWords } from '../words.js';

const SVG = 'http://www.w3.org/2000/svg';
/** What a sign takes in a badge, and what a box keeps free on its sides: as the drawing measures them. */
const SIGN_PX = 7.3;
const SIDES_PX = 24;
const PILL_SIGN_PX = 7.6;
const PILL_HEIGHT_PX = 20;

export function paintCounts(
  svg: SVGSVGElement,
  counts: ReadonlyMap<string, number>,
  dwell: readonly DwellView[],
): void {
  const badges = badgesIn(svg);
  const times = new Map(dwell.map((one) => [one.state, one]));
  for (const old of [...svg.querySelectorAll('.pill')]) old.remove();
  for (const [path, node] of statesIn(svg)) {
    const count = counts.get(path) ?? 0;
    const box = node.querySelector('.box');
    node.classList.toggle('is-inhabited', count > 0);
    if (box !== null && count > 0) node.append(pill(box, countWords(count)));
    const badge = badges.get(path);
    if (badge !== undefined) badge.textContent = fitting(timesWords(times.get(path)), box);
  }
}

function timesWords(dwell: DwellView | undefined): readonly string[] {
  if (dwell === undefined || dwell.count === 0) return [];
  const [half, most] = [durationWords(dwell.p50Ms), durationWords(dwell.p95Ms)];
  return [`p50 ${half} · p95 ${most}`, `p50 ${half}`];
}

/** The longest that the box has room for; the table has them all. */
function fitting(texts: readonly string[], box: Element | null): string {
  const room = Number(box?.getAttribute('width') ?? 0) - SIDES_PX;
  return texts.find((text) => text.length * SIGN_PX <= room) ?? '';
}

/** A count on the upper right corner of a box. */
function pill(box: Element, words: string): Element {
  const width = Math.max(PILL_HEIGHT_PX, words.length * PILL_SIGN_PX + 12);
  const of = (name: string): number => Number(box.getAttribute(name) ?? 0);
  const right = of('x') + of('width') - 6;
  const top = of('y') + 6;
  const group = document.createElementNS(SVG, 'g');
  group.setAttribute('class', 'pill');
  group.append(
    shape('rect', { x: right - width, y: top, width, height: PILL_HEIGHT_PX, rx: PILL_HEIGHT_PX / 2 }),
    shape('text', { x: right - width / 2, y: top + 14, 'text-anchor': 'middle' }, words),
  );
  return group;
}

function shape(name: string, attributes: Readonly<Record<string, string | number>>, words = ''): Element {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.textContent = words;
  return node;
}
