/**
 * Who waits for an actor to reach a state (K16): kept here, not with the actor, so that waiting keeps nothing
 * in memory.
 *
 * Callers: the kernel. Invariant: every waiter is settled once: by its predicate, its signal, the actor's end
 * or a close.
 */
import type { AnyMachineSnapshot } from 'xstate';

export type SnapshotPredicate = (snapshot: AnyMachineSnapshot) => boolean;

interface Waiter {
  readonly predicate: SnapshotPredicate;
  readonly resolve: (snapshot: AnyMachineSnapshot) => void;
  readonly reject: (reason: unknown) => void;
}

export class Waiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  /**
   * Waits for the first snapshot that satisfies `predicate`. A predicate that throws rejects its own waiter.
   */
  wait(address: string, predicate: SnapshotPredicate, signal?: AbortSignal): Promise<AnyMachineSnapshot> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(reasonOf(signal));
        return;
      }
      const onAbort = (): void => settle(() => reject(signal === undefined ? undefined : reasonOf(signal)));
      const settle = (then: () => void): void => {
        if (!this.#remove(address, waiter)) return;
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      const waiter: Waiter = {
        predicate,
        resolve: (snapshot) => settle(() => resolve(snapshot)),
        reject: (reason) =>
          settle(() => reject(reason instanceof Error ? reason : new Error(String(reason)))),
      };
      this.#waiting.set(address, (this.#waiting.get(address) ?? new Set()).add(waiter));
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** A snapshot that is on disk now. */
  notify(address: string, snapshot: AnyMachineSnapshot): void {
    const waiting = this.#waiting.get(address);
    if (waiting === undefined) return;
    for (const waiter of [...waiting]) {
      try {
        if (waiter.predicate(snapshot)) waiter.resolve(snapshot);
      } catch (error) {
        waiter.reject(error);
      }
    }
  }

  /** The actor is gone: nobody can wait for it any more. */
  reject(address: string, reason: unknown): void {
    for (const waiter of [...(this.#waiting.get(address) ?? [])]) waiter.reject(reason);
  }

  rejectAll(reason: Error): void {
    for (const address of [...this.#waiting.keys()]) this.reject(address, reason);
  }

  #remove(address: string, waiter: Waiter): boolean {
    const waiting = this.#waiting.get(address);
    const removed = waiting?.delete(waiter) ?? false;
    if (waiting?.size === 0) this.#waiting.delete(address);
    return removed;
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new DOMException('The wait was aborted', 'AbortError');
}
