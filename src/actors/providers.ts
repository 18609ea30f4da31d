/**
 * The providers façade: who is registered, what they can do, how their accounts are, what their jobs do.
 *
 * Owns: nothing. Callers: users through `runtime.providers`, the control server, the CLI. Invariants:
 *  1  No key is shown, and nothing that is asked for changes anything, here or at a provider.
 *  2  A key function that throws means that there is no key, and is logged.
 */
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { JobStatus } from '../machines/index.js';
import { checkAccount, defaultCredential } from '../providers/index.js';
import type { AccountCheck, AccountLimits, Capabilities, ProviderAdapter } from '../providers/index.js';
import type { Transport } from '../providers/index.js';
import type { Accounts, AccountView } from './accounts.js';
import { JOB_STATUSES, jobIndexes } from './job-index.js';
import type { Kernel } from './kernel/index.js';
import type { ProviderBook } from './provider-book.js';

export interface ProvidersOptions {
  readonly kernel: Kernel;
  readonly providers: ProviderBook;
  readonly accounts: Accounts;
  readonly transport: Transport;
  readonly log: Logger;
}

export interface ProviderView extends Capabilities {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly baseUrl: string;
  /** How a submit whose answer was lost is looked up. */
  readonly reconcile: 'key' | 'list' | 'none';
  /** True when `check` can ask it. */
  readonly checkable: boolean;
  readonly limits: AccountLimits & { readonly concurrent: number };
  /** The account `default`, and those that were ever held back. */
  readonly accounts: readonly (AccountView & { readonly hasKey: boolean })[];
  /** Stored jobs by status; of each status 10,000 are counted at most, and zeros are left out. */
  readonly jobs: Readonly<Partial<Record<JobStatus, number>>>;
}

export interface ProviderCheck {
  readonly provider: string;
  readonly credential: string;
  readonly outcome: AccountCheck['type'];
  readonly error?: { readonly class: string; readonly code: string; readonly message: string };
}

export interface CheckOptions {
  /** The alias of the account; default `default`. */
  readonly credential?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Providers {
  readonly #options: ProvidersOptions;

  constructor(options: ProvidersOptions) {
    this.#options = options;
  }

  /** The ids of all that are registered. */
  get ids(): readonly string[] {
    return this.#options.providers.adapters.map(({ id }) => id);
  }

  /** Every registered provider, in the order of registration. Costs a read of an index row for each job. */
  async list(): Promise<ProviderView[]> {
    const { providers, accounts } = this.#options;
    const known = await accounts.list();
    const views: ProviderView[] = [];
    for (const adapter of providers.adapters) views.push(await this.#viewOf(adapter, known));
    return views;
  }

  /**
   * One authenticated call that changes nothing: whether the provider knows the account. It goes past the
   * account's limits and its gate, and neither pauses it nor opens it. Throws PROVIDER_UNKNOWN,
   * INVALID_INPUT.
   */
  async check(name: string, options: CheckOptions = {}): Promise<ProviderCheck> {
    const { credential = defaultCredential, signal = new AbortController().signal } = options;
    if (typeof credential !== 'string' || credential === '')
      throw new HoldfastError('INVALID_INPUT', '"credential": not the alias of an account');
    const adapter = this.#options.providers.named(name);
    const found = await checkAccount(this.#options.transport, adapter, credential, signal);
    const known = { provider: adapter.id, credential, outcome: found.type };
    if (found.type !== 'failed') return known;
    const { class: errorClass, code, message } = found.error;
    return { ...known, error: { class: errorClass, code, message } };
  }

  async #viewOf(adapter: ProviderAdapter, known: readonly AccountView[]): Promise<ProviderView> {
    const { id, aliases, baseUrl, capabilities, reconcile, check } = adapter;
    const own = known.filter(({ provider }) => provider === id);
    const isKnown = own.some(({ credential }) => credential === defaultCredential);
    const first: AccountView = { provider: id, credential: defaultCredential, status: 'open' };
    const accounts = isKnown ? own : [first, ...own];
    return {
      ...{ id, aliases, baseUrl, ...capabilities },
      reconcile: reconcile.by,
      checkable: check !== undefined,
      limits: { concurrent: limits.providerCallsPerAccount, ...adapter.limits },
      accounts: await Promise.all(
        accounts.map(async (account) => ({ ...account, hasKey: await this.#hasKey(adapter, account) })),
      ),
      jobs: await this.#jobsOf(id),
    };
  }

  async #hasKey(adapter: ProviderAdapter, { credential }: AccountView): Promise<boolean> {
    try {
      return (await adapter.credential(credential)) !== undefined;
    } catch (error) {
      this.#options.log.error({ err: error, provider: adapter.id, credential }, 'provider.key');
      return false;
    }
  }

  async #jobsOf(provider: string): Promise<ProviderView['jobs']> {
    const counted: [JobStatus, number][] = [];
    for (const status of JOB_STATUSES) counted.push([status, await this.#count(provider, status)]);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  }

  async #count(provider: string, status: JobStatus): Promise<number> {
    let count = 0;
    let cursor: string | undefined;
    for (let pages = 0; pages < limits.countedPagesMax; pages += 1) {
      const at = { cursor, limit: limits.scanPageRows };
      const page = await this.#options.kernel.reader.byIndex(jobIndexes.tally, [provider, status], at);
      count += page.items.length;
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    return count;
  }
}
