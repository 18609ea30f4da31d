/**
 * Exit codes: one table for every command. docs/cli.md says the same to users.
 *
 * Pure. Callers: main.ts.
 */
import { CommanderError } from 'commander';
import { isHoldfastError, type ErrorCode } from '../errors.js';

export const exitCodes = {
  ok: 0,
  /** The runtime or the provider refused; nothing was done. */
  refused: 1,
  /** The command line, an option or a file it names is wrong. */
  usage: 2,
  /** There is no job, session or batch of that id. */
  notFound: 3,
  /** The directory cannot be used, or the process that holds it does not answer. */
  directory: 4,
  /** `tasks watch`: how the task has ended, where it is not completed. */
  taskFailed: 10,
  taskCancelled: 11,
  taskExhausted: 12,
  /** A fault of holdfast itself. */
  bug: 70,
} as const;

const byCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  ACTOR_NOT_FOUND: exitCodes.notFound,
  BATCH_NOT_FOUND: exitCodes.notFound,
  CAPSULE_INVALID: exitCodes.usage,
  CONTROL_FAILED: exitCodes.directory,
  CONTROL_REFUSED: exitCodes.directory,
  INVALID_DEFINITION: exitCodes.usage,
  INVALID_ID: exitCodes.usage,
  INVALID_INPUT: exitCodes.usage,
  INVALID_OPTIONS: exitCodes.usage,
  STORE_CORRUPTED: exitCodes.directory,
  STORE_FAILED: exitCodes.directory,
  STORE_FOREIGN: exitCodes.directory,
  STORE_FORMAT_NEWER: exitCodes.directory,
  STORE_FORMAT_OLDER: exitCodes.directory,
  STORE_FULL: exitCodes.directory,
  STORE_LOCKED: exitCodes.directory,
  STORE_UNWRITABLE: exitCodes.directory,
};

const byTaskEnd: Readonly<Record<string, number>> = {
  failed: exitCodes.taskFailed,
  cancelled: exitCodes.taskCancelled,
  exhausted: exitCodes.taskExhausted,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and the version are answers when they were asked for; commander gives them 0 then.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (!isHoldfastError(error)) return exitCodes.bug;
  if (error.code === 'TASK_NOT_COMPLETED')
    return byTaskEnd[String(error.details['status'])] ?? exitCodes.refused;
  return byCode[error.code] ?? exitCodes.refused;
}
