/**
 * The due index: durable timers, and the one real timer that waits for the earliest of them (K5).
 *
 * Owns: when to look. The rows are written and removed by steps. Callers: the kernel.
 * Invariants:
 *  D1  Nothing fires before its due time on the wall clock; what is overdue fires at once, in due order.
 *  D2  One real timer at most, at most 60 s long; none when no timer is armed.
 *  D3  Firing takes at most 5 ms of a turn of the event loop, then lets others run.
 *      It waits while more than 200 steps are not on disk.
 *  D4  A timer that its actor cannot take now (quarantined, unreadable) is passed over once a look, never
 *      spun on.
 *  D5  A damaged row keeps no other from firing.
 *  D6  A look reads what is due and a few rows more, which need not be read again when they are: not the
 *      kinds of which nothing is due, nor, of the others, what lies before the earliest timer there is. Rows
 *      that were removed are passed one by one by a database that still has them in its memory, ten
 *      thousand of them in milliseconds.
 */
import type { Clock } from '../../clock.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { keys, orderedNumber, partsOf, rangeAfter, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import type { CommitLoop } from './commit-loop.js';
import { isThere, readable, rowOf, scanPast, type Scanned } from './damage.js';
import type { ActorRecord, TimerRef, TimerRow } from './record.js';
import type { KernelWatch } from './watching.js';

export interface DueTimer {
  readonly address: string;
  readonly key: string;
  readonly ref: Pick<TimerRef, 'id' | 'sendId' | 'dueAt'>;
}

export interface TimersOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly log: Logger;
  /** The kinds whose timers may fire: those defined in this process. */
  readonly kinds: () => readonly string[];
  /** Resolves when the actor has taken or refused it (staged, not committed). */
  readonly fire: (timer: DueTimer) => Promise<void>;
  /** Wall clock against monotonic clock, in milliseconds; negative when it went back. */
  readonly onClockJump: (jumpMs: number) => void;
  readonly watch?: KernelWatch | undefined;
}

/** Timers fired before the clock is looked at again, and rows that a look reads first. */
const HANDFUL = 16;

/** What a look found out about the timers of a kind; those armed since then are counted in. */
interface Known {
  /** None is due before. */
  fromAt: number;
  /** None of those that were not due yet is due before. Infinity: there are none. */
  nextAt: number;
  /** What was read and was not due: all that is due until the last of it is, but for what is removed. */
  ahead: readonly Scanned[];
}

const NOTHING_KNOWN: Readonly<Known> = { fromAt: 0, nextAt: Infinity, ahead: [] };

export class Timers {
  readonly #options: TimersOptions;
  /** By kind; of a kind that is missing nothing is known (D6). */
  readonly #known = new Map<string, Known>();
  #cancelSleep: (() => void) | undefined;
  #sleepsUntil = Infinity;
  #looking = false;
  #lookAgain = false;
  #stopped = true;
  #seenWallMs = 0;
  #seenMonotonicMs = 0;

  constructor(options: TimersOptions) {
    this.#options = options;
  }

  /** Looks at the index for the first time; also after a kind was defined. */
  start(): void {
    this.#stopped = false;
    this.#known.clear();
    this.#noteTime();
    this.#look();
  }

  /** A timer that has just been committed. */
  armed(kind: string, dueAt: number): void {
    const known = this.#known.get(kind);
    if (known !== undefined) countIn(known, dueAt);
    if (this.#stopped || dueAt >= this.#sleepsUntil) return;
    this.#sleep(dueAt);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSleep?.();
    this.#sleepsUntil = Infinity;
  }

  #sleep(dueAt: number): void {
    this.#cancelSleep?.();
    this.#sleepsUntil = dueAt;
    const { clock } = this.#options;
    const { sleepMaxMs = limits.timerSleepMaxMs } = clock;
    const delayMs = Math.min(Math.max(0, dueAt - clock.now()), sleepMaxMs);
    this.#cancelSleep = clock.schedule(delayMs, () => this.#look());
  }

