/**
 * An edge's line and its head as SVG paths.
 *
 * Pure. Callers: svg.ts. Invariants:
 *  1  Corners are round; where two are close, as far as there is room.
 *  2  A line passes behind words: there it is left out.
 */
import type { Box } from './boxes.js';
import type { Point } from './layout.js';

const CORNER_PX = 6;
const HEAD_PX = 8;

/** `inFront` is what the line passes behind. */
export function wirePath(points: readonly Point[], inFront: readonly Box[]): string {
  let pen: Point | undefined;
  const pieces: string[] = [];
  const lineTo = (to: Point): void => {
    if (pen === undefined) pieces.push(`M${to.x} ${to.y}`);
    else pieces.push(...hidden(pen, to, inFront), `L${to.x} ${to.y}`);
    pen = to;
  };
  for (const [at, point] of points.entries()) {
    const [before, after] = [points[at - 1], points[at + 1]];
    if (before === undefined || after === undefined) {
      lineTo(point);
      continue;
    }
    const to = towards(point, after);
    lineTo(towards(point, before));
    pieces.push(`Q${point.x} ${point.y} ${to.x} ${to.y}`);
    pen = to;
  }
  return pieces.join('');
}

/** The stretches of a vertical or horizontal line that are behind something, as gaps in it. */
function hidden(from: Point, to: Point, inFront: readonly Box[]): readonly string[] {
  const isVertical = from.x === to.x;
  const [start, end] = isVertical ? [from.y, to.y] : [from.x, to.x];
  const [first, last] = [Math.min(start, end), Math.max(start, end)];
  const forward = start < end;
  return inFront
    .filter((box) => (isVertical ? isAcross(from.x, box.x, box.width) : isAcross(from.y, box.y, box.height)))
    .map((box): Gap => (isVertical ? gapAt(box.y, box.height) : gapAt(box.x - 2, box.width + 4)))
    .filter(({ low, high }) => low > first && high < last)
    .toSorted((a, b) => (forward ? a.low - b.low : b.low - a.low))
    .map(({ low, high }) => {
      const [stop, go] = forward ? [low, high] : [high, low];
      return isVertical ? `L${from.x} ${stop}M${from.x} ${go}` : `L${stop} ${from.y}M${go} ${from.y}`;
    });
}

interface Gap {
  readonly low: number;
  readonly high: number;
}

function gapAt(low: number, length: number): Gap {
  return { low, high: low + length };
}

function isAcross(at: number, start: number, length: number): boolean {
  return at > start - 2 && at < start + length + 2;
}

function towards(from: Point, to: Point): Point {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  const share = length === 0 ? 0 : Math.min(CORNER_PX, length / 2) / length;
  return { x: rounded(from.x + dx * share), y: rounded(from.y + dy * share) };
}

/** An arrow's head: a triangle whose tip is the last point. */
export function headPath(points: readonly Point[]): string {
  const tip = points.at(-1);
  const before = points.at(-2);
  if (tip === undefined || before === undefined) return '';
  const length = Math.hypot(tip.x - before.x, tip.y - before.y) || 1;
  const [ux, uy] = [(tip.x - before.x) / length, (tip.y - before.y) / length];
  const [back, half] = [HEAD_PX, HEAD_PX / 2];
  const corner = (side: number): string =>
    `${rounded(tip.x - back * ux - side * half * uy)} ${rounded(tip.y - back * uy + side * half * ux)}`;
  return `M${tip.x} ${tip.y}L${corner(1)}L${corner(-1)}Z`;
}

function rounded(px: number): number {
  return Math.round(px * 10) / 10;
}
