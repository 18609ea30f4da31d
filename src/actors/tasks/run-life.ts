/**
 * How long a run lasts: until its runner ends, its effect is taken away, or the process goes.
 *
 * Owns: the signals of a run, and how many tools it has under way. Callers: run.ts, run-context.ts.
 * Invariants:
 *  L1  A run that stops begins no tool; it is over as soon as none is under way.
 *  L2  Once it is over its signal has fired, or its runner has ended: nothing it says counts.
 *  L3  A tool's signal fires when its task is not worked on any more, or the process does not wait for it.
 */
import { HoldfastError } from '../../errors.js';

export class RunLife {
  readonly #taskId: string;
  readonly #run = new AbortController();
  readonly #tools = new AbortController();
  #phase: 'running' | 'stopping' | 'over' = 'running';
  #toolsUnderWay = 0;
  #whenToolsEnd: (() => void)[] = [];

  /** `signal` is that of the effect. */
  constructor(taskId: string, signal: AbortSignal) {
    this.#taskId = taskId;
    if (signal.aborted) this.cut();
    else signal.addEventListener('abort', () => this.cut(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get toolSignal(): AbortSignal {
    return this.#tools.signal;
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Throws TASK_RUN_OVER. */
  checkRuns(): void {
    if (this.isOver) throw this.runOver();
  }

  /** The same, and for a run that stops, too: a tool is a beginning. */
  beginTool(): void {
    if (this.#phase !== 'running') throw this.runOver();
    this.#toolsUnderWay += 1;
  }

  endTool(): void {
    this.#toolsUnderWay -= 1;
    if (this.#toolsUnderWay > 0) return;
    if (this.#phase === 'stopping') this.end();
    for (const resolve of this.#whenToolsEnd.splice(0)) resolve();
  }

  toolsEnded(): Promise<void> {
    if (this.#toolsUnderWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenToolsEnd.push(resolve));
  }

  /** The process is about to go. */
  stop(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'stopping';
    if (this.#toolsUnderWay === 0) this.end();
  }

  /** Nothing it says counts any more. */
  end(): void {
    this.#phase = 'over';
    this.#run.abort(this.runOver());
  }

  /** Nobody waits for its tools, either. */
  cut(): void {
    this.end();
    this.#tools.abort(this.runOver());
  }

  /** Its runner has said all it has to say. */
  close(): void {
    this.#phase = 'over';
  }

  runOver(): HoldfastError {
    return new HoldfastError('TASK_RUN_OVER', `this run of task ${this.#taskId} is over`);
  }
}
