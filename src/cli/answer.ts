/**
 * What the commands about a directory have in common: their options, and how they answer.
 *
 * Callers: the commands that take `--dir`. Invariant: with `--json` standard output is one JSON value in one
 * line, in the wire's snake_case.
 */
import { InvalidArgumentError, type Command, type CommandOptions } from 'commander';
import { inspectedToWire, pageWire, toWire, type Codec } from '../control/index.js';
import type { Page } from '../index.js';
import { limits } from '../limits.js';
import type { Terminal } from './terminal.js';

export interface Common {
  readonly dir: string;
  readonly json?: boolean;
}

export const LIMIT_DEFAULT = 50;

/** A command of a group, with the options of all of them. */
export function leafOf(
  group: Command,
  usage: string,
  description: string,
  options: CommandOptions = {},
): Command {
  return group
    .command(usage, options)
    .description(description)
    .option('--dir <directory>', 'the directory of the runtime', './.holdfast')
    .option('--json', 'print JSON in one line');
}

/** Prints `value` as JSON where that was asked for, else `text`. */
export function say(options: Common, terminal: Terminal, value: unknown, text: () => string): void {
  sayWire(options, terminal, () => toWire(value), text);
}

/** The same for what `runtime.inspection` tells, whose names on the wire are its own. */
export function sayInspected(
  options: Pick<Common, 'json'>,
  terminal: Terminal,
  value: unknown,
  text: () => string,
): void {
  sayWire(options, terminal, () => inspectedToWire(value), text);
}

/** The same for what has the wire's names already. */
export function sayWire(
  { json }: Pick<Common, 'json'>,
  { out }: Terminal,
  wire: () => unknown,
  text: () => string,
): void {
  out(json === true ? JSON.stringify(wire()) : text());
}

/** The line under a listing that is longer. */
export function moreLines(
  { cursor }: { readonly cursor?: string },
  { colours }: Terminal,
): readonly string[] {
  return cursor === undefined ? [] : [colours.dim(`more: --cursor ${cursor}`)];
}

interface Listing<T> {
  readonly wire: Codec;
  /** What is said where there are none. */
  readonly none: string;
  readonly lines: (items: readonly T[]) => readonly string[];
}

/** Prints one page of a listing. */
export function sayPage<T>(
  options: Common,
  terminal: Terminal,
  page: Page<T>,
  { wire, none, lines }: Listing<T>,
): void {
  const text = (): string => {
    const shown = page.items.length === 0 ? [none] : lines(page.items);
    return [...shown, ...moreLines(page, terminal)].join('\n');
  };
  sayWire(options, terminal, () => pageWire(wire).toWire(page), text);
}

/** How many a listing shows at most. */
export function wholeLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= limits.scanPageRows) return limit;
  throw new InvalidArgumentError(`It is a whole number from 1 to ${limits.scanPageRows}.`);
}
