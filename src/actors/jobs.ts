/**
 * The jobs façade: paid provider work that outlives the process.
 *
 * Owns: actors of kind `job`: their input, their effects, how they are found and seen. Callers: users through
 * `runtime.jobs`, the CLI's control server.
 */
import { fromPromise, type AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../errors.js';
import { newId, stableId } from '../ids.js';
import type { Json, JsonObject } from '../json.js';
import type { Logger } from '../log.js';
import { isUnwanted, jobMachine, jobStatus } from '../machines/index.js';
import type {
  CancelAnswer,
  FetchAnswer,
  FetchInput,
  JobContext,
  JobInput,
  JobStatus,
} from '../machines/index.js';
import type {
  PollAnswer,
  PollInput,
  ReconcileAnswer,
  ReconcileInput,
  SubmitAnswer,
  SubmitInput,
} from '../machines/index.js';
import type { RemoteTaskInput } from '../machines/index.js';
import type { ProviderRequest, TaskRef } from '../providers/index.js';
import type { Accounts } from './accounts.js';
import type { Callbacks } from './callbacks.js';
import type { Deliveries } from './deliveries.js';
import { addressOfEffect, type EffectCall, type JobEffects } from './job-effects.js';
import { jobDefinition } from './house-machines.js';
import { jobIndexes } from './job-index.js';
import type { JobReconcile } from './job-reconcile.js';
import { attemptsOf, dropUndefined, jobInputOf, payloadsOf } from './job-input.js';
import { jobPolicies } from './job-pools.js';
import { checked } from './checked.js';
import { adoptSchema, cancelSchema, submitSchema, trackSchema } from './job-request.js';
import type { SubmitRequest, TrackRequest } from './job-request.js';
import { JobWaking } from './job-waking.js';
import { jobView, type JobView } from './job-view.js';
import type { Kernel, Page, PageOptions, StepCheck } from './kernel/index.js';
import { unlessBad } from './one-of-many.js';
import { sourceOf, type OperatorOptions } from './operator.js';
import type { ProviderBook } from './provider-book.js';
import type { Vault } from './vault.js';

const KIND = 'job';
const SETTLED: ReadonlySet<JobStatus> = new Set(['done', 'failed', 'timedOut', 'cancelled']);

/** Thrown in the step's own turn where it is to be cancelled already. */
const NOTED = new Error('noted');

/** Defaults for every job of a runtime; a request may override the first five. Milliseconds. */
export interface JobOptions {
  /** From acceptance to the last poll; default 30 min. */
  readonly timeoutMs?: number;
  /** From creation to giving up on an acceptance; default 24 h. */
  readonly submitByMs?: number;
  /** The first polls come this often (default 10 s, 12 times), later ones every `slowMs` (default 60 s). */
  readonly poll?: { readonly everyMs?: number; readonly slowMs?: number; readonly fastPolls?: number };
  /** How long after a doubt "not found" begins to count; default 60 s. */
  readonly reconcileAfterMs?: number;
  /** How long a success after the deadline still counts; default 24 h. */
  readonly graceMs?: number;
  /** How long a finished job stays; default 24 h. */
  readonly retentionMs?: number;
}

export interface JobsOptions {
  readonly kernel: Kernel;
  readonly providers: ProviderBook;
  readonly accounts: Accounts;
  readonly deliveries: Deliveries;
  readonly effects: JobEffects;
  readonly reconcile: JobReconcile;
  readonly callbacks: Callbacks;
  readonly vault: Vault;
  readonly defaults: JobOptions;
  /** Attempts of a batch in a session that a job's wake makes; default: the session's own. */
  readonly sessionAttemptsMax?: number | undefined;
  readonly log: Logger;
  /** Default: a random one. */
  readonly newId?: ((prefix: string) => string) | undefined;
}

export interface ListJobs extends PageOptions {
  /** One of these at most; without any, all jobs. Newest first unless `newestFirst` is false. */
  readonly status?: JobStatus | undefined;
  readonly provider?: string | undefined;
  readonly sessionKey?: string | undefined;
  readonly kind?: 'video' | 'image' | undefined;
}

/** One job, to look at, to wait for and to act on. Holds nothing: make as many as you like. */
export interface JobHandle {
  readonly id: string;
  /** True when `submit` found the job under its idempotency key. */
  readonly deduplicated: boolean;
  view(): Promise<JobView>;
  /** Resolves for every outcome; rejects with ACTOR_NOT_FOUND once the job was removed. */
  settled(options?: { readonly signal?: AbortSignal }): Promise<JobView>;
  /** Throws JOB_NOT_CANCELLABLE when it has settled. */
  cancel(reason?: string, by?: OperatorOptions): Promise<void>;
  /** Fetches again, or delivers again. Throws JOB_NOT_RETRYABLE. */
  retry(by?: OperatorOptions): Promise<void>;
  /** Tells a job in doubt which task is its own. Throws JOB_NOT_IN_DOUBT. */
  adopt(ref: Omit<TaskRef, 'credential'>, by?: OperatorOptions): Promise<void>;
  /** Pays again, knowingly. Throws JOB_NOT_IN_DOUBT. */
  resubmit(by?: OperatorOptions): Promise<void>;
}

export class Jobs {
  readonly #options: JobsOptions;
  readonly #kernel: Kernel;
  readonly #newId: (prefix: string) => string;
  readonly #waking: JobWaking;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#kernel = options.kernel;
    this.#newId = options.newId ?? newId;
    this.#define();
    this.#waking = new JobWaking(options, () => this.#wakeAll());
  }

  /**
   * Wakes blocked jobs whose provider has an adapter and a key now, and hurries cancelled ones. Call once the
   * kernel has started.
   */
  async recover(): Promise<void> {
    await this.#forEach('submitting', (address) => {
      this.#waking.asks(address);
      return this.#hurryIfUnwanted(address);
    });
    await this.#wakeAll();
  }

  #wakeAll(): Promise<void> {
    return this.#forEach('blocked', (address) => this.#waking.wake(address));
  }

  /**
   * Asks for a paid piece of work. Resolves when the intent is on disk; one POST follows.
   * Throws INVALID_INPUT, PROVIDER_UNKNOWN.
   */
  async submit(request: SubmitRequest): Promise<JobHandle> {
    const asked = checked(submitSchema, request);
    const attempts = attemptsOf(this.#options.providers, asked);
    const { idempotencyKey } = asked;
    const id = idempotencyKey === undefined ? this.#newId(KIND) : stableId(KIND, idempotencyKey);
    return this.#create(id, await jobInputOf(this.#options, id, asked, attempts), payloadsOf(attempts));
  }

  /** Follows a task that was submitted elsewhere. Throws NOT_UNIQUE when a job follows it already. */
  async track(request: TrackRequest): Promise<JobHandle> {
    const asked = checked(trackSchema, request);
    const adapter = this.#options.providers.named(asked.provider);
    const id = this.#newId(KIND);
    const { credential, kind, prompt } = asked;
    const attempts = [{ adapter, credential, request: { kind, prompt } }] as const;
    const known: TaskRef = { ...dropUndefined(asked.ref), credential };
    const input = await jobInputOf(this.#options, id, asked, attempts);
    const ref = await this.#options.vault.kept(known);
    return this.#create(id, { ...input, ref }, payloadsOf(attempts));
  }

  /** A handle by id, without looking whether the job exists. */
  get(id: string): JobHandle {
    return this.#handle(id, false);
  }

  async view(id: string): Promise<JobView> {
    const address = addressOf(id);
    const actor = await this.#kernel.snapshot(address);
    if (actor === undefined) throw notFound(id);
    const last = (actor.snapshot.context as JobContext).deliveries.at(-1);
    const delivery = last === undefined ? undefined : await this.#options.deliveries.get(last.deliveryId);
    const request = (await this.#kernel.reader.payload(address, 'request')) as ProviderRequest | undefined;
    const pathOf = (path: string): string => this.#options.effects.pathOf(path);
    return jobView({ ...actor, request, delivery, pathOf });
  }

  /** One page of jobs. The cost is that of what is returned, whatever else is stored. */
  async list(options: ListJobs = {}): Promise<Page<JobView>> {
    const { status, provider, sessionKey, kind } = options;
    const given = [
      [jobIndexes.status, status] as const,
      [jobIndexes.provider, provider === undefined ? undefined : this.#idOf(provider)] as const,
      [jobIndexes.session, sessionKey] as const,
      [jobIndexes.kind, kind] as const,
    ].filter(([, value]) => value !== undefined);
    if (given.length > 1) throw new HoldfastError('INVALID_INPUT', 'list takes one filter at most');
    const [index, value] = given[0] ?? [jobIndexes.all, undefined];
    const parts = value === undefined ? [] : [value];
    const page = await this.#kernel.reader.byIndex(index, parts, { newestFirst: true, ...options });
    const views = await Promise.all(page.items.map((address) => this.#viewOrGone(address)));
    return { ...page, items: views.flatMap((view) => (view === undefined ? [] : [view])) };
  }

  async #forEach(status: JobStatus, visit: (address: string) => Promise<void>): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#kernel.reader.byIndex(jobIndexes.status, [status], { cursor, limit: 1_000 });
      for (const address of page.items) await unlessBad(this.#options.log, address, () => visit(address));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  #viewOrGone(address: string): Promise<JobView | undefined> {
    const id = address.slice(KIND.length + 1);
    return unlessBad(this.#options.log, address, () => this.view(id));
  }

  async #create(id: string, input: JobInput, payloads: Readonly<Record<string, Json>>): Promise<JobHandle> {
    const outcome = await this.#kernel.create(KIND, id, input as unknown as Json, { payloads });
    return this.#handle(id, outcome.deduplicated);
  }

  #handle(id: string, deduplicated: boolean): JobHandle {
    return {
      id,
      deduplicated,
      view: () => this.view(id),
      settled: async ({ signal } = {}) => {
        await this.#kernel.waitFor(addressOf(id), (snapshot) => SETTLED.has(jobStatus(snapshot)), signal);
        return this.view(id);
      },
      cancel: (reason, by) => this.#cancel(id, reason, by),
      retry: (by) => this.#retry(id, by),
      adopt: async (ref, by) => {
        const { secret, ...known } = dropUndefined(checked(adoptSchema, { ref }).ref);
        const sealed = secret === undefined ? {} : { sealed: await this.#options.vault.seal(secret) };
        const adopted = { ...known, ...sealed };
        await this.#resolveDoubt(id, by, (credential) => ({
          type: 'job.adopt',
          ref: { ...adopted, credential },
        }));
      },
      resubmit: (by) => this.#resolveDoubt(id, by, () => ({ type: 'job.resubmit' })),
    };
  }

  async #cancel(id: string, why: string | undefined, by?: OperatorOptions): Promise<void> {
    const sent = sourceOf(by);
    const { reason } = checked(cancelSchema, { reason: why });
    const before = await this.view(id);
    const event = { type: 'job.cancel', ...(reason === undefined ? {} : { reason }) };
    const check: StepCheck = (snapshot) => {
      const now = jobStatus(snapshot);
      if (SETTLED.has(now)) throw notCancellable(id, now);
      if (isUnwanted(snapshot)) throw NOTED;
    };
    if (!SETTLED.has(before.status))
      await this.#kernel.send(addressOf(id), event, { ...sent, check }).catch(unlessNoted);
    await this.#hurryIfUnwanted(addressOf(id));
    const { status } = SETTLED.has(before.status) ? before : await this.view(id);
    if (!SETTLED.has(status) || (status === 'cancelled' && status !== before.status)) return;
    throw notCancellable(id, status);
  }

  /** A cancelled job whose POST waits for its turn, behind a paused account for one, need not wait for it. */
  async #hurryIfUnwanted(address: string): Promise<void> {
    const actor = await this.#kernel.snapshot(address);
    if (actor !== undefined && isUnwanted(actor.snapshot)) await this.#kernel.hurry(address);
  }

  async #retry(id: string, by?: OperatorOptions): Promise<void> {
    const actor = await this.#kernel.snapshot(addressOf(id));
    if (actor === undefined) throw notFound(id);
    const event = { type: 'job.retry' };
    const lastOf = ({ context }: AnyMachineSnapshot) => (context as JobContext).deliveries.at(-1);
    const refusal = (snapshot: AnyMachineSnapshot): HoldfastError => {
      const what = `job ${id} is ${jobStatus(snapshot)}, its delivery ${lastOf(snapshot)?.status ?? 'none'}`;
      return new HoldfastError('JOB_NOT_RETRYABLE', what);
    };
    if (actor.snapshot.can(event)) {
      const check: StepCheck = (snapshot) => {
        if (!snapshot.can(event)) throw refusal(snapshot);
      };
      await this.#kernel.send(addressOf(id), event, { ...sourceOf(by), check });
      return;
    }
    const last = lastOf(actor.snapshot);
    if (last?.status !== 'exhausted') throw refusal(actor.snapshot);
    await this.#options.deliveries.retry(last.deliveryId, by);
  }

  async #resolveDoubt(
    id: string,
    by: OperatorOptions | undefined,
    eventFor: (credential: string) => JsonObject & { readonly type: string },
  ): Promise<void> {
    const actor = await this.#kernel.snapshot(addressOf(id));
    if (actor === undefined) throw notFound(id);
    const { input } = actor.snapshot.context as JobContext;
    const event = eventFor(input.credential);
    const check = (snapshot: AnyMachineSnapshot): void => {
      if (!snapshot.can(event))
        throw new HoldfastError('JOB_NOT_IN_DOUBT', `job ${id} is ${jobStatus(snapshot)}`);
    };
    // One that has ended takes no event any more.
    check(actor.snapshot);
    await this.#kernel.send(addressOf(id), event, { ...sourceOf(by), check });
  }

  #idOf(provider: string): string {
    return this.#options.providers.get(provider)?.id ?? provider;
  }

  #define(): void {
    const { effects, reconcile, providers } = this.#options;
    const actors = {
      submit: fromPromise<SubmitAnswer, SubmitInput>((call) => effects.submit(callOf(call))),
      reconcile: fromPromise<ReconcileAnswer, ReconcileInput>((call) => reconcile.look(callOf(call))),
      poll: fromPromise<PollAnswer, PollInput>((call) => effects.poll(callOf(call))),
      fetch: fromPromise<FetchAnswer, FetchInput>((call) => effects.fetch(callOf(call))),
      cancelRemote: fromPromise<CancelAnswer, RemoteTaskInput>((call) => effects.cancelRemote(callOf(call))),
    };
    this.#kernel.define({
      ...jobDefinition,
      machine: jobMachine.provide({ actors }),
      effects: jobPolicies(providers.limitsOf, providers.concurrentMax),
    });
  }
}

function notCancellable(id: string, status: JobStatus): HoldfastError {
  return new HoldfastError('JOB_NOT_CANCELLABLE', `job ${id} is ${status}`, { details: { status } });
}

function unlessNoted(error: unknown): void {
  if (error !== NOTED) throw error;
}

interface PromiseCall<Input> {
  readonly input: Input;
  readonly self: { readonly id: string };
  readonly signal: AbortSignal;
}

function callOf<Input>({ input, self, signal }: PromiseCall<Input>): EffectCall<Input> {
  return { address: addressOfEffect(self.id), input, signal };
}

function addressOf(id: string): string {
  return `${KIND}/${id}`;
}

function notFound(id: string): HoldfastError {
  return new HoldfastError('ACTOR_NOT_FOUND', `there is no job ${id}`, { details: { id } });
}
