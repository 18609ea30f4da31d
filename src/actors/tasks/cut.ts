/**
 * Cutting text where people see no cut: between graphemes, whatever they are made of.
 *
 * Pure. Callers: submit.ts, run.ts, tools.ts. Invariants:
 *  1  A cut is never within a grapheme; one that alone is longer than the bound is cut between code points.
 *  2  What is cut off is as little as the bound allows, to the grapheme.
 *  3  The cost is that of the bound, not of the text.
 */

export interface CutText {
  readonly text: string;
  readonly truncated: boolean;
}

/** The beginning of a text that takes `jsonBytesMax` bytes at most as JSON, its quotes left out. */
export function cutText(text: string, jsonBytesMax: number): CutText {
  // A UTF-16 unit takes a byte at least: what lies further back cannot fit. The code point after the cut says
  // whether it is one.
  const start = text.slice(0, jsonBytesMax + 2).toWellFormed();
  if (start.length === text.length && jsonBytes(start) <= jsonBytesMax)
    return { text: start, truncated: false };
  return { text: start.slice(0, wholeGraphemes(start, unitsWithin(start, jsonBytesMax))), truncated: true };
}

/** The beginning of a text on one line: `graphemesMax` at most, and of those what is in so many bytes. */
export function labelOf(text: string, graphemesMax: number): string {
  const { text: start } = cutText(text, graphemesMax * LABEL_BYTES_A_GRAPHEME);
  const line = start.replaceAll(/\s+/g, ' ').trim();
  const graphemes = [...graphemesOf(line)].slice(0, graphemesMax);
  return graphemes.map(({ segment }) => segment).join('');
}

/** A family of four with skin tones takes 41. */
const LABEL_BYTES_A_GRAPHEME = 48;

/** How many UTF-16 units from the start fit, none of them half of a code point. */
function unitsWithin(text: string, jsonBytesMax: number): number {
  let fits = 0;
  let tooMany = text.length + 1;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (jsonBytes(text.slice(0, middle).toWellFormed()) <= jsonBytesMax) fits = middle;
    else tooMany = middle;
  }
  return isWithinPair(text, fits) ? fits - 1 : fits;
}

function wholeGraphemes(text: string, units: number): number {
  const start = graphemesOf(text).containing(units)?.index ?? units;
  return start === 0 ? units : start;
}

function isWithinPair(text: string, at: number): boolean {
  const code = text.codePointAt(at - 1) ?? 0;
  return at > 0 && code > 0xffff;
}

function graphemesOf(text: string): Intl.Segments {
  return new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text);
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
