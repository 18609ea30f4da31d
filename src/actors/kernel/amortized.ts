/**
 * Amortized snapshots: an actor's newest checkpoint and the journal since, folded into its snapshot.
 *
 * Callers: activation, the reader, turn.ts (when one is due). Invariants:
 *  Z1  A record without a snapshot has its newest checkpoint (none: its creation) and every entry since.
 *  Z2  The fold runs the machine the entries were written with; one that says something else now is
 *      REPLAY_DIVERGED, and its actor stands still.
 */
import { HoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { keys } from '../../store/keys.js';
import type { Entry, ScanOptions } from '../../store/store.js';
import { defineMachine, type Definition } from './definition.js';
import { pagingBeside, unpaged, type Unpaged } from './page-rows.js';
import { pagesOf } from './pages.js';
import { copiedBut, type Paging } from './paging.js';
import type { ActorRecord, JournalEntry } from './record.js';
import { replay } from './replay.js';

/** Where rows are read: the loop with what is staged, or the store with what is on disk. */
export interface Rows {
  readonly read: (key: string) => string | undefined | Promise<string | undefined>;
  readonly scan: (options: ScanOptions) => Promise<Entry[]>;
}

/** The record with its snapshot: see `wholeOf`. */
export async function withSnapshot(
  rows: Rows,
  definition: Definition,
  address: string,
  record: ActorRecord,
): Promise<ActorRecord> {
  return (await wholeOf(rows, definition, address, record)).record;
}

/**
 * The record with its snapshot, and what is known of its pages. Throws REPLAY_DIVERGED, VERSION_UNKNOWN
 * without its version's machine, or STORE_CORRUPTED.
 */
export async function wholeOf(
  rows: Rows,
  definition: Definition,
  address: string,
  record: ActorRecord,
): Promise<Unpaged> {
  if ((record.snapshot as Json | undefined) !== undefined)
    return { record, paging: kept(await pagingBeside(rows, address, record), record) };
  const from = record.marks.at(-1)?.[0] ?? 0;
  const text = from === 0 ? undefined : await rows.read(keys.checkpoint(address, from));
  const stored = text === undefined ? undefined : (JSON.parse(text) as ActorRecord);
  const { record: checkpoint, paging } = stored
    ? await unpaged(rows, address, stored)
    : { record: undefined, paging: undefined };
  const entries = await entriesBetween(rows, address, from, record.seq);
  const { parent, origins } = record;
  const folded = replay({
    definition: definitionAt(definition, record),
    address,
    entries,
    origins,
    ...(checkpoint && { checkpoint }),
    ...(parent && { parent }),
  });
  // As it comes from disk: what a context holds may be shared with the journal's events. Pages that no step
  // has touched came from there, and are known by who they are.
  const snapshot = copiedBut(folded, definition.paged, (page) => paging?.written.has(page) !== true);
  return { record: { ...record, snapshot }, paging: kept(paging, record) };
}

/** Without what a step after the checkpoint has removed. */
function kept(paging: Paging | undefined, { marks }: ActorRecord): Paging | undefined {
  if (paging === undefined) return undefined;
  const gone = paging.gone.filter(([mark]) => marks.some(([seq]) => seq === mark));
  return { ...paging, gone };
}

/** Journal bytes after which a new checkpoint is due. */
export function checkpointBytesOf(definition: Definition, record: ActorRecord | undefined): number {
  if (definition.snapshot === 'each') return limits.checkpointBytes;
  const factor = definition.paged === undefined ? 1 : limits.pagedCheckpointFactor;
  const last = factor * (record?.checkpointBytes ?? 0);
  return Math.min(Math.max(last, limits.amortizedBytesMin), limits.checkpointBytes);
}

async function entriesBetween(
  rows: Rows,
  address: string,
  from: number,
  to: number,
): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  const range = { gte: keys.journal(address, from + 1), lt: keys.journal(address, to + 1) };
  for await (const page of pagesOf((options) => rows.scan(options), range)) {
    for (const [, text] of page) entries.push(JSON.parse(text) as JournalEntry);
  }
  return entries;
}

/** The definition an actor's journal was written with. */
function definitionAt(definition: Definition, { version }: ActorRecord): Definition {
  if (version === definition.version) return definition;
  const machine = definition.migrate?.machines?.[version];
  if (machine !== undefined) return defineMachine({ kind: definition.kind, machine, version });
  const fix = 'give migrate.machines its machine';
  const message = `the last steps of version ${version} are in the journal alone; ${fix}`;
  throw new HoldfastError('VERSION_UNKNOWN', message);
}
