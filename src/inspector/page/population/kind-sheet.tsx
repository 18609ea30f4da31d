/**
 * One kind of actors: its chart with the counts on it, and a table of its states with how long they last.
 *
 * Callers: population-view.tsx. Invariant: the chart is asked for when the sheet comes near the window, not
 * before: a store may have many kinds.
 */
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { KindView } from '../../../actors/inspection/face.js';
import { ChartBox } from '../chart/chart-box.js';
import { useZoom, ZoomTools, type Fit } from '../chart/zoom.js';
import { Nothing } from '../notice.js';
import { go, hrefOf } from '../router.js';
import { shortened } from '../story/diagram.js';
import { countWords, durationWords } from '../words.js';
import { paintCounts, showCrowd } from './paint-counts.js';
import { countsByPath, editionsOf, stateRows, unfinishedOf, type Edition, type StateRow } from './tally.js';

/** What its box is high at most: population.css has it too. */
const CHART_PX_MAX = 640;
/** Smaller than the first it is made only to be as wide as its box, smaller than the second not at all. */
const FIT_WIDE = 0.7;
const FIT_MIN = 0.3;
/** As large as its box allows; what would be too small to read is scrolled, downwards rather than aside. */
const fits: readonly [Fit] = [
  {
    ...{ name: 'Fit', key: '0', title: 'As large as its box' },
    scaleOf: ({ whole, wide }) => Math.max(whole, Math.min(FIT_WIDE, Math.max(FIT_MIN, wide))),
  },
];
/** A chart wider than this has the sheet's whole width, and the table below it. */
const WIDE_PX = 1_100;
/** Of an id in the table. */
const SLOWEST_CHARS = 14;

export function KindSheet({ kind }: { readonly kind: KindView }): VNode {
  const editions = useMemo(() => editionsOf(kind), [kind]);
  const [chosen, setChosen] = useState<string>();
  const edition = editions.find(({ name }) => name === chosen) ?? editions[0];
  const sheet = useRef<HTMLElement>(null);
  const isNear = useNear(sheet);
  const [isWide, setWide] = useState(false);
  return (
    <section
      class="sheet kind"
      id={sheetId(kind.kind)}
      aria-label={kind.kind}
      data-kind={kind.kind}
      tabIndex={-1}
      ref={sheet}
    >
      <header class="sheet-head">
        <h2>
          <code>{kind.kind}</code>
        </h2>
        <a href={hrefOf('actors', { kind: kind.kind })}>{crowdWords(kind)}</a>
        {!kind.house && <span class="mark">yours</span>}
        {!kind.defined && <span class="mark mark-warn">no machine here: parked</span>}
        {editions.length > 1 && edition !== undefined && (
          <Editions of={kind.kind} editions={editions} chosen={edition} choose={setChosen} />
        )}
        {editions.length === 1 && <span class="soft small">version {edition?.version}</span>}
      </header>
      {edition === undefined ? (
        <Nothing>None now.</Nothing>
      ) : (
        <div class={isWide ? 'kind-body kind-wide' : 'kind-body'}>
          {isNear && (
            <PopulationChart kind={kind} edition={edition} onWidth={(px) => setWide(px > WIDE_PX)} />
          )}
          <StateTable kind={kind.kind} rows={stateRows(edition.states, kind.dwell)} />
        </div>
      )}
    </section>
  );
}

export function sheetId(kind: string): string {
  return `kind-${kind}`;
}

export function crowdWords(kind: KindView): string {
  const unfinished = unfinishedOf(kind);
  const ended = kind.count - unfinished;
  return ended > 0
    ? `${countWords(unfinished)} active, ${countWords(ended)} ended`
    : `${countWords(unfinished)} active`;
}

