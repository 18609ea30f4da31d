/**
 * What is written in a state's box and on an edge, line by line, and how much room that takes.
 *
 * Pure. Callers: layout.ts, and svg.ts for what a hover tells. Invariants:
 *  1  A box has its title in the first line, and its second is left free for what is so at the moment.
 *  2  A line has at most LINE_COLUMNS letters; an edge's LABEL_COLUMNS.
 */
import { LINE_PX, TITLE_PX, shortened, widthOf, wrapped } from './text-size.js';
import type { ChartEdge, ChartModel, ChartState, ChartWay } from './model.js';

const LINE_COLUMNS = 40;
const LABEL_COLUMNS = 34;
export const PAD_PX = 10;
const TITLE_LINE_PX = 20;
export const LABEL_PAD_PX = 4;
/** Room for "1,000,000 · p95 23 h 59 min" in an empty state. */
const BOX_WIDTH_MIN_PX = 112;
const HISTORY_PX = 30;

/** In pixels, from the drawing's upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface BoxLine {
  readonly text: string;
  readonly role: 'entry' | 'exit' | 'invoke' | 'stay';
}

export interface BoxText {
  readonly title: string;
  readonly lines: readonly BoxLine[];
  readonly widthPx: number;
  /** Of the header alone: what lies in a state is below. */
  readonly heightPx: number;
}

export function boxText(state: ChartState, { id, version }: ChartModel): BoxText {
  if (state.kind === 'shallow history' || state.kind === 'deep history')
    return historyBox(state.kind === 'deep history' ? 'H*' : 'H');
  const name = state.path === '' ? `${id}${version === undefined ? '' : ` · version ${version}`}` : state.key;
  const title = shortened(name, LINE_COLUMNS);
  const lines = heardIn(state).flatMap(({ text, role }) =>
    wrapped(text, LINE_COLUMNS).map((line) => ({ text: line, role })),
  );
  const widths = lines.map(({ text }) => widthOf(text));
  return {
    ...{ title, lines },
    widthPx: Math.max(BOX_WIDTH_MIN_PX, widthOf(title, TITLE_PX), ...widths) + 2 * PAD_PX,
    heightPx: PAD_PX + TITLE_LINE_PX + LINE_PX + lines.length * LINE_PX + PAD_PX / 2,
  };
}

function historyBox(title: string): BoxText {
  return { title, lines: [], widthPx: HISTORY_PX, heightPx: HISTORY_PX };
}

export interface WrittenLine extends Box {
  readonly text: string;
  readonly role: 'name' | BoxLine['role'];
}

/** Where the text of a state's box is. */
export function writtenIn({ x, y, text }: Box & { readonly text: BoxText }): readonly WrittenLine[] {
  const left = { x: x + PAD_PX };
  const { title, lines } = text;
  const name = { ...left, y: y + PAD_PX, width: widthOf(title, TITLE_PX), height: LINE_PX };
  const first = y + PAD_PX + TITLE_LINE_PX + LINE_PX;
  return [
    { ...name, text: title, role: 'name' },
    ...lines.map((line, at) => ({
      ...line,
      ...left,
      ...{ y: first + at * LINE_PX, width: widthOf(line.text), height: LINE_PX },
    })),
  ];
}

/** What a state does without being left, as statecharts write it: whole lines, not wrapped. */
export function heardIn({ entry, exit, invokes, stays }: ChartState): readonly BoxLine[] {
  return [
    ...entry.map((action) => ({ text: `entry / ${action}`, role: 'entry' as const })),
    ...invokes.map((each) => ({ text: `asks ${invokeText(each)}`, role: 'invoke' as const })),
    ...stays.map((way) => ({ text: wayText(way), role: 'stay' as const })),
    ...exit.map((action) => ({ text: `exit / ${action}`, role: 'exit' as const })),
  ];
}

/** An id that XState made up says nothing. */
function invokeText({ id, src }: ChartState['invokes'][number]): string {
  return id === src || /^\d+\./.test(id) ? src : `${src} as ${id}`;
}

export function wayText({ label, actions }: ChartWay): string {
  return actions.length === 0 ? label : `${label} / ${actions.join(', ')}`;
}

export interface LabelText {
  /** Of a signpost: where it leads. */
  readonly heading?: string;
  /** The lines of each way, in the edge's order. */
  readonly ways: readonly (readonly string[])[];
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Undefined for an edge that says nothing: a history's default. */
export function labelText({ ways, target }: ChartEdge, isSignpost: boolean): LabelText | undefined {
  if (ways.length === 0) return undefined;
  const lines = ways.map((way) => wrapped(wayText(way), LABEL_COLUMNS));
  const heading = isSignpost ? `→ ${shortened(target, LABEL_COLUMNS - 2)}` : undefined;
  const all = [...(heading === undefined ? [] : [heading]), ...lines.flat()];
  return {
    ...(heading !== undefined && { heading }),
    ways: lines,
    widthPx: Math.max(...all.map((line) => widthOf(line))) + 2 * LABEL_PAD_PX,
    heightPx: all.length * LINE_PX + LABEL_PAD_PX,
  };
}
