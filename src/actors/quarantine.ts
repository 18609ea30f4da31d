/**
 * Who stands still, and an operator's ways out: `runtime.quarantine`.
 *
 * Owns: nothing; the kernel keeps the actors and the index of them (K14). Callers: the assembly, users and
 * the control door through it. Invariants:
 *  1  What is listed is on disk.
 *  2  An operator's act is refused, and changes nothing, when the actor does not stand still.
 */
import { HoldfastError, isHoldfastError } from '../errors.js';
import { addressOf, splitAddress } from '../ids.js';
import type { JsonEvent } from '../json.js';
import { checkPage } from './actor-view.js';
import { QUARANTINE_INDEX, type Kernel, type Page, type Quarantine as Reason } from './kernel/index.js';
import { checkedOperator, type ActOptions, type OperatorOptions } from './operator.js';

/** An actor that stands still, and why. */
export interface QuarantineView {
  /** `kind/id`. */
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  /** Of the error: `THREW` for one without a code, `STORE_CORRUPTED` when its own row cannot be read. */
  readonly code: string;
  readonly message: string;
  /** Since when; absent when its row cannot be read. */
  readonly at?: number;
  /** What it could not take; absent when the actor itself could not be read. */
  readonly event?: JsonEvent;
  /** Who sent that. */
  readonly source?: string;
}

export interface ListQuarantined {
  /** Default: of every kind. */
  readonly kind?: string | undefined;
  /** What an earlier page returned. */
  readonly cursor?: string | undefined;
  /** 1 or more, default 100; no page has more than 1,000. */
  readonly limit?: number | undefined;
}

export class Quarantine {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** One page of those who stand still, by kind and id. */
  async list({ kind, cursor, limit }: ListQuarantined = {}): Promise<Page<QuarantineView>> {
    if (kind !== undefined) addressOf(kind, 'id');
    checkPage({ cursor, limit });
    const { reader } = this.#kernel;
    const page = await reader.byIndex(QUARANTINE_INDEX, kind === undefined ? [] : [kind], { cursor, limit });
    const found = await Promise.all(page.items.map((address) => this.#find(address)));
    return { ...page, items: found.filter((one) => typeof one === 'object') };
  }

  /** One who stands still. Throws ACTOR_NOT_FOUND, ACTOR_NOT_QUARANTINED, INVALID_ID. */
  async get(address: string): Promise<QuarantineView> {
    const { kind, id } = splitAddress(address);
    addressOf(kind, id);
    const found = await this.#find(address);
    if (typeof found === 'object') return found;
    if (found === 'missing') throw new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`);
    throw new HoldfastError('ACTOR_NOT_QUARANTINED', `${address} does not stand still`);
  }

  /**
   * The actor takes again what it could not take. Throws ACTOR_NOT_FOUND, ACTOR_NOT_QUARANTINED, INVALID_ID,
   * INVALID_INPUT for an operator's name (default `api`) that is none, KIND_UNKNOWN when this process does
   * not define its machine, ACTOR_QUARANTINED when it throws as before, ACTOR_FAILED when its supervision
   * restarts or ends it instead, NOT_UNIQUE when it was imported and another actor has a key of its own.
   */
  resume(address: string, options?: OperatorOptions): Promise<void> {
    return this.#operate('resume', address, options);
  }

  /**
   * The actor goes on without what it could not take. Throws as `resume`, and ACTOR_QUARANTINED when the
   * actor itself cannot be read: there is nothing to skip.
   */
  skip(address: string, options?: OperatorOptions): Promise<void> {
    return this.#operate('skip', address, options);
  }

  /** The actor ends and is removed; a parent gets `xstate.error.actor.<child>`. Throws as `resume`. */
  dismiss(address: string, options?: OperatorOptions): Promise<void> {
    return this.#operate('dismiss', address, options);
  }

  async #operate(
    what: 'resume' | 'skip' | 'dismiss',
    address: string,
    { operator = 'api', fence }: ActOptions = {},
  ): Promise<void> {
    checkedOperator(operator);
    const { kind, id } = splitAddress(address);
    addressOf(kind, id);
    if (this.#kernel.definitionOf(kind) === undefined) {
      const where = 'do it in the process that does, while it runs';
      throw new HoldfastError(
        'KIND_UNKNOWN',
        `this process does not define the machine of "${kind}"; ${where}`,
      );
    }
    await this.#kernel.operate(what, address, operator, fence);
  }

  async #find(address: string): Promise<QuarantineView | 'missing' | 'well'> {
    try {
      const record = await this.#kernel.reader.recordOnDisk(address);
      if (record === undefined) return 'missing';
      return record.quarantine === undefined ? 'well' : quarantineView(address, record.quarantine);
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
      const { code, message } = error;
      return { address, ...splitAddress(address), code, message };
    }
  }
}

/** As it is listed. */
export function quarantineView(address: string, reason: Reason): QuarantineView {
  const { code, message, at, event, source } = reason;
  const failed = { ...(event && { event }), ...(source !== undefined && { source }) };
  return { address, ...splitAddress(address), code, message, at, ...failed };
}
