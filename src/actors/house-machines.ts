/**
 * The definitions of the runtime's own kinds without what they do in the world: for whoever reads a store and
 * runs nothing.
 *
 * Callers: jobs.ts, deliveries.ts, accounts.ts, sessions.ts, tasks.ts and work.ts, which add what their
 * effects do; the doctor. Invariant: what finds an actor, and how long it stays, is said here alone.
 */
import {
  deliveryMachine,
  jobMachine,
  parkedEventMachine,
  providerAccountMachine,
} from '../machines/index.js';
import { rowsReadBy, scheduleMachine, sessionMachine, workItemMachine } from '../machines/index.js';
import { taskMachine, type SessionContext, type SessionEvent } from '../machines/index.js';
import { limits } from '../limits.js';
import { deliveryIndexRows } from './delivery-index.js';
import { jobIndexRows, jobReferences } from './job-index.js';
import { parkedIndexRows } from './hooks/parked-index.js';
import type { DefinitionOptions } from './kernel/index.js';
import { sessionIndexRows } from './session/session-index.js';
import { TASK_KIND, taskIndexRows } from './tasks/task-index.js';
import { workIndexRows } from './work/work-index.js';

export const jobDefinition: DefinitionOptions = {
  kind: 'job',
  machine: jobMachine,
  // The chain came with the second: a job of the first has no step, and no refusals.
  migrate: { from: { '1': 'compatible' } },
  indexes: jobIndexRows,
  references: jobReferences,
  // The chart itself keeps a job for its retention; what is final may go at once.
  retentionMs: 0,
  tombstoneMs: limits.idempotencyTtlMs,
};

export const deliveryDefinition: DefinitionOptions = {
  kind: 'delivery',
  machine: deliveryMachine,
  indexes: deliveryIndexRows,
};

export const accountDefinition: DefinitionOptions = {
  kind: 'provider',
  machine: providerAccountMachine,
  // What is held back came with the second: in the first it was every call.
  migrate: { from: { '1': 'compatible' } },
};

export const parkedDefinition: DefinitionOptions = {
  kind: 'parked',
  machine: parkedEventMachine,
  indexes: parkedIndexRows,
  retentionMs: 0,
  // A provider that missed our answer sends an event again for days.
  tombstoneMs: limits.idempotencyTtlMs,
};

export const sessionDefinition: DefinitionOptions = {
  kind: 'session',
  machine: sessionMachine,
  indexes: sessionIndexRows,
  // A queue may be long, and a step changes little of it.
  snapshot: 'amortized',
  paged: 'pages',
  reads: (event, before) => rowsReadBy(before.context as SessionContext, event as SessionEvent),
};

export const taskDefinition: DefinitionOptions = {
  kind: TASK_KIND,
  machine: taskMachine,
  indexes: taskIndexRows,
  // The chart itself keeps a task for its retention; what is final may go at once.
  retentionMs: 0,
  tombstoneMs: limits.idempotencyTtlMs,
};

export const workDefinition: DefinitionOptions = {
  kind: 'work',
  machine: workItemMachine,
  indexes: workIndexRows,
  // The chart itself keeps an item for its retention; what is final may go at once.
  retentionMs: 0,
};

export const scheduleDefinition: DefinitionOptions = {
  kind: 'schedule',
  machine: scheduleMachine,
  // Its name is free once it is removed.
  retentionMs: 0,
};

export const houseMachines: readonly DefinitionOptions[] = [
  jobDefinition,
  deliveryDefinition,
  accountDefinition,
  parkedDefinition,
  sessionDefinition,
  workDefinition,
  scheduleDefinition,
  taskDefinition,
];
