/**
 * How much room a text takes, without a font at hand: the drawing's fonts are monospaced.
 *
 * Pure. Callers: layout.ts, svg.ts, the geometry test. Invariants:
 *  1  A width is not less than what any usual monospaced font takes: the widest have 0.602 em a letter.
 *  2  A line of `wrapped` has at most so many columns as were asked for, whatever the text.
 */

const FONT_PX = 12;
export const TITLE_PX = 13;
export const LINE_PX = 16;

const LETTER_EM = 0.61;
/** Chinese, Japanese and Korean signs: as wide as they are high. */
const WIDE_EM = 1.02;
/** Of Noto Color Emoji; others are narrower. */
const EMOJI_EM = 1.36;

const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f000}-\u{3fffd}]/u;

/** Pixels that a line of text takes at a font size. */
export function widthOf(text: string, fontPx: number = FONT_PX): number {
  return Math.ceil(signsOf(text).reduce((sum, sign) => sum + emOf(sign), 0) * fontPx);
}

/** A text in lines of at most `columns` letters: broken at spaces, and within words that are longer. */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  const room = columns * LETTER_EM + 1e-6;
  for (const word of text.split(' ').flatMap((each) => piecesOf(each, room))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (emsOf(longer) <= room) line = longer;
    else {
      lines.push(line);
      // What goes on is indented, as far as there is room for it.
      line = emsOf(`  ${word}`) <= room ? `  ${word}` : word;
    }
  }
  return [...lines, line];
}

/** A text that takes at most `columns` letters: its end is `…` where it is longer. */
export function shortened(text: string, columns: number): string {
  const room = columns * LETTER_EM;
  if (emsOf(text) <= room) return text;
  return `${piecesOf(text, room - LETTER_EM)[0] ?? ''}…`;
}

function piecesOf(word: string, room: number): readonly string[] {
  if (emsOf(word) <= room) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const sign of signsOf(word)) {
    if (piece !== '' && emsOf(piece + sign) > room) {
      pieces.push(piece);
      piece = '';
    }
    piece += sign;
  }
  return [...pieces, piece];
}

function emsOf(text: string): number {
  return signsOf(text).reduce((sum, sign) => sum + emOf(sign), 0);
}

/** What a reader sees as one sign: a letter with its accents, a family of emoji. */
function signsOf(text: string): readonly string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return text.split('');
  return Array.from(
    new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text),
    (one) => one.segment,
  );
}

function emOf(sign: string): number {
  if (/^[\x20-\x7e]/.test(sign)) return LETTER_EM;
  if (EMOJI.test(sign)) return EMOJI_EM;
  return WIDE.test(sign) ? WIDE_EM : LETTER_EM;
}
