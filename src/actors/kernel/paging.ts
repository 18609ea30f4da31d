/**
 * Paged contexts: an array of JSON objects in a context (`DefinitionOptions.paged`), of which a checkpoint
 * writes those that are new.
 *
 * Owns: the rows of pages, and what `paging` in a checkpoint means. Callers: turn.ts, amortized.ts, replay,
 * page-rows.ts, which reads them, definition.ts.
 * Invariants:
 *  G1  A page is the page it was as long as it is the same object: machines are pure, and change none in
 *      place. A step looks into pages that the step before did not have; of all others it compares
 *      references.
 *  G2  A checkpoint has numbers where its pages were. Each has its row from the checkpoint that wrote it
 *      until the last one that refers to it is cut, and no longer.
 *  G3  What goes with which checkpoint is in the newest one: a restart knows it, too. A page that comes back
 *      after a checkpoint without it is a new page.
 *  G4  A page holds no actor references: only what is around the pages is searched for them.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { firstNonJson, isPlainObject, type Json, type JsonObject } from '../../json.js';
import { keys } from '../../store/keys.js';
import type { Stage } from './commit-loop.js';
import type { Definition } from './definition.js';
import type { KeptJournal } from './journal.js';
import type { ActorRecord, PagesGone } from './record.js';
import { isActorRef, persisted } from './step.js';

/** What is on disk of an actor's pages, as its newest checkpoint has it. Immutable: a step makes another. */
export interface Paging {
  /** Those that are in memory as they were written. */
  readonly written: ReadonlyMap<unknown, WrittenPage>;
  /** All that the checkpoint refers to. */
  readonly numbers: readonly number[];
  readonly next: number;
  readonly gone: PagesGone;
  /** Of all pages, as text. */
  readonly bytes: number;
}

export interface WrittenPage {
  readonly number: number;
  readonly bytes: number;
}

/** An actor before a step that keeps a checkpoint, or cuts one. */
interface Kept {
  readonly address: string;
  readonly definition: Pick<Definition, 'paged'>;
  readonly record: ActorRecord | undefined;
  readonly paging: Paging | undefined;
}

interface Checkpointed {
  readonly paging: Paging | undefined;
  /** What the newest checkpoint wrote. */
  readonly checkpointBytes: number | undefined;
}

/** Throws INVALID_DEFINITION where `paged` has no meaning. */
export function checkPaged(kind: string, paged: unknown, snapshot: Definition['snapshot']): void {
  const isKey = typeof paged === 'string' && paged !== '';
  if (paged === undefined || (isKey && snapshot === 'amortized')) return;
  const what = isKey ? 'goes with a machine of snapshot: "amortized" alone' : 'is no key of a context';
  throw new HoldfastError('INVALID_DEFINITION', `${kind}: paged: ${what}`);
}

/**
 * Fills `stage` with the checkpoint that is due, of the state *before* this step (a replay applies this entry
 * first), and without those that were cut.
 */
export function keepCheckpoints(stage: Stage, actor: Kept, kept: KeptJournal, seq: number): Checkpointed {
  const { address, record, paging: before } = actor;
  const cut = kept.deletedCheckpoints;
  for (const mark of cut) stage.delete(keys.checkpoint(address, mark));
  if (!kept.checkpoint || record === undefined) {
    const paging = before && withoutCut(stage, address, before, cut);
    return { paging, checkpointBytes: record?.checkpointBytes };
  }
  const pages = pagesIn(record.snapshot, actor.definition.paged);
  if (pages === undefined && before === undefined)
    return { paging: undefined, checkpointBytes: stage.put(keys.checkpoint(address, seq - 1), record) };
  const { written, next, newBytes } = writePages(stage, address, pages ?? [], before);
  const paging = withoutCut(stage, address, nextPaging(actor, written, next), cut);
  const key = pages && actor.definition.paged;
  const references = (pages ?? []).map((page) => written.get(page)?.number ?? 0);
  const row: ActorRecord = {
    ...record,
    snapshot: key === undefined ? record.snapshot : exchanged(record.snapshot, key, references),
    paging: { key, next, gone: paging.gone },
  };
  return { paging, checkpointBytes: newBytes + stage.put(keys.checkpoint(address, seq - 1), row) };
}

/** Writes the pages that the newest checkpoint did not have (G3). */
function writePages(
  stage: Stage,
  address: string,
  pages: readonly JsonObject[],
  before: Paging | undefined,
): Pick<Paging, 'written' | 'next'> & { readonly newBytes: number } {
  const written = new Map<unknown, WrittenPage>();
  let next = before?.next ?? 1;
  let newBytes = 0;
  for (const page of pages) {
    if (written.has(page)) continue;
    const known = before?.written.get(page);
    if (known !== undefined) {
      written.set(page, known);
      continue;
    }
    const bytes = stage.put(keys.page(address, next), page);
    written.set(page, { number: next, bytes });
    newBytes += bytes;
    next += 1;
  }
  return { written, next, newBytes };
}

