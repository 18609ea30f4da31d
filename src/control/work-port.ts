/**
 * What other processes, and the CLI in a directory nobody holds, may do with work items and schedules.
 *
 * Types. Callers: work-acts.ts, work-client.ts, work-routes.ts, the CLI. Invariant: both implementations mean
 * the same by every method, errors included. Workers claim by `holdfast/client`, not by this.
 */
import type {
  BulkResult,
  EnqueuedWork,
  ListWork,
  NewWork,
  Page,
  PageOptions,
  ScheduleOptions,
  ScheduleRun,
  ScheduleView,
  WorkCounts,
  WorkItemView,
  WorkSelection,
} from '../index.js';

/** A method that needs an item, or a schedule, throws ACTOR_NOT_FOUND where there is none of that name. */
export interface WorkActs {
  /** Throws as `WorkFace.enqueue`. */
  enqueue(item: NewWork): Promise<EnqueuedWork>;
  /** One commit for all, or none. */
  enqueueMany(items: readonly NewWork[]): Promise<readonly EnqueuedWork[]>;
  /** With its payload, and its result where it has one. */
  get(id: string): Promise<WorkItemView>;
  list(filter?: ListWork): Promise<Page<WorkItemView>>;
  counts(): Promise<WorkCounts>;
  /** The item afterwards. Throws WORK_NOT_CANCELLABLE. */
  cancel(id: string): Promise<WorkItemView>;
  /** The item afterwards. Throws WORK_NOT_RETRYABLE. */
  retry(id: string): Promise<WorkItemView>;
  /** Throws INVALID_INPUT for a selection that names nothing: neither ids, nor a status, nor a kind. */
  cancelMany(selection: WorkSelection): Promise<BulkResult>;
  retryMany(selection: WorkSelection): Promise<BulkResult>;
  /** By name. */
  schedules(options?: Omit<PageOptions, 'newestFirst'>): Promise<Page<ScheduleView>>;
  schedule(name: string): Promise<ScheduleView>;
  /** Makes the schedule of that name, or changes it; the schedule afterwards. */
  setSchedule(name: string, options: ScheduleOptions): Promise<ScheduleView>;
  removeSchedule(name: string): Promise<void>;
  /** Newest first; 50 at most. */
  scheduleHistory(name: string): Promise<readonly ScheduleRun[]>;
  /** The schedule afterwards. */
  pauseSchedule(name: string): Promise<ScheduleView>;
  resumeSchedule(name: string): Promise<ScheduleView>;
  /** One run now, whatever the cadence. */
  triggerSchedule(name: string): Promise<ScheduleView>;
}

/** Of a runtime that runs. In a directory that nobody does, claims stay as they are. */
export interface ControlWork extends WorkActs {
  /** Takes away the claims that are over by `now`, in epoch ms (default: now); the ids of their items. */
  reclaim(now?: number): Promise<readonly string[]>;
}
