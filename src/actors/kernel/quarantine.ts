/**
 * Quarantine (K14): an actor whose step threw stands still, visibly, on its last good snapshot.
 *
 * Callers: the stepper, turn.ts. Invariants:
 *  Q1  The failed step leaves no trace but the reason; the event stays at the actor's head.
 *  Q2  Its timers leave the due index (they stay in the record), so that nothing spins on it; the step that
 *      ends the quarantine puts them back.
 *  Q3  Whoever stands still is found by the index `quarantine`, by kind.
 *  Q4  The reason is listed, logged and told to others: what looks like a secret in it is not kept.
 */
import type { AnyEventObject } from 'xstate';
import { splitAddress } from '../../ids.js';
import type { JsonEvent } from '../../json.js';
import { withoutSecrets } from '../../secret-shapes.js';
import { keys } from '../../store/keys.js';
import { timerKey } from './belongings.js';
import type { Parcel } from './cell.js';
import type { Stage } from './commit-loop.js';
import { errorToJson } from './effect-run.js';
import type { ActorRecord, Quarantine, ShownRows } from './record.js';

export const QUARANTINE_INDEX = 'quarantine';

export interface QuarantineCause {
  readonly at: number;
  readonly error: unknown;
  /** What it could not take; none when the actor itself cannot be read. */
  readonly failed?: {
    readonly event: AnyEventObject;
    readonly parcel: Parcel;
    readonly rows?: ShownRows | undefined;
  };
}

/** Fills `stage` with the quarantined record and returns it. */
export function quarantine(
  stage: Stage,
  address: string,
  record: ActorRecord,
  cause: QuarantineCause,
): ActorRecord {
  const { code, message } = errorToJson(cause.error);
  const { failed } = cause;
  const { imported } = record.quarantine ?? {};
  const reason: Quarantine = {
    code: typeof code === 'string' ? code : 'THREW',
    message: typeof message === 'string' ? withoutSecrets(message) : 'no message',
    at: cause.at,
    ...(failed && {
      event: failed.event as unknown as JsonEvent,
      source: failed.parcel.source,
      head: failed.parcel,
      ...(failed.rows && { rows: failed.rows }),
    }),
    ...(imported && { imported }),
  };
  const next: ActorRecord = { ...record, quarantine: reason };
  for (const timer of record.timers) stage.delete(timerKey(address, timer));
  stage.put(keys.record(address), next);
  listQuarantined(stage, address);
  stage.expect(address, record.seq);
  return next;
}

/** Lists an actor as one that stands still (Q3). */
export function listQuarantined(stage: Stage, address: string): void {
  stage.put(indexKey(address), address);
}

/** The actor goes on, or goes: its index row does. */
export function forgetQuarantine(stage: Stage, address: string): void {
  stage.delete(indexKey(address));
}

function indexKey(address: string): string {
  return keys.index(QUARANTINE_INDEX, [splitAddress(address).kind], address);
}
