/**
 * Work items and schedules of a running runtime, over HTTP.
 *
 * Owns: nothing; its calls are client.ts's. Callers: client.ts. Invariant: asking.ts's.
 */
import type {
  BulkResult,
  EnqueuedWork,
  Page,
  ScheduleRun,
  ScheduleView,
  WorkCounts,
  WorkItemView,
} from '../index.js';
import { askingOver, segment } from './asking.js';
import type { Answer, Call } from './client.js';
import { pageWire, same } from './codec.js';
import type { ControlWork } from './work-port.js';
import {
  bulkWire,
  enqueuedWorkWire,
  itemsWire,
  newWorkWire,
  scheduleOptionsWire,
  scheduleRunWire,
  scheduleWire,
  selectionWire,
  workCountsWire,
  workItemWire,
} from './work-wire.js';

export function workOver(call: (call: Call) => Promise<Answer>): ControlWork {
  const { answer, get, post } = askingOver(call);
  const bulk = (path: string, selection: unknown): Promise<BulkResult> =>
    post<BulkResult>(bulkWire, path, selectionWire.toWire(selection));
  const onSchedule = async (name: string, action: string): Promise<ScheduleView> =>
    post<ScheduleView>(scheduleWire, schedulePath(name, action), {});

  return {
    enqueue: (item) => post<EnqueuedWork>(enqueuedWorkWire, '/v1/work', newWorkWire.toWire(item)),
    enqueueMany: async (items) => {
      const body = itemsWire(newWorkWire).toWire({ items });
      return (await post<Listed<EnqueuedWork>>(itemsWire(enqueuedWorkWire), '/v1/work', body)).items;
    },
    get: async (id) => get<WorkItemView>(workItemWire, workPath(id)),
    list: (filter) => get<Page<WorkItemView>>(pageWire(workItemWire), '/v1/work', { ...filter }),
    counts: () => get<WorkCounts>(workCountsWire, '/v1/work/counts'),
    cancel: async (id) => post<WorkItemView>(workItemWire, workPath(id, 'cancel'), {}),
    retry: async (id) => post<WorkItemView>(workItemWire, workPath(id, 'retry'), {}),
    cancelMany: (selection) => bulk('/v1/work/cancel', selection),
    retryMany: (selection) => bulk('/v1/work/retry', selection),
    reclaim: async (now) => {
      const body = now === undefined ? {} : { now_ms: now };
      return (await post<Listed<string>>(itemsWire(same), '/v1/work/reclaim', body)).items;
    },
    schedules: (options) => get<Page<ScheduleView>>(pageWire(scheduleWire), '/v1/schedules', { ...options }),
    schedule: async (name) => get<ScheduleView>(scheduleWire, schedulePath(name)),
    setSchedule: async (name, options) =>
      (
        await answer<ScheduleView>(scheduleWire, {
          method: 'PUT',
          path: schedulePath(name),
          body: scheduleOptionsWire.toWire(options),
        })
      ).body,
    removeSchedule: async (name) => {
      await answer(same, { method: 'DELETE', path: schedulePath(name) });
    },
    scheduleHistory: async (name) => {
      const path = schedulePath(name, 'history');
      return (await get<Listed<ScheduleRun>>(itemsWire(scheduleRunWire), path)).items;
    },
    pauseSchedule: (name) => onSchedule(name, 'pause'),
    resumeSchedule: (name) => onSchedule(name, 'resume'),
    triggerSchedule: (name) => onSchedule(name, 'trigger'),
  };
}

interface Listed<T> {
  readonly items: readonly T[];
}

function workPath(id: string, ...rest: readonly string[]): string {
  return ['/v1/work', segment('id', id), ...rest].join('/');
}

function schedulePath(name: string, ...rest: readonly string[]): string {
  return ['/v1/schedules', segment('name', name), ...rest].join('/');
}
