/**
 * The promises of one side of a case: they settle when the case says so.
 *
 * Owns: every attempt at every invoked promise, by child id. Callers: build.ts starts them, the drivers
 * settle them. Invariants:
 *  1  What is settled is the newest attempt of a child: an attempt of a process that is gone never answers.
 *  2  An attempt runs from its start until it is settled, aborted, or its process ends.
 */

export interface Settlement {
  readonly how: 'resolve' | 'reject';
  readonly v: number;
}

interface Attempt {
  readonly child: string;
  readonly n: number;
  readonly settle: (settlement: Settlement) => void;
  isRunning: boolean;
}

export class Promises {
  #attempts: Attempt[] = [];

  start(child: string, n: number, signal: AbortSignal): Promise<{ readonly v: number }> {
    return new Promise((resolve, reject) => {
      const attempt: Attempt = {
        child,
        n,
        isRunning: true,
        settle: ({ how, v }) => {
          attempt.isRunning = false;
          if (how === 'resolve') resolve({ v });
          else reject(new Error(`refused with ${v}`));
        },
      };
      signal.addEventListener('abort', () => {
        attempt.isRunning = false;
      });
      this.#attempts.push(attempt);
    });
  }

  /** Settles the newest attempt of a child, wanted or not; false when there never was one. */
  settle(child: string, settlement: Settlement): boolean {
    const newest = this.#attempts.findLast((attempt) => attempt.child === child);
    newest?.settle(settlement);
    return newest !== undefined;
  }

  /** The child of the newest attempt that nobody waits for. */
  abandoned(): string | undefined {
    return this.#attempts.findLast(({ isRunning }) => !isRunning)?.child;
  }

  running(): readonly (readonly [child: string, n: number])[] {
    const running = this.#attempts.filter(({ isRunning }) => isRunning);
    return running.map(({ child, n }) => [child, n] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** The process they ran in is gone. */
  processEnded(): void {
    for (const attempt of this.#attempts) attempt.isRunning = false;
  }
}
