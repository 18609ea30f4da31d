/**
 * How tasks are found: the index rows of a task, and their names.
 *
 * Pure. Callers: tasks.ts, house-machines.ts. Invariant: every listing is in order of submission.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { taskStatus, type TaskContext, type TaskStatus } from '../../machines/index.js';
import type { IndexedActor, IndexRow } from '../kernel/index.js';

export const TASK_KIND = 'task';

export const TASK_STATUSES = [
  'blocked',
  'pending',
  'running',
  'interruptedTool',
  'cancelling',
  'completed',
  'failed',
  'cancelled',
  'exhausted',
] as const satisfies readonly TaskStatus[];

export const taskIndexes = {
  all: 'task.all',
  status: 'task.status',
  parent: 'task.parent',
  /** Of the turn that asked for it: session, turn. */
  turn: 'task.turn',
} as const;

export function taskIndexRows(snapshot: AnyMachineSnapshot, { ord }: IndexedActor): IndexRow[] {
  const { parentId, turn } = (snapshot.context as TaskContext).input;
  const rows: IndexRow[] = [
    { index: taskIndexes.all, parts: [ord] },
    { index: taskIndexes.status, parts: [taskStatus(snapshot), ord] },
  ];
  if (parentId !== undefined) rows.push({ index: taskIndexes.parent, parts: [parentId, ord] });
  if (turn !== undefined) rows.push({ index: taskIndexes.turn, parts: [turn.sessionId, turn.turnId, ord] });
  return rows;
}
