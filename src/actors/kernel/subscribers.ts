/**
 * Who follows one actor's commits: by its address, so that a step of which nobody wants to hear costs one
 * look into a map, however many others are followed.
 *
 * Owns: the listeners. Callers: the kernel (adds), after-commit.ts (tells). Invariants:
 *  1  A listener hears every commit of its actor made after it was added, in order, and none of another's.
 *  2  Following keeps no actor in memory, and an address nobody follows any more leaves nothing behind.
 */

export class Subscribers<Listener> {
  readonly #following = new Map<string, Set<Listener>>();

  /** Returns a function that stops it; stopping twice is harmless. */
  add(address: string, listener: Listener): () => void {
    const listeners = this.#following.get(address) ?? new Set();
    this.#following.set(address, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#following.get(address) === listeners) this.#following.delete(address);
    };
  }

  /** A copy, for a listener may add or stop others; undefined when nobody follows. */
  of(address: string): readonly Listener[] | undefined {
    const listeners = this.#following.get(address);
    return listeners && [...listeners];
  }
}
