/**
 * What is said about work items and schedules on the wire: one table a thing, for both directions.
 *
 * Pure. Callers: work-routes.ts, worker-routes.ts, work-client.ts, the CLI. Invariants: those of codec.ts;
 * and payloads, results and codes of errors pass as they are.
 */
import type {
  BulkResult,
  ClaimedWork,
  EnqueuedWork,
  FailOptions,
  NewWork,
  ScheduleOptions,
  ScheduleRun,
  ScheduleView,
  WorkCounts,
  WorkError,
  WorkItemView,
} from '../index.js';
import { fieldsOf, listOf, same, timeMs, word, type Codec, type Renamed } from './codec.js';

const at = (name: string): Renamed => ({ name: `${name}_at_ms`, codec: same });
const error = fieldsOf<WorkError>({ code: same, message: same });

/** A Date is its milliseconds on the wire. */
const moment: Codec = {
  toWire: (value) => (typeof value === 'object' ? Number(value) : value),
  fromWire: timeMs.fromWire,
};

export const newWorkWire = fieldsOf<NewWork>({
  ...{ kind: same, payload: same, priority: same, dedupeKey: same, attemptsMax: same, notify: same },
  runAt: { name: 'run_at_ms', codec: moment },
});

export const enqueuedWorkWire = fieldsOf<EnqueuedWork>({ id: same, deduplicated: same });

/** Many of a thing, in a body. */
export function itemsWire(item: Codec): Codec {
  return fieldsOf<{ readonly items: unknown }>({ items: listOf(item) });
}

export const workItemWire = fieldsOf<WorkItemView>({
  ...{ id: same, kind: same, status: same, priority: same, attempts: same, attemptsMax: same },
  ...{ dedupeKey: same, lastError: error, payload: same, result: same },
  ...{ createdAt: at('created'), runAt: at('run'), endedAt: at('ended') },
  claim: fieldsOf<NonNullable<WorkItemView['claim']>>({
    ...{ workerId: same, ttlMs: same, claimedAt: at('claimed'), expiresAt: at('expires') },
  }),
});

export const claimedWorkWire = fieldsOf<ClaimedWork>({
  ...{ id: same, kind: same, payload: same, token: same, workerId: same, attempts: same },
  ...{ attemptsMax: same, priority: same, createdAt: at('created') },
  ...{ claimedAt: at('claimed'), expiresAt: at('expires') },
});

/** How a claim is ended, or held. */
export const heldWire = fieldsOf<{ readonly expiresAt: number }>({ expiresAt: at('expires') });
export const doneWire = fieldsOf<{ readonly token: string; readonly result: unknown }>({
  ...{ token: same, result: same },
});
export const failWire = fieldsOf<FailOptions & { readonly token: string; readonly error: unknown }>({
  ...{ token: same, error: same, retry: same, retryInMs: same },
});

/** Statuses are words of one part, and kinds are values: all of it is the same on both sides. */
export const workCountsWire = fieldsOf<WorkCounts>({ all: same, kinds: same, unhandled: same });

export const selectionWire = fieldsOf<Record<'ids' | 'status' | 'kind', unknown>>({
  ...{ ids: same, status: same, kind: same },
});
export const bulkWire = fieldsOf<BulkResult>({ ids: same, refused: same });

const cadence = { cron: same, every: { name: 'every_ms', codec: same }, timezone: same };
const asked = { ...cadence, kind: same, payload: same, catchUp: word('skip', 'once'), overlap: same };

export const scheduleOptionsWire = fieldsOf<ScheduleOptions>({
  ...asked,
  ...{ priority: same, attemptsMax: same },
});

export const scheduleRunWire = fieldsOf<ScheduleRun>({
  ...{ dueAt: at('due'), at: { name: 'at_ms', codec: same } },
  ...{ trigger: word('cadence', 'catchUp', 'hand'), outcome: same, workId: same, error },
});

export const scheduleWire = fieldsOf<ScheduleView>({
  ...asked,
  ...{ name: same, status: same, createdAt: at('created'), nextAt: at('next'), runs: same },
  ...{ lastRun: scheduleRunWire, error },
});
