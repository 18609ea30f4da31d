/**
 * A task as its runner sees it, in memory: the record survives, a run of it may be killed at any fact.
 *
 * It is the port's own contract, small: what a call resolves with is kept, a tool call that ended is given
 * back, one that was cut off runs again if it may, else the record waits for a decision.
 */
import { HoldfastError } from '../../src/errors.js';
import type { Clock, Json, Runner, RunnerContext, RunnerInput, RunnerResult } from '../../src/index.js';

const NO_USAGE = { inputTokens: 0, outputTokens: 0, totalTokens: 0 };

type Run = Extract<Runner, { run: unknown }>['run'];

/** What a run that was killed ends with here. */
export class Killed extends Error {}

/** A copy of what JSON keeps. */
function stored(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

export class TaskRecord {
  /** What has been kept, in order. */
  readonly facts: string[] = [];
  #checkpoint: Json | undefined;
  #iterations = 0;
  #usage = NO_USAGE;
  readonly #started = new Map<string, boolean>();
  readonly #ended = new Map<string, Json>();
  readonly #asked: Partial<RunnerInput>;

  constructor(asked: Partial<RunnerInput> = {}) {
    this.#asked = asked;
  }

  get checkpoint(): Json | undefined {
    return this.#checkpoint;
  }

  get input(): RunnerInput {
    return {
      ...{ taskId: 'task_1', prompt: 'find out', maxIterations: 10 },
      ...this.#asked,
      ...(this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint }),
      ...{ iterations: this.#iterations, usage: this.#usage },
    };
  }

  /** Calls that were cut off and must not run twice. */
  undecided(): readonly string[] {
    return [...this.#started].flatMap(([callId, may]) => (may || this.#ended.has(callId) ? [] : [callId]));
  }

  decide(callId: string, result: Json): void {
    this.#ended.set(callId, result);
  }

  /** As the retry of a task: its budgets are new. */
  renew(): void {
    this.#iterations = 0;
    this.#usage = NO_USAGE;
  }

  /** `killAt`: the number of the fact after which this run is gone. */
  async run(
    { run }: { readonly run: Run },
    { killAt = Infinity, signal = new AbortController().signal } = {},
  ): Promise<RunnerResult> {
    let killed = false;
    const note = (fact: string, keep: () => void): void => {
      signal.throwIfAborted();
      if (killed) throw new Killed();
      keep();
      this.facts.push(fact);
      killed = this.facts.length === killAt;
      if (killed) throw new Killed();
    };
    return run(this.input, this.#context(note, signal));
  }

  #context(note: (fact: string, keep: () => void) => void, signal: AbortSignal): RunnerContext {
    const { maxIterations = 10, tokenBudget = Infinity } = this.#asked;
    return {
      signal,
      iteration: async (n) => {
        if (n > maxIterations) throw new HoldfastError('TASK_EXHAUSTED', 'no iteration is left');
        note(`iteration ${n}`, () => (this.#iterations = Math.max(n, this.#iterations)));
      },
      usage: async ({ inputTokens = 0, outputTokens = 0, totalTokens = 0 }) => {
        const { inputTokens: ins, outputTokens: outs, totalTokens: all } = this.#usage;
        note(`usage ${totalTokens}`, () => {
          this.#usage = {
            ...{ inputTokens: ins + inputTokens, outputTokens: outs + outputTokens },
            totalTokens: all + totalTokens,
          };
        });
        if (this.#usage.totalTokens >= tokenBudget)
          throw new HoldfastError('TASK_EXHAUSTED', 'no token is left');
      },
      checkpoint: async (state) => note('checkpoint', () => (this.#checkpoint = stored(state))),
      tool: async (callId, { idempotent = false }, run) => {
        const known = this.#ended.get(callId);
        // A boundary: what JSON brings back is what was recorded.
        if (known !== undefined) return known as Awaited<ReturnType<typeof run>>;
        note(`started ${callId}`, () => this.#started.set(callId, idempotent));
        const result = await run({ signal });
        note(`ended ${callId}`, () => this.#ended.set(callId, stored(result)));
        return result;
      },
      subtask: () => Promise.reject(new Error('no runner of these tests has sub-tasks')),
    };
  }
}

/** A clock that waits for nothing but what never comes: the waits it was asked for are in `waits`. */
export function hastyClock(nowMs = Date.UTC(2026, 10, 22)): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => nowMs,
    monotonicMs: () => nowMs,
    schedule: (delayMs, run) => {
      // The time that a call may take.
      if (delayMs === 600_000) return () => undefined;
      waits.push(delayMs);
      const soon = setImmediate(run);
      return () => clearImmediate(soon);
    },
    soon: (run) => void setImmediate(run),
  };
}
