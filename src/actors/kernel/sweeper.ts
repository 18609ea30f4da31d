/**
 * Removes what expires once its hour has passed: dedupe rows and tombstones (K15), dead letters, payloads.
 *
 * Callers: the kernel, at start and after commits, at most every ten minutes: an idle runtime never wakes up
 * for it. Invariant: a payload that may have been put again since it was read is not removed; it is asked
 * again an hour later.
 */
import type { Clock } from '../../clock.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { orderedNumber, rangeOf } from '../../store/keys.js';
import type { CommitLoop } from './commit-loop.js';
import { expiredBy, isPayload } from './expiring.js';

const HOUR_MS = 3_600_000;

export class Sweeper {
  readonly #loop: CommitLoop;
  readonly #clock: Clock;
  readonly #log: Logger;
  #sweptAtMs = -Infinity;
  #sweeping = false;

  constructor(loop: CommitLoop, clock: Clock, log: Logger) {
    this.#loop = loop;
    this.#clock = clock;
    this.#log = log;
  }

  onCommit(): void {
    if (this.#sweeping || this.#clock.monotonicMs() - this.#sweptAtMs < limits.sweepEveryMs) return;
    this.sweep().catch((error: unknown) => this.#log.error({ err: error }, 'sweep.failed'));
  }

  /** Removes what has expired by now, one page of buckets a commit. */
  async sweep(): Promise<void> {
    this.#sweeping = true;
    this.#sweptAtMs = this.#clock.monotonicMs();
    try {
      while (await this.#sweepPage()) continue;
    } finally {
      this.#sweeping = false;
    }
  }

  async #sweepPage(): Promise<boolean> {
    const passed = Math.floor(this.#clock.now() / HOUR_MS);
    const { gte } = rangeOf('e');
    const page = await this.#loop.scan({
      gte,
      lt: gte + orderedNumber(passed + 1),
      limit: limits.scanPageRows,
    });
    if (page.length === 0) return false;
    const named: string[] = [];
    let swept = 0;
    for (const [, text] of page) {
      if (named.length + swept >= limits.commitRowsMax) break;
      named.push(...(JSON.parse(text) as string[]));
      swept += 1;
    }
    const { commitNumber } = this.#loop.begin();
    const expired = await expiredBy(this.#loop, named, passed);
    const stage = this.#loop.begin();
    // What was put since then is in a group of that number or a later one.
    const isFresh = stage.commitNumber === commitNumber;
    for (const key of named) {
      const isSure = isFresh && this.#loop.peek(key) === null;
      if (!isPayload(key) || (expired.has(key) && isSure)) stage.delete(key);
      else if (expired.has(key)) stage.expire(passed + 1, key);
    }
    for (const [key] of page.slice(0, swept)) stage.delete(key);
    this.#loop.add(stage);
    return swept < page.length || page.length === limits.scanPageRows;
  }
}
