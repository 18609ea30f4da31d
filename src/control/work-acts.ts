/**
 * What the doors do with work items and schedules, done on the façade of a runtime, or of a directory that
 * nobody runs.
 *
 * Owns: nothing. Callers: work-routes.ts, the CLI. Invariant: what is wrong is said before anything is
 * written.
 */
import type { WorkFace, WorkSelection } from '../index.js';
import { refused } from './codec.js';
import type { WorkActs } from './work-port.js';

/** The part of the façade that needs no process that runs: workers' calls do. */
export type OperatedWork = Omit<
  WorkFace,
  | ('claimNext' | 'claimMany' | 'claimWhenReady' | 'heartbeat')
  | ('done' | 'fail' | 'requeue' | 'reclaimStale')
>;

export function workAt(work: OperatedWork): WorkActs {
  const looked = async <T>(act: Promise<unknown>, look: () => Promise<T>): Promise<T> => {
    await act;
    return look();
  };
  return {
    enqueue: async ({ kind, payload, ...options }) => work.enqueue(kind, payload, options),
    enqueueMany: (items) => work.enqueueMany(items),
    get: (id) => work.get(id),
    list: (filter) => work.list(filter),
    counts: () => work.counts(),
    cancel: (id) => looked(work.cancel(id), () => work.get(id)),
    retry: (id) => looked(work.retry(id), () => work.get(id)),
    cancelMany: async (selection) => work.cancelMany(named(selection)),
    retryMany: async (selection) => work.retryMany(named(selection)),
    schedules: (options) => work.schedules(options),
    schedule: (name) => work.scheduleView(name),
    setSchedule: (name, options) => work.schedule(name, options),
    removeSchedule: (name) => work.removeSchedule(name),
    scheduleHistory: (name) => work.scheduleHistory(name),
    pauseSchedule: (name) => looked(work.pauseSchedule(name), () => work.scheduleView(name)),
    resumeSchedule: (name) => looked(work.resumeSchedule(name), () => work.scheduleView(name)),
    triggerSchedule: (name) => looked(work.triggerSchedule(name), () => work.scheduleView(name)),
  };
}

/** A forgotten filter must not mean everything there is. */
function named(selection: WorkSelection): WorkSelection {
  const given = Object.values(selection).some((value) => value !== undefined);
  if (!given) throw refused('ids', 'name the items: ids, a status or a kind');
  return selection;
}
