/**
 * Quarantine (K14): an actor whose step threw stands still, visibly, on its last good snapshot.
 *
 * Callers: the stepper. Invariant: the failed step leaves no trace but the reason; the event stays at its
 * head; the actor's timers leave the due index (they stay in the record), so that nothing spins on it.
 */
import type { AnyEventObject } from 'xstate';
import type { JsonEvent } from '../../json.js';
import { keys } from '../../store/keys.js';
import type { Stage } from './commit-loop.js';
import { errorToJson } from './effect-run.js';
import type { ActorRecord, Quarantine } from './record.js';
import { timerKey, type Before } from './turn.js';

export interface QuarantineCause {
  readonly event: AnyEventObject;
  readonly source: string;
  readonly at: number;
  readonly error: unknown;
}

/** Fills `stage` with the quarantined record and returns it. */
export function quarantine(stage: Stage, actor: Before, cause: QuarantineCause): ActorRecord {
  const { address, record, definition } = actor;
  if (record === undefined) throw new Error(`${address} does not exist`);
  const { code, message } = errorToJson(cause.error);
  const reason: Quarantine = {
    code: typeof code === 'string' ? code : 'THREW',
    message: typeof message === 'string' ? message : 'no message',
    at: cause.at,
    event: cause.event as unknown as JsonEvent,
    source: cause.source,
  };
  const next: ActorRecord = { ...record, quarantine: reason };
  for (const timer of record.timers) stage.delete(timerKey(definition.kind, address, timer));
  stage.put(keys.record(address), next);
  stage.expect.push({ address, expectedSeq: record.seq, epoch: stage.epoch });
  return next;
}
