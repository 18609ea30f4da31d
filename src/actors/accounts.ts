/**
 * Provider accounts: auth and billing trouble stops an account once, loudly; its jobs keep their places in
 * the pools.
 *
 * Owns: actors of kind `provider`, and two gates an account: of its submits, and of its other calls.
 * Callers: the job effects, the assembly.
 * Invariants:
 *  1  A gate is open exactly while its actor's newest committed state holds nothing back behind it.
 *  2  A submit that cannot be paid holds back the submits alone: what is paid for is polled and fetched.
 */
import type { Logger } from '../log.js';
import { ACCOUNT_PAUSED, accountHolds } from '../machines/index.js';
import type { AccountHold, ProviderAccountContext, ProviderAccountEvent } from '../machines/index.js';
import type { SubmitAnswer } from '../machines/index.js';
import { decisions } from '../providers/index.js';
import type { AccountLimits, ProviderError, ProviderErrorClass } from '../providers/index.js';
import type { CommittedStep, Kernel, SendOptions, Share } from './kernel/index.js';
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
  /** While it is not open: what waits for it to be. */
  readonly holds?: AccountHold;
  /** While it is `limited`: epoch milliseconds. */
  readonly untilMs?: number;
}

/** The share that is closed while all calls of an account, or its submits, are held back. */
export function gateOf({ provider, credential }: AccountName, of: AccountHold = 'calls'): Share {
  const own = of === 'submits' ? 'submit-gate' : 'gate';
  return { name: `${own}:${provider}:${credential}`, limit: GATE_LIMIT };
}

function rateOf(perMinute: number | undefined): Pick<Share, 'rate'> {
  return perMinute === undefined ? {} : { rate: { perMinute } };
}

/** The shares every call of an account counts against. */
export function callShares(account: AccountName, allowed: AccountLimits): readonly Share[] {
  const { concurrent = limits.providerCallsPerAccount, perMinute, together } = allowed;
  const all = { concurrent: limits.providerCallsMax, ...together };
  return [
    gateOf(account),
    {
      name: `account:${account.provider}:${account.credential}`,
      limit: concurrent,
      ...rateOf(perMinute),
    },
    ...(together === undefined
      ? []
      : [{ name: `provider:${account.provider}`, limit: all.concurrent, ...rateOf(all.perMinute) }]),
    { name: 'provider-calls', limit: limits.providerCallsMax },
  ];
}

export class Accounts {
  readonly #kernel: Kernel;
  readonly #clock: { readonly now: () => number };
  readonly #log: Logger;
  readonly #wakers: (() => Promise<void>)[] = [];

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
      this.#hold(account, account.holds);
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

  /** How an account is; `open` when nothing was ever wrong with it. */
  async get(account: AccountName): Promise<AccountView> {
    const actor = await this.#kernel.snapshot(addressOf(account));
    return actor === undefined ? { ...nameOf(account), status: 'open' } : viewOf(actor.snapshot);
  }

