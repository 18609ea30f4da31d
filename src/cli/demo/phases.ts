/**
 * Where each job was at one instant, read from the three ledgers alone.
 *
 * Pure. Callers: driver.ts, which aims its kills with it; verdict.ts, which counts with it what they hit.
 * Invariants:
 *  1  Aim and verdict use the same function: a kill counts for a phase only if the ledgers show it there.
 *  2  A job is in at most one place of each exchange: a phase begins with an entry and ends with the next
 *     one of its exchange. An answer in the very millisecond of the instant counts as given before it.
 */
import type { BillerEntry, DriverEntry, ReceiverEntry } from './facts.js';
import type { Phase, Wanted } from './plan.js';

export interface Ledgers {
  readonly wanted: readonly Wanted[];
  readonly driver: readonly DriverEntry[];
  /** Empty at a real endpoint, whose ledger is not ours to read: `intent` then means nothing. */
  readonly biller: readonly BillerEntry[];
  readonly receiver: readonly ReceiverEntry[];
}

/** The numbers of the jobs in each phase. */
export type Standing = Readonly<Record<Phase, readonly number[]>>;

export function standingAt(ledgers: Ledgers, at: number): Standing {
  const { wanted, driver, biller, receiver } = ledgers;
  const byPrompt = new Map(wanted.map((job) => [job.promptSha256, job.number]));
  const numberOf = (entry: BillerEntry): number | undefined => byPrompt.get(entry.promptSha256 ?? '');
  const arrived = new Set(
    biller.filter((entry) => entry.event === 'submit.received' && entry.at <= at).map(numberOf),
  );
  const asked = driver.flatMap((entry) =>
    entry.event === 'submitted' && entry.at <= at && !arrived.has(entry.job) ? [entry.job] : [],
  );
  return {
    intent: [...new Set(asked)],
    posting: underWay(biller, 'submit.received', ['submit.answered', 'submit.dropped'], at, numberOf),
    downloading: underWay(
      biller,
      'download.started',
      ['download.finished', 'download.aborted'],
      at,
      numberOf,
    ),
    delivering: underWay(
      receiver,
      'delivery.started',
      ['delivery.answered', 'delivery.dropped'],
      at,
      (entry) => entry.job,
    ),
  };
}

interface Timed {
  readonly at: number;
  readonly event: string;
  readonly exchange: number;
}

const CUT_SHORT: readonly string[] = ['submit.dropped', 'download.aborted', 'delivery.dropped'];

/** The jobs of exchanges that had begun at the instant and had not ended. */
function underWay<Entry extends Timed>(
  entries: readonly Entry[],
  begins: string,
  ends: readonly string[],
  at: number,
  numberOf: (entry: Entry) => number | undefined,
): readonly number[] {
  const open = new Map<number, number>();
  for (const entry of entries) {
    const number = numberOf(entry);
    if (entry.event === begins && entry.at <= at && number !== undefined) open.set(entry.exchange, number);
    // What a kill cut off may be noticed in the same millisecond.
    const isOver = CUT_SHORT.includes(entry.event) ? entry.at < at : entry.at <= at;
    if (ends.includes(entry.event) && isOver) open.delete(entry.exchange);
  }
  return [...new Set(open.values())];
}
