/**
 * What downloads that broke off have left on disk: found again by their job, gone with it.
 *
 * Owns: the names of parts of artifacts, and the turns in which they are written. Callers: job-effects.ts,
 * and runtime.ts at the open. Invariants:
 *  1  One fetch of a job at a time writes its parts; the next one waits until the last has let go.
 *  2  A part outlives its process, a pause and a fresh URL; it goes when its job settles, and at the open
 *     when its job is settled or not there.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlainObject } from '../json.js';
import type { Logger } from '../log.js';
import { partsBelow, partsIn } from '../providers/index.js';
import type { Kernel } from './kernel/index.js';

/** `<job id>.<index of the artifact>`, and what belongs to it. */
const PART_NAME = /^([\w-]+)\.\d+\.(?:part|note|note\.new)$/;

export class ArtifactParts {
  readonly #directory: string;
  readonly #kernel: Kernel;
  readonly #log: Logger;
  /** Jobs that have parts, or may have: they are fetching, or broke off. */
  readonly #jobs = new Set<string>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(directory: string, kernel: Kernel, log: Logger) {
    this.#directory = directory;
    this.#kernel = kernel;
    this.#log = log;
    kernel.onStep(({ address, snapshot }) => {
      if (this.#jobs.has(address) && isOver(snapshot)) this.#letGo(address);
    });
  }

  /** What an artifact is called until it is whole. */
  nameOf(address: string, index: number): string {
    return `${address.slice(address.indexOf('/') + 1)}.${index}`;
  }

  /** Runs a fetch when the last one of its job has ended. */
  async inTurn<T>(address: string, fetch: () => Promise<T>): Promise<T> {
    this.#jobs.add(address);
    const before = this.#turns.get(address) ?? Promise.resolve();
    const turn = before.then(fetch);
    const settled = Promise.allSettled([turn]);
    this.#turns.set(address, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(address) === settled) this.#turns.delete(address);
      // It may have settled while this fetch wrote its last.
      const actor = await this.#kernel.snapshot(address).catch(() => undefined);
      if (actor !== undefined && isOver(actor.snapshot)) this.#letGo(address);
    }
  }

  /** Resolves when no fetch writes any more. Call when all of them are aborted. */
  async close(): Promise<void> {
    await Promise.all(this.#turns.values());
  }

  /** Removes what nobody will go on with. Call before the kernel starts. */
  async recover(): Promise<void> {
    for (const name of await partsIn(this.#directory)) {
      const job = PART_NAME.exec(name)?.[1];
      const address = `job/${job ?? ''}`;
      if (job !== undefined && (await this.#isWanted(address))) this.#jobs.add(address);
      else await this.#remove(name);
    }
  }

  /** An unreadable record is no proof that nobody wants it. */
  async #isWanted(address: string): Promise<boolean> {
    const record = await this.#kernel.reader.record(address).catch(() => 'unreadable' as const);
    if (record === undefined || record === 'unreadable') return record !== undefined;
    return record.status === 'active' && !isOver(record.snapshot);
  }

  #letGo(address: string): void {
    if (this.#turns.has(address)) return;
    this.#jobs.delete(address);
    this.#sweep(address).catch((error: unknown) =>
      this.#log.warn({ err: error, address }, 'artifact.part.remove.failed'),
    );
  }

  async #sweep(address: string): Promise<void> {
    const prefix = `${address.slice(address.indexOf('/') + 1)}.`;
    for (const name of await partsIn(this.#directory)) if (name.startsWith(prefix)) await this.#remove(name);
  }

  async #remove(name: string): Promise<void> {
    await rm(join(partsBelow(this.#directory), name), { force: true });
  }
}

/** True for a job that has its outcome: a retry by hand begins anew. */
function isOver(snapshot: unknown): boolean {
  const value: unknown = Reflect.get(Object(snapshot) as object, 'value');
  return value === 'closed' || (isPlainObject(value) && 'settled' in value);
}
