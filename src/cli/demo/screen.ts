/**
 * The screen: where lines go, with colour and one progress line on a terminal, and plain when piped.
 *
 * Owns: standard output while the demo runs. Callers: driver.ts, command.ts. Invariants:
 *  1  Without a terminal no escape code is written; NO_COLOR and TERM=dumb are respected.
 *  2  The JSON line is the last one, and with `json` the only one.
 */
import pc from 'picocolors';
import type { Line } from './timeline.js';

export interface ScreenOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly colour: boolean;
  /** Only the JSON line. */
  readonly quiet: boolean;
  readonly columns: () => number;
}

const ERASE_LINE = '\r\u001b[2K';
const WHO_WIDTH = 9;

export class Screen {
  readonly #options: ScreenOptions;
  readonly #paint: ReturnType<typeof pc.createColors>;
  #startedAt = 0;
  #progress = '';

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#paint = pc.createColors(options.colour);
  }

  /** The instant the timeline counts from. */
  begin(at: number): void {
    this.#startedAt = at;
  }

  line(line: Line): void {
    const seconds = ((line.at - this.#startedAt) / 1_000).toFixed(3).padStart(8);
    const job = line.job === undefined ? '' : `job ${line.job}`;
    const head = `${seconds}s  ${line.who.padEnd(WHO_WIDTH)}  ${job.padEnd(7)}`;
    this.text(`${this.#paint.dim(head)} ${this.#toned(line)}`);
  }

  text(text: string): void {
    if (this.#options.quiet) return;
    this.#options.write(`${this.#erased()}${text}\n${this.#progress}`);
  }

  strong(text: string): void {
    this.text(this.#paint.bold(text));
  }

  /** What is shown below the timeline, on a terminal alone. */
  progress(text: string): void {
    if (this.#options.quiet || !this.#options.isTerminal) return;
    const shown = text.slice(0, Math.max(0, this.#options.columns() - 1));
    if (shown === this.#progress) return;
    this.#options.write(`${this.#erased()}${shown}`);
    this.#progress = shown;
  }

  /** The last line. */
  json(line: string): void {
    this.progress('');
    this.#options.write(`${line}\n`);
  }

  #erased(): string {
    return this.#progress === '' ? '' : ERASE_LINE;
  }

  #toned({ text, tone }: Line): string {
    switch (tone) {
      case 'good':
        return this.#paint.green(text);
      case 'bad':
        return this.#paint.yellow(text);
      case 'kill':
        return this.#paint.bold(this.#paint.red(text));
      case 'plain':
        return text;
    }
  }
}
