/**
 * The rows of an actor that came in a capsule.
 *
 * Pure but for the stage it fills. Callers: transfer.ts. Invariants: those of E3 and E4 there.
 */
import { addressOf, splitAddress, type Address } from '../../ids.js';
import { keys } from '../../store/keys.js';
import { errorEvent } from './births.js';
import type { Parcel } from './cell.js';
import type { Stage } from './commit-loop.js';
import { Counts } from './counts.js';
import type { ActorRows } from './exporting.js';
import { writeHold } from './holding.js';
import { listQuarantined } from './quarantine.js';
import { valueOf } from './record.js';
import type {
  ActorRecord,
  ChildRef,
  EffectRef,
  EffectRow,
  InboxRow,
  Origins,
  ParentRef,
  Quarantine,
} from './record.js';
import type { SystemRow } from './step-view.js';

/** An actor that comes in. */
export interface Arrival {
  readonly address: Address;
  /** The one it had. */
  readonly origin: string;
  /** Without gaps. */
  readonly rows: ActorRows;
  readonly reason: Pick<Quarantine, 'message' | 'redacted'>;
}

/** No store has a writer of that epoch: whoever finds it knows that the process which began it is gone. */
const EPOCH_OF_NOBODY = 0;

/** Fills `stage` with all of it. */
export function writeArrival(stage: Stage, arrival: Arrival, at: number): void {
  const { address, rows } = arrival;
  const { kind } = splitAddress(address);
  // Commit numbers are of one store: here they all came by this one.
  const commit = stage.commitNumber;
  for (const entry of rows.journal) stage.put(keys.journal(address, entry.seq), { ...entry, commit });
  const { checkpoint } = rows;
  if (checkpoint !== undefined) stage.put(keys.checkpoint(address, checkpoint.seq), checkpoint);
  for (const [name, value] of Object.entries(rows.payloads)) stage.put(keys.payload(address, name), value);
  for (const { name, file } of rows.holds ?? [])
    writeHold(stage, address, { type: 'file.hold', name, files: [file] });
  const inboxKeys = writeInbox(stage, arrival);
  const effects = rows.record.effects.map((ref) => writeEffect(stage, arrival, ref, at));
  const record: ActorRecord = {
    ...rows.record,
    epoch: stage.epoch,
    ord: stage.nextOrd(),
    effects,
    marks: marksOf(rows),
    children: rows.record.children?.map((child) => childOf(address, child)),
    parent: parentOf(address, rows.record),
    origins: originsOf(arrival),
    quarantine: reasonOf(arrival, inboxKeys, at),
  };
  stage.put(keys.record(address), record);
  listQuarantined(stage, address);
  stage.count(Counts.key(kind, record.version, record.hash, JSON.stringify(valueOf(record))), 1);
  stage.expect(address, 0);
}

/**
 * An effect as one that was started by a process that died, whether or not it was: the actor that was
 * exported may go on, and start it, after the export.
 */
function writeEffect(stage: Stage, { address, rows }: Arrival, ref: EffectRef, at: number): EffectRef {
  const { kind } = splitAddress(address);
  const own: EffectRef = { ...ref, ord: stage.nextOrd() };
  const { id, child, src, systemId } = ref;
  const row: EffectRow = rows.outbox.find((each) => each.id === id) ?? { address, id, child, src };
  const started = { at: row.started?.at ?? at, epoch: EPOCH_OF_NOBODY, attempt: row.started?.attempt ?? 1 };
  stage.put(keys.effect(kind, own.pool, own.ord), { ...row, address, started });
  if (systemId !== undefined) {
    const holder: SystemRow = { address, effect: id, owner: address };
    stage.put(keys.system(address, systemId), holder);
  }
  return own;
}

/** What waited for it, then that its children failed. Returns its keys by those it had. */
function writeInbox(stage: Stage, { address, origin, rows }: Arrival): ReadonlyMap<string, string> {
  const moved = new Map<string, string>();
  const put = (row: InboxRow): string => {
    const key = keys.inbox(address, stage.nextOrd());
    stage.put(key, row);
    return key;
  };
  for (const { ord, row } of rows.inbox) moved.set(keys.inbox(origin, ord), put(row));
  const error = { name: 'Error', message: 'the child was not imported' };
  for (const { id: from, child } of rows.record.children ?? []) {
    const id = `${address}/${from}:imported`;
    put({ type: 'event', event: errorEvent(child, error), from, id, source: 'kernel' });
  }
  return moved;
}

/** One checkpoint came, the oldest. */
function marksOf({ record, checkpoint }: ActorRows): ActorRecord['marks'] {
  const bytes = record.marks.reduce((sum, [, each]) => sum + each, 0);
  return [[checkpoint?.seq ?? 0, bytes]];
}

/** Named as a child of this actor is, and nobody else. */
function childOf(address: Address, ref: ChildRef): ChildRef {
  const { kind, id } = splitAddress(address);
  return { ...ref, address: addressOf(`${kind}.${ref.src}`, `${id}/${ref.child}@${ref.id}`) };
}

/** True for a parent that an imported actor was given: there is none. */
export function isNobody(address: string, parent: ParentRef): boolean {
  return parent.address === `${address}/${NOBODY}`;
}

const NOBODY = 'parent@imported';

/** It has a parent as before, and that is nobody: what it tells it is for no one. */
function parentOf(address: Address, { parent }: ActorRecord): ActorRecord['parent'] {
  if (parent === undefined) return undefined;
  const { kind, id } = splitAddress(address);
  return { ...parent, address: addressOf(kind, `${id}/${NOBODY}`), root: address };
}

function originsOf({ address, origin, rows }: Arrival): Origins | undefined {
  const { origins = [], seq } = rows.record;
  const all = address === origin ? origins : [...origins, [origin, seq] as const];
  return all.length === 0 ? undefined : all;
}

function reasonOf({ rows, reason }: Arrival, moved: ReadonlyMap<string, string>, at: number): Quarantine {
  const { event, source, head, rows: shown } = rows.record.quarantine ?? {};
  return {
    code: 'CAPSULE_IMPORTED',
    at,
    ...reason,
    imported: true,
    ...(event && { event }),
    ...(shown && { rows: shown }),
    ...(source !== undefined && { source }),
    ...(head && { head: headOf(head, moved) }),
  };
}

/** What stands at the head consumes the row it has here, or none. */
function headOf({ inboxKey, ...head }: Parcel, moved: ReadonlyMap<string, string>): Parcel {
  const own = inboxKey === undefined ? undefined : moved.get(inboxKey);
  return own === undefined ? head : { ...head, inboxKey: own };
}
