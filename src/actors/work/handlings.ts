/**
 * The handlers of this process: which kinds they are for, and their end.
 *
 * Owns: who handles what. Callers: work.ts. Invariants:
 *  1  What is asked for is checked before anything is claimed.
 *  2  Once stopped nothing is claimed; what comes to no end in time is given back, no attempt counted.
 */
import { HoldfastError } from '../../errors.js';
import { invalid } from '../checked.js';
import { timeLeft } from '../time-left.js';
import { checkedHandling } from './asked.js';
import type { HandleOptions, WorkHandler, WorkHandling } from './face.js';
import { Handling, type HandlingOptions } from './handling.js';

export class Handlings {
  readonly #options: HandlingOptions;
  readonly #handlings = new Set<Handling>();
  #isClosed = false;

  constructor(options: HandlingOptions) {
    this.#options = options;
    options.kernel.onFailure(() => void this.#stopAll());
  }

  /** Throws INVALID_INPUT, RUNTIME_CLOSED. */
  handle(kind: string, handler: WorkHandler, options: HandleOptions = {}): WorkHandling {
    if (typeof handler !== 'function') throw invalid('handler', 'not a function');
    checkedHandling(kind, options);
    if (this.#isClosed) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed');
    const handling = new Handling(this.#options, kind, handler, options);
    this.#handlings.add(handling);
    return {
      close: async () => {
        await handling.close();
        this.#handlings.delete(handling);
      },
    };
  }

  /** True for a kind that has a handler here. */
  handles(kind: string): boolean {
    return [...this.#handlings].some((handling) => handling.kind === kind);
  }

  /**
   * Claims nothing more, and fires the signals of handlers. Resolves when they have come to their end, or
   * after `timeoutMs` with what they had given back, with what is left of it; undefined where there are none.
   */
  stop(timeoutMs: number): Promise<number> | undefined {
    const ended = this.#stopAll();
    if (this.#handlings.size === 0) return undefined;
    return timeLeft(this.#options.clock, timeoutMs, ended, () => this.#giveBack());
  }

  async #stopAll(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#handlings].map((handling) => handling.stop()));
  }

  async #giveBack(): Promise<void> {
    await Promise.all([...this.#handlings].map((handling) => handling.giveBack()));
  }
}
