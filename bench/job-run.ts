/**
 * Runs of jobs: so many submitted with so many submits in flight, until all of them are done.
 *
 * Callers: jobs.ts. The kernel and the hand-written program are driven by the same code.
 */
import { performance } from 'node:perf_hooks';
import type { Kernel } from '../src/actors/kernel/index.js';
import type { Store } from '../src/store/store.js';
import { LiveProgram } from './live.js';
import { quantile } from './lanes.js';
import { jobId, jobInput, jobKind } from './render.js';

/** What jobs are submitted to. */
export interface JobSubject {
  /** Resolves when these jobs are on disk as pending; what follows goes on by itself. */
  readonly submit: (ids: readonly string[]) => Promise<unknown>;
  /** Synced writes so far. */
  readonly syncs: () => number;
  /** Jobs done so far, and who wants to know when there is one more. */
  readonly done: { count: number; listener: () => void };
}

export interface JobsMeasured {
  readonly jobs: number;
  readonly jobsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUsPerJob: number;
  readonly syncsPerJob: number;
}

export function kernelJobs(kernel: Kernel, store: Store): JobSubject {
  const done = { count: 0, listener: (): void => undefined };
  kernel.onStep(({ record, kind }) => {
    if (kind !== jobKind || record.status !== 'done') return;
    done.count += 1;
    done.listener();
  });
  const begin = (id: string): Promise<unknown> => kernel.send(`${jobKind}/${id}`, { type: 'begin' });
  return {
    done,
    syncs: () => store.lastCommit,
    submit: async (ids) => {
      const [only] = ids;
      if (ids.length === 1 && only !== undefined) await kernel.create(jobKind, only, { ...jobInput });
      else await kernel.createMany(jobKind, ids.map(creationOf));
      for (const id of ids) begin(id).catch(failed);
    },
  };
}

function creationOf(id: string): { readonly id: string; readonly input: { readonly prompt: string } } {
  return { id, input: { ...jobInput } };
}

/** A job that is lost makes every number here worthless. */
function failed(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

export function liveJobs(level: ConstructorParameters<typeof LiveProgram>[0]): JobSubject {
  const done = { count: 0, listener: (): void => undefined };
  const program = new LiveProgram(level, () => {
    done.count += 1;
    done.listener();
  });
  return {
    done,
    syncs: () => program.puts,
    submit: (ids) => Promise.all(ids.map((id) => program.submit(id, { ...jobInput }))),
  };
}

/** A subject and its jobs; measured in slices, so that two subjects can take turns. */
export class JobRun {
  readonly #subject: JobSubject;
  readonly #lanes: number;
  readonly #perSubmit: number;
  #submitted = 0;
  #jobs = 0;
  #ms = 0;
  #cpuUs = 0;
  #syncs = 0;
  #latencies: number[] = [];

  constructor(subject: JobSubject, lanes: number, perSubmit: number) {
    this.#subject = subject;
    this.#lanes = lanes;
    this.#perSubmit = perSubmit;
  }

  /** Submits so many jobs and waits until all are done. */
  async slice(jobs: number): Promise<void> {
    const cpu = process.cpuUsage();
    const syncs = this.#subject.syncs();
    const startedAt = performance.now();
    const until = this.#submitted + jobs;
    const allDone = this.#allDone(this.#subject.done.count + jobs);
    await Promise.all(Array.from({ length: this.#lanes }, () => this.#drive(until)));
    await allDone;
    this.#ms += performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    this.#cpuUs += user + system;
    this.#syncs += this.#subject.syncs() - syncs;
    this.#jobs += jobs;
  }

  /** Forgets what was measured so far: it was the warm-up. */
  reset(): void {
    this.#jobs = 0;
    this.#ms = 0;
    this.#cpuUs = 0;
    this.#syncs = 0;
    this.#latencies = [];
  }

  measured(): JobsMeasured {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return {
      jobs: this.#jobs,
      jobsPerSecond: (this.#jobs / this.#ms) * 1_000,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      cpuUsPerJob: this.#cpuUs / this.#jobs,
      syncsPerJob: this.#syncs / this.#jobs,
    };
  }

  async #drive(until: number): Promise<void> {
    while (this.#submitted < until) {
      const from = this.#submitted;
      this.#submitted = Math.min(until, from + this.#perSubmit);
      const ids = Array.from({ length: this.#submitted - from }, (_unused, index) => jobId(from + index));
      const asked = performance.now();
      await this.#subject.submit(ids);
      this.#latencies.push(performance.now() - asked);
    }
  }

  #allDone(wanted: number): Promise<void> {
    const { done } = this.#subject;
    return new Promise((resolve) => {
      done.listener = () => {
        if (done.count === wanted) resolve();
      };
    });
  }
}
