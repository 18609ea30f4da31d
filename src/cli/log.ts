/**
 * `holdfast log ADDRESS`: the kept steps of one actor, a line each, and what comes.
 *
 * Callers: run.ts. Invariants:
 *  1  Steps are printed in their order, each once, on one line; under `--follow --json` each line is one JSON
 *     value.
 *  2  Only a running process is followed: in a directory nobody holds nothing new comes.
 */
import { Option, type Command } from 'commander';
import type { Page, StepLine } from '../index.js';
import { limits } from '../limits.js';
import { atActor, onActor } from './address.js';
import { leafOf, LIMIT_DEFAULT, sayInspected, wholeLimit, type Common } from './answer.js';
import { followed, nobodyRuns, untilInterrupted } from './following.js';
import { atActors } from './in-directory.js';
import { wholeSeq } from './numbers.js';
import { logLayout } from './step-text.js';
import type { Terminal } from './terminal.js';

interface LogOptions extends Common {
  readonly limit: number;
  readonly before?: number;
  readonly follow?: boolean;
}

export function logCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'log <address>', 'print the steps of one actor, a line each, the newest last')
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--before <seq>', 'only steps before this one', wholeSeq)
    .addOption(new Option('--follow', 'and those that come, until it ends or Ctrl-C').conflicts('before'))
    .action((given: string, options: LogOptions) => log(given, options, terminal));
}

async function log(given: string, options: LogOptions, terminal: Terminal): Promise<void> {
  const { dir: directory, limit, before, follow = false } = options;
  if (follow) return untilInterrupted((signal) => follows(given, options, terminal, signal));
  const page = await atActor(directory, given, (actors, address) => actors.steps(address, { limit, before }));
  sayPage(page, options, terminal);
}

async function follows(
  given: string,
  options: LogOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { dir: directory, limit } = options;
  await atActors(directory, (actors, client) =>
    onActor(actors, given, async (address) => {
      if (client === undefined) throw nobodyRuns(directory);
      const { items } = await actors.steps(address, { limit });
      const print = linePrinter(items, options, terminal);
      items.forEach(print);
      const last = items.at(-1);
      if (last !== undefined && last.status !== 'active') return;
      const place = { directory, actors, address };
      await followed(place, last?.seq ?? 0, signal, (steps) => steps.forEach(print));
    }),
  );
}

/** Prints steps that come one by one, under the first ones. */
export function linePrinter(
  first: readonly StepLine[],
  options: Common,
  terminal: Terminal,
): (step: StepLine) => void {
  const line = logLayout(first, terminal);
  return (step) => sayInspected(options, terminal, step, () => line(step));
}

function sayPage(page: Page<StepLine>, options: LogOptions, terminal: Terminal): void {
  sayInspected(options, terminal, page, () => {
    if (page.items.length === 0) return 'no steps are kept';
    const older = page.cursor === undefined ? [] : [terminal.colours.dim(`older: --before ${page.cursor}`)];
    return [...older, ...page.items.map(logLayout(page.items, terminal))].join('\n');
  });
}
