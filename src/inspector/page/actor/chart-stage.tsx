/**
 * The chart of one actor, painted as it is at the shown step, with what makes it larger and smaller.
 *
 * Owns: where it is scrolled to. Callers: stage.tsx. Invariants:
 *  1  It scrolls within its box, never the page; the box is reached by keyboard, and scrolls by arrow keys.
 *  2  What is lit is in view whenever it becomes another, or the chart another size; between, who reads may
 *     scroll away.
 */
import type { VNode } from 'preact';
import { useCallback, useRef } from 'preact/hooks';
import { ChartBox, type ChartBoxProps } from '../chart/chart-box.js';
import { useZoom, ZoomTools, type Fit } from '../chart/zoom.js';
import { paintMoment, type Moment } from './chart-paint.js';

interface ChartStageProps {
  readonly chart: ChartBoxProps['chart'];
  readonly label: string;
  readonly moment: Moment;
}

/** A chart that goes whole into its box at this scale is shown whole; a larger one is read at the second. */
const WHOLE_MIN = 0.7;
const READABLE = 0.85;

const fits: readonly [Fit, ...Fit[]] = [
  {
    ...{ name: 'Follow', key: 'f', title: 'Readable, at what is lit' },
    scaleOf: ({ whole }) => (whole >= WHOLE_MIN ? whole : READABLE),
  },
  { name: 'Fit', key: '0', title: 'The whole chart', scaleOf: ({ whole }) => whole },
];

export function ChartStage({ chart, label, moment }: ChartStageProps): VNode {
  const zoom = useZoom(fits);
  const { size } = zoom;
  const drawn = useRef<{ readonly svg: SVGSVGElement; readonly scale: number; readonly lit: string }>(
    undefined,
  );
  const paint = useCallback(
    (svg: SVGSVGElement): void => {
      paintMoment(svg, moment);
      const scale = size(svg, svg.parentElement?.clientHeight ?? 0);
      const lit = JSON.stringify([moment.value, moment.supposed?.value]);
      const { current } = drawn;
      if (current?.svg === svg && current.lit === lit && current.scale === scale) return;
      drawn.current = { svg, scale, lit };
      showLit(svg);
    },
    [moment, size],
  );
  return (
    <div class="chart-stage" onKeyDown={zoom.press}>
      <ZoomTools zoom={zoom} />
      <ChartBox chart={chart} label={label} paint={paint} />
    </div>
  );
}

interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Scrolls the box to what is lit: to all of it where that has room, else to the last of it. */
function showLit(svg: SVGSVGElement): void {
  const around = svg.parentElement;
  const supposed = svg.querySelectorAll('[data-supposed]');
  const lit = [...(supposed.length > 0 ? supposed : svg.querySelectorAll('[data-active]'))]
    // A region that has no states of its own is always lit: it says nothing of where the actor is.
    .filter((node) => node.matches(':not(.region, [data-state=""])'));
  const last = lit.at(-1);
  if (around === null || last === undefined) return;
  const { left, right, top, bottom } = around.getBoundingClientRect();
  // The tools lie on its upper edge.
  const outer = { left, right, bottom, top: top + Number.parseFloat(getComputedStyle(around).paddingTop) };
  const innermost = lit.filter((node) => node.matches('.atomic, .final'));
  const all = areaOf(innermost.length > 0 ? innermost : [last]);
  const hasRoom = all.right - all.left <= right - left && all.bottom - all.top <= bottom - outer.top;
  const shown = hasRoom ? all : areaOf([last]);
  const isSeen =
    shown.left >= outer.left &&
    shown.right <= outer.right &&
    shown.top >= outer.top &&
    shown.bottom <= outer.bottom;
  if (isSeen) return;
  around.scrollLeft += (shown.left + shown.right - outer.left - outer.right) / 2;
  around.scrollTop += (shown.top + shown.bottom - outer.top - outer.bottom) / 2;
}

function areaOf(nodes: readonly Element[]): Area {
  const areas = nodes.map((node) => node.getBoundingClientRect());
  return {
    left: Math.min(...areas.map(({ left }) => left)),
    right: Math.max(...areas.map(({ right }) => right)),
    top: Math.min(...areas.map(({ top }) => top)),
    bottom: Math.max(...areas.map(({ bottom }) => bottom)),
  };
}
