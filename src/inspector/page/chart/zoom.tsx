/**
 * How large a chart is drawn: fitting its box, or by hand.
 *
 * Owns: the scale. Callers: the population. Invariants:
 *  1  A chart that fits is as large as its box allows, and never larger than it was drawn; one that would be
 *     too small to be read is scrolled through, downwards rather than sideways.
 *  2  `size` is called after every draw: the box may be another by then.
 */
import type { VNode } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';

export interface Zoom {
  /** Undefined: it fits. */
  readonly scale: number | undefined;
  /** Draws it as large as it is to be; returns the scale that this is. */
  readonly size: (svg: SVGSVGElement, boxHeightPx: number) => number;
  readonly by: (factor: number) => void;
  readonly to: (scale: number | undefined) => void;
  /** For the keys `+`, `-`, `0` and `1`. */
  readonly press: (event: KeyboardEvent) => void;
}

const STEP = 1.25;
const SCALE_MIN = 0.1;
const SCALE_MAX = 3;
const PADDING_PX = 22;
/** Smaller than the first it is made only to be as wide as its box, smaller than the second not at all. */
const FIT_WIDE = 0.7;
const FIT_MIN = 0.3;
/** Smaller than this, chart.css leaves all but the names away, and these are drawn larger. */
const SMALL = 0.5;
const NAME_GROWTH_MAX = 2.2;

export function useZoom(): Zoom {
  const [scale, setScale] = useState<number>();
  const shown = useRef(1);
  const size = useCallback(
    (svg: SVGSVGElement, boxHeightPx: number): number => {
      const { width, height } = svg.viewBox.baseVal;
      const roomPx = (svg.parentElement?.clientWidth ?? 0) - PADDING_PX;
      if (width === 0 || height === 0 || roomPx <= 0) return 1;
      const wide = roomPx / width;
      const whole = Math.min(1, wide, (boxHeightPx - PADDING_PX) / height);
      shown.current = scale ?? Math.max(whole, Math.min(FIT_WIDE, Math.max(FIT_MIN, wide)));
      svg.classList.toggle('is-small', shown.current < SMALL);
      const growth = Math.min(NAME_GROWTH_MAX, Math.max(1, 0.85 / shown.current));
      svg.style.setProperty('--name-growth', String(growth));
      svg.setAttribute('width', String(Math.floor(width * shown.current)));
      svg.setAttribute('height', String(Math.floor(height * shown.current)));
      return shown.current;
    },
    [scale],
  );
  const by = (factor: number): void =>
    setScale(Math.min(SCALE_MAX, Math.max(SCALE_MIN, shown.current * factor)));
  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') by(STEP);
    else if (event.key === '-') by(1 / STEP);
    else if (event.key === '0') setScale(undefined);
    else if (event.key === '1') setScale(1);
    else return;
    event.preventDefault();
  };
  return { scale, size, by, to: setScale, press };
}

export function ZoomTools({ zoom: { scale, by, to } }: { readonly zoom: Zoom }): VNode {
  return (
    <div class="chart-tools" role="group" aria-label="Size of the chart">
      <button
        type="button"
        class="quiet"
        onClick={() => by(1 / STEP)}
        aria-label="Smaller"
        title="Smaller: −"
      >
        −
      </button>
      <button type="button" class="quiet" onClick={() => by(STEP)} aria-label="Larger" title="Larger: +">
        +
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => to(undefined)}
        aria-pressed={scale === undefined}
        title="Fit: 0"
      >
        Fit
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => to(1)}
        aria-pressed={scale === 1}
        title="As drawn: 1"
      >
        100 %
      </button>
    </div>
  );
}
