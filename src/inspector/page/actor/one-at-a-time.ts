/**
 * A read that is repeated as things happen: one at a time, and once more if something happened meanwhile.
 *
 * Owns: the signal of the read under way. Callers: following.ts. Invariants:
 *  1  However often it is poked, no two reads are under way, and the last poke is followed by a whole read.
 *  2  After `stop` nothing begins, and what is under way is aborted.
 */
export class OneAtATime {
  readonly #read: (signal: AbortSignal) => Promise<void>;
  readonly #over = new AbortController();
  #state: 'resting' | 'reading' | 'stale' = 'resting';

  /** `read` settles its own failures. */
  constructor(read: (signal: AbortSignal) => Promise<void>) {
    this.#read = read;
  }

  poke(): void {
    if (this.#over.signal.aborted) return;
    if (this.#state === 'resting') void this.#go();
    else this.#state = 'stale';
  }

  stop(): void {
    this.#over.abort();
  }

  async #go(): Promise<void> {
    this.#state = 'reading';
    await this.#read(this.#over.signal).catch(() => undefined);
    const isStale = this.#isStale();
    this.#state = 'resting';
    if (isStale) this.poke();
  }

  #isStale(): boolean {
    return this.#state === 'stale';
  }
}
