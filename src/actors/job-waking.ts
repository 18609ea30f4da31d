/**
 * Blocked jobs, and when they go on: when a directory is opened, and when an account is resumed.
 *
 * Owns: how many resumes each job knows of that is asking somebody, in memory. Callers: jobs.ts. Invariants:
 *  W1  No resume is missed: one that comes while a job is on its way to be blocked finds it asking still, so
 *      the job's own step looks again.
 *  W2  Without a resume since it began to ask, a blocked job is not looked at again: what is wrong still
 *      would be tried in a loop.
 */
import type { Logger } from '../log.js';
import { jobStatus, type JobContext, type JobStatus } from '../machines/index.js';
import type { AccountName, Accounts } from './accounts.js';
import type { CommittedStep, Kernel } from './kernel/index.js';
import type { ProviderBook } from './provider-book.js';

export interface JobWakingOptions {
  readonly kernel: Kernel;
  readonly providers: ProviderBook;
  readonly accounts: Accounts;
  readonly log: Logger;
}

const ASKING: ReadonlySet<JobStatus> = new Set(['submitting', 'polling', 'fetching']);
const KNOWN_MAX = 10_000;

export class JobWaking {
  readonly #options: JobWakingOptions;
  #resumes = 0;
  /** How many there had been when a job began to ask. */
  readonly #known = new Map<string, number>();

  /** `wakeAll` is called after each resume. */
  constructor(options: JobWakingOptions, wakeAll: () => Promise<void>) {
    this.#options = options;
    options.kernel.onStep((step) => this.#onStep(step));
    options.accounts.onResume(() => {
      this.#resumes += 1;
      return wakeAll();
    });
  }

  /** A job that asks from before this process. */
  asks(address: string): void {
    this.#note(address, 0);
  }

  /** Lets a blocked job go on, if somebody it may be asked of has an adapter and a key. */
  async wake(address: string): Promise<void> {
    const { kernel } = this.#options;
    const actor = await kernel.snapshot(address);
    if (actor === undefined) return;
    const { input, ref, refusals = [] } = actor.snapshot.context as JobContext;
    const closed = new Set(refusals.filter(({ until }) => until === 'never').map(({ step }) => step));
    // Once it is accepted somewhere, nobody else is asked.
    const chain = ref === undefined ? input.chain : undefined;
    const open = chain?.filter((_step, at) => !closed.has(at)) ?? [input];
    for (const account of open) {
      if (!(await this.#isAvailable(account, chain !== undefined))) continue;
      await kernel.send(address, { type: 'provider.available' }, { source: 'runtime' });
      return;
    }
  }

  #onStep({ kind, address, snapshot }: CommittedStep): void {
    if (kind !== 'job') return;
    const status = jobStatus({ value: snapshot.value, context: snapshot.context as JobContext });
    if (ASKING.has(status)) return this.#note(address, this.#resumes);
    const known = this.#known.get(address) ?? 0;
    this.#known.delete(address);
    if (status !== 'blocked' || known === this.#resumes) return;
    this.wake(address).catch((error: unknown) => {
      this.#options.log.warn({ err: error, address }, 'job.unwoken');
    });
  }

  /** One that is forgotten is looked at once too often. */
  #note(address: string, resumes: number): void {
    if (this.#known.has(address)) return;
    this.#known.set(address, resumes);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** True when a call would be made; one that waits for nobody looks at its account, too. */
  async #isAvailable({ provider, credential }: AccountName, isChained: boolean): Promise<boolean> {
    const { accounts, providers } = this.#options;
    if ((await providers.get(provider)?.credential(credential)) === undefined) return false;
    return !isChained || (await accounts.get({ provider, credential })).status !== 'paused';
  }
}
