/**
 * A commit group: its orders, when it is full, what must hold before it, and when it is on disk.
 *
 * Callers: the commit loop, which owns the groups.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import { ordOf } from '../../store/keys.js';
import type { Expectation, Row } from '../../store/store.js';
import type { Stage } from './commit-loop.js';

export interface Group {
  readonly number: number;
  readonly rows: Map<string, Row>;
  readonly stages: Stage[];
  bytes: number;
  created: number;
}

const ORDS_MAX = 65_536;

/** The order of the next thing that a group creates. */
export function nextOrdOf(group: Group): string {
  if (group.created === ORDS_MAX) {
    throw new HoldfastError('INVALID_DEFINITION', `one step asks for more than ${ORDS_MAX / 2} things`);
  }
  group.created += 1;
  return ordOf(group.number, group.created - 1);
}

/** Resolves when all that was staged in a group by now is on disk. */
export function settledBy(group: Group): Promise<void> {
  return new Promise((resolve, reject) => {
    const stage = group.stages.at(-1);
    if (stage === undefined) {
      resolve();
      return;
    }
    const { after, failed } = stage;
    stage.after = () => {
      after();
      resolve();
    };
    stage.failed = (error) => {
      failed(error);
      reject(error instanceof Error ? error : new Error(String(error)));
    };
  });
}

/**
 * What must hold before the whole batch: for an actor with several steps in it, what its first step expects.
 */
export function expectations(group: Group): Expectation[] {
  const first = new Map<string, Expectation>();
  for (const { expectation } of group.stages) {
    if (expectation === undefined || first.has(expectation.address)) continue;
    first.set(expectation.address, expectation);
  }
  return [...first.values()];
}

export function isFull(group: Group): boolean {
  const { commitRowsMax, commitBytesMax } = limits;
  return group.rows.size >= commitRowsMax || group.bytes >= commitBytesMax || isShortOfOrds(group);
}

/** Half of its orders are given away: what is under way needs the rest. */
export function isShortOfOrds(group: Group): boolean {
  return group.created >= ORDS_MAX / 2;
}
