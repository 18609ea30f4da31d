/**
 * The work façade: local durable jobs that workers claim, and what comes again and again.
 *
 * Owns: actors of kind `work`. Callers: users through `runtime.work`, the doors. Invariants:
 *  1  An item that is ready is claimed by one worker at a time, in the order of its queue.
 *  2  Who holds no present claim on an item changes nothing of what its worker is to say.
 *  3  Items whose payload or record is damaged, or that stand still, keep nobody from the others.
 */
import { workDefinition } from './house-machines.js';
import type { Page, PageOptions } from './kernel/index.js';
import type { ScheduleRun } from '../machines/index.js';
import type { OperatorOptions } from './operator.js';
import { kindsOf } from './work/asked.js';
import { WorkBulk } from './work/bulk.js';
import { Claims, closedError } from './work/claims.js';
import { WorkDesk, type WorkDeskOptions } from './work/desk.js';
import { Enqueueing } from './work/enqueue.js';
import { Handlings } from './work/handlings.js';
import type {
  BulkResult,
  ClaimedWork,
  ClaimOptions,
  EnqueuedWork,
  EnqueueOptions,
  FailOptions,
  HandleOptions,
  ListWork,
  NewWork,
  ScheduleOptions,
  ScheduleView,
  WorkCounts,
  WorkFace,
  WorkHandler,
  WorkHandling,
  WorkItemView,
  WorkSelection,
} from './work/face.js';
import { WorkListing } from './work/listing.js';
import { Schedules } from './work/schedules.js';
import { Shelves } from './work/shelves.js';
import { WORK_KIND } from './work/work-index.js';

type OneKindOrMore = string | readonly string[] | undefined;

export class Work implements WorkFace {
  readonly #enqueueing: Enqueueing;
  readonly #claims: Claims;
  readonly #listing: WorkListing;
  readonly #bulk: WorkBulk;
  readonly #handlings: Handlings;
  readonly #schedules: Schedules;