function Editions(props: {
  readonly of: string;
  readonly editions: readonly Edition[];
  readonly chosen: Edition;
  readonly choose: (name: string) => void;
}): VNode {
  return (
    <label class="row small">
      <span class="soft">version</span>
      <select
        aria-label={`version of ${props.of}`}
        value={props.chosen.name}
        onChange={(event) => props.choose(event.currentTarget.value)}
      >
        {props.editions.map(({ name, version, hash, count }) => (
          <option key={name} value={name}>
            {version} ({hash.slice(0, 6)}): {countWords(count)}
          </option>
        ))}
      </select>
    </label>
  );
}

function PopulationChart(props: {
  readonly kind: KindView;
  readonly edition: Edition;
  /** Told with the width that the chart is drawn at. */
  readonly onWidth: (px: number) => void;
}): VNode {
  const { kind, edition, onWidth } = props;
  const counts = useMemo(() => countsByPath(edition.states), [edition]);
  const zoom = useZoom(fits);
  // In a box of another width the same chart is of another size: what it had scrolled to is elsewhere.
  const shown = useRef<{ readonly svg: SVGSVGElement; readonly boxPx: number }>(null);
  const { version, hash } = edition;
  return (
    <div class="kind-chart" onKeyDown={zoom.press}>
      <ZoomTools zoom={zoom} />
      <ChartBox
        chart={{ kind: kind.kind, version, hash }}
        label={`Chart of ${kind.kind}: actors in each state`}
        paint={(svg) => {
          onWidth(svg.viewBox.baseVal.width);
          const scale = zoom.size(svg, Math.min(CHART_PX_MAX, innerHeight * 0.8));
          paintCounts(svg, counts, kind.dwell, scale);
          const boxPx = svg.parentElement?.clientWidth ?? 0;
          if (shown.current?.svg !== svg || shown.current.boxPx !== boxPx) showCrowd(svg);
          shown.current = { svg, boxPx };
        }}
        onState={(state) => go(hrefOf('actors', { kind: kind.kind, state }))}
      />
    </div>
  );
}

function StateTable({ kind, rows }: { readonly kind: string; readonly rows: readonly StateRow[] }): VNode {
  return (
    <div class="scroll states" role="group" aria-label={`States of ${kind}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Now
            </th>
            <th scope="col" class="number" title="Half of those that left it had stayed no longer.">
              p50
            </th>
            <th scope="col" class="number" title="19 of 20 that left it had stayed no longer.">
              p95
            </th>
            <th scope="col">Slowest</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <StateLine key={row.state} kind={kind} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StateLine({
  kind,
  row: { state, count, finished, dwell },
}: {
  readonly kind: string;
  readonly row: StateRow;
}): VNode {
  const slowest = dwell?.slowest[0];
  return (
    <tr data-row={state} class={finished || count === 0 ? 'soft' : undefined}>
      <td>
        <a class="mono" href={hrefOf('actors', { kind, state })}>
          {breakable(state)}
        </a>
      </td>
      <td class="number" data-count>
        {countWords(count)}
      </td>
      <td class="number nowrap">{dwell !== undefined && durationWords(dwell.p50Ms)}</td>
      <td class="number nowrap">{dwell !== undefined && durationWords(dwell.p95Ms)}</td>
      <td class="slowest">
        {slowest !== undefined && (
          <a href={hrefOf('actor', { address: slowest.address })} title={slowest.address}>
            <span class="nowrap">{durationWords(slowest.ms)}</span>{' '}
            <span class="mono small">
              {shortened(slowest.address.slice(slowest.address.indexOf('/') + 1), SLOWEST_CHARS)}
            </span>
          </a>
        )}
      </td>
    </tr>
  );
}

/** A path may be broken behind its dots. */
function breakable(path: string): readonly (string | VNode)[] {
  return path.split('.').flatMap((part, at) => (at === 0 ? [part] : ['.', <wbr key={at} />, part]));
}

/** Whether an element is, or was, in the window, or a quarter of its height away. */
function useNear(element: { readonly current: HTMLElement | null }): boolean {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const { current } = element;
    if (current === null || isNear) return undefined;
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { rootMargin: '25% 0px' },
    );
    watch.observe(current);
    return () => watch.disconnect();
  }, [element, isNear]);
  return isNear;
}
