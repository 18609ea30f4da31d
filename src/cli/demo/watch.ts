/**
 * The driver's eyes: all ledgers as they grow, merged by time, and its own.
 *
 * Owns: the driver's ledger and the tails of the two others. Callers: the driver's files. Invariants:
 *  1  What it knows of the simulator and the receiver comes from their files alone.
 *  2  `standing` reads to the end of both files first: it is as new as they are.
 */
import { systemClock } from '../../clock.js';
import {
  billerEntry,
  LedgerFile,
  LedgerTail,
  receiverEntry,
  type BillerEntry,
  type DriverEntry,
  type ReceiverEntry,
} from './facts.js';
import { standingAt, type Ledgers, type Standing } from './phases.js';
import type { Places } from './places.js';
import type { Wanted } from './plan.js';

/** An entry and the ledger it is from. */
export type Seen =
  | { readonly from: 'driver'; readonly entry: DriverEntry }
  | { readonly from: 'simulator'; readonly entry: BillerEntry }
  | { readonly from: 'receiver'; readonly entry: ReceiverEntry };

/** An entry of the driver's without its time. */
export type DriverFact = DriverEntry extends infer Entry
  ? Entry extends DriverEntry
    ? Omit<Entry, 'at'>
    : never
  : never;

export class Watch {
  readonly #wanted: readonly Wanted[];
  readonly #driver: DriverEntry[] = [];
  readonly #file: LedgerFile<DriverEntry>;
  readonly #biller: LedgerTail<BillerEntry>;
  readonly #receiver: LedgerTail<ReceiverEntry>;
  readonly #tell: (seen: Seen) => void;
  readonly #delivered = new Set<number>();

  constructor(places: Places, wanted: readonly Wanted[], tell: (seen: Seen) => void) {
    this.#wanted = wanted;
    this.#tell = tell;
    this.#file = new LedgerFile(places.driverLedger);
    this.#biller = new LedgerTail(places.simulatorLedger, billerEntry);
    this.#receiver = new LedgerTail(places.receiverLedger, receiverEntry);
  }

  /** Writes a fact of the driver's own, with the time it is given or now. */
  note(fact: DriverFact, at: number = systemClock.now()): void {
    const entry: DriverEntry = { at, ...fact };
    this.#file.append(entry);
    this.look();
    this.#driver.push(entry);
    this.#tell({ from: 'driver', entry });
  }

  /** Reads what the others have written since. */
  look(): void {
    const seen: Seen[] = [
      ...this.#biller.read().map((entry) => ({ from: 'simulator', entry }) as const),
      ...this.#receiver.read().map((entry) => ({ from: 'receiver', entry }) as const),
    ];
    for (const one of seen.toSorted((a, b) => a.entry.at - b.entry.at)) {
      if (one.from === 'receiver' && one.entry.event === 'delivery.answered')
        this.#delivered.add(one.entry.job);
      this.#tell(one);
    }
  }

  get unfinished(): number {
    return this.#wanted.length - this.#delivered.size;
  }

  get isComplete(): boolean {
    return this.unfinished === 0;
  }

  ledgers(): Ledgers {
    return {
      wanted: this.#wanted,
      driver: this.#driver,
      biller: this.#biller.all,
      receiver: this.#receiver.all,
    };
  }

  standing(at: number = systemClock.now()): Standing {
    this.look();
    return standingAt(this.ledgers(), at);
  }

  close(): void {
    this.#file.close();
    this.#biller.close();
    this.#receiver.close();
  }
}
