/**
 * Removes dedupe rows and tombstones whose hour has passed (K15).
 *
 * Callers: the kernel, at start and after commits, at most every ten minutes: an idle runtime never wakes up
 * for it.
 */
import type { Clock } from '../../clock.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { orderedNumber, rangeOf } from '../../store/keys.js';
import type { CommitLoop } from './commit-loop.js';

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
    const stage = this.#loop.begin();
    let swept = 0;
    for (const [key, text] of page) {
      if (stage.rows.length >= limits.commitRowsMax) break;
      for (const expired of JSON.parse(text) as string[]) stage.delete(expired);
      stage.delete(key);
      swept += 1;
    }
    this.#loop.add(stage);
    return swept < page.length || page.length === limits.scanPageRows;
  }
}
