/**
 * A record made again from its actor's other rows: the newest checkpoint and the journal since say its state
 * and what it asked for, the timers, effects and system ids that are there say what of that is still under
 * way.
 *
 * Callers: actor-check.ts, for records that are missing, damaged or older than their journal. Invariants:
 *  B1  What comes out follows from rows alone; where one thing does not, nothing comes out.
 *  B2  The machine that made the journal is known, and leads through every entry to what the entry says.
 *  B3  What the machine says is under way is under way: the effects and children of the state are those
 *      found.
 */
import { splitAddress } from '../../ids.js';
import { isPlainObject, type Json, type JsonObject } from '../../json.js';
import { ordOf, pageNumberOf, partsOf, rangeOf } from '../../store/keys.js';
import { timerKey } from '../kernel/belongings.js';
import type { Definition } from '../kernel/definition.js';
import { staysAfter, type Standing } from '../kernel/dwell.js';
import { inlined } from '../kernel/page-rows.js';
import { valueOf } from '../kernel/record.js';
import type {
  ActorRecord,
  ChildRef,
  EffectRef,
  JournalEntry,
  ParentRef,
  TimerRef,
} from '../kernel/record.js';
import { replay } from '../kernel/replay.js';
import { listingKey } from './owed-rows.js';
import { lengthOf, type Reading } from './reading.js';
import { entryIn, pageIn, recordIn, systemIn } from './row-shapes.js';
import type { Scene } from './scene.js';

interface Sources {
  readonly address: string;
  readonly definition: Definition;
  readonly entries: readonly JournalEntry[];
  /** Journal bytes of each entry, in their order. */
  readonly bytes: readonly number[];
  /** With their pages. */
  readonly checkpoints: readonly ActorRecord[];
  /** How long the newest one is. */
  readonly checkpointBytes: number | undefined;
  /** There are rows of pages. */
  readonly isPaged: boolean;
}

/** The record, or undefined when it does not follow from the other rows. */
export async function rebuilt(
  { reading, known, effectRows }: Pick<Scene, 'reading' | 'known' | 'effectRows'>,
  address: string,
): Promise<ActorRecord | undefined> {
  const definition = known.ofKind(splitAddress(address).kind);
  const sources = definition && (await sourcesOf(reading, definition, address));
  if (sources === undefined) return undefined;
  const snapshot = snapshotOf(sources);
  if (snapshot === undefined) return undefined;
  const timers = await timersOf(reading, sources);
  const effects = await effectRows.of(address);
  const children = childrenOf(sources, snapshot);
  if (timers === undefined || children === undefined) return undefined;
  const effectNames = namesIn(snapshot).filter((name) => !children.some(({ child }) => child === name));
  const found = effects.map(({ child }) => child);
  const isActive = sources.entries.at(-1)?.status === 'active';
  if (isActive && found.toSorted().join('\0') !== effectNames.toSorted().join('\0')) return undefined;
  const named = await withSystemIds(reading, sources, effects, children);
  return recordOf(sources, { snapshot, timers, ...named });
}

/** A journal without gaps, and the checkpoints in it; all of one version. */
async function sourcesOf(
  reading: Reading,
  definition: Definition,
  address: string,
): Promise<Sources | undefined> {
  const stored: ActorRecord[] = [];
  const pages = new Map<number, JsonObject>();
  let checkpointBytes: number | undefined;
  for await (const [key, found] of reading.rows(rangeOf('c', address))) {
    const number = pageNumberOf(key);
    const page = number === undefined ? undefined : pageIn(found);
    if (number !== undefined && page !== undefined) pages.set(number, page);
    const checkpoint = number === undefined ? recordIn(found) : undefined;
    if (checkpoint === undefined) continue;
    if (checkpoint.version !== definition.version || checkpoint.hash !== definition.hash) return undefined;
    stored.push(checkpoint);
    checkpointBytes = lengthOf(found);
  }
  const checkpoints = stored.flatMap(
    (checkpoint) => inlined(checkpoint, (number) => pages.get(number)) ?? [],
  );
  const entries: JournalEntry[] = [];
  const bytes: number[] = [];
  for await (const [, found] of reading.rows(rangeOf('j', address))) {
    const entry = entryIn(found);
    const before = entries.at(-1)?.seq ?? (entry?.seq ?? 0) - 1;
    // A migration came from another machine, and a restart forgot what was under way: not from rows alone.
    if (entry?.seq !== before + 1 || entry.migrated !== undefined) return undefined;
    entries.push(entry);
    bytes.push(lengthOf(found));
  }
  const first = entries[0]?.seq;
  if (first === undefined) return undefined;
  if (first !== 1 && !checkpoints.some(({ seq }) => seq === first - 1)) return undefined;
  const isPaged = pages.size > 0;
  return { address, definition, entries, bytes, checkpoints, checkpointBytes, isPaged };
}

function snapshotOf({ definition, address, entries, checkpoints }: Sources): JsonObject | undefined {
  const checkpoint = checkpoints.find(({ seq }) => seq === (entries[0]?.seq ?? 1) - 1);
  try {
    const folded = replay({ definition, address, entries, ...(checkpoint && { checkpoint }) });
    const json: unknown = JSON.parse(JSON.stringify(folded));
    return isPlainObject(json) ? (json as JsonObject) : undefined;
  } catch {
    // The machine does not lead where the journal says: what to believe is not for us to say.
    return undefined;
  }
}

