/**
 * Every error a user can meet, by code. The table says what to do; docs/errors.md says more, one heading a
 * code.
 *
 * Callers: every room. Invariant (kept by test/tidy.test.ts): each code is documented, thrown somewhere and
 * tested somewhere.
 */

/** Code → what the reader can do about it. The advice is appended to the message. */
export const errorAdvice = {
  ACTOR_FAILED:
    'Look at the actor’s journal: its machine threw, and was restarted or ended as its supervision says.',
  ACTOR_NOT_FOUND: 'Check the id; finished actors are removed after their retention.',
  ACTOR_NOT_QUARANTINED: 'Only an actor that stands still can be resumed, skipped or dismissed.',
  ACTOR_QUARANTINED: 'Look at the reason, mend its cause, then resume or dismiss the actor.',
  ACTION_FORBIDDEN:
    'Start the inspector with --allow-actions (`allowActions: true`), or use the command line.',
  ACT_STALE: 'Look at the actor as it is now; if the act is still meant, ask for it again.',
  ACT_UNKNOWN: 'Look at what can be done to the actor in its present state; it may just have left another.',
  ADDRESS_TAKEN: 'Import under another id, or into another directory.',
  ADDRESS_REFUSED: 'If you mean this server, list its origin in the adapter’s trustedOrigins.',
  BATCH_NOT_CANCELLABLE: 'A turn has it: let that end, then look what is left of it.',
  BATCH_NOT_FOUND: 'Look at the session’s batches; one that was settled or cancelled is not kept.',
  BATCH_NOT_RETRYABLE: 'Only a dead letter can be retried; look at the batch’s state.',
  CAPSULE_ALTERED: 'Export the actor again; this capsule was changed or damaged on its way.',
  CAPSULE_IMPORTED: 'Look at the actor; then resume it, skip what it could not take, or dismiss it.',
  CAPSULE_INVALID: 'Name a capsule that holdfast has exported, of a format this version knows.',
  CAPSULE_REDACTED: 'Import a capsule without redactions, or import this one with standIns: "accept".',
  CAPSULE_UNFIT: 'Look at the capsule or replay it instead, or import it as the message says.',
  CHART_UNKNOWN: 'Define the machine in this process, or name the module that has it.',
  CLAIM_SUPERSEDED: 'Drop what you have: somebody else does this work, or it is done. Claim again.',
  COMMITS_BEHIND:
    'The disk is slower than the callers: wait until earlier calls have settled, then send again.',
  CENSUS_BLOCKED:
    'Do not deploy; give each blocked version a way in migrate.from, or the machine a new version.',
  COMMIT_REFUSED: 'Another writer changed the actor; reopen the runtime.',
  CONTROL_FAILED:
    'Look whether the process that holds the directory is well and yours, and at the job, before repeating.',
  CONTROL_REFUSED:
    'Use the address and the token in the control.json of the directory; workers, the runtime’s work.token.',
  DELIVERY_NOT_DISMISSABLE: 'It was delivered or given up before; look at its status.',
  DELIVERY_NOT_RETRYABLE: 'Only exhausted deliveries can be sent again by hand; look at its status.',
  DIRECTORY_DAMAGED: 'Each finding says what holdfast doctor --repair does; a backup has what is lost.',
  EFFECT_BACKLOG: 'Send fewer events, or wait between them: each is a step of the actor.',
  EFFECT_CRASHED:
    'Find out why the process dies while the effect runs, then send the actor on its way again.',
  EFFECT_TIMEOUT: 'Raise the effect’s timeoutMs or find out why it hangs.',
  FENCING_EXHAUSTED: 'Cancel the batch and enqueue its work anew.',
  INSPECTOR_BUSY: 'Close a page of the inspector, or a receiver, then try again.',
  INSPECTOR_REFUSED: 'Open the URL with the token that the inspector printed, from the machine it runs on.',
  INSPECTOR_UNBUILT: 'Build it: npm run build. The package on npm has it.',
  INVALID_DEFINITION: 'Change the machine as the message says.',
  INVALID_EVENT: 'Send a JSON event that its schema takes, with a type and without the reserved key "$".',
  INVALID_ID: 'Use 1 to 512 bytes of UTF-8 without NUL.',
  INVALID_INPUT: 'Correct the named field.',
  INVALID_OPTIONS: 'Correct the named option.',
  JOB_NOT_CANCELLABLE: 'The job is settled already; look at its status.',
  JOB_NOT_IN_DOUBT: 'Only a job whose submit is in doubt can be adopted or resubmitted; look at its status.',
  JOB_NOT_RETRYABLE:
    'Only failed fetches and exhausted deliveries can be retried; submit a new job otherwise.',
  KIND_UNKNOWN: 'Define the kind before using it.',
  MAILBOX_FULL: 'Wait for earlier events to be committed, then send again.',
  MIGRATION_FAILED: 'Correct the migration of that version, or return a state that the machine has.',
  NOT_UNIQUE: 'Look up the actor that holds the key; it is the one you mean.',
  PROVIDER_CHECK_FAILED: 'Mend the key, the account or the way to the provider; nothing was changed.',
  PROVIDER_UNKNOWN: 'Register the provider in the runtime’s options, or correct its name.',
  REPLAY_DIVERGED: 'The machine changed under its journal, or is not deterministic.',
  RUNTIME_CLOSED: 'Open the runtime again; nothing acknowledged was lost.',
  RUNNER_UNKNOWN: 'Register the runner in the runtime’s options (tasks.runners), or correct its name.',
  SECRET_CHANGED: 'Open the directory with the secret it was run with; its jobs wait and go on.',
  SESSION_QUEUE_FULL: 'Wait until the session has worked some of it off, or cancel what is not needed.',
  SOURCE_KEY_CONFLICT: 'Look at the batch that has the key; enqueue other content under another key.',
  STALE_CLAIM: 'Drop what you have: the item is another worker’s now, or it has ended. Claim again.',
  STEP_NOT_KEPT: 'Look at the steps that are kept: a journal has the last 1,024, or 1 MiB.',
  STORE_BUSY: 'Wait until a backup has ended, then begin the next.',
  STORE_CORRUPTED: 'Stop, run holdfast doctor on the directory, and repair it or restore a backup.',
  STORE_FAILED: 'Close and reopen the runtime; nothing acknowledged was lost.',
  STORE_FOREIGN: 'Nothing was touched. Name a directory that is empty, new or a runtime’s own.',
  STORE_FORMAT_NEWER: 'Upgrade holdfast, or open the directory with the version that wrote it.',
  STORE_FORMAT_OLDER: 'Let its work end with the holdfast that wrote it, or begin in a new directory.',
  STORE_FULL: 'Make room on the disk, then open again; nothing acknowledged was lost.',
  STORE_LOCKED: 'One runtime holds a directory at a time: talk to the one that does, or close it.',
  STORE_UNWRITABLE: 'Give this user write permission, or name another directory.',
  TASK_EXHAUSTED: 'Let it pass: the task ends as exhausted. Submit or retry with a larger budget.',
  TASK_NOT_COMPLETED: 'Look at what it says (`holdfast tasks show`), then retry it or submit another.',
  TASK_NOT_INTERRUPTED: 'Only a task in interruptedTool waits for a decision; look at its open calls.',
  TASK_NOT_RETRYABLE: 'Only a failed, exhausted or cancelled task can be tried again; look at its status.',
  TASK_RUN_OVER: 'Stop working: the task was cancelled, or goes on elsewhere; nothing you say counts.',
  TASK_SETTLED: 'The task has ended already; look at its status.',
  TURN_COMMIT_CONFLICT: 'The turn is committed already, with other content; begin a new turn.',
  TURN_INTERRUPTED: 'A newer message took its place: stop working on the turn, and write nothing of it.',
  TURN_OVER: 'The turn has been committed or abandoned; begin a new one.',
  VERSION_UNKNOWN: 'Give the definition a migration from that version, then resume the actor.',
  WAKE_HANDLED: 'Nothing is to be done: this wake, or a later one of its process, was settled.',
  WORK_NOT_CANCELLABLE: 'The item has ended already; look at its status.',
  WORK_NOT_RETRYABLE: 'Only a dead letter, or an item that rests, can be tried again; look at its status.',
  XSTATE_VERSION: 'Install the xstate that holdfast names as its peer, once.',
} as const;

