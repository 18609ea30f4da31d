/**
 * Key sets (JWKS) at the addresses of providers, fetched through the transport and kept for a day at most.
 *
 * Owns: what was fetched, in memory. Callers: the schemes with public keys. Invariants: those of Remembered;
 * the guard of downloads judges the address, no redirect is followed, no credential is sent.
 */
import { limits } from '../../limits.js';
import type { Clock } from '../../clock.js';
import { firstNonJson, isPlainObject } from '../../json.js';
import type { ProviderAdapter } from '../port.js';
import type { Transport } from '../transport.js';
import { Remembered } from './remembered.js';

/** One public key as a JWKS holds it; what is in it is the user's to check. */
export type PublicKey = Readonly<Record<string, unknown>>;

const KEYS_MAX = 100;

export class KeySets {
  readonly #transport: Transport;
  readonly #sets: Remembered<readonly PublicKey[]>;

  constructor(clock: Clock, transport: Transport) {
    this.#transport = transport;
    const { hookKeysMaxAgeMs: maxAgeMs, hookKeysGapMs: gapMs, hookKeysMax: max } = limits;
    this.#sets = new Remembered({ clock, maxAgeMs, gapMs, max });
  }

  /** The keys at `url`; undefined when they cannot be had now. */
  known(adapter: ProviderAdapter, url: string): Promise<readonly PublicKey[] | undefined> {
    return this.#sets.known(url, () => this.#fetch(adapter, url));
  }

  /** The same, fetched anew: for a key that nobody knows. Undefined, too, right after the last time. */
  renewed(adapter: ProviderAdapter, url: string): Promise<readonly PublicKey[] | undefined> {
    return this.#sets.renewed(url, () => this.#fetch(adapter, url));
  }

  async #fetch(adapter: ProviderAdapter, url: string): Promise<readonly PublicKey[] | undefined> {
    const request = { method: 'GET', path: '/', signedUrl: url } as const;
    const result = await this.#transport.send(adapter, '', request, {
      signal: new AbortController().signal,
      timeoutMs: limits.hookKeysTimeoutMs,
    });
    if (result.type !== 'response' || result.response.status !== 200) return undefined;
    return keysIn(result.response.text);
  }
}

function keysIn(text: string): readonly PublicKey[] | undefined {
  try {
    const set: unknown = JSON.parse(text);
    const keys: unknown = isPlainObject(set) && firstNonJson(set) === undefined ? set['keys'] : undefined;
    if (!Array.isArray(keys)) return undefined;
    return keys.filter((key: unknown): key is PublicKey => isPlainObject(key)).slice(0, KEYS_MAX);
  } catch {
    return undefined;
  }
}