/** Those that were ever armed and are in the due index; undefined when it cannot be told. */
async function timersOf(reading: Reading, sources: Sources): Promise<readonly TimerRef[] | undefined> {
  const { address, entries, checkpoints } = sources;
  const armed = [...(checkpoints[0]?.timers ?? []), ...entries.flatMap(({ timers = [] }) => timers)];
  const found = await reading.many([...armed.map((timer) => timerKey(address, timer)), listingKey(address)]);
  const seen = new Set<string>();
  const timers = armed.filter((timer) => {
    const isNew = !seen.has(timer.id);
    seen.add(timer.id);
    return isNew && found.get(timerKey(address, timer)) !== undefined;
  });
  // Who stood still had its timers in the record alone.
  const stoodStill = found.get(listingKey(address)) !== undefined;
  return stoodStill && timers.length === 0 && armed.length > 0 ? undefined : timers;
}

/** The children of the state that are actors of their own; undefined when one of them cannot be found. */
function childrenOf(sources: Sources, snapshot: JsonObject): readonly ChildRef[] | undefined {
  const { address, definition, entries, checkpoints } = sources;
  const children: ChildRef[] = [];
  const asked = entries.flatMap(({ sends = [] }) => sends).filter(({ type }) => type === 'create');
  for (const [child, entry] of childEntries(snapshot)) {
    const src = isPlainObject(entry) ? entry['src'] : undefined;
    const kind = typeof src === 'string' ? definition.children.get(src)?.kind : undefined;
    if (typeof src !== 'string' || kind === undefined) continue;
    const sent = asked.findLast(({ to, id }) => {
      const own = id.slice(address.length + 1);
      return to === `${kind}/${splitAddress(address).id}/${child}@${own}`;
    });
    const known = checkpoints.at(-1)?.children?.findLast((ref) => ref.child === child);
    if (sent !== undefined)
      children.push({ id: sent.id.slice(address.length + 1), child, src, address: sent.to });
    else if (known !== undefined) children.push(known);
    else return undefined;
  }
  return children;
}

function namesIn(snapshot: JsonObject): readonly string[] {
  return childEntries(snapshot).map(([child]) => child);
}

function childEntries({ children }: JsonObject): readonly (readonly [child: string, entry: unknown])[] {
  return isPlainObject(children) ? Object.entries(children) : [];
}

async function withSystemIds(
  reading: Reading,
  sources: Sources,
  effects: readonly EffectRef[],
  children: readonly ChildRef[],
): Promise<Pick<ActorRecord, 'effects' | 'children'>> {
  const { address } = sources;
  const root = parentOf(sources)?.root ?? address;
  const ids = new Map<string, string>();
  for await (const [key, found] of reading.rows(rangeOf('y', root))) {
    const row = systemIn(found);
    if (row?.owner === address) ids.set(row.effect ?? row.address, partsOf(key)[1] ?? '');
  }
  const named = <Ref>(ref: Ref, systemId: string | undefined): Ref =>
    systemId === undefined ? ref : { ...ref, systemId };
  return {
    effects: effects.map((effect) => named(effect, ids.get(effect.id))),
    children: children.length === 0 ? undefined : children.map((ref) => named(ref, ids.get(ref.address))),
  };
}

function parentOf({ checkpoints, entries }: Sources): ParentRef | undefined {
  return checkpoints[0]?.parent ?? entries[0]?.parent;
}

type UnderWay = Pick<ActorRecord, 'timers' | 'effects' | 'children'> & { readonly snapshot: JsonObject };

function recordOf(sources: Sources, parts: UnderWay): ActorRecord | undefined {
  const { definition, entries, checkpoints } = sources;
  const [first] = entries;
  const last = entries.at(-1);
  const [earlier] = checkpoints;
  if (first === undefined || last === undefined) return undefined;
  const restarts = definition.supervision.onFailure === 'restart';
  const amortized = definition.snapshot === 'amortized' && last.status === 'active';
  const { checkpointBytes, isPaged } = sources;
  return {
    machine: definition.machineId,
    version: definition.version,
    hash: definition.hash,
    seq: last.seq,
    epoch: earlier?.epoch ?? 0,
    status: last.status,
    createdAt: earlier?.createdAt ?? first.at,
    // Without a checkpoint its place among those of its commit is lost.
    ord: earlier?.ord ?? ordOf(first.commit, 0),
    at: last.at,
    since: sinceOf(sources),
    ...parts,
    ...(amortized && checkpointBytes !== undefined ? { checkpointBytes } : {}),
    ...(isPaged && { paged: true }),
    parent: parentOf(sources),
    ...(restarts ? { input: inputOf(sources), restarts: earlier?.restarts ?? [] } : {}),
    marks: marksOf(sources),
  };
}

/** Since when it is where it is, as its steps say. */
function sinceOf({ entries, checkpoints }: Sources): readonly number[] {
  const checkpoint = checkpoints.find(({ seq }) => seq === (entries[0]?.seq ?? 1) - 1);
  let standing: Standing | undefined = checkpoint && {
    value: valueOf(checkpoint),
    since: checkpoint.since,
    at: checkpoint.at,
  };
  for (const { value, at, event } of entries) {
    const { since } = staysAfter(standing, { value, at, isAnew: event.type === 'xstate.init' });
    standing = { value, since, at };
  }
  return standing?.since ?? [];
}

function inputOf({ checkpoints, entries }: Sources): Json | undefined {
  return checkpoints[0]?.input ?? entries[0]?.event['input'];
}

/** The checkpoints that are there, and the journal's own beginning. */
function marksOf({ entries, bytes, checkpoints }: Sources): ActorRecord['marks'] {
  const oldest = (entries[0]?.seq ?? 1) - 1;
  const newest = entries.at(-1)?.seq ?? 0;
  const seqs = checkpoints.map(({ seq }) => seq).filter((seq) => seq > oldest && seq <= newest);
  const starts = [oldest, ...seqs];
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? newest;
    const lump = bytes.slice(start - oldest, end - oldest);
    return [start, lump.reduce((sum, one) => sum + one, 0)] as const;
  });
}
