/**
 * Lanes: so many errands in flight at a time, each waiting for its own step before it asks for the next.
 *
 * Callers: the benchmarks. The kernel and its ceiling are driven by the same code, so that a difference
 * between their numbers is not a difference between their drivers.
 */
import { performance } from 'node:perf_hooks';
import { bytesWritten } from './place.js';

/** What is measured: how one errand takes its next step. `step` 0 creates it. Settles once it is on disk. */
export interface Subject {
  readonly step: (errand: string, step: number) => Promise<unknown>;
  /** Commits so far. */
  readonly commits: () => number;
}

export interface Measured {
  readonly stepsPerSecond: number;
  readonly commitsPerStep: number;
  readonly bytesPerStep: number;
  /** All threads of the process, garbage collection and compaction included. */
  readonly cpuUsPerStep: number;
  /** Time from asking to its being on disk, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Ids of fixed width: every errand's rows are of the same size. */
export function errandId(number: number): string {
  return `errand-${String(number).padStart(9, '0')}`;
}

interface Lane {
  errand: string;
  step: number;
  /** The first errand of a lane is left at this step, so that lanes are spread over a life; then 0: never. */
  leaveAt: number;
}

/** A subject and the errands it has in flight; measured in slices, so that two subjects can take turns. */
export class Lanes {
  readonly #subject: Subject;
  readonly #stepsALife: number;
  readonly #lanes: readonly Lane[];
  #created = 0;
  #endsAt = 0;
  #steps = 0;
  #ms = 0;
  #commits = 0;
  #bytes = 0;
  #cpuUs = 0;
  #latencies: number[] = [];

  constructor(subject: Subject, lanes: number, stepsALife: number) {
    this.#subject = subject;
    this.#stepsALife = stepsALife;
    this.#lanes = Array.from({ length: lanes }, (_unused, index) => ({
      errand: this.#nextErrand(),
      step: 0,
      leaveAt: (index % stepsALife) + 1,
    }));
  }

  /** Works for `sliceMs`, then waits for what is in flight. */
  async slice(sliceMs: number): Promise<void> {
    const bytes = await bytesWritten();
    const cpu = process.cpuUsage();
    const commits = this.#subject.commits();
    const startedAt = performance.now();
    this.#endsAt = startedAt + sliceMs;
    await Promise.all(this.#lanes.map((lane) => this.#drive(lane)));
    this.#ms += performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    this.#cpuUs += user + system;
    this.#commits += this.#subject.commits() - commits;
    this.#bytes += (await bytesWritten()) - bytes;
  }

  /** Forgets what was measured so far: it was the warm-up. */
  reset(): void {
    this.#steps = 0;
    this.#ms = 0;
    this.#commits = 0;
    this.#bytes = 0;
    this.#cpuUs = 0;
    this.#latencies = [];
  }

  measured(): Measured {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return {
      stepsPerSecond: (this.#steps / this.#ms) * 1_000,
      commitsPerStep: this.#commits / this.#steps,
      bytesPerStep: this.#bytes / this.#steps,
      cpuUsPerStep: this.#cpuUs / this.#steps,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    };
  }

  async #drive(lane: Lane): Promise<void> {
    while (performance.now() < this.#endsAt) {
      const asked = performance.now();
      await this.#subject.step(lane.errand, lane.step);
      this.#latencies.push(performance.now() - asked);
      this.#steps += 1;
      lane.step += 1;
      if (lane.step < this.#stepsALife && lane.step !== lane.leaveAt) continue;
      lane.leaveAt = 0;
      lane.step = 0;
      lane.errand = this.#nextErrand();
    }
  }

  #nextErrand(): string {
    this.#created += 1;
    return errandId(this.#created);
  }
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