  /**
   * Opens a paused account again, after its key or its credit was mended, and wakes the blocked jobs whose
   * key, or account, is there by now. `sent`: what else the step is sent with.
   */
  async resume(
    account: AccountName,
    operator = 'user',
    sent: Pick<SendOptions, 'id' | 'fence'> = {},
  ): Promise<void> {
    await this.#tell(account, { type: 'account.resume' }, { ...sent, source: operator });
    for (const wake of this.#wakers) await wake();
  }

  /** `wake` is called after each `resume`; when the process dies before it, the next start does the same. */
  onResume(wake: () => Promise<void>): void {
    this.#wakers.push(wake);
  }

  /**
   * Judges a fault of a call. Trouble of the account stops it and throws EffectDeferred, so that the effect
   * waits its turn again; everything else is the caller's to handle.
   */
  async judge(account: AccountName, error: ProviderError, of: AccountHold = 'calls'): Promise<void> {
    if ((await this.report(account, error, of)) === 'paused')
      throw new EffectDeferred(`the account ${account.provider}:${account.credential} is paused`);
  }

  /**
   * Tells the account of a fault of a call, as the table of decisions says, and what that made of it. `of`:
   * whether it was a submit's, whose want of credit is no trouble of the other calls.
   */
  async report(
    account: AccountName,
    error: ProviderError,
    of: AccountHold = 'calls',
  ): Promise<'paused' | 'limited' | 'same'> {
    const { account: decision } = decisions[error.class];
    if (decision === 'pause' && isTrouble(error.class)) {
      const holds = error.class === 'billing' ? of : 'calls';
      const trouble = { class: error.class, message: error.message, holds };
      await this.#tell(account, { type: 'account.trouble', ...trouble }, { source: 'effect' });
      return 'paused';
    }
    if (decision !== 'limit' || error.retryAfterMs === undefined) return 'same';
    const untilMs = this.#clock.now() + error.retryAfterMs;
    await this.#tell(account, { type: 'account.limited', untilMs }, { source: 'effect' });
    return 'limited';
  }

  /** What a submit is answered that does not wait for an account that is held back. */
  async held(
    account: AccountName,
  ): Promise<Extract<SubmitAnswer, { type: 'blocked' | 'rejected' }> | undefined> {
    const { status, reason = 'auth', message = 'no reason given', untilMs = 0 } = await this.get(account);
    if (status === 'open') return undefined;
    const who = `the account ${account.provider}:${account.credential}`;
    if (status === 'paused') {
      const words = { class: reason, code: ACCOUNT_PAUSED, message: `${who} is paused: ${message}` };
      return { type: 'blocked', error: { ...words, retryable: false } };
    }
    const retryAfterMs = Math.max(0, untilMs - this.#clock.now());
    const words = { class: 'rate', code: 'accountLimited', message: `${who} is held back for a while` };
    return { type: 'rejected', error: { ...words, retryable: true, retryAfterMs } };
  }

  async #tell(
    account: AccountName,
    event: ProviderAccountEvent,
    sent: SendOptions & { readonly source: string },
  ): Promise<void> {
    const { provider, credential: alias } = account;
    const { source } = sent;
    await this.#kernel.create(KIND, `${provider}:${alias}`, { provider, alias }, { source });
    await this.#kernel.send(addressOf(account), { ...event }, sent);
  }

  #hold(account: AccountName, holds: AccountHold | undefined): void {
    this.#kernel.gate(gateOf(account, 'submits').name, holds === undefined);
    this.#kernel.gate(gateOf(account, 'calls').name, holds !== 'calls');
  }

  #onStep({ kind, snapshot, entry }: CommittedStep): void {
    if (kind !== KIND) return;
    const account = viewOf(snapshot);
    this.#hold(account, account.holds);
    for (const { type, ...facts } of entry.emitted ?? []) {
      if (type === 'account.paused') this.#log.error(facts, type);
      else this.#log.info(facts, type);
    }
  }
}

function addressOf({ provider, credential }: AccountName): string {
  return `${KIND}/${provider}:${credential}`;
}

function nameOf({ provider, credential }: AccountName): AccountName {
  return { provider, credential };
}

function isTrouble(errorClass: ProviderErrorClass): errorClass is 'auth' | 'billing' {
  return errorClass === 'auth' || errorClass === 'billing';
}

function viewOf(snapshot: { readonly value: unknown; readonly context: unknown }): AccountView {
  const { value } = snapshot;
  const { provider, alias, message, limitedUntil } = snapshot.context as ProviderAccountContext;
  const holds = accountHolds(snapshot);
  const name = {
    provider,
    credential: alias,
    ...(message === undefined ? {} : { message }),
    ...(holds === undefined ? {} : { holds }),
  };
  if (typeof value === 'object' && value !== null) {
    return { ...name, status: 'paused', reason: String((value as { paused?: unknown }).paused) };
  }
  if (value !== 'limited') return { ...name, status: 'open' };
  return { ...name, status: 'limited', ...(limitedUntil === undefined ? {} : { untilMs: limitedUntil }) };
}
