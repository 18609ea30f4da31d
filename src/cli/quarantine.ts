/**
 * `holdfast quarantine list|show|resume|skip|dismiss`: the actors that stand still, whoever holds the
 * directory.
 *
 * Callers: main.ts. Invariants:
 *  1  With `--json` standard output is one JSON value in one line, in the wire's snake_case.
 *  2  In a directory nobody holds, only the runtime's own kinds can be acted on: the machines of others are
 *     in the programs that define them.
 */
import type { Command } from 'commander';
import { veiled } from '../actors/index.js';
import { OPERATIONS, type ControlInspection, type Operation } from '../control/index.js';
import type { ListQuarantined, Page, QuarantineView } from '../index.js';
import { limits } from '../limits.js';
import { onActor } from './address.js';
import { leafOf, LIMIT_DEFAULT, moreLines, say, wholeLimit, type Common } from './answer.js';
import { inDirectory } from './in-directory.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

interface ListOptions extends Common {
  readonly kind?: string;
  readonly limit: number;
  readonly cursor?: string;
}

interface ActOptions extends Common {
  readonly operator: string;
}

const EVENT_CHARS_MAX = 2_000;

const DESCRIPTIONS: Readonly<Record<Operation, string>> = {
  resume: 'let an actor take again what it could not take, once the cause is mended',
  skip: 'let an actor go on without what it could not take',
  dismiss: 'end and remove an actor that stands still',
};

const DONE: Readonly<Record<Operation, string>> = {
  resume: 'goes on',
  skip: 'goes on without it',
  dismiss: 'was dismissed',
};

export function quarantineCommand(program: Command, terminal: Terminal): void {
  const group = program
    .command('quarantine')
    .description('look at the actors that stand still and let them go on');
  const leaf = (usage: string, description: string): Command => leafOf(group, usage, description);
  leaf('list', 'list actors that stand still')
    .option('--kind <kind>', 'only actors of this kind')
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--cursor <cursor>', 'continue an earlier list')
    .action((options: ListOptions) => list(options, terminal));
  leaf('show <address>', 'show one of them, with what it could not take').action(
    async (given: string, options: Common) => {
      const view = await atDesk(options.dir, (desk) =>
        onActor(desk.inspection, given, (address) => desk.get(address)),
      );
      say(options, terminal, view, () => viewLines(view).join('\n'));
    },
  );
  for (const what of OPERATIONS) {
    leaf(`${what} <address>`, DESCRIPTIONS[what])
      .option('--operator <name>', 'who says so; it is journaled', 'cli')
      .action(async (given: string, options: ActOptions) => {
        const address = await atDesk(options.dir, (desk) =>
          onActor(desk.inspection, given, async (meant) => {
            await desk.operate(what, meant, options.operator);
            return meant;
          }),
        );
        say(options, terminal, { address }, () => `${plain(address)} ${DONE[what]}`);
      });
  }
}

/** In the process that holds the directory, or in the directory itself. */
interface Desk {
  readonly inspection: ControlInspection;
  list(filter: ListQuarantined): Promise<Page<QuarantineView>>;
  get(address: string): Promise<QuarantineView>;
  operate(what: Operation, address: string, operator: string): Promise<void>;
}

function atDesk<T>(directory: string, work: (desk: Desk) => Promise<T>): Promise<T> {
  return inDirectory(directory, {
    running: (client) =>
      work({
        inspection: client.inspection,
        list: (filter) => client.listQuarantined(filter),
        get: (address) => client.getQuarantined(address),
        operate: (what, address, operator) => client.operate(what, address, operator),
      }),
    closed: ({ quarantine, inspection }) =>
      work({
        inspection,
        list: async (filter) => veiled(await quarantine.list(filter)),
        get: async (address) => veiled(await quarantine.get(address)),
        operate: (what, address, operator) => quarantine[what](address, { operator }),
      }),
  });
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { kind, limit, cursor } = options;
  const page = await atDesk(options.dir, (desk) => desk.list({ kind, limit, cursor }));
  say(options, terminal, page, () => {
    const more = moreLines(page, terminal);
    if (page.items.length === 0) return ['no actor stands still', ...more].join('\n');
    return [...tableLines(terminal, COLUMNS, page.items), ...more].join('\n');
  });
}

const COLUMNS: readonly Column<QuarantineView>[] = [
  { title: 'ADDRESS', cell: ({ address }) => plain(address), keep: true },
  { title: 'SINCE', cell: ({ at }) => timeText(at) },
  { title: 'CODE', cell: ({ code }) => plain(code) },
  { title: 'EVENT', cell: ({ event }) => plain(event?.type ?? '') },
  { title: 'REASON', cell: ({ message }) => plain(message).slice(0, 500) },
];

function viewLines({ address, at, code, message, event, source }: QuarantineView): readonly string[] {
  const rows: readonly (readonly [title: string, text: string | undefined])[] = [
    ['address', address],
    ['since', timeText(at)],
    ['code', code],
    ['reason', message],
    ['sent by', source],
    ['event', event && JSON.stringify(event).slice(0, EVENT_CHARS_MAX)],
  ];
  return rows.flatMap(([title, text]) =>
    text === undefined || text === '' ? [] : [`${title.padEnd(10)} ${plain(text)}`],
  );
}

function timeText(at: number | undefined): string {
  return at === undefined ? '' : new Date(at).toISOString();
}
