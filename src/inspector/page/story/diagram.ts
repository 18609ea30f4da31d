/**
 * A story as a sequence diagram: where each step stands, and the arrow that leads to it.
 *
 * Pure. Caller: story-view.tsx. Invariants:
 *  1  A step is a row; its actor is a column. An arrow leads from the cause's column, in the row of what it
 *     caused; what came from outside of all actors comes from the left edge.
 *  2  What the story does not hold is not drawn: a cause that is not kept is an arrow from the left edge.
 */
import type { Story, StoryStep } from '../../../actors/inspection/face.js';
import { eventWords } from '../actor/event-words.js';
import { durationWords, stateWords } from '../words.js';

export const COLUMN_PX = 190;
const ROW_PX = 54;
export const GUTTER_PX = 132;
const BOX_WIDTH_PX = 164;
const BOX_HEIGHT_PX = 26;
const TOP_PX = 12;
const NAME_CHARS = 25;
const EVENT_CHARS = 21;
const STATE_CHARS = 27;

export interface StepBox {
  readonly step: StoryStep;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly words: string;
  /** The state after it, where it is another than before, and where its line stands. */
  readonly state?: string;
  readonly stateY: number;
  /** Since the step before. */
  readonly gap: string;
}

export interface Arrow {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly y: number;
  /** Who sent it, where that is no actor of the story. */
  readonly words?: string;
  /** Told by order, not by an id. */
  readonly isInferred: boolean;
}

export interface Diagram {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly { readonly address: string; readonly words: string; readonly x: number }[];
  readonly boxes: readonly StepBox[];
  readonly arrows: readonly Arrow[];
}

export function diagramOf({ actors, steps }: Pick<Story, 'actors' | 'steps'>): Diagram {
  const columns = actors.map((address, index) => ({
    address,
    words: shortened(address, NAME_CHARS),
    x: GUTTER_PX + (index + 0.5) * COLUMN_PX,
  }));
  const middleOf = new Map(columns.map(({ address, x }) => [address, x]));
  const states = new Map<string, string>();
  const boxes = steps.map((step, row) => {
    const state = stateWords(step.value);
    const isMoved = states.get(step.address) !== state;
    states.set(step.address, state);
    return boxOf(step, row, {
      middle: middleOf.get(step.address) ?? GUTTER_PX,
      state: isMoved ? state : undefined,
      before: steps[row - 1]?.at,
    });
  });
  const inStory = new Set(steps.map(({ address, seq }) => `${address} ${seq}`));
  const arrows = boxes.flatMap((box) => arrowTo(box, middleOf, inStory));
  return {
    width: GUTTER_PX + columns.length * COLUMN_PX,
    height: TOP_PX + steps.length * ROW_PX,
    columns,
    boxes,
    arrows,
  };
}

function boxOf(
  step: StoryStep,
  row: number,
  at: { readonly middle: number; readonly state: string | undefined; readonly before: number | undefined },
): StepBox {
  const y = TOP_PX + row * ROW_PX;
  return {
    step,
    x: at.middle - BOX_WIDTH_PX / 2,
    y,
    width: BOX_WIDTH_PX,
    height: BOX_HEIGHT_PX,
    words: shortened(eventWords(step.event.type), EVENT_CHARS),
    stateY: y + BOX_HEIGHT_PX + 14,
    gap: gapWords(step.at, at.before),
    ...(at.state !== undefined && at.state !== '' && { state: shortened(at.state, STATE_CHARS) }),
  };
}

function gapWords(at: number, before: number | undefined): string {
  if (before === undefined) return '';
  return at > before ? `+${durationWords(at - before)}` : '';
}

function arrowTo(
  { step, x, y, width, height }: StepBox,
  middleOf: ReadonlyMap<string, number>,
  inStory: ReadonlySet<string>,
): readonly Arrow[] {
  const key = `${step.address} ${step.seq}`;
  const { cause } = step;
  const line = { key, y: y + height / 2, isInferred: step.isInferred === true };
  const isTold = cause !== undefined && inStory.has(`${cause.address} ${cause.seq}`);
  if (!isTold) return [{ ...line, from: GUTTER_PX - 46, to: x, words: shortened(step.source, 13) }];
  // Its own timer, or what its own effect came back with.
  if (cause.address === step.address) return [];
  const from = middleOf.get(cause.address) ?? 0;
  return [{ ...line, from, to: from < x ? x : x + width }];
}

/** The beginning and the end, which tell addresses apart. */
export function shortened(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const end = Math.floor((chars - 1) / 3);
  return `${text.slice(0, chars - 1 - end)}…${text.slice(text.length - end)}`;
}
