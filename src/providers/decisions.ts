/**
 * The one table of decisions: what each class of error means for a submit, a poll, the account and the job.
 *
 * Owns: the table; docs/providers/errors.md shows it, and a test holds the two together. Callers:
 * classify.ts, which makes errors of it; actors/accounts.ts, which judges accounts by it. The eighth class,
 * the deadline, is no call's: the job chart has it. Invariants:
 *  1  A poll never ends a task for trouble of the account, of the network or of the provider: it is paid for.
 *  2  What does not prove that no task was made is `doubt`, never another POST.
 */
import type { ProviderErrorClass } from './port.js';

export interface Decision {
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /**
   * `wait`: the POST keeps its place until the account is resumed. `rest`: another POST after a back-off.
   * `refused`: the job fails. `doubt`: perhaps accepted; the provider is asked, nothing is repeated; it is
   * a `rest` where nothing was sent. `lost`: accepted, and of no use. A job with a fallback chain goes on
   * to its next provider for `wait`, `rest` and `refused`.
   */
  readonly submit: 'wait' | 'rest' | 'refused' | 'doubt' | 'lost';
  /**
   * `wait`: the poll keeps its place until the account is resumed. `again`: another poll in its time. `lost`:
   * the task is gone, 60 s after its acceptance. `ended`: the task has failed.
   */
  readonly poll: 'wait' | 'again' | 'lost' | 'ended';
  /** `pause`: until somebody mends it. `limit`: for as long as the provider asks. */
  readonly account: 'pause' | 'limit' | 'none';
}

export const decisions: Readonly<Record<ProviderErrorClass, Decision>> = {
  auth: { retryable: false, submit: 'wait', poll: 'wait', account: 'pause' },
  billing: { retryable: false, submit: 'wait', poll: 'wait', account: 'pause' },
  validation: { retryable: false, submit: 'refused', poll: 'again', account: 'none' },
  safety: { retryable: false, submit: 'refused', poll: 'ended', account: 'none' },
  rate: { retryable: true, submit: 'rest', poll: 'again', account: 'limit' },
  server: { retryable: true, submit: 'doubt', poll: 'again', account: 'none' },
  network: { retryable: true, submit: 'doubt', poll: 'again', account: 'none' },
  notFound: { retryable: true, submit: 'rest', poll: 'lost', account: 'none' },
  unusable: { retryable: false, submit: 'lost', poll: 'again', account: 'none' },
  failed: { retryable: false, submit: 'refused', poll: 'ended', account: 'none' },
};
