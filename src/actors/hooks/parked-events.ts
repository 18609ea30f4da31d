/**
 * News of tasks that no job has yet: kept on disk for ten minutes, and told to the job that adopts the task.
 *
 * Owns: actors of kind `parked`. Callers: the hooks, the assembly. Invariants:
 *  P1  An event that is parked is on disk, and one only, however often it comes.
 *  P2  Whoever comes second finds the other: a job that adopts a task looks for events after its commit, an
 *      event looks for its job after its own, and both are looked at when a directory is opened.
 *  P3  At most `limits.parkedEventsMax` wait; one more is refused, and may come again.
 */
import { HoldfastError } from '../../errors.js';
import { stableId } from '../../ids.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import type { JobContext, ParkedEventContext, ParkedEventInput } from '../../machines/index.js';
import { parkedDefinition } from '../house-machines.js';
import { jobIndexes } from '../job-index.js';
import type { CommittedStep, Kernel } from '../kernel/index.js';
import { unlessBad } from '../one-of-many.js';
import { parkedIndexes } from './parked-index.js';

const KIND = 'parked';
const SOURCE = 'provider';

type Task = Pick<ParkedEventInput, 'provider' | 'credential' | 'ref'>;

export class ParkedEvents {
  readonly #kernel: Kernel;
  readonly #log: Logger;

  constructor(kernel: Kernel, log: Logger) {
    this.#kernel = kernel;
    this.#log = log;
    kernel.define(parkedDefinition);
    kernel.onStep((step) => this.#onStep(step));
  }

  /** Looks for the jobs of what waits. Call once the kernel has started. */
  async recover(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#kernel.reader.byIndex(parkedIndexes.waiting, [], { cursor, limit: 1_000 });
      for (const address of page.items) await unlessBad(this.#log, address, () => this.#seek(address));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** The job that has the task. */
  holder({ provider, credential, ref }: Task): Promise<string | undefined> {
    return this.#kernel.reader.byUnique(jobIndexes.task, [provider, credential, ref.taskId]);
  }

  /**
   * Keeps an event until a job has its task; `id` is the provider's. Resolves once it is on disk. Throws
   * MAILBOX_FULL when too many wait.
   */
  async park(id: string, input: ParkedEventInput): Promise<void> {
    const own = stableId('evt', `${input.provider}\n${input.credential}\n${id}`);
    if (this.#waiting() >= limits.parkedEventsMax)
      throw new HoldfastError('MAILBOX_FULL', `${limits.parkedEventsMax} events wait for their jobs`);
    await this.#kernel.create(KIND, own, ownJson(input), { source: SOURCE });
    await this.#seek(`${KIND}/${own}`);
  }

  #waiting(): number {
    const active = this.#kernel.counts(KIND).filter(({ finished }) => !finished);
    return active.reduce((sum, { count }) => sum + count, 0);
  }

  async #seek(address: string): Promise<void> {
    const actor = await this.#kernel.snapshot(address);
    if (actor?.snapshot.status !== 'active') return;
    const job = await this.holder(actor.snapshot.context as ParkedEventContext);
    if (job !== undefined) await this.#match(address, job);
  }

  async #match(address: string, job: string): Promise<void> {
    await this.#kernel.send(address, { type: 'job.found', job }, { source: 'runtime' });
  }

  /** A step in which a job adopted its task is one at the moment of its acceptance. */
  #onStep({ kind, address, snapshot, entry }: CommittedStep): void {
    if (kind !== 'job' || this.#waiting() === 0) return;
    const { input, ref, acceptedAt } = snapshot.context as JobContext;
    if (ref === undefined || acceptedAt !== entry.at) return;
    const task: Task = { provider: input.provider, credential: ref.credential, ref };
    this.#found(task, address).catch((error: unknown) => {
      this.#log.warn({ err: error, address }, 'parked.unmatched');
    });
  }

  async #found({ provider, credential, ref }: Task, job: string): Promise<void> {
    const parts = [provider, credential, ref.taskId];
    const page = await this.#kernel.reader.byIndex(parkedIndexes.task, parts, { limit: 1_000 });
    for (const address of page.items) await unlessBad(this.#log, address, () => this.#match(address, job));
  }
}

/** Its words are interfaces; what is stored is what comes back of them. */
function ownJson(input: ParkedEventInput): Json {
  return JSON.parse(JSON.stringify(input)) as Json;
}
