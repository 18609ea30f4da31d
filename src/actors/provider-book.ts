/**
 * The providers of one runtime, by id and by every other name users know them by.
 *
 * Callers: the façades. Invariant: a name stands for one adapter.
 */
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { checkAccountLimits, checkJobTimes } from '../providers/index.js';
import type { AccountLimits, ProviderAdapter } from '../providers/index.js';

export class ProviderBook {
  readonly #byName = new Map<string, ProviderAdapter>();
  readonly adapters: readonly ProviderAdapter[];

  /** Throws INVALID_OPTIONS when two adapters share a name, or one has limits or times nobody can keep. */
  constructor(adapters: readonly ProviderAdapter[]) {
    this.adapters = adapters;
    for (const adapter of adapters) {
      checkAccountLimits(adapter.id, adapter.limits);
      checkJobTimes(adapter.id, adapter.jobs);
      for (const name of [adapter.id, ...adapter.aliases]) {
        if (this.#byName.has(name)) {
          throw new HoldfastError('INVALID_OPTIONS', `providers: two adapters are named "${name}"`);
        }
        this.#byName.set(name, adapter);
      }
    }
  }

  /** What each account of a provider may do. */
  readonly limitsOf = (name: string): AccountLimits => this.#byName.get(name)?.limits ?? {};

  /** The most that one account of any of them may have out at once. */
  get concurrentMax(): number {
    const allowed = this.adapters.map((adapter) => adapter.limits?.concurrent ?? 0);
    return Math.max(limits.providerCallsPerAccount, ...allowed);
  }

  get(name: string): ProviderAdapter | undefined {
    return this.#byName.get(name);
  }

  /** The adapter of a name a user gave. Throws PROVIDER_UNKNOWN with the names there are. */
  named(name: string): ProviderAdapter {
    const adapter = this.#byName.get(name);
    if (adapter !== undefined) return adapter;
    const known = [...this.#byName.keys()].join(', ') || 'none';
    throw new HoldfastError('PROVIDER_UNKNOWN', `no provider is named "${name}"; registered: ${known}`);
  }
}
