/**
 * Actors of every kind as lines, a page at a time.
 *
 * Callers: inspection.ts. Invariants:
 *  1  A page looks at `limits.scanPageRows` records of a kind at most, through an index where one fits: the
 *     runtime's own kinds are newest first where they have one in that order, others go by id.
 *  2  A cursor names its kind and its place in that kind's listing; another listing refuses it.
 *  3  What is listed is on disk.
 */
import { HoldfastError } from '../../errors.js';
import { addressOf, splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import { checkListing, isWanted } from '../actor-view.js';
import { jobIndexes, JOB_STATUSES } from '../job-index.js';
import { QUARANTINE_INDEX, type FoundRecord, type Page, type PageOptions } from '../kernel/index.js';
import { taskIndexes } from '../tasks/task-index.js';
import { workIndexes } from '../work/work-index.js';
import type { ActorLine, ListInspected } from './face.js';
import { actorLine, sinceOf } from './lines.js';
import { kindsOf } from './population.js';
import type { Scene } from './scene.js';
import { aboutOf, contextOf, loose, text } from './titles.js';

const PAGE_DEFAULT = 100;

/** The lines, and the records they are of. Throws INVALID_INPUT, INVALID_ID. */
export async function listOf(scene: Scene, filter: ListInspected): Promise<Page<FoundRecord>> {
  check(filter);
  const { kind, cursor, limit = PAGE_DEFAULT } = filter;
  const kinds = kindsFor(scene, filter);
  const from = cursor === undefined ? undefined : placeIn(cursor, kinds, kind);
  const items: FoundRecord[] = [];
  let examined = 0;
  for (const each of kinds.slice(from === undefined ? 0 : kinds.indexOf(from.kind))) {
    if (items.length === limit || examined >= limits.scanPageRows)
      return { items, cursor: cursorOf({ kind: each, cursor: '' }) };
    const begin = each === from?.kind && from.cursor !== '' ? { cursor: from.cursor } : {};
    const page = await pageOf(scene, each, filter, { ...begin, limit: limit - items.length });
    items.push(...page.items);
    if (page.cursor !== undefined) return { items, cursor: cursorOf({ kind: each, cursor: page.cursor }) };
    examined += countOf(scene, each);
  }
  return { items };
}

export function linesOf({ items, ...page }: Page<FoundRecord>): Page<ActorLine> {
  return { ...page, items: items.map(actorLine) };
}

function check({
  kind,
  state,
  status,
  session,
  provider,
  olderMs,
  cursor,
  limit,
  text: wanted,
}: ListInspected): void {
  if (kind !== undefined) addressOf(kind, 'id');
  checkListing({ state, status, cursor, limit });
  for (const [field, value] of Object.entries({ session, provider, text: wanted })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw invalid(field, 'is no text');
  }
  if (olderMs !== undefined && !(olderMs >= 0)) throw invalid('olderMs', 'is no time in milliseconds');
  if (limit !== undefined && limit > limits.scanPageRows)
    throw invalid('limit', `is more than ${limits.scanPageRows}`);
}

function invalid(field: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"${field}": ${what}`, { details: { field } });
}

/** Those that can have what is asked for. */
function kindsFor(scene: Scene, { kind, session, provider }: ListInspected): readonly string[] {
  if (kind !== undefined) return [kind];
  const ofProvider = ['job', 'task', 'provider', 'parked'];
  const ofSession = ['job', 'task', 'delivery', 'session'];
  return kindsOf(scene)
    .filter((each) => provider === undefined || ofProvider.includes(each))
    .filter((each) => session === undefined || ofSession.includes(each));
}

function countOf({ kernel }: Scene, kind: string): number {
  return kernel.counts(kind).reduce((sum, { count }) => sum + count, 0);
}

/** One page of one kind, through the index that narrows it most. */
function pageOf(
  { kernel, clock }: Scene,
  kind: string,
  filter: ListInspected,
  page: PageOptions,
): Promise<Page<FoundRecord>> {
  const { reader } = kernel;
  const now = clock.now();
  const matches = async (found: FoundRecord): Promise<boolean> =>
    fits(found, filter, now) && (await isOfSession(kernel, found, filter.session));
  if (kind === 'session' && filter.session !== undefined) return oneSession(kernel, filter.session, matches);
  const index = indexFor(kind, filter);
  if (index === undefined) return reader.records(kind, matches, page);
  const { name, parts, newestFirst } = index;
  return reader.indexedRecords(name, parts, matches, { ...page, newestFirst });
}

interface IndexChoice {
  readonly name: string;
  readonly parts: readonly string[];
  readonly newestFirst: boolean;
}

function indexFor(kind: string, filter: ListInspected): IndexChoice | undefined {
  const { status, session, provider, state } = filter;
  if (status === 'quarantined') return { name: QUARANTINE_INDEX, parts: [kind], newestFirst: false };
  // What has ended, or cannot be read, may be in no index of its kind.
  if (status !== undefined && status !== 'active') return undefined;
  const newest = (name: string, ...parts: readonly string[]): IndexChoice => ({
    name,
    parts,
    newestFirst: true,
  });
  if (kind === 'task') return newest(taskIndexes.all);
  if (kind === 'work') return newest(workIndexes.all);
  if (kind !== 'job') return undefined;
  const top = state?.split('.')[0];
  const isStatus = top !== 'submitting' && JOB_STATUSES.some((each) => each === top);
  if (session !== undefined) return newest(jobIndexes.session, session);
  if (provider !== undefined && isStatus) return newest(jobIndexes.tally, provider, String(top));
  if (provider !== undefined) return newest(jobIndexes.provider, provider);
  return isStatus ? newest(jobIndexes.status, String(top)) : newest(jobIndexes.all);
}

function fits(found: FoundRecord, filter: ListInspected, now: number): boolean {
  const { state, status, provider, olderMs, text: wanted } = filter;
  if (!isWanted(found, state, status)) return false;
  const { address, record } = found;
  // Its newest step is the latest that its state can have begun.
  if (olderMs !== undefined && (sinceOf(found) ?? record?.at ?? now) > now - olderMs) return false;
  if (provider === undefined && wanted === undefined) return true;
  const about = record === undefined ? {} : aboutOf(address, record);
  if (provider !== undefined && about.provider !== provider) return false;
  if (wanted === undefined) return true;
  const sought = wanted.toLowerCase();
  return [splitAddress(address).id, about.title].some(
    (each) => each?.toLowerCase().includes(sought) === true,
  );
}

/** A delivery belongs to the conversation of what it tells the outcome of. */
async function isOfSession(
  kernel: Scene['kernel'],
  { address, record }: FoundRecord,
  session: string | undefined,
): Promise<boolean> {
  if (session === undefined) return true;
  if (record === undefined) return false;
  if (splitAddress(address).kind !== 'delivery') return aboutOf(address, record).session === session;
  const cause = text(loose(contextOf(record)['input'])['cause']);
  const told = cause === undefined ? undefined : await kernel.reader.find(cause);
  return cause !== undefined && told?.record !== undefined && aboutOf(cause, told.record).session === session;
}

async function oneSession(
  kernel: Scene['kernel'],
  key: string,
  matches: (found: FoundRecord) => Promise<boolean>,
): Promise<Page<FoundRecord>> {
  const found = await kernel.reader.find(addressOf('session', key));
  return { items: found !== undefined && (await matches(found)) ? [found] : [] };
}

interface Place {
  readonly kind: string;
  /** In the kind's own listing; empty: its beginning. */
  readonly cursor: string;
}

function cursorOf({ kind, cursor }: Place): string {
  return `${kind}/${cursor}`;
}

function placeIn(given: string, kinds: readonly string[], wanted: string | undefined): Place {
  const slash = given.indexOf('/');
  const kind = given.slice(0, Math.max(0, slash));
  if (slash > 0 && (wanted === undefined || kind === wanted) && kinds.includes(kind))
    return { kind, cursor: given.slice(slash + 1) };
  throw invalid('cursor', 'this listing never returned it');
}
