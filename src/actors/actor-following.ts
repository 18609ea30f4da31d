/**
 * Following one actor: its present snapshot first, then the one after every commit.
 *
 * Owns: the steps that are committed while the present snapshot is read. Callers: actor-ref.ts. Invariants:
 *  1  Snapshots come in the order of their commits, each once, none left out from the first one on.
 *  2  An observer that throws is the log's, and hears the next snapshot all the same.
 *  3  After its end, or once it was stopped, an observer hears nothing.
 */
import type { AnyMachineSnapshot, AnyStateMachine, SnapshotFrom } from 'xstate';
import type { Logger } from '../log.js';
import type { ActorRecord, CommittedStep, Kernel } from './kernel/index.js';

export interface SnapshotObserver<Machine extends AnyStateMachine> {
  readonly next?: ((snapshot: SnapshotFrom<Machine>) => void) | undefined;
  /** The actor ended in an error, or cannot be read: nothing follows. */
  readonly error?: ((error: unknown) => void) | undefined;
  /** The actor is done, or was stopped: nothing follows. */
  readonly complete?: (() => void) | undefined;
}

export interface Followed {
  readonly kernel: Kernel;
  readonly log: Logger;
  readonly address: string;
}

/** Returns a function that stops it. */
export function followSnapshots<Machine extends AnyStateMachine>(
  followed: Followed,
  observer: SnapshotObserver<Machine>,
): () => void {
  const following = new Following(followed, observer);
  void following.begin();
  return () => following.stop();
}

/** `reading`: steps are kept until the present snapshot is there. */
type Phase =
  | { readonly at: 'reading'; readonly early: CommittedStep[] }
  | { readonly at: 'telling' | 'over' };

class Following<Machine extends AnyStateMachine> {
  readonly #followed: Followed;
  readonly #observer: SnapshotObserver<Machine>;
  readonly #unsubscribe: () => void;
  #phase: Phase = { at: 'reading', early: [] };

  constructor(followed: Followed, observer: SnapshotObserver<Machine>) {
    this.#followed = followed;
    this.#observer = observer;
    this.#unsubscribe = followed.kernel.subscribe(followed.address, (step) => this.#hear(step));
  }

  async begin(): Promise<void> {
    const { kernel, address } = this.#followed;
    try {
      const first = await kernel.snapshot(address);
      const early = this.#phase.at === 'reading' ? this.#phase.early : [];
      this.#enter('telling');
      if (first !== undefined) this.#tell(first.snapshot);
      for (const step of early) {
        if (first === undefined || isLater(step.record, first.record)) this.#tell(step.snapshot);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  stop(): void {
    this.#phase = { at: 'over' };
    this.#unsubscribe();
  }

  /** Stopped while it was reading, it stays stopped. */
  #enter(at: 'telling'): void {
    if (this.#phase.at !== 'over') this.#phase = { at };
  }

  #hear(step: CommittedStep): void {
    if (this.#phase.at === 'reading') this.#phase.early.push(step);
    else this.#tell(step.snapshot);
  }

  #tell(snapshot: AnyMachineSnapshot): void {
    if (this.#phase.at === 'over') return;
    this.#call(() => this.#observer.next?.(snapshot as SnapshotFrom<Machine>));
    if (snapshot.status === 'active') return;
    const failed = snapshot.status === 'error';
    // The observer may have stopped itself just now: then it wants to hear of no end.
    const over = this.#isOver();
    this.stop();
    if (over) return;
    if (failed) this.#call(() => this.#observer.error?.(snapshot.error));
    else this.#call(() => this.#observer.complete?.());
  }

  #fail(error: unknown): void {
    if (this.#isOver()) return;
    this.stop();
    const { error: told } = this.#observer;
    this.#call(() => {
      if (told === undefined) throw error;
      return told(error);
    });
  }

  #isOver(): boolean {
    return this.#phase.at === 'over';
  }

  #call(run: () => unknown): void {
    const { log, address } = this.#followed;
    guarded(log, address, run);
  }
}

/** Runs a listener of the user's: what it throws, now or as a rejected promise, is the log's. */
export function guarded(log: Logger, address: string, run: () => unknown): void {
  const failed = (error: unknown): void => log.error({ err: error, address }, 'listener.failed');
  try {
    const returned = run();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** True when `record` is of a later step than `first`, or of a later actor under the same id. */
function isLater(record: ActorRecord, first: ActorRecord): boolean {
  return record.ord === first.ord ? record.seq > first.seq : record.ord > first.ord;
}
