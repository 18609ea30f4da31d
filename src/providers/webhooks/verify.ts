/**
 * Whose a delivery is: the schemes of an adapter, tried one after the other.
 *
 * Owns: keys and secrets that providers tell, in memory. Callers: the hooks of jobs. Invariants:
 *  W1  One scheme that verifies is enough; one whose signature is there and wrong refuses the delivery, even
 *      where another would take it unsigned.
 *  W2  It never throws for what was sent, nor for what a provider tells of its keys.
 *  W3  A provider is asked for keys at most once in `limits.hookKeysGapMs`.
 */
import type { Clock } from '../../clock.js';
import { limits } from '../../limits.js';
import type { ProviderAdapter, WebhookScheme } from '../port.js';
import { redactError } from '../redact.js';
import type { Transport } from '../transport.js';
import {
  contentId,
  deliveryIdOf,
  type SchemeFinding,
  type WebhookDelivery,
  type WebhookVerdict,
} from './delivery.js';
import { falFinding } from './fal.js';
import { jwtFinding } from './jwt.js';
import { KeySets } from './key-sets.js';
import { Remembered } from './remembered.js';
import { isSignedWith, standardParts } from './standard.js';

type StandardScheme = Extract<WebhookScheme, { readonly type: 'standard' }>;

export class WebhookVerifier {
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #keys: KeySets;
  readonly #secrets: Remembered<string>;

  constructor(clock: Clock, transport: Transport) {
    this.#clock = clock;
    this.#transport = transport;
    this.#keys = new KeySets(clock, transport);
    const { hookKeysMaxAgeMs: maxAgeMs, hookKeysGapMs: gapMs, hookKeysMax: max } = limits;
    this.#secrets = new Remembered({ clock, maxAgeMs, gapMs, max });
  }

  /** `credential` is the alias of the account the hook is for. */
  async verify(
    adapter: ProviderAdapter,
    credential: string,
    delivery: WebhookDelivery,
  ): Promise<WebhookVerdict> {
    const found: SchemeFinding[] = [];
    for (const scheme of adapter.webhook?.schemes ?? []) {
      const finding = await this.#finding(adapter, credential, scheme, delivery);
      if (finding.type === 'signed') return finding;
      found.push(finding);
    }
    for (const finding of found) {
      if (finding.type === 'sender') return { type: 'hint', id: finding.id, authentic: true };
    }
    for (const finding of found) {
      if (finding.type === 'bad') return { type: 'refused', reason: finding.reason };
    }
    for (const finding of found) {
      if (finding.type === 'unchecked') return finding;
    }
    if (found.some(({ type }) => type === 'open')) {
      return { type: 'hint', id: contentId(delivery), authentic: false };
    }
    return { type: 'refused', reason: 'it is not signed' };
  }

  async #finding(
    adapter: ProviderAdapter,
    credential: string,
    scheme: WebhookScheme,
    delivery: WebhookDelivery,
  ): Promise<SchemeFinding> {
    const now = this.#clock.now();
    try {
      switch (scheme.type) {
        case 'standard':
          return await this.#standard(adapter, credential, scheme, delivery);
        case 'fal':
          return await falFinding(this.#keys, adapter, scheme.jwksUrl, delivery, now);
        case 'jwt':
          return await jwtFinding(this.#keys, adapter, scheme, delivery, now);
        case 'unsigned':
          return { type: 'open' };
      }
    } catch (error) {
      return { type: 'bad', reason: `it cannot be read: ${redactError(error)}` };
    }
  }

  async #standard(
    adapter: ProviderAdapter,
    credential: string,
    scheme: StandardScheme,
    delivery: WebhookDelivery,
  ): Promise<SchemeFinding> {
    const secrets = scheme.secrets(credential);
    if (secrets.length === 0 && scheme.told === undefined) return { type: 'open' };
    const parts = standardParts(delivery, this.#clock.now());
    if (parts === 'absent') return { type: 'absent' };
    if ('reason' in parts) return { type: 'bad', reason: parts.reason };
    const good: SchemeFinding = { type: 'signed', id: deliveryIdOf('webhook', parts.id) };
    if (secrets.some((secret) => isSignedWith(secret, parts, delivery.raw))) return good;
    const { told } = scheme;
    const bad: SchemeFinding = { type: 'bad', reason: 'no secret fits its signature' };
    if (told === undefined) return bad;
    const key = `${adapter.id} ${credential}`;
    const ask = (): Promise<string | undefined> => this.#ask(adapter, credential, told);
    const known = await this.#secrets.known(key, ask);
    if (known === undefined && secrets.length === 0) {
      return { type: 'unchecked', reason: 'its secret cannot be asked for' };
    }
    if (known !== undefined && isSignedWith(known, parts, delivery.raw)) return good;
    const renewed = await this.#secrets.renewed(key, ask);
    return renewed !== undefined && isSignedWith(renewed, parts, delivery.raw) ? good : bad;
  }

  async #ask(
    adapter: ProviderAdapter,
    credential: string,
    told: NonNullable<StandardScheme['told']>,
  ): Promise<string | undefined> {
    const result = await this.#transport.send(adapter, credential, told.build(), {
      signal: new AbortController().signal,
      timeoutMs: limits.hookKeysTimeoutMs,
    });
    return result.type === 'response' ? told.parse(result.response) : undefined;
  }
}
