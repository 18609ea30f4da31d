/**
 * What other processes, and the CLI in a directory nobody holds, may do with sessions.
 *
 * Types. Callers: session-acts.ts, session-client.ts, session-routes.ts, the CLI. Invariant: both
 * implementations mean the same by every method, errors included.
 */
import type {
  Batch,
  Enqueued,
  EnqueuePolicies,
  HistoryEntry,
  ListBatches,
  ModeChange,
  Page,
  PageOptions,
  SessionInputDraft,
  SessionView,
  WorkDraft,
} from '../index.js';

/** Work in short: one input, with policies, or `inject` for those of an injection. */
export type ShortWork = SessionInputDraft & EnqueuePolicies & { readonly inject?: boolean };

/** A message under the queue mode of its channel. */
export type MessageAsk = SessionInputDraft & { readonly channel?: string };

export interface BatchFilter extends ListBatches {
  /** Only batches that no live claim holds. */
  readonly pending?: boolean | undefined;
}

/** A method that needs a session throws ACTOR_NOT_FOUND where there is none of that key. */
export interface ControlSessions {
  /** By key. */
  list(options?: Omit<PageOptions, 'newestFirst'>): Promise<Page<SessionView>>;
  view(key: string): Promise<SessionView>;
  batches(key: string, filter?: BatchFilter): Promise<Page<Batch>>;
  /** Throws BATCH_NOT_FOUND. */
  batch(key: string, batchId: string): Promise<Batch>;
  /** The first work makes the session. Throws as `Session.enqueue` and `Session.enqueueDraft`. */
  enqueue(key: string, work: WorkDraft | ShortWork): Promise<Enqueued>;
  /** Throws as `Session.message`. */
  message(key: string, asked: MessageAsk): Promise<Enqueued>;
  /** The batch as it was. Throws BATCH_NOT_FOUND, BATCH_NOT_CANCELLABLE. */
  cancel(key: string, batchId: string): Promise<Batch>;
  /** The batch as it is afterwards. Throws BATCH_NOT_FOUND, BATCH_NOT_RETRYABLE. */
  retry(key: string, batchId: string): Promise<Batch>;
  /** The queue mode of the session, or of one channel. */
  mode(key: string, channel?: string): Promise<SessionView['mode']>;
  /** As `Session.mode`: the settings afterwards. */
  setMode(key: string, change: ModeChange): Promise<SessionView['mode']>;
  /** Ends a rest after a failed turn; the session afterwards. */
  resume(key: string): Promise<SessionView>;
  /** What was written into the conversation; empty where nothing was. */
  history(key: string, options?: PageOptions): Promise<Page<HistoryEntry>>;
}
