/**
 * What people write by hand: live XState actors, every transition put into `level`, synced and in order.
 *
 * `createActor`, `subscribe`, and one awaited `put` after the other for each actor: without that queue two to
 * eight puts in a hundred end in the wrong order. It has no timers, no deduplication, no journal, and its
 * effects start before anything is on disk. Callers: jobs.ts, live-restart-child.ts.
 */
import { Level } from 'level';
import { createActor, type Actor } from 'xstate';
import { jobMachine, type JobInput } from './render.js';

type LiveActor = Actor<typeof jobMachine>;

export class LiveProgram {
  readonly #level: Level<string, string>;
  readonly #onDone: () => void;
  #puts = 0;

  constructor(level: Level<string, string>, onDone: () => void) {
    this.#level = level;
    this.#onDone = onDone;
  }

  get puts(): number {
    return this.#puts;
  }

  /** Resolves when `pending` is on disk; then the job begins. */
  async submit(id: string, input: JobInput): Promise<void> {
    const actor = createActor(jobMachine, { id, input });
    let last: Promise<void> = Promise.resolve();
    actor.subscribe((snapshot) => {
      const text = JSON.stringify(actor.getPersistedSnapshot());
      last = last.then(() => this.#put(id, text));
      if (snapshot.status === 'done') void last.then(() => this.#onDone());
    });
    actor.start();
    await last;
    begin(actor);
  }

  #put(id: string, text: string): Promise<void> {
    this.#puts += 1;
    return this.#level.put(`render/${id}`, text, { sync: true } as object);
  }
}

function begin(actor: LiveActor): void {
  actor.send({ type: 'begin' });
}

/** Opens a bare database for the program, lets `work` use it, closes it. */
export async function withLevel<T>(
  directory: string,
  work: (level: Level<string, string>) => Promise<T>,
): Promise<T> {
  const level = new Level<string, string>(directory);
  await level.open({ writeBufferSize: 16 * 1_048_576 });
  try {
    return await work(level);
  } finally {
    await level.close();
  }
}
