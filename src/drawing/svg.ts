/**
 * A laid out chart as SVG.
 *
 * Pure. Callers: the inspector, the CLI, the documents. Invariants:
 *  1  Everything a user named is escaped; there is no script, no inline style, and no id, so that any number
 *     of charts can be in one page.
 *  2  What a page needs to paint what is so at the moment is said in attributes:
 *     `<g class="state" data-state="PATH">` for each state, `''` for the root, and in it an empty
 *     `<text class="badge" data-badge="PATH">`; `<g class="edge" data-source="PATH" data-target="PATH">` for
 *     each edge, and in it a `<text class="way" data-edge="SOURCE|EVENT|TARGET">` for each way along it.
 *     States are painted one after the other, none within another.
 *  3  Colours come from the page's CSS, by class; `standalone` brings its own, light and dark.
 */
import { heardIn, LABEL_PAD_PX, PAD_PX, wayText, writtenIn, type Box } from './boxes.js';
import type { Layout, PlacedEdge, PlacedState } from './layout.js';
import type { ChartEdge, ChartState } from './model.js';
import { LINE_PX } from './text-size.js';
import { standaloneStyle } from './style.js';
import { headPath, wirePath } from './wire.js';

export interface SvgOptions {
  /** A picture for itself: with colours, and nothing in it takes the focus. Default false. */
  readonly standalone?: boolean;
}

/** An `<svg class="chart">` whose states can be reached by keyboard, unless it is standalone. */
export function svgOf(layout: Layout, { standalone = false }: SvgOptions = {}): string {
  const { model, width, height } = layout;
  const name = attribute(`Statechart of ${model.id}`);
  const role = standalone ? 'img' : 'group';
  const words = layout.states.filter(({ state }) => state.states.length > 0).flatMap(writtenIn);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="${role}" aria-label="${name}"`,
    ` width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${text(model.id)}</title>`,
    `<desc>${text(model.root.description ?? '')}</desc>`,
    ...(standalone
      ? [`<style>${standaloneStyle}</style>`, '<rect class="paper" width="100%" height="100%"/>']
      : []),
    ...layout.states.map((each) => stateSvg(each, standalone)),
    ...layout.dots.map(dotSvg),
    ...layout.edges.map((edge) => edgeSvg(edge, words)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function stateSvg(placed: PlacedState, standalone: boolean): string {
  const { state, region, x, y } = placed;
  const { path, kind } = state;
  const classes = ['state', kind.split(' ').at(-1) ?? kind, ...(region ? ['region'] : [])].join(' ');
  const focus = standalone ? '' : ` tabindex="0" role="img" aria-label="${attribute(spoken(state))}"`;
  const inner = kind.endsWith('history') ? historySvg(placed) : boxSvg(placed);
  const badge = `<text class="badge" data-badge="${attribute(path)}" x="${x + PAD_PX}" y="${y + 40}"></text>`;
  return [
    `<g class="${classes}" data-state="${attribute(path)}"${focus}>`,
    `<title>${text(told(state))}</title>`,
    ...inner,
    kind.endsWith('history') ? '</g>' : `${badge}</g>`,
  ].join('');
}

function boxSvg(placed: PlacedState): readonly string[] {
  return [
    rect('box', placed, 6),
    ...(placed.state.kind === 'final' ? [rect('inner', grown(placed, -4), 3)] : []),
    ...writtenIn(placed).map(
      ({ role, text: line, x, y }) => `<text class="${role}" x="${x}" y="${y + 12}">${text(line)}</text>`,
    ),
  ];
}

function historySvg({ text: { title }, ...box }: PlacedState): readonly string[] {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  return [
    `<circle class="box" cx="${x}" cy="${y}" r="${box.width / 2}"/>`,
    `<text class="name" text-anchor="middle" x="${x}" y="${y + 5}">${text(title)}</text>`,
  ];
}

function dotSvg({ x, y, width }: Box): string {
  return `<circle class="dot" cx="${x + width / 2}" cy="${y + width / 2}" r="${width / 2}"/>`;
}

function edgeSvg({ edge, points, label, signpost }: PlacedEdge, inFront: readonly Box[]): string {
  const line = `<path class="wire" d="${wirePath(points, inFront)}"/>`;
  const drawn = `${line}<path class="head" d="${headPath(points)}"/>`;
  if (edge === undefined) return `<g class="edge initial">${drawn}</g>`;
  const { source, target } = edge;
  const words = label === undefined ? '' : labelSvg(edge, label);
  return [
    `<g class="edge${signpost ? ' signpost' : ''}" data-source="${attribute(source)}"`,
    ` data-target="${attribute(target)}"><title>${text(edgeTold(edge))}</title>${drawn}${words}</g>`,
  ].join('');
}

function labelSvg({ source, target, ways }: ChartEdge, label: PlacedEdge['label'] & object): string {
  const { heading } = label.text;
  let line = 0;
  const place = (): string => {
    line += 1;
    return `x="${label.x + LABEL_PAD_PX}" y="${label.y + line * LINE_PX - 2}"`;
  };
  const top = heading === undefined ? '' : `<text class="heading" ${place()}>${text(heading)}</text>`;
  const texts = ways.map((way, at) => {
    const lines = label.text.ways[at] ?? [];
    const spans = lines.map((each) => `<tspan ${place()}>${text(each)}</tspan>`);
    const edge = attribute(`${source}|${way.event}|${target}`);
    return `<text class="way" data-edge="${edge}">${spans.join('')}</text>`;
  });
  return [rect('label', label, 3), top, ...texts].join('');
}

function rect(name: string, { x, y, width, height }: Box, radius: number): string {
  return `<rect class="${name}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`;
}

function grown({ x, y, width, height }: Box, by: number): Box {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/** What a hover tells of a state: all that is in its box, in full. */
function told(state: ChartState): string {
  const { path, description, tags } = state;
  return [
    path,
    ...(description === undefined ? [] : [description]),
    ...(tags.length === 0 ? [] : [`tags: ${tags.join(', ')}`]),
    ...heardIn(state).map(({ text: line }) => line),
  ].join('\n');
}

function spoken({ key, kind, description }: ChartState): string {
  const what = kind === 'atomic' ? 'state' : kind;
  return description === undefined ? `${key}, ${what}` : `${key}, ${what}: ${description}`;
}

function edgeTold({ source, target, ways }: ChartEdge): string {
  return [`${source} → ${target}`, ...ways.map(wayText)].join('\n');
}

/** What XML cannot hold, escaped or not: control signs but tabs and line ends, and halves of signs. */
const UNWRITABLE = /(?![\t\n\r])\p{Control}|\p{Surrogate}|[\ufffe\uffff]/gu;

function text(raw: string): string {
  return raw.replace(UNWRITABLE, '\ufffd').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Between double quotes. Line ends would be read as spaces. */
function attribute(raw: string): string {
  return text(raw)
    .replace(/"/g, '&quot;')
    .replace(/[\t\n\r]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
