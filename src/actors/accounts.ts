/**
 * Provider accounts: auth and billing trouble stops an account once, loudly; its jobs keep their places in
 * the pools.
 *
 * Owns: actors of kind `provider`, and the gate of each account's calls. Callers: the job effects,
 * the assembly.
 * Invariant: a gate is open exactly while its actor's newest committed state is `open`.
 */
import type { Logger } from '../log.js';
import { accountIsOpen, type ProviderAccountEvent } from '../machines/index.js';
import type { ProviderError } from '../providers/index.js';
import type { CommittedStep, Kernel, Share } from './kernel/index.js';
import { EffectDeferred } from './kernel/index.js';
import { limits } from '../limits.js';
import { accountDefinition } from './house-machines.js';
import { unlessBad } from './one-of-many.js';

const KIND = 'provider';
/** A share that bounds nothing: it is there to be closed. */
const GATE_LIMIT = 1_000_000;

export interface AccountName {
  readonly provider: string;
  /** The alias of the credential. */
  readonly credential: string;
}

export interface AccountView extends AccountName {
  readonly status: 'open' | 'limited' | 'paused';
  /** `auth` or `billing` while paused. */
  readonly reason?: string;
  readonly message?: string;
}

/** The share that is closed while an account is held back. */
export function gateOf({ provider, credential }: AccountName): Share {
  return { name: `gate:${provider}:${credential}`, limit: GATE_LIMIT };
}

/** The shares every call of an account counts against. */
export function callShares(account: AccountName): readonly Share[] {
  return [
    gateOf(account),
    { name: `account:${account.provider}:${account.credential}`, limit: limits.providerCallsPerAccount },
    { name: 'provider-calls', limit: limits.providerCallsMax },
  ];
}

export class Accounts {
  readonly #kernel: Kernel;
  readonly #clock: { readonly now: () => number };
  readonly #log: Logger;

  constructor(kernel: Kernel, clock: { readonly now: () => number }, log: Logger) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#log = log;
    kernel.define(accountDefinition);
    kernel.onStep((step) => this.#onStep(step));
  }

  /**
   * Closes the gates of accounts that were held back when the process ended. Call before the kernel starts.
   */
  async recover(): Promise<void> {
    for (const account of await this.list()) {
      if (account.status !== 'open') this.#kernel.gate(gateOf(account).name, false);
    }
  }

  async list(): Promise<AccountView[]> {
    const found: AccountView[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#kernel.reader.byKind(KIND, { cursor });
      for (const address of page.items) {
        const actor = await unlessBad(this.#log, address, () => this.#kernel.snapshot(address));
        if (actor !== undefined) found.push(viewOf(actor.snapshot));
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  /** Opens a paused account again, after its key or its credit was mended. */
  async resume(account: AccountName, operator = 'user'): Promise<void> {
    await this.#tell(account, { type: 'account.resume' }, operator);
  }

  /**
   * Judges a fault of a call. Trouble of the account stops it and throws EffectDeferred, so that the effect
   * waits its turn again; everything else is the caller's to handle.
   */
  async judge(account: AccountName, error: ProviderError): Promise<void> {
    if (error.class === 'auth' || error.class === 'billing') {
      await this.#tell(
        account,
        { type: 'account.trouble', class: error.class, message: error.message },
        'effect',
      );
      throw new EffectDeferred(`the account ${account.provider}:${account.credential} is paused`);
    }
    if (error.class === 'rate' && error.retryAfterMs !== undefined) {
      const untilMs = this.#clock.now() + error.retryAfterMs;
      await this.#tell(account, { type: 'account.limited', untilMs }, 'effect');
    }
  }

  async #tell(account: AccountName, event: ProviderAccountEvent, source: string): Promise<void> {
    const { provider, credential: alias } = account;
    const id = `${provider}:${alias}`;
    await this.#kernel.create(KIND, id, { provider, alias }, { source });
    await this.#kernel.send(`${KIND}/${id}`, { ...event }, { source });
  }

  #onStep({ kind, snapshot, entry }: CommittedStep): void {
    if (kind !== KIND) return;
    const account = viewOf(snapshot);
    this.#kernel.gate(gateOf(account).name, accountIsOpen(snapshot));
    for (const { type, ...facts } of entry.emitted ?? []) {
      if (type === 'account.paused') this.#log.error(facts, type);
      else this.#log.info(facts, type);
    }
  }
}

function viewOf(snapshot: { readonly value: unknown; readonly context: unknown }): AccountView {
  const { value } = snapshot;
  const context = snapshot.context as { provider: string; alias: string; message?: string };
  const { provider, alias, message } = context;
  const name = { provider, credential: alias, ...(message === undefined ? {} : { message }) };
  if (typeof value === 'object' && value !== null) {
    return { ...name, status: 'paused', reason: String((value as { paused?: unknown }).paused) };
  }
  return { ...name, status: value === 'limited' ? 'limited' : 'open' };
}
