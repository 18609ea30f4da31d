/**
 * `holdfast work list|show|counts|add|retry|cancel|schedules`: the work items of a directory, whoever holds
 * it.
 *
 * Callers: run.ts. Invariant: with `--json` standard output is one JSON value in one line, in the wire's
 * snake_case; payloads and results are as their users gave them.
 */
import { Option, type Command } from 'commander';
import { systemClock } from '../clock.js';
import { enqueuedWorkWire, workCountsWire, workItemWire, WORK_STATUSES } from '../control/index.js';
import type { NewWork, WorkStatus } from '../index.js';
import { limits } from '../limits.js';
import { leafOf, LIMIT_DEFAULT, sayPage, sayWire, wholeLimit, type Common } from './answer.js';
import { givenJson } from './given.js';
import { timeOf, wholeNumber } from './numbers.js';
import { schedulesCommand } from './schedules.js';
import { plain, type Terminal } from './terminal.js';
import { cancelOptions, retryOptions } from './work-bulk.js';
import { atWork } from './in-directory.js';
import { countsTable, workLines, workTable } from './work-text.js';

interface ListOptions extends Common {
  readonly status?: WorkStatus;
  readonly kind?: string;
  readonly limit: number;
  readonly cursor?: string;
}

interface AddOptions extends Common {
  readonly payload?: string;
  readonly key?: string;
  readonly priority?: number;
  readonly runAt?: number;
  readonly attempts?: number;
}

export function workCommand(program: Command, terminal: Terminal): void {
  const group = program.command('work').description('look at work items and schedules and act on them');
  const leaf = (usage: string, description: string): Command => leafOf(group, usage, description);
  leaf('list', 'list items, newest first; with a status, in the order in which they are claimed')
    .addOption(new Option('--status <status>', 'only items in this status').choices(WORK_STATUSES))
    .option('--kind <kind>', 'only items of this kind')
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--cursor <cursor>', 'continue an earlier list')
    .action((options: ListOptions) => list(options, terminal));
  leaf('show <id>', 'show one item, with its payload and its result').action(
    async (id: string, options: Common) => {
      const item = await atWork(options.dir, (work) => work.get(id));
      sayWire(
        options,
        terminal,
        () => workItemWire.toWire(item),
        () => workLines(item, terminal).join('\n'),
      );
    },
  );
  leaf('counts', 'count items by kind and status').action((options: Common) => counts(options, terminal));
  leaf('add <kind>', 'enqueue an item')
    .option('--payload <json>', 'what its worker gets; - reads it from standard input')
    .option('--key <key>', 'while an item of this kind with this key has not ended, none is added')
    .option('--priority <n>', '0 first, to 255; default: the kind’s', wholeNumber)
    .option('--run-at <time>', 'not before: 2026-01-31T08:00:00Z, or ms since 1970', timeOf)
    .option(
      '--attempts <n>',
      'failures before it is a dead letter, 1 to 1000; default: the kind’s',
      wholeNumber,
    )
    .action((kind: string, options: AddOptions) => add(kind, options, terminal));
  retryOptions(leaf('retry [ids...]', 'let dead letters, or items that rest, be claimed again'), terminal);
  cancelOptions(leaf('cancel [ids...]', 'end items that have not ended'), terminal);
  schedulesCommand(group, terminal);
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { status, kind, limit, cursor } = options;
  const page = await atWork(options.dir, (work) => work.list({ status, kind, limit, cursor }));
  sayPage(options, terminal, page, {
    wire: workItemWire,
    none: 'no work items',
    lines: (items) => workTable(terminal, items, systemClock.now()),
  });
}

async function counts(options: Common, terminal: Terminal): Promise<void> {
  const [found, isRunning] = await atWork(options.dir, async (work, running) => [
    await work.counts(),
    running,
  ]);
  sayWire(
    options,
    terminal,
    () => workCountsWire.toWire(found),
    () => {
      // Where nobody runs, nobody has a handler: to say so would say nothing.
      const waiting = isRunning ? found.unhandled : [];
      const note = `ready, and no handler in that process: ${waiting.map(plain).join(', ')}`;
      return [...countsTable(terminal, found), ...(waiting.length === 0 ? [] : [note])].join('\n');
    },
  );
}

async function add(kind: string, options: AddOptions, terminal: Terminal): Promise<void> {
  const { payload, key, priority, runAt, attempts } = options;
  const item: NewWork = {
    kind,
    ...(payload !== undefined && { payload: await givenJson('payload', payload, terminal) }),
    ...(key !== undefined && { dedupeKey: key }),
    ...(priority !== undefined && { priority }),
    ...(runAt !== undefined && { runAt }),
    ...(attempts !== undefined && { attemptsMax: attempts }),
  };
  const done = await atWork(options.dir, (work) => work.enqueue(item));
  sayWire(
    options,
    terminal,
    () => enqueuedWorkWire.toWire(done),
    () => `${done.id} ${done.deduplicated ? 'was there already' : 'added'}`,
  );
}
