/**
 * HTTP statuses of the typed errors: one table for every route.
 *
 * Callers: answer.ts. What is not listed is a fault of the runtime, 500.
 */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorCode } from '../errors.js';

const statuses: Readonly<Partial<Record<ErrorCode, ContentfulStatusCode>>> = {
  ACTOR_NOT_FOUND: 404,
  ACTOR_FAILED: 409,
  ACTOR_NOT_QUARANTINED: 409,
  ACTOR_QUARANTINED: 409,
  BATCH_NOT_CANCELLABLE: 409,
  BATCH_NOT_FOUND: 404,
  BATCH_NOT_RETRYABLE: 409,
  CAPSULE_REDACTED: 409,
  CLAIM_SUPERSEDED: 409,
  COMMITS_BEHIND: 429,
  COMMIT_REFUSED: 503,
  CONTROL_REFUSED: 401,
  DELIVERY_NOT_RETRYABLE: 409,
  FENCING_EXHAUSTED: 409,
  INVALID_EVENT: 400,
  INVALID_ID: 400,
  INVALID_INPUT: 400,
  INVALID_OPTIONS: 400,
  JOB_NOT_CANCELLABLE: 409,
  JOB_NOT_IN_DOUBT: 409,
  JOB_NOT_RETRYABLE: 409,
  KIND_UNKNOWN: 409,
  MAILBOX_FULL: 429,
  NOT_UNIQUE: 409,
  PROVIDER_UNKNOWN: 400,
  RUNTIME_CLOSED: 503,
  SESSION_QUEUE_FULL: 429,
  SOURCE_KEY_CONFLICT: 409,
  STORE_BUSY: 429,
  STORE_FOREIGN: 409,
  STORE_UNWRITABLE: 409,
  STORE_CORRUPTED: 503,
  STORE_FAILED: 503,
  STORE_FULL: 503,
  TURN_COMMIT_CONFLICT: 409,
  TURN_INTERRUPTED: 409,
  TURN_OVER: 409,
  WAKE_HANDLED: 409,
};

export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return statuses[code] ?? 500;
}
