/**
 * What is under way in a test runtime: how the test knows that it is at rest.
 *
 * Owns: two counts. Callers: the test runtime's clock, disk and effects, which begin and end; `settle`, which
 * asks.
 * Invariants:
 *  1  Between two macrotasks whatever code can run has run. So a kernel of which no callback, no read and no
 *     write is under way then can do nothing more until time passes or an effect ends.
 *  2  Ending twice is ending once.
 */

/** `kernel` ends by itself within some turns of the event loop; `world` when somebody else's code does. */
export type Whose = 'kernel' | 'world';

export class Activity {
  readonly #counts = { kernel: 0, world: 0 };
  #changed: (() => void)[] = [];

  /** Begins something; returns what ends it. */
  begin(whose: Whose): () => void {
    this.#counts[whose] += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#counts[whose] -= 1;
      for (const tell of this.#changed.splice(0)) tell();
    };
  }

  async during<T>(whose: Whose, work: Promise<T>): Promise<T> {
    const end = this.begin(whose);
    try {
      return await work;
    } finally {
      end();
    }
  }

  isBusy(whose: Whose): boolean {
    return this.#counts[whose] > 0;
  }

  /** Resolves when something has ended. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }
}

/** Resolves in the next turn of the event loop, when all that is ready now has run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