  #look(): void {
    if (this.#stopped) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#cancelSleep?.();
    this.#sleepsUntil = Infinity;
    this.#checkClock();
    this.#fireDue()
      .catch((error: unknown) => this.#lookLater(error))
      .finally(() => {
        this.#looking = false;
        if (!this.#lookAgain) return;
        this.#lookAgain = false;
        this.#look();
      });
  }

  /** A look that failed, on an unreadable row for one, is repeated: other timers wait behind it. */
  #lookLater(error: unknown): void {
    if (this.#stopped) return;
    this.#options.log.error({ err: error }, 'timers.look');
    this.#sleep(this.#options.clock.now() + limits.timerSleepMaxMs);
  }

  async #fireDue(): Promise<void> {
    const { clock, kinds } = this.#options;
    const now = clock.now();
    let nextAt = Infinity;
    for (const kind of kinds()) {
      const known = this.#known.get(kind);
      if (known === undefined || known.fromAt <= now) await this.#fireKind(kind, now);
      nextAt = Math.min(nextAt, this.#known.get(kind)?.nextAt ?? Infinity);
    }
    if (nextAt < this.#sleepsUntil && !this.#stopped) this.#sleep(nextAt);
  }

  /** What is armed meanwhile may lie behind where the look is: it is counted in as it comes. */
  async #fireKind(kind: string, now: number): Promise<void> {
    const before = this.#known.get(kind) ?? NOTHING_KNOWN;
    const known: Known = { fromAt: Infinity, nextAt: Infinity, ahead: [] };
    this.#known.set(kind, known);
    try {
      const found = (await this.#fireAhead(before, now)) ?? (await this.#fireFrom(kind, before.fromAt, now));
      const armedAt = known.nextAt;
      Object.assign(known, found);
      countIn(known, armedAt);
    } catch (error) {
      this.#known.delete(kind);
      throw error;
    }
  }

  /** Without a scan, where that is sure to find what is in hand; undefined: it is not. */
  async #fireAhead({ fromAt, nextAt, ahead }: Readonly<Known>, now: number): Promise<Known | undefined> {
    if (fromAt < nextAt || lastAtOf(ahead) <= now) return undefined;
    const next = ahead.findIndex(([key]) => dueAtOf(key) > now);
    const due: Scanned[] = [];
    for (const scanned of ahead.slice(0, next))
      if (await isThere(this.#options.loop, scanned[0])) due.push(scanned);
    return knownOf(await this.#fireRows(due), ahead.slice(next));
  }

  async #fireFrom(kind: string, fromAt: number, now: number): Promise<Readonly<Known>> {
    let range: Range = { gte: dueFrom(kind, fromAt), lt: rangeOf('d', kind).lt };
    let passedAt = Infinity;
    for (let limit = HANDFUL; !this.#stopped; limit = limits.scanPageRows) {
      const page = await scanPast(this.#options.loop, { ...range, limit });
      const due = page.filter(([key]) => dueAtOf(key) <= now);
      passedAt = Math.min(passedAt, await this.#fireRows(due));
      const last = page.at(-1);
      if (due.length < limit || last === undefined) return knownOf(passedAt, page.slice(due.length));
      range = rangeAfter(range, last[0]);
    }
    return NOTHING_KNOWN;
  }

  /**
   * In handfuls, so that the time their steps take is seen: an actor that must be read first steps later.
   * Returns when the first was due whose row is there still: each look tries it again (D4).
   */
  async #fireRows(due: readonly Scanned[]): Promise<number> {
    const { loop, clock } = this.#options;
    let turnStartedMs = clock.monotonicMs();
    let passedAt = Infinity;
    for (let from = 0; from < due.length && !this.#stopped; from += HANDFUL) {
      const handful = due.slice(from, from + HANDFUL);
      await Promise.all(handful.map((scanned) => this.#fireRow(scanned)));
      for (const [key] of handful) if (await isThere(loop, key)) passedAt = Math.min(passedAt, dueAtOf(key));
      await this.#roomToFire();
      if (clock.monotonicMs() - turnStartedMs < limits.timerBudgetMs) continue;
      await new Promise<void>((resolve) => clock.soon(resolve));
      turnStartedMs = clock.monotonicMs();
    }
    return passedAt;
  }

  /** A damaged row is not missed: its actor's record knows the timer as well (D5). */
  #fireRow(scanned: Scanned): Promise<void> {
    const { fire } = this.#options;
    const row = rowOf<TimerRow>(scanned);
    return row === undefined ? this.#fireDamaged(scanned[0]) : fire(dueTimer(scanned[0], row.sendId));
  }

  async #fireDamaged(key: string): Promise<void> {
    const { loop, log, fire } = this.#options;
    const { address, ref } = dueTimer(key, '');
    log.error({ address, key }, 'timer.damaged');
    const record = await readable<ActorRecord>(loop, keys.record(address));
    const timer = record?.timers.find(({ id }) => id === ref.id);
    if (timer !== undefined) await fire(dueTimer(key, timer.sendId));
  }

  /** A storm waits for the disk: steps that are not on it yet are all in memory. */
  async #roomToFire(): Promise<void> {
    const { loop } = this.#options;
    while (loop.pending > limits.timerStepsPendingMax && !this.#stopped) await loop.nextCommit();
  }

  #checkClock(): void {
    const { clock, onClockJump, watch } = this.#options;
    const wallMs = clock.now() - this.#seenWallMs;
    const jumpMs = Math.round(wallMs - (clock.monotonicMs() - this.#seenMonotonicMs));
    this.#noteTime();
    if (Math.abs(jumpMs) < limits.clockJumpMs) return;
    onClockJump(jumpMs);
    watch?.clockJumped(jumpMs);
  }

  #noteTime(): void {
    this.#seenWallMs = this.#options.clock.now();
    this.#seenMonotonicMs = this.#options.clock.monotonicMs();
  }
}

function knownOf(passedAt: number, ahead: readonly Scanned[]): Known {
  const nextAt = ahead[0] === undefined ? Infinity : dueAtOf(ahead[0][0]);
  return { fromAt: Math.min(passedAt, nextAt), nextAt, ahead };
}

/** A timer that is armed: among the rows ahead, it may be between them. */
function countIn(known: Known, dueAt: number): void {
  known.fromAt = Math.min(known.fromAt, dueAt);
  known.nextAt = Math.min(known.nextAt, dueAt);
  if (dueAt <= lastAtOf(known.ahead)) known.ahead = [];
}

function lastAtOf(ahead: readonly Scanned[]): number {
  const last = ahead.at(-1);
  return last === undefined ? -Infinity : dueAtOf(last[0]);
}

function dueFrom(kind: string, dueAt: number): string {
  return rangeOf('d', kind).gte + orderedNumber(dueAt);
}

function dueAtOf(key: string): number {
  return Number.parseInt(partsOf(key)[1] ?? '0', 16);
}

function dueTimer(key: string, sendId: string): DueTimer {
  const [, dueAt = '0', address = '', seq = '0', index = '0'] = partsOf(key);
  const id = `${Number.parseInt(seq, 16)}:${Number.parseInt(index, 16)}`;
  return { address, key, ref: { id, sendId, dueAt: Number.parseInt(dueAt, 16) } };
}
