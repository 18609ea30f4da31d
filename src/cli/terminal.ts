/**
 * The terminal as the commands see it: where text goes and comes from, how wide it is, whether it may be
 * coloured.
 *
 * Owns: the only writing to the standard streams by commands. Callers: the commands take a `Terminal`;
 * main.ts makes it. Invariant: standard output carries results alone, one JSON value a line under `--json`;
 * all else is an error line on standard error.
 */
import { isatty } from 'node:tty';
import pc from 'picocolors';

export type Colours = ReturnType<typeof pc.createColors>;

export interface Terminal {
  readonly columns: number;
  readonly colours: Colours;
  /** One line, or several; a newline is added. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Writes over the last line on standard error; undefined where that is no terminal. Empty: it is gone. */
  readonly line?: (text: string) => void;
  /** What is given at standard input, in pieces. */
  readonly input: AsyncIterable<Uint8Array>;
}

const COLUMNS_DEFAULT = 100;
const COLUMNS_MIN = 40;

/** The terminal of this process. `COLUMNS` decides the width, `NO_COLOR` and a pipe forbid colours. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // `stdout.isTTY` is undefined for a pipe, and undefined lets picocolors decide: in CI it colours.
  const coloured = isatty(stdout.fd) && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const asked = Number(env['COLUMNS'] ?? '');
  const width = Number.isInteger(asked) && asked > 0 ? asked : (stdout.columns ?? COLUMNS_DEFAULT);
  return {
    columns: Math.max(COLUMNS_MIN, width),
    colours: pc.createColors(coloured),
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    ...(isatty(stderr.fd) && env['TERM'] !== 'dumb' && { line: writtenOver }),
    // Looked at by the commands that read it alone: whoever looks opens it.
    get input() {
      return process.stdin;
    },
  };
}

/** To the beginning of the line, and clear it. */
function writtenOver(text: string): void {
  process.stderr.write(`\r\u001b[K${text}`);
}

/**
 * Text of others on one line: prompts and provider messages could otherwise move the cursor, change colours
 * or turn the writing direction.
 */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ').trim();
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;

/** How many columns a text takes, as terminals count them. */
export function widthOf(text: string): number {
  return graphemesOf(text).reduce((sum, each) => sum + columnsOf(each), 0);
}

/** The text in at most `columns`, with an ellipsis where it was cut. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let room = columns - 1;
  for (const each of graphemesOf(text)) {
    room -= columnsOf(each);
    if (room < 0) break;
    kept += each;
  }
  return `${kept}…`;
}

function columnsOf(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}

function graphemesOf(text: string): readonly string[] {
  return Array.from(
    new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text),
    ({ segment }) => segment,
  );
}