export type ErrorCode = keyof typeof errorAdvice;

export interface HoldfastErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable facts: ids, limits, names. Never secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** The one error class of the library. `code` is stable; the message is for people. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>>;

  constructor(code: ErrorCode, message: string, options: HoldfastErrorOptions = {}) {
    super(
      `${message}${message.endsWith('?') ? '' : '.'} ${errorAdvice[code]}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True when `error` says that the open store writes nothing any more, until it is opened again (K4). */
export function isWriteFailure(error: unknown): error is HoldfastError {
  return isHoldfastError(error, 'STORE_FAILED') || isHoldfastError(error, 'STORE_FULL');
}

/** True when `error` says that this process writes nothing any more: its store failed, or it was closed. */
export function isEndOfWriting(error: unknown): error is HoldfastError {
  return isWriteFailure(error) || isHoldfastError(error, 'RUNTIME_CLOSED');
}

/** True when `error` says that too much waits: nothing was done, and the same may be asked again. */
export function isBusy(error: unknown): error is HoldfastError {
  return isHoldfastError(error, 'COMMITS_BEHIND') || isHoldfastError(error, 'MAILBOX_FULL');
}

/** True when `error` is a `HoldfastError`, with that code if one is named. */
export function isHoldfastError(error: unknown, code?: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code);
}
