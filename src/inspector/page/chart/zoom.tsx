/**
 * How large a chart is drawn: by a rule of who shows it, or by hand.
 *
 * Owns: the scale. Callers: the population, the actor view. Invariants:
 *  1  The first rule holds until somebody chooses another one, or a scale.
 *  2  `size` is called after every draw: the box may be another by then.
 */
import type { VNode } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';

/** A rule, with a name, a key and what it does in words. */
export interface Fit {
  readonly name: string;
  readonly key: string;
  readonly title: string;
  readonly scaleOf: (room: Room) => number;
}

/** Scales at which a chart just goes into its box, all of it or by its width; never larger than drawn. */
export interface Room {
  readonly whole: number;
  readonly wide: number;
}

export interface Zoom {
  readonly chosen: Fit | number;
  readonly fits: readonly Fit[];
  /** Draws it as large as it is to be; returns the scale that this is. */
  readonly size: (svg: SVGSVGElement, boxHeightPx: number) => number;
  readonly by: (factor: number) => void;
  readonly to: (chosen: Fit | number) => void;
  /** For the keys `+`, `-`, `1`, and those of the rules. */
  readonly press: (event: KeyboardEvent) => void;
}

const STEP = 1.25;
const SCALE_MIN = 0.1;
const SCALE_MAX = 3;
/** Smaller than this, chart.css leaves all but the names away, and these are drawn larger. */
const SMALL = 0.5;
const NAME_GROWTH_MAX = 2.2;

export function useZoom(fits: readonly [Fit, ...Fit[]]): Zoom {
  const [chosen, to] = useState<Fit | number>(fits[0]);
  const shown = useRef(1);
  const size = useCallback(
    (svg: SVGSVGElement, boxHeightPx: number): number => {
      const { width, height } = svg.viewBox.baseVal;
      const room = roomOf(svg, boxHeightPx);
      if (room === undefined) return 1;
      const scale = typeof chosen === 'number' ? chosen : chosen.scaleOf(room);
      shown.current = scale;
      svg.classList.toggle('is-small', scale < SMALL);
      const growth = Math.min(NAME_GROWTH_MAX, Math.max(1, 0.85 / scale));
      svg.style.setProperty('--name-growth', String(growth));
      svg.setAttribute('width', String(Math.floor(width * scale)));
      svg.setAttribute('height', String(Math.floor(height * scale)));
      return scale;
    },
    [chosen],
  );
  const by = (factor: number): void => to(Math.min(SCALE_MAX, Math.max(SCALE_MIN, shown.current * factor)));
  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const fit = fits.find(({ key }) => key === event.key);
    if (fit !== undefined) to(fit);
    else if (event.key === '+' || event.key === '=') by(STEP);
    else if (event.key === '-') by(1 / STEP);
    else if (event.key === '1') to(1);
    else return;
    event.preventDefault();
  };
  return { chosen, fits, size, by, to, press };
}

/** Undefined where nothing is seen of it. */
function roomOf(svg: SVGSVGElement, boxHeightPx: number): Room | undefined {
  const { width, height } = svg.viewBox.baseVal;
  const box = svg.parentElement;
  if (box === null || width === 0 || height === 0) return undefined;
  const { paddingLeft, paddingRight, paddingTop, paddingBottom } = getComputedStyle(box);
  // A pixel of scale is lost by rounding.
  const widthPx = box.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight) - 1;
  const heightPx = boxHeightPx - Number.parseFloat(paddingTop) - Number.parseFloat(paddingBottom) - 1;
  if (widthPx <= 0 || heightPx <= 0) return undefined;
  const wide = Math.min(1, widthPx / width);
  return { wide, whole: Math.min(wide, heightPx / height) };
}

export function ZoomTools({ zoom: { chosen, fits, by, to } }: { readonly zoom: Zoom }): VNode {
  return (
    <div class="chart-tools" role="group" aria-label="Size of the chart">
      <Tool name="−" label="Smaller" title="Smaller: −" act={() => by(1 / STEP)} />
      <Tool name="+" label="Larger" title="Larger: +" act={() => by(STEP)} />
      {fits.map((fit) => (
        <Tool
          key={fit.name}
          name={fit.name}
          title={`${fit.title}: ${fit.key}`}
          act={() => to(fit)}
          isOn={chosen === fit}
        />
      ))}
      <Tool name="100 %" title="As it is drawn: 1" act={() => to(1)} isOn={chosen === 1} />
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