function nextPaging({ record, paging: before }: Kept, written: Paging['written'], next: number): Paging {
  const now = [...written.values()];
  const numbers = now.map(({ number }) => number);
  const still = new Set(numbers);
  const left = (before?.numbers ?? []).filter((number) => !still.has(number));
  const mark = record?.marks.at(-1)?.[0] ?? 0;
  const gone: PagesGone = before?.gone ?? [];
  return {
    written,
    numbers,
    next,
    gone: left.length === 0 ? gone : [...gone, [mark, left]],
    bytes: now.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Removes the pages that go with the checkpoints of `cut`. */
function withoutCut(stage: Stage, address: string, paging: Paging, cut: readonly number[]): Paging {
  const going = paging.gone.filter(([mark]) => cut.includes(mark));
  if (going.length === 0) return paging;
  for (const [, numbers] of going) for (const number of numbers) stage.delete(keys.page(address, number));
  return { ...paging, gone: paging.gone.filter(([mark]) => !cut.includes(mark)) };
}

/** What is wrong with a context, as far as `earlier` did not have it already (G1); undefined: nothing. */
export function contextFault(
  context: unknown,
  earlier: unknown,
  paged: string | undefined,
): string | undefined {
  if (paged === undefined || !isPlainObject(context)) return faultAt(firstNonJson(context, isChild));
  const { [paged]: pages, ...rest } = context;
  if (!Array.isArray(pages)) return `the context has no array "${paged}", which is to hold its pages`;
  const bad = firstNonJson(rest, isChild);
  return bad === undefined ? pagesFault(pages, listAt(earlier, paged), paged) : faultAt(bad);
}

/**
 * True for a page that stood there, or one place off: a page before it came or went. A set of all pages costs
 * a step of 800 pages 110 us.
 */
function isNear(page: unknown, before: readonly unknown[], index: number): boolean {
  if (page === undefined) return false;
  return page === before[index] || page === before[index + 1] || page === before[index - 1];
}

/** Pages looked into without asking whether they were somewhere else before: most steps make one or two. */
const NEW_PAGES_FEW = 8;

function pagesFault(
  pages: readonly unknown[],
  before: readonly unknown[],
  paged: string,
): string | undefined {
  let known: ReadonlySet<unknown> | undefined;
  let looked = 0;
  for (let index = 0; index < pages.length; index += 1) {
    const page = pages[index];
    if (isNear(page, before, index)) continue;
    looked += 1;
    if (looked > NEW_PAGES_FEW && (known ??= new Set(before)).has(page)) continue;
    if (!isPlainObject(page)) return `context.${paged}[${index}] is no object, so it is no page`;
    const bad = firstNonJson(page);
    if (bad !== undefined) return faultAt(`$.${paged}[${index}]${bad.slice(1)}`);
  }
  return undefined;
}

function faultAt(bad: string | undefined): string | undefined {
  const fix = 'keep that out of it (references to own children are fine)';
  return bad === undefined ? undefined : `the context is not JSON at ${bad}; ${fix}`;
}

/** A reference to a child is kept in a context; one to anybody else could not be found again. */
function isChild(value: object): boolean {
  return isActorRef(value) && 'logic' in value;
}

function listAt(context: unknown, key: string): readonly unknown[] {
  const list: unknown = isPlainObject(context) ? context[key] : undefined;
  return Array.isArray(list) ? list : [];
}

/** `persisted`, which shares the snapshot's pages and looks into none of them (G4). */
export function persistedPaged(
  { steppable, paged }: Pick<Definition, 'steppable' | 'paged'>,
  snapshot: AnyMachineSnapshot,
): Json {
  const { context } = snapshot as { readonly context: unknown };
  if (paged === undefined || !isPlainObject(context) || !Array.isArray(context[paged]))
    return persisted(steppable, snapshot);
  const bare = { ...snapshot, context: { ...context, [paged]: [] } } as AnyMachineSnapshot;
  return exchanged(persisted(steppable, bare), paged, context[paged] as readonly Json[]);
}

/** A copy of a snapshot's JSON that shares its pages, but for those that `isOwn` says: they are copied. */
export function copiedBut(
  snapshot: Json,
  paged: string | undefined,
  isOwn: (page: JsonObject) => boolean = () => false,
): Json {
  const pages = pagesIn(snapshot, paged);
  if (paged === undefined || pages === undefined) return afresh(snapshot);
  const own = pages.map((page) => (isOwn(page) ? afresh(page) : page));
  return exchanged(afresh(exchanged(snapshot, paged, [])), paged, own);
}

/** As it comes from disk. */
function afresh(json: Json): Json {
  return JSON.parse(JSON.stringify(json)) as Json;
}

/** The pages of a snapshot; undefined when it has none, being another version's for one. */
function pagesIn(snapshot: Json, paged: string | undefined): readonly JsonObject[] | undefined {
  const context = isPlainObject(snapshot) ? snapshot['context'] : undefined;
  const pages = paged === undefined || !isPlainObject(context) ? undefined : context[paged];
  return Array.isArray(pages) && pages.every(isPlainObject) ? (pages as JsonObject[]) : undefined;
}

/** The same snapshot with another list in the place of its pages. */
export function exchanged(snapshot: Json, key: string, list: readonly Json[]): Json {
  const { context, ...rest } = snapshot as JsonObject & { readonly context: JsonObject };
  return { ...rest, context: { ...context, [key]: list } };
}
