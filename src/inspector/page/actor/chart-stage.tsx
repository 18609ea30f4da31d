/**
 * The chart of one actor, painted as it is at the shown step, with what makes it larger and smaller.
 *
 * Owns: how large it is drawn. Callers: stage.tsx. Invariants:
 *  1  A paint says all: what an earlier one lit is dark again.
 *  2  It scrolls within its box, never the page; the box is reached by keyboard, and scrolls by arrow keys.
 *  3  What is lit is marked by an attribute too, not by colour alone (the border of an active state is thick).
 */
import type { VNode } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';
import { ChartBox, badgesIn, statesIn, type ChartBoxProps } from '../chart/chart-box.js';
import { activePaths, edgeOf, edgesTaken, type Edge, type Value } from './paint.js';

/** What there is to paint. */
export interface Moment {
  readonly value: Value;
  /** The step that led here; absent: no edge is lit. */
  readonly step?: { readonly event: string; readonly before: Value } | undefined;
  readonly badges: ReadonlyMap<string, string>;
  /** Where a what-if ends; absent: there is none. */
  readonly supposed?: { readonly event: string; readonly before: Value; readonly value: Value } | undefined;
}

interface ChartStageProps {
  readonly chart: ChartBoxProps['chart'];
  readonly label: string;
  readonly moment: Moment;
}

const ZOOM_STEP = 1.25;
const ZOOM_MIN = 0.1;
const ZOOM_MAX = 3;
/** Smaller than this no label can be read: a chart that does not fit scrolls instead. */
const FIT_MIN = 0.5;

type Zoom = 'fit' | number;

export function ChartStage({ chart, label, moment }: ChartStageProps): VNode {
  const [zoom, setZoom] = useState<Zoom>('fit');
  const drawn = useRef<{ svg: SVGSVGElement; scale: number; lit: string }>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const paint = useCallback(
    (svg: SVGSVGElement): void => {
      paintMoment(svg, moment);
      const scale = size(svg, zoom);
      const lit = JSON.stringify([moment.value, moment.supposed?.value]);
      const isMoved =
        drawn.current?.svg !== svg || drawn.current.lit !== lit || drawn.current.scale !== scale;
      drawn.current = { svg, scale, lit };
      if (isMoved) showLit(svg);
    },
    [moment, zoom],
  );
  const by = (factor: number): void => {
    const from = zoom === 'fit' ? (drawn.current?.scale ?? 1) : zoom;
    setZoom(Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, from * factor)));
  };
  const press = (event: KeyboardEvent): void => {
    const act = keyed(event.key, by, setZoom);
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  return (
    <div class="chart-stage" ref={box} onKeyDown={press}>
      <div class="chart-tools" role="group" aria-label="Size of the chart">
        <button
          type="button"
          class="quiet"
          onClick={() => by(1 / ZOOM_STEP)}
          aria-label="Smaller"
          title="Smaller: −"
        >
          −
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => by(ZOOM_STEP)}
          aria-label="Larger"
          title="Larger: +"
        >
          +
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => setZoom('fit')}
          aria-pressed={zoom === 'fit'}
          title="0"
        >
          Fit
        </button>
        <button type="button" class="quiet" onClick={() => setZoom(1)} aria-pressed={zoom === 1} title="1">
          100 %
        </button>
      </div>
      <ChartBox chart={chart} label={label} paint={paint} />
    </div>
  );
}

function keyed(
  key: string,
  by: (factor: number) => void,
  to: (zoom: Zoom) => void,
): (() => void) | undefined {
  if (key === '+' || key === '=') return () => by(ZOOM_STEP);
  if (key === '-') return () => by(1 / ZOOM_STEP);
  if (key === '0') return () => to('fit');
  return key === '1' ? () => to(1) : undefined;
}

function paintMoment(svg: SVGSVGElement, { value, step, badges, supposed }: Moment): void {
  const active = activePaths(value);
  const meant = activePaths(supposed?.value ?? null);
  for (const [path, node] of statesIn(svg)) {
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
    const text = badges.get(path) ?? '';
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

/** Draws it as large as asked, and returns the scale that this is. */
function size(svg: SVGSVGElement, zoom: Zoom): number {
  const { width, height } = svg.viewBox.baseVal;
  const around = svg.parentElement;
  if (width === 0 || around === null) return 1;
  const room = { width: around.clientWidth - 16, height: around.clientHeight - 16 };
  const fitting = Math.min(1, room.width / width, Math.max(room.height, 1) / height);
  const scale = zoom === 'fit' ? Math.max(FIT_MIN, fitting) : zoom;
  svg.setAttribute('width', String(Math.round(width * scale)));
  svg.setAttribute('height', String(Math.round(height * scale)));
  return scale;
}

/** Scrolls the box to what is active, where it does not fit. */
function showLit(svg: SVGSVGElement): void {
  const around = svg.parentElement;
  const lit = [...svg.querySelectorAll('[data-supposed], [data-active]')];
  const innermost = lit.findLast((node) => node.getAttribute('data-state') !== '');
  if (around === null || innermost === undefined) return;
  const [inner, outer] = [innermost.getBoundingClientRect(), around.getBoundingClientRect()];
  const isSeen =
    inner.left >= outer.left &&
    inner.right <= outer.right &&
    inner.top >= outer.top &&
    inner.bottom <= outer.bottom;
  if (isSeen) return;
  around.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
  around.scrollTop += inner.top + inner.height / 2 - (outer.top + outer.height / 2);
}