  constructor(options: WorkDeskOptions) {
    const { kernel, clock, log, newId, generation } = options;
    const desk = new WorkDesk(options);
    const shelves = new Shelves(kernel);
    this.#enqueueing = new Enqueueing(desk);
    this.#claims = new Claims(desk, shelves);
    this.#handlings = new Handlings({ kernel, clock, log, generation, claims: this.#claims });
    this.#listing = new WorkListing(desk, (kind) => this.#handlings.handles(kind));
    this.#bulk = new WorkBulk(desk, this.#listing);
    kernel.define(workDefinition);
    this.#schedules = new Schedules({ kernel, clock, log, newId, items: this.#enqueueing });
    kernel.onStep((step) => {
      if (step.kind !== WORK_KIND) return;
      shelves.onStep(step);
      for (const { type, ...facts } of step.entry.emitted ?? []) log.error(facts, type);
    });
    kernel.onFailure((error) => this.#claims.end(error));
  }

  /** Frees what processes before this one held. Call once the kernel has started. */
  recover(): Promise<void> {
    this.#schedules.recover();
    return this.#bulk.recover();
  }

  /**
   * Claims nothing more for handlers, and fires their signals. Resolves when they have come to their end, or
   * after `timeoutMs`, with what is left of it; undefined where there are none.
   */
  stop(timeoutMs: number): Promise<number> | undefined {
    return this.#handlings.stop(timeoutMs);
  }

  /** Hands out nothing more. */
  close(): void {
    this.#claims.end(closedError());
  }

  /**
   * Puts an item into its kind's queue; resolves when it is on disk. While an item of that kind with the
   * same dedupe key has not ended, nothing is written and that one is returned. Throws INVALID_INPUT, also
   * for what the kind's schema refuses; COMMITS_BEHIND, RUNTIME_CLOSED.
   */
  enqueue(kind: string, payload?: unknown, options: EnqueueOptions = {}): Promise<EnqueuedWork> {
    return this.#enqueueing.enqueue({ ...options, kind, payload });
  }

  /**
   * The same for up to 10,000 items, whose payloads have 16 MiB together, in one commit: all of them, or
   * none. Of items with one key the first is enqueued and the others are it.
   */
  enqueueMany(items: readonly NewWork[]): Promise<readonly EnqueuedWork[]> {
    return this.#enqueueing.enqueueMany(items);
  }

  /**
   * The ready item with the lowest priority number, then the oldest, of these kinds (default: of all), in
   * this worker's hands until its claim expires; undefined when none is ready. It costs the same whether
   * ten wait or a million. Throws INVALID_INPUT, COMMITS_BEHIND, RUNTIME_CLOSED.
   */
  async claimNext(kinds?: OneKindOrMore, options?: ClaimOptions): Promise<ClaimedWork | undefined> {
    const [item] = await this.#claims.claim(kindsOf(kinds), 1, options);
    return item;
  }

  /** Up to `max` of them, 1 to 1,000, in one commit where they fit. Throws as `claimNext`. */
  claimMany(kinds: OneKindOrMore, max: number, options?: ClaimOptions): Promise<readonly ClaimedWork[]> {
    return this.#claims.claim(kindsOf(kinds), max, options);
  }

  /** As `claimNext`, and waits for an item until `signal` aborts: undefined then. */
  claimWhenReady(
    kinds: OneKindOrMore,
    options: ClaimOptions & { readonly signal: AbortSignal },
  ): Promise<ClaimedWork | undefined> {
    return this.#claims.claimWhenReady(kindsOf(kinds), options);
  }

  /**
   * Calls `handler` for each item of the kind, `concurrency` at once. What it returns is the item's result;
   * what it throws is a failed attempt: with `permanent: true` or `retry: false` on the error the last,
   * with `retryAfterMs` on it that is the rest before the next. Its claim is renewed while it runs, so a
   * handler ends what hangs by itself; its signal fires when the claim is lost, the item is cancelled or
   * the runtime closes, and what is not done then is given back, no attempt counted. An item whose process
   * died is another attempt at the next open. Throws INVALID_INPUT, RUNTIME_CLOSED.
   */
  handle(kind: string, handler: WorkHandler, options?: HandleOptions): WorkHandling {
    return this.#handlings.handle(kind, handler, options);
  }

  /**
   * Makes a claim hold for `ttlMs` (default: what it was claimed with) from now, never shorter than it does;
   * until when is told. Throws STALE_CLAIM (its `details.reason` is `reclaimed` or `wrong`), ACTOR_NOT_FOUND,
   * INVALID_INPUT.
   */
  heartbeat(token: string, options?: { readonly ttlMs?: number }): Promise<number> {
    return this.#claims.heartbeat(token, options);
  }

  /**
   * Ends a claim: the item is done; `result` is JSON of 256 KiB at most. Said twice, it changes nothing.
   * Throws as `heartbeat`.
   */
  done(token: string, result?: unknown): Promise<void> {
    return this.#claims.done(token, result);
  }

  /**
   * Ends a claim: the attempt failed. The item rests and is ready again; at its last attempt, or with
   * `retry: false`, it is a dead letter and its key is free. Said twice, it changes nothing. Throws as
   * `done`.
   */
  fail(token: string, error: unknown, options?: FailOptions): Promise<void> {
    return this.#claims.fail(token, error, options);
  }

  /**
   * Gives an item back as it was: no attempt is counted. Said twice, it changes nothing. Throws as `done`.
   */
  requeue(token: string): Promise<void> {
    return this.#claims.requeue(token);
  }

  /**
   * Takes away the claims that have expired before `now` (epoch ms, default now); the ids of their items. A
   * timer on disk does the same by itself. Throws INVALID_INPUT.
   */
  reclaimStale(now?: number): Promise<readonly string[]> {
    return this.#bulk.reclaimStale(now);
  }

  /**
   * With its payload and result. Throws ACTOR_NOT_FOUND: it never was, or was kept as long as it was to
   * be.
   */
  get(id: string): Promise<WorkItemView> {
    return this.#listing.get(id);
  }

  /** One page, without payloads and results. Throws INVALID_INPUT, also for a cursor of another listing. */
  list(options?: ListWork): Promise<Page<WorkItemView>> {
    return this.#listing.list(options);
  }

  /** It costs what the kinds' items cost to count, 10,000 of a status at most. */
  counts(): Promise<WorkCounts> {
    return this.#listing.counts();
  }

  /**
   * The item is not wanted any more: whoever works on it loses its claim. Throws WORK_NOT_CANCELLABLE for one
   * that is done or cancelled, ACTOR_NOT_FOUND.
   */
  cancel(id: string, by?: OperatorOptions): Promise<void> {
    return this.#bulk.act('work.cancel', id, by);
  }

  /**
   * A dead letter gets all its attempts anew and is ready; one that is scheduled is ready at once. Throws
   * WORK_NOT_RETRYABLE for others, NOT_UNIQUE when its key is another's by now, ACTOR_NOT_FOUND.
   */
  retry(id: string, by?: OperatorOptions): Promise<void> {
    return this.#bulk.act('work.retry', id, by);
  }

  /**
   * Cancels many, up to 10,000 a call; without ids and status, those that have not ended. Each by itself:
   * what was refused is listed with its code. Throws INVALID_INPUT.
   */
  cancelMany(selection: WorkSelection): Promise<BulkResult> {
    return this.#bulk.many('work.cancel', selection);
  }

  /** The same for retries; without ids and status, dead letters. */
  retryMany(selection: WorkSelection): Promise<BulkResult> {
    return this.#bulk.many('work.retry', selection);
  }

  /**
   * Work that comes again and again, by its name of 1 to 200 characters: each time it is due an item of
   * `kind` is enqueued, once. Asked for again with the same options it writes nothing; with others it is
   * changed and keeps its history, and another cadence counts from now. Where clocks go forward, what was due
   * in the hour that is left out comes that much later; where they go back, what names its hour comes once.
   * Throws INVALID_INPUT, also for a cron text that never comes.
   */
  schedule(name: string, options: ScheduleOptions): Promise<ScheduleView> {
    return this.#schedules.schedule(name, options);
  }

  /** By name. Throws INVALID_INPUT. */
  schedules(options?: PageOptions): Promise<Page<ScheduleView>> {
    return this.#schedules.list(options);
  }

  /** Throws ACTOR_NOT_FOUND, as all that names a schedule. */
  scheduleView(name: string): Promise<ScheduleView> {
    return this.#schedules.view(name);
  }

  /** What became of its last runs, 50 at most, newest first. */
  scheduleHistory(name: string): Promise<readonly ScheduleRun[]> {
    return this.#schedules.history(name);
  }

  /** Nothing is due until it is resumed; what is due meanwhile is not made up for. */
  pauseSchedule(name: string, by?: OperatorOptions): Promise<void> {
    return this.#schedules.pause(name, by);
  }

  resumeSchedule(name: string, by?: OperatorOptions): Promise<void> {
    return this.#schedules.resume(name, by);
  }

  /** One run now, paused or not. While the item of the run before has not ended, `overlap` says what then. */
  triggerSchedule(name: string, by?: OperatorOptions): Promise<void> {
    return this.#schedules.trigger(name, by);
  }

  /** Its items stay. Resolves when the name is free again. */
  removeSchedule(name: string, by?: OperatorOptions): Promise<void> {
    return this.#schedules.remove(name, by);
  }
}
