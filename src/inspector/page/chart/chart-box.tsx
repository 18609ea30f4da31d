/**
 * A chart in its box: drawn by the server, painted by who shows it.
 *
 * Owns: the drawing's nodes. Callers: the population, the actor view, the capsule view. Invariants:
 *  1  The drawing is parsed as a document of its own, and what could run in it is taken out, before it is
 *     adopted; nothing is ever set as HTML.
 *  2  `paint` is called when the drawing is there and after every draw of the component; it may be called
 *     often, and paints the whole: no mark of an earlier call stays.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChartKey, GivenChart } from '../api.js';
import { useApi, useAsked } from '../house.js';
import { Trouble, Waiting } from '../notice.js';
import { dragged } from './drag.js';

export interface ChartBoxProps {
  readonly chart: ChartKey | GivenChart;
  /** What it shows, for who cannot see it. */
  readonly label: string;
  readonly paint: (svg: SVGSVGElement) => void;
  /** Of a click, or Enter, on a state: its path, `''` of the machine itself. */
  readonly onState?: ((path: string) => void) | undefined;
}

export function ChartBox({ chart, label, paint, onState }: ChartBoxProps): VNode {
  const api = useApi();
  const key = JSON.stringify('config' in chart ? chart : [chart.kind, chart.version, chart.hash]);
  const { value: text, error, again } = useAsked(key, (signal) => api.chartSvg(chart, signal));
  const [svg, setSvg] = useState<SVGSVGElement>();
  const [fault, setFault] = useState<unknown>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => (box.current === null ? undefined : dragged(box.current)), []);
  useEffect(() => {
    if (text === undefined) return;
    try {
      const drawn = drawingOf(text);
      setFault(undefined);
      setSvg(drawn);
      box.current?.replaceChildren(drawn);
    } catch (thrown) {
      setFault(thrown);
    }
  }, [text]);
  useEffect(() => {
    if (svg !== undefined && text !== undefined) paint(svg);
  });
  const choose = (target: EventTarget | null): void => {
    const path = statePathOf(target);
    if (path !== undefined) onState?.(path);
  };
  const trouble = fault ?? error;
  return (
    <div class="chart-box">
      {text === undefined && trouble === undefined && <Waiting>Drawing the chart …</Waiting>}
      {trouble !== undefined && <Trouble error={trouble} again={again} />}
      {/* A region that scrolls must be reachable by keyboard. */}
      <div
        class={onState === undefined ? 'chart-scroll' : 'chart-scroll chart-choosable'}
        role="group"
        aria-label={label}
        tabIndex={0}
        hidden={text === undefined || trouble !== undefined}
        ref={box}
        onClick={(event) => choose(event.target)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') choose(event.target);
        }}
      />
    </div>
  );
}

/** The path of the state that an element of a drawing is in; undefined outside of any. */
function statePathOf(target: EventTarget | null): string | undefined {
  if (!(target instanceof Element)) return undefined;
  return target.closest('[data-state]')?.getAttribute('data-state') ?? undefined;
}

/** The nodes of each state, by path. */
export function statesIn(svg: SVGSVGElement): ReadonlyMap<string, Element> {
  const nodes = [...svg.querySelectorAll('[data-state]')];
  return new Map(nodes.map((node) => [node.getAttribute('data-state') ?? '', node]));
}

/** The lines for live facts, by path of their state. */
export function badgesIn(svg: SVGSVGElement): ReadonlyMap<string, Element> {
  const nodes = [...svg.querySelectorAll('[data-badge]')];
  return new Map(nodes.map((node) => [node.getAttribute('data-badge') ?? '', node]));
}

function drawingOf(text: string): SVGSVGElement {
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
  const root: Element = parsed.documentElement;
  if (!(root instanceof SVGSVGElement)) throw new Error('The chart is no drawing.');
  for (const node of [...root.querySelectorAll('script, style, foreignObject, iframe, a, image, use')]) {
    node.remove();
  }
  for (const node of [root, ...root.querySelectorAll('*')]) {
    for (const name of node.getAttributeNames()) {
      if (/^on|href$|^style$/i.test(name)) node.removeAttribute(name);
    }
  }
  return document.importNode(root, true);
}
