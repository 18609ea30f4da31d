/**
 * `holdfast sessions list|show|pending|enqueue|cancel|retry|resume|mode|tail`: the conversations of a
 * directory, whoever holds it.
 *
 * Callers: run.ts. Invariant: with `--json` standard output is one JSON value in one line (`tail`: one a
 * line), in the wire's snake_case.
 */
import { Argument, Option, type Command } from 'commander';
import { batchWire, sessionWire, settingsWire } from '../control/index.js';
import type { ModeChange } from '../index.js';
import { limits } from '../limits.js';
import { leafOf, LIMIT_DEFAULT, sayPage, sayWire, wholeLimit, type Common } from './answer.js';
import { wholeNumber } from './numbers.js';
import { atSessions } from './in-directory.js';
import { enqueueOptions } from './session-enqueue.js';
import { tail, type TailOptions } from './session-tail.js';
import { batchTable, modeText, sessionLines, sessionTable } from './session-text.js';
import { plain, type Terminal } from './terminal.js';

interface PageOptions extends Common {
  readonly limit: number;
  readonly cursor?: string;
}

type ModeOptions = Common & Pick<ModeChange, 'cap' | 'drop' | 'channel'> & { readonly debounce?: number };

/** Batches that `show` shows. */
const SHOWN_MAX = 10;

export function sessionsCommand(program: Command, terminal: Terminal): void {
  const group = program
    .command('sessions')
    .description('look at the conversations of a directory and their queues');
  const leaf = (usage: string, description: string): Command => leafOf(group, usage, description);
  const paged = (command: Command): Command =>
    command
      .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
      .option('--cursor <cursor>', 'continue an earlier list');
  paged(leaf('list', 'list sessions, by key')).action((options: PageOptions) => list(options, terminal));
  leaf('show <key>', 'show one session, and the first batches of its queue').action(
    (key: string, options: Common) => show(key, options, terminal),
  );
  paged(leaf('pending <key>', 'list the batches that no claim holds, oldest first'))
    .option('--all', 'those that a claim holds too')
    .action((key: string, options: PageOptions & { readonly all?: boolean }) =>
      batches(key, options, terminal),
    );
  enqueueOptions(
    leaf('enqueue <key> [text]', 'put work into the queue; the first makes the session'),
    terminal,
  );
  leaf('cancel <key> <batch>', 'take a batch out of the queue that no claim holds').action(
    async (key: string, id: string, options: Common) => {
      const batch = await atSessions(options.dir, (sessions) => sessions.cancel(key, id));
      sayWire(
        options,
        terminal,
        () => batchWire.toWire(batch),
        () => `${batch.batchId} cancelled`,
      );
    },
  );
  leaf('retry <key> <batch>', 'let a dead letter be claimed again').action(
    async (key: string, id: string, options: Common) => {
      const batch = await atSessions(options.dir, (sessions) => sessions.retry(key, id));
      sayWire(
        options,
        terminal,
        () => batchWire.toWire(batch),
        () => `${batch.batchId} ${batch.state}`,
      );
    },
  );
  leaf('resume <key>', 'end a session’s rest after a failed turn').action(
    async (key: string, options: Common) => {
      const view = await atSessions(options.dir, (sessions) => sessions.resume(key));
      sayWire(
        options,
        terminal,
        () => sessionWire.toWire(view),
        () => `${plain(key)} ${view.state}`,
      );
    },
  );
  modeCommand(leaf('mode <key>', 'show or set what becomes of messages to a busy session'), terminal);
  leaf('tail <key>', 'print what was written into the conversation')
    .option('--follow', 'and what comes, until Ctrl-C')
    .option(
      '--limit <n>',
      `how many entries that are there, up to ${limits.scanPageRows}`,
      wholeLimit,
      LIMIT_DEFAULT,
    )
    .action((key: string, options: TailOptions) => tail(key, options, terminal));
}

async function list(options: PageOptions, terminal: Terminal): Promise<void> {
  const { limit, cursor } = options;
  const page = await atSessions(options.dir, (sessions) => sessions.list({ limit, cursor }));
  sayPage(options, terminal, page, {
    wire: sessionWire,
    none: 'no sessions',
    lines: (items) => sessionTable(terminal, items),
  });
}

async function show(key: string, options: Common, terminal: Terminal): Promise<void> {
  const [view, first] = await atSessions(options.dir, async (sessions) => [
    await sessions.view(key),
    await sessions.batches(key, { limit: SHOWN_MAX }),
  ]);
  const wire = (): unknown => ({
    ...Object(sessionWire.toWire(view)),
    batches: first.items.map(batchWire.toWire),
  });
  sayWire(options, terminal, wire, () => {
    const more = `the first ${SHOWN_MAX}; all: holdfast sessions pending <key> --all`;
    return [
      ...sessionLines(view, terminal),
      ...(first.items.length === 0 ? [] : ['', ...batchTable(terminal, first.items)]),
      ...(first.cursor === undefined ? [] : [terminal.colours.dim(more)]),
    ].join('\n');
  });
}

async function batches(
  key: string,
  options: PageOptions & { readonly all?: boolean },
  terminal: Terminal,
): Promise<void> {
  const { limit, cursor, all = false } = options;
  const page = await atSessions(options.dir, (sessions) =>
    sessions.batches(key, { limit, cursor, pending: !all }),
  );
  sayPage(options, terminal, page, {
    wire: batchWire,
    none: all ? 'no batches' : 'nothing waits',
    lines: (items) => batchTable(terminal, items),
  });
}

function modeCommand(command: Command, terminal: Terminal): void {
  command
    .addArgument(new Argument('[mode]').choices(['steer', 'followup', 'collect', 'interrupt']))
    .option('--cap <n>', 'how many messages may wait, 1 to 10000', wholeNumber)
    .addOption(new Option('--drop <rule>', 'what goes beyond that').choices(['old', 'new', 'summarize']))
    .option('--debounce <ms>', 'how long it must be quiet before collected messages run', wholeNumber)
    .option('--channel <name>', 'for messages of this channel alone')
    .action(async (key: string, mode: ModeChange['mode'], options: ModeOptions) =>
      changeMode(key, mode, options, terminal),
    );
}

async function changeMode(
  key: string,
  mode: ModeChange['mode'],
  options: ModeOptions,
  terminal: Terminal,
): Promise<void> {
  const { cap, drop, debounce: debounceMs, channel } = options;
  const given = Object.entries({ mode, cap, drop, debounceMs }).filter(([, value]) => value !== undefined);
  const change: ModeChange = { ...Object.fromEntries(given), ...(channel === undefined ? {} : { channel }) };
  const settings = await atSessions(options.dir, (sessions) =>
    given.length === 0 ? sessions.mode(key, channel) : sessions.setMode(key, change),
  );
  sayWire(
    options,
    terminal,
    () => settingsWire.toWire(settings),
    () => modeText(settings),
  );
}
