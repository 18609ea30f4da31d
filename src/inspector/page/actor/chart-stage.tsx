/**
 * The chart of one actor, painted as it is at the shown step, with what makes it larger and smaller.
 *
 * Owns: how large it is drawn. Callers: stage.tsx. Invariant: it scrolls within its box, never the page; the
 * box is reached by keyboard, and scrolls by arrow keys.
 */
import type { VNode } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';
import { ChartBox, type ChartBoxProps } from '../chart/chart-box.js';
import { paintMoment, type Moment } from './chart-paint.js';

interface ChartStageProps {
  readonly chart: ChartBoxProps['chart'];
  readonly label: string;
  readonly moment: Moment;
}

const ZOOM_STEP = 1.25;
const ZOOM_MIN = 0.1;
const ZOOM_MAX = 3;
/** Smaller than this labels are hard to read: a chart that does not fit scrolls to what is lit instead. */
const READABLE_MIN = 0.75;
const SMALL = 0.5;
const NAME_GROWTH_MAX = 2.2;

/** `follow`: as large as can be read, at what is lit. `fit`: the whole. */
type Zoom = 'follow' | 'fit' | number;

export function ChartStage({ chart, label, moment }: ChartStageProps): VNode {
  const [zoom, setZoom] = useState<Zoom>('follow');
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
    const from = drawn.current?.scale ?? 1;
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
        <Tool name="−" label="Smaller" title="Smaller: −" act={() => by(1 / ZOOM_STEP)} />
        <Tool name="+" label="Larger" title="Larger: +" act={() => by(ZOOM_STEP)} />
        <Tool
          name="Follow"
          title="Readable, at what is lit: f"
          act={() => setZoom('follow')}
          isOn={zoom === 'follow'}
        />
        <Tool name="Fit" title="The whole chart: 0" act={() => setZoom('fit')} isOn={zoom === 'fit'} />
        <Tool name="100 %" title="As it is drawn: 1" act={() => setZoom(1)} isOn={zoom === 1} />
      </div>
      <ChartBox chart={chart} label={label} paint={paint} />
    </div>
  );
}

function Tool(props: {
  readonly name: string;
  readonly title: string;
  /** Where the name is a sign. */
  readonly label?: string;
  readonly act: () => void;
  readonly isOn?: boolean;
}): VNode {
  const { name, title, label, act, isOn } = props;
  return (
    <button type="button" class="quiet" onClick={act} aria-label={label} aria-pressed={isOn} title={title}>
      {name}
    </button>
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
  if (key === 'f') return () => to('follow');
  return key === '1' ? () => to(1) : undefined;
}

/** Draws it as large as asked, and returns the scale that this is. */
function size(svg: SVGSVGElement, zoom: Zoom): number {
  const { width, height } = svg.viewBox.baseVal;
  const around = svg.parentElement;
  if (width === 0 || around === null) return 1;
  const room = { width: around.clientWidth - 16, height: around.clientHeight - 16 };
  const fitting = Math.min(1, room.width / width, Math.max(room.height, 1) / height);
  const scale = scaleOf(zoom, fitting);
  // chart.css leaves all but the names away then, and draws these larger.
  svg.classList.toggle('is-small', scale < SMALL);
  svg.style.setProperty('--name-growth', String(Math.min(NAME_GROWTH_MAX, Math.max(1, 0.85 / scale))));
  svg.setAttribute('width', String(Math.round(width * scale)));
  svg.setAttribute('height', String(Math.round(height * scale)));
  return scale;
}

function scaleOf(zoom: Zoom, fitting: number): number {
  if (zoom === 'fit') return fitting;
  return zoom === 'follow' ? Math.max(READABLE_MIN, fitting) : zoom;
}

/** Scrolls the box to what is active, where it does not fit. */
function showLit(svg: SVGSVGElement): void {
  const around = svg.parentElement;
  const supposed = svg.querySelectorAll('[data-supposed]');
  const lit = [...(supposed.length > 0 ? supposed : svg.querySelectorAll('[data-active]'))];
  // A region that has no states of its own is always lit: it says nothing of where the actor is.
  const innermost = lit.findLast((node) => node.matches(':not(.region, [data-state=""])'));
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
