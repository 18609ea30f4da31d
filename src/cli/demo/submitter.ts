/**
 * The submitter: asks the agent for the wanted jobs, over its control socket, a few at a time.
 *
 * Owns: which jobs are still held back and which have to be asked for again. Callers: driver.ts, killer.ts.
 * Invariants:
 *  1  `submitted` is in the driver's ledger before the request leaves.
 *  2  A submit that was not acknowledged is repeated under the same idempotency key; an acknowledged one
 *     never is.
 *  3  While kills are to come, enough jobs are held back for those that aim at a submit.
 */
import { isHoldfastError, type ErrorCode } from '../../errors.js';
import type { SubmitRequest } from '../../index.js';
import type { AgentKeeper } from './agent-keeper.js';
import { pause } from './halt.js';
import { drawnBetween, type Wanted } from './plan.js';
import type { Watch } from './watch.js';

export interface SubmitterOptions {
  readonly seed: number;
  readonly wanted: readonly Wanted[];
  readonly keeper: AgentKeeper;
  readonly watch: Watch;
  readonly signal: AbortSignal;
  /** How many jobs to hold back now. */
  readonly reserve: () => number;
}

/** Answers that leave open whether the job was taken, or say that the agent is going away. */
const REPEATABLE: readonly ErrorCode[] = ['CONTROL_FAILED', 'RUNTIME_CLOSED', 'STORE_FAILED', 'STORE_FULL'];
const TICK_MS = 10;
/** Jobs kept under way while kills are to come, so that there is something to kill. */
const UNDER_WAY_MIN = 2;
/** Asks for one job that a living agent may leave unanswered; what comes then is no accident. */
const UNANSWERED_MAX = 10;

export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #held: Wanted[];
  readonly #again: Wanted[] = [];
  readonly #attempts = new Map<number, number>();
  readonly #unanswered = new Map<number, number>();
  readonly #asking = new Set<Promise<void>>();

  constructor(options: SubmitterOptions) {
    this.#options = options;
    this.#held = [...options.wanted];
  }

  /** Jobs that were not asked for yet. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** Runs until every job is acknowledged. Throws what the runtime refused for good. */
  async run(): Promise<void> {
    const { signal, seed } = this.#options;
    while (!signal.aborted && this.#held.length + this.#again.length + this.#asking.size > 0) {
      const next = this.#next();
      if (next === undefined) {
        await Promise.race([pause(TICK_MS, signal), ...this.#asking]);
        continue;
      }
      this.#begin(next);
      await pause(drawnBetween(seed, `submit ${next.number}`, 80, 300), signal);
    }
  }

  /** Asks for one more job now, whatever the reserve; undefined when none is held or the agent is away. */
  askNext(): Wanted | undefined {
    if (this.#options.keeper.control === undefined) return undefined;
    const job = this.#held.shift();
    if (job !== undefined) this.#begin(job);
    return job;
  }

  #next(): Wanted | undefined {
    const { keeper, watch, reserve } = this.#options;
    if (keeper.control === undefined) return undefined;
    const again = this.#again.shift();
    if (again !== undefined) return again;
    const underWay = watch.unfinished - this.#held.length;
    return this.#held.length > reserve() || underWay < UNDER_WAY_MIN ? this.#held.shift() : undefined;
  }

  #begin(job: Wanted): void {
    const asking = this.#ask(job).finally(() => this.#asking.delete(asking));
    this.#asking.add(asking);
    // `run` races with it, and throws what it throws; until then the rejection has its handler here.
    asking.catch(() => undefined);
  }

  async #ask(job: Wanted): Promise<void> {
    const { keeper, watch, signal } = this.#options;
    const { control } = keeper;
    const attempt = (this.#attempts.get(job.number) ?? 0) + 1;
    this.#attempts.set(job.number, attempt);
    watch.note({ event: 'submitted', job: job.number, attempt });
    try {
      if (control === undefined) throw new Error('the agent is away');
      const { job: view, deduplicated } = await control.submitJob(requestOf(job), { signal });
      watch.note({ event: 'acknowledged', job: job.number, jobId: view.id, deduplicated });
    } catch (error) {
      if (signal.aborted) return;
      if (!REPEATABLE.some((code) => isHoldfastError(error, code))) throw error;
      const reason = isHoldfastError(error) ? error.code : 'unknown';
      watch.note({ event: 'unacknowledged', job: job.number, reason });
      if (keeper.control === control) this.#countUnanswered(job, error);
      this.#again.push(job);
    }
  }

  /** The agent lived, and did not answer: that is bounded. */
  #countUnanswered({ number }: Wanted, error: unknown): void {
    const count = (this.#unanswered.get(number) ?? 0) + 1;
    this.#unanswered.set(number, count);
    if (count >= UNANSWERED_MAX) throw error;
  }
}

function requestOf(job: Wanted): SubmitRequest {
  return {
    provider: job.provider,
    kind: job.kind,
    prompt: job.prompt,
    sessionKey: job.chat,
    delivery: { channel: 'receiver', target: job.chat, meta: { wanted: job.number } },
    idempotencyKey: job.idempotencyKey,
  };
}
