/**
 * The kernel's own events: journaled as steps, never seen by a machine.
 *
 * Invariant: their types start with `holdfast.`, which users' events may not.
 */
const PREFIX = 'holdfast.';

export const kernelEvents = {
  /** The timer that removes a finished actor. */
  retention: 'holdfast.retention',
  /** A delayed `sendTo` came due. */
  send: 'holdfast.send',
  /** An event was accepted for later. */
  scheduled: 'holdfast.scheduled',
  /** An actor of an older version became one of the present version. */
  migrated: 'holdfast.migrated',
  /** An operator dropped the event that an actor could not take. */
  skipped: 'holdfast.skipped',
  /** An operator let an actor go on that had nothing at its head. */
  resumed: 'holdfast.resumed',
  /** Stands for what cannot be read any more. */
  damaged: 'holdfast.damaged',
  /** An actor that stood still was stopped by its parent. */
  stopped: 'holdfast.stopped',
  /** An operator removed an actor. */
  dismissed: 'holdfast.dismissed',
} as const;

/** What the parent of an actor that an operator dismissed is told. */
export const DISMISSED = {
  name: 'HoldfastError',
  code: 'ACTOR_QUARANTINED',
  message: 'dismissed by an operator',
} as const;

export function isKernelEvent(type: string): boolean {
  return type.startsWith(PREFIX);
}
