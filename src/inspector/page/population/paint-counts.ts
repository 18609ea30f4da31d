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

/** Pills stay legible in a chart that is drawn small, and do not grow with one that is drawn large. */
const PILL_SCALE_MAX = 2.4;

export function paintCounts(
  svg: SVGSVGElement,
  counts: ReadonlyMap<string, number>,
  dwell: readonly DwellView[],
  scale: number,
): void {
  const badges = badgesIn(svg);
  const times = new Map(dwell.map((one) => [one.state, one]));
  for (const old of [...svg.querySelectorAll('.pill')]) old.remove();
  for (const [path, node] of statesIn(svg)) {
    const count = counts.get(path) ?? 0;
    const box = node.querySelector('.box');
    node.classList.toggle('is-inhabited', count > 0);
    if (box !== null && count > 0) node.append(pill(box, countWords(count), scale));
    const badge = badges.get(path);
    if (badge !== undefined) badge.textContent = fitting(timesWords(times.get(path)), box);
  }
}

/** Scrolls the box to somebody: the first state within no other that has anybody. */
export function showCrowd(svg: SVGSVGElement): void {
  const box = svg.parentElement;
  const state = svg.querySelector(':is(.atomic, .final).is-inhabited');
  if (box === null || state === null) return;
  const [inner, outer] = [state.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.right > outer.right) box.scrollLeft = inner.left - outer.left - outer.width / 2;
  if (inner.bottom > outer.bottom) box.scrollTop = inner.top - outer.top - outer.height / 2;
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
function pill(box: Element, words: string, scale: number): Element {
  const width = Math.max(PILL_HEIGHT_PX, words.length * PILL_SIGN_PX + 12);
  const of = (name: string): number => Number(box.getAttribute(name) ?? 0);
  const group = document.createElementNS(SVG, 'g');
  group.setAttribute('class', 'pill');
  const grown = Math.min(PILL_SCALE_MAX, Math.max(1, 0.85 / scale));
  const [right, top] = [of('x') + of('width') - 6, of('y') + 6];
  group.setAttribute('transform', `translate(${right} ${top - (grown - 1) * 10}) scale(${grown})`);
  group.append(
    shape('rect', { x: -width, y: 0, width, height: PILL_HEIGHT_PX, rx: PILL_HEIGHT_PX / 2 }),
    shape('text', { x: -width / 2, y: 14, 'text-anchor': 'middle' }, words),
  );
  return group;
}

function shape(name: string, attributes: Readonly<Record<string, string | number>>, words = ''): Element {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.textContent = words;
  return node;
}
