/**
 * The providers of one runtime, by id and by every other name users know them by.
 *
 * Callers: the façades. Invariant: a name stands for one adapter.
 */
import { HoldfastError } from '../errors.js';
import type { ProviderAdapter } from '../providers/index.js';

export class ProviderBook {
  readonly #byName = new Map<string, ProviderAdapter>();
  readonly adapters: readonly ProviderAdapter[];

  /** Throws INVALID_OPTIONS when two adapters share a name. */
  constructor(adapters: readonly ProviderAdapter[]) {
    this.adapters = adapters;
    for (const adapter of adapters) {
      for (const name of [adapter.id, ...adapter.aliases]) {
        if (this.#byName.has(name)) {
          throw new HoldfastError('INVALID_OPTIONS', `providers: two adapters are named "${name}"`);
        }
        this.#byName.set(name, adapter);
      }
    }
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
