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

export interface LaneOptions {
  readonly lanes: number;
  readonly stepsALife: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** Ids of fixed width: every errand's rows are of the same size. */
export function errandId(number: number): string {
  return `errand-${String(number).padStart(9, '0')}`;
}

export async function measure(subject: Subject, options: LaneOptions): Promise<Measured> {
  let created = 0;
  let steps = 0;
  let latencies: number[] = [];
  let endsAt = Infinity;
  const lane = async (offset: number): Promise<void> => {
    // Lanes start at different points of a life, or all would be created and closed in step.
    let step = 0;
    let lead = offset % options.stepsALife;
    let errand = errandId(created++);
    while (performance.now() < endsAt) {
      const asked = performance.now();
      await subject.step(errand, step);
      latencies.push(performance.now() - asked);
      steps += 1;
      step += 1;
      if (step < options.stepsALife && lead !== step) continue;
      lead = 0;
      step = 0;
      errand = errandId(created++);
    }
  };
  const startedAt = performance.now();
  endsAt = startedAt + options.warmUpMs + options.measureMs;
  const running = Promise.all(Array.from({ length: options.lanes }, (_unused, index) => lane(index)));
  await new Promise((resolve) => setTimeout(resolve, options.warmUpMs));
  const bytesBefore = await bytesWritten();
  const from = { at: performance.now(), steps, commits: subject.commits(), cpu: process.cpuUsage() };
  latencies = [];
  await running;
  const seconds = (performance.now() - from.at) / 1_000;
  const cpu = process.cpuUsage(from.cpu);
  const bytesAfter = await bytesWritten();
  const done = steps - from.steps;
  const sorted = latencies.sort((a, b) => a - b);
  return {
    stepsPerSecond: done / seconds,
    commitsPerStep: (subject.commits() - from.commits) / done,
    bytesPerStep: (bytesAfter - bytesBefore) / done,
    cpuUsPerStep: (cpu.user + cpu.system) / done,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
