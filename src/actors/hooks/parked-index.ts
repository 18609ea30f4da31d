/**
 * How parked events are found: by their task, and all that still wait.
 *
 * Pure. Callers: parked-events.ts, house-machines.ts.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { ParkedEventContext } from '../../machines/index.js';
import type { IndexedActor, IndexRow } from '../kernel/index.js';

export const parkedIndexes = {
  waiting: 'parked.waiting',
  /** Provider, credential, task id. */
  task: 'parked.task',
} as const;

export function parkedIndexRows(snapshot: AnyMachineSnapshot, { ord }: IndexedActor): IndexRow[] {
  if (snapshot.value !== 'waiting') return [];
  const { provider, credential, ref } = snapshot.context as ParkedEventContext;
  return [
    { index: parkedIndexes.waiting, parts: [ord] },
    { index: parkedIndexes.task, parts: [provider, credential, ref.taskId, ord] },
  ];
}
