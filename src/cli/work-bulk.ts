/**
 * `holdfast work retry` and `work cancel`: one item, several, or all that a filter finds.
 *
 * Callers: work.ts. Invariants:
 *  1  Without ids and without a filter nothing is done: a forgotten one does not mean everything there is.
 *  2  How many were changed is told, and of ids that were given each that was refused, with why; then the
 *     exit code is that of an error.
 */
import { Option, type Command } from 'commander';
import { bulkWire, workItemWire, type WorkActs } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import type { BulkResult, WorkItemView, WorkSelection } from '../index.js';
import { limits } from '../limits.js';
import { sayWire, type Common } from './answer.js';
import { wrong } from './given.js';
import { plain, type Terminal } from './terminal.js';
import { atWork } from './in-directory.js';

interface BulkOptions extends Common {
  readonly kind?: string;
  readonly failed?: boolean;
  readonly status?: 'scheduled' | 'ready' | 'running' | 'failed';
}

interface Act {
  readonly one: (work: WorkActs, id: string) => Promise<WorkItemView>;
  readonly many: (work: WorkActs, selection: WorkSelection) => Promise<BulkResult>;
  readonly done: string;
  readonly refusal: 'WORK_NOT_RETRYABLE' | 'WORK_NOT_CANCELLABLE';
}

const RETRY: Act = {
  one: (work, id) => work.retry(id),
  many: (work, selection) => work.retryMany(selection),
  done: 'tried again',
  refusal: 'WORK_NOT_RETRYABLE',
};

const CANCEL: Act = {
  one: (work, id) => work.cancel(id),
  many: (work, selection) => work.cancelMany(selection),
  done: 'cancelled',
  refusal: 'WORK_NOT_CANCELLABLE',
};

export function retryOptions(command: Command, terminal: Terminal): void {
  command
    .option('--failed', 'all dead letters, instead of ids')
    .option('--kind <kind>', 'dead letters of this kind, instead of ids')
    .action(async (ids: readonly string[], options: BulkOptions) => {
      const { kind, failed } = options;
      const filtered = kind !== undefined || failed === true;
      const filter = { status: 'failed', ...(kind !== undefined && { kind }) } as const;
      await run(RETRY, ids, filtered ? filter : undefined, { options, terminal });
    });
}

export function cancelOptions(command: Command, terminal: Terminal): void {
  command
    .option('--kind <kind>', 'what has not ended of this kind, instead of ids')
    .addOption(
      new Option('--status <status>', 'all in this status, instead of ids').choices([
        'scheduled',
        'ready',
        'running',
        'failed',
      ]),
    )
    .action(async (ids: readonly string[], options: BulkOptions) => {
      const { kind, status } = options;
      const filter = { ...(status !== undefined && { status }), ...(kind !== undefined && { kind }) };
      const filtered = kind !== undefined || status !== undefined;
      await run(CANCEL, ids, filtered ? filter : undefined, { options, terminal });
    });
}

interface Told {
  readonly options: Common;
  readonly terminal: Terminal;
}

async function run(
  act: Act,
  ids: readonly string[],
  filter: WorkSelection | undefined,
  { options, terminal }: Told,
): Promise<void> {
  if (ids.length > 0 === (filter !== undefined))
    throw wrong('ids', 'name the items, or filter them, and not both');
  const [id, ...more] = ids;
  if (id !== undefined && more.length === 0) {
    const item = await atWork(options.dir, (work) => act.one(work, id));
    return sayWire(
      options,
      terminal,
      () => workItemWire.toWire(item),
      () => `${item.id} ${act.done}: ${item.status}`,
    );
  }
  const done = await atWork(options.dir, (work) => act.many(work, filter ?? { ids }));
  sayWire(
    options,
    terminal,
    () => bulkWire.toWire(done),
    () => [`${done.ids.length} ${act.done}`, ...refusedLines(done)].join('\n'),
  );
  // What a filter found and was refused has changed in between: it is as somebody else wanted it.
  if (filter !== undefined || done.refused.length === 0) return;
  const message = `${done.refused.length} of ${ids.length} items were not ${act.done}`;
  throw new HoldfastError(act.refusal, message, { details: { refused: done.refused.length } });
}

function refusedLines({ ids, refused }: BulkResult): readonly string[] {
  const isFull = ids.length + refused.length >= limits.workBulkMax;
  const more = `one command changes ${limits.workBulkMax} at most: say it again for the rest`;
  return [...refused.map(({ id, code }) => `${plain(id)} refused: ${code}`), ...(isFull ? [more] : [])];
}
