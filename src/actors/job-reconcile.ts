/**
 * One look for a task whose submit was not answered: by key or by list.
 *
 * Callers: jobs.ts gives this to the chart as its `reconcile` actor; one look an account at a time (its
 * pool's limit).
 * Invariants:
 *  R1  A task that another job holds is never found again: the unique index is read, the looks are serial.
 *  R2  While an identical request is being POSTed, an untagged listing proves nothing: wait. Asked before the
 *      listing, to spare it, and after it, since only then whatever it shows has an owner that can be known.
 *  R3  `absent` is said only of a complete look.
 */
import { limits } from '../limits.js';
import type { JobContext, ReconcileAnswer, ReconcileInput } from '../machines/index.js';
import type {
  ListedTask,
  ListPage,
  ProviderAdapter,
  ProviderRequest,
  Reconcile,
  SubmitContext,
  Transport,
} from '../providers/index.js';
import type { Accounts } from './accounts.js';
import type { Callbacks } from './callbacks.js';
import { jobIdOf, type EffectCall, type JobEffects } from './job-effects.js';
import { jobIndexes } from './job-index.js';
import type { Kernel } from './kernel/index.js';
import type { ProviderBook } from './provider-book.js';
import type { Vault } from './vault.js';

export interface JobReconcileOptions {
  readonly kernel: Kernel;
  readonly providers: ProviderBook;
  readonly accounts: Accounts;
  readonly transport: Transport;
  readonly effects: JobEffects;
  readonly vault: Vault;
  readonly callbacks: Callbacks;
}

/** Clocks differ: a task may seem to be older than the POST that made it, by this much. */
const SKEW_MS = 120_000;
/** What bears a job's tag is the job's, however wrong the clocks: missed, it would be paid for twice. */
const TAGGED_SKEW_MS = 86_400_000;
const WAIT_FOR_TWIN_MS = 1_000;

type ByKey = Extract<Reconcile, { by: 'key' }>;
type ByList = Extract<Reconcile, { by: 'list' }>;

interface Look {
  readonly call: EffectCall<ReconcileInput>;
  readonly adapter: ProviderAdapter;
  readonly request: ProviderRequest;
  readonly context: SubmitContext;
}

export class JobReconcile {
  readonly #options: JobReconcileOptions;

  constructor(options: JobReconcileOptions) {
    this.#options = options;
  }

  async look(call: EffectCall<ReconcileInput>): Promise<ReconcileAnswer> {
    const adapter = this.#options.providers.get(call.input.provider);
    if (adapter === undefined) return { type: 'wait' };
    const { reconcile } = adapter;
    if (reconcile.by === 'none') return { type: 'unsupported' };
    const request = await this.#options.effects.request(call.address);
    const context = await this.#options.callbacks.contextOf(adapter, jobIdOf(call.address));
    const look = { call, adapter, request, context };
    return reconcile.by === 'key' ? this.#byKey(look, reconcile) : this.#byList(look, reconcile);
  }

  async #byKey({ call, adapter, request, context }: Look, reconcile: ByKey): Promise<ReconcileAnswer> {
    const { input, signal } = call;
    const http = reconcile.buildLookup(request, context);
    const result = await this.#options.transport.send(adapter, input.credential, http, { signal });
    if (result.type !== 'response') return { type: 'wait' };
    const found = reconcile.parseLookup(result.response, request, input.credential, context.key);
    if (found.type === 'transient') {
      await this.#options.accounts.judge(input, found.error);
      return waiting(found.error.retryAfterMs);
    }
    if (found.type === 'absent') return found;
    return { type: 'found', ref: await this.#options.vault.kept(found.ref) };
  }

  async #byList(look: Look, reconcile: ByList): Promise<ReconcileAnswer> {
    // What is tagged as this job's own is no twin's.
    const isTagged = reconcile.tagged(look.request, look.context);
    const twinIsPosting = async (): Promise<boolean> => !isTagged && (await this.#twinIsPosting(look));
    if (await twinIsPosting()) return waiting(WAIT_FOR_TWIN_MS);
    const skewMs = isTagged ? TAGGED_SKEW_MS : SKEW_MS;
    const since = (await this.#firstPostAt(look.call.address)) - skewMs;
    const candidates: ListedTask[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < limits.listingPagesMax; pages += 1) {
      const page = await this.#page(look, reconcile, cursor);
      if (page.type === 'wait') return page;
      const ours = page.tasks.filter((task) => reconcile.sameRequest(task, look.request, look.context));
      candidates.push(...ours.filter((task) => task.createdAt >= since));
      const own = isTagged ? await this.#unclaimed(look, candidates) : undefined;
      if (own?.type === 'found') return own;
      const oldest = page.unordered === true ? undefined : page.tasks.at(-1);
      const past = oldest !== undefined && oldest.createdAt < since;
      if (page.next === undefined || past) {
        // A twin that began its POST meanwhile may own what we found, and cannot say so before its answer.
        const unsure = candidates.length > 0 && (await twinIsPosting());
        return unsure ? waiting(WAIT_FOR_TWIN_MS) : this.#unclaimed(look, candidates);
      }
      cursor = page.next;
    }
    return { type: 'wait' };
  }

  async #page(
    { call, adapter, request }: Look,
    reconcile: ByList,
    cursor: string | undefined,
  ): Promise<Extract<ListPage, { type: 'page' }> | Extract<ReconcileAnswer, { type: 'wait' }>> {
    const { input, signal } = call;
    const http = reconcile.buildPage(request, cursor);
    const result = await this.#options.transport.send(adapter, input.credential, http, { signal });
    if (result.type !== 'response') return { type: 'wait' };
    const page = reconcile.parsePage(result.response, request, input.credential, cursor);
    if (page.type === 'page') return page;
    await this.#options.accounts.judge(input, page.error);
    return waiting(page.error.retryAfterMs);
  }

  /** The oldest candidate that no job holds. */
  async #unclaimed({ call }: Look, candidates: readonly ListedTask[]): Promise<ReconcileAnswer> {
    const { provider, credential } = call.input;
    for (const { ref } of candidates.toSorted((a, b) => a.createdAt - b.createdAt)) {
      const holder = await this.#options.kernel.reader.byUnique(jobIndexes.task, [
        provider,
        credential,
        ref.taskId,
      ]);
      if (holder === undefined) return { type: 'found', ref: await this.#options.vault.kept(ref) };
    }
    return { type: 'absent' };
  }

  async #twinIsPosting({ call }: Look): Promise<boolean> {
    const { provider, credential } = call.input;
    const hash = (await this.#context(call.address)).input.requestHash;
    const twins = await this.#options.kernel.reader.byIndex(
      jobIndexes.posting,
      [provider, credential, hash],
      { limit: 2 },
    );
    return twins.items.some((address) => address !== call.address);
  }

  async #firstPostAt(address: string): Promise<number> {
    return (await this.#context(address)).submittedAt;
  }

  async #context(address: string): Promise<JobContext> {
    const actor = await this.#options.kernel.snapshot(address);
    if (actor === undefined) throw new Error(`${address} is gone`);
    return actor.snapshot.context as JobContext;
  }
}

function waiting(retryAfterMs: number | undefined): Extract<ReconcileAnswer, { type: 'wait' }> {
  return { type: 'wait', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
