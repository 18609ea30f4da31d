/**
 * Exporting an actor as a capsule, and importing one: `runtime.export` and `runtime.import`.
 *
 * Owns: nothing. Callers: the assembly, and users through it. Invariants:
 *  1  A capsule is of one moment, and of what is on disk (K1). It needs no machine.
 *  2  What is imported was checked before, comes in by one commit, and stands still: nothing of it runs until
 *     an operator says so.
 */
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import { addressOf, splitAddress, type Address } from '../../ids.js';
import type { ActorRows, Kernel } from '../kernel/index.js';
import { chained, sealed, type Capsule } from './capsule.js';
import { parseCapsule } from './parse.js';
import { redactRows, type Redact } from './redaction.js';

export interface ExportOptions {
  /**
   * A rule of one's own, beside those that always hold. `false`: nothing is taken out, secrets included; for
   * a capsule that stays where the store is.
   */
  readonly redact?: Redact | false | undefined;
}

export interface ImportOptions {
  /** Default: the one it had. Under another, effects run under other ids: see `recovery: 'idempotent'`. */
  readonly id?: string | undefined;
  /** An actor with stand-ins for secrets: `refuse` (default) refuses to resume it, `accept` does not. */
  readonly standIns?: 'refuse' | 'accept' | undefined;
  /**
   * What becomes of children that are actors of their own: `refuse` (default) refuses the import; with
   * `failed` the actor hears that each of them failed, once it is resumed.
   */
  readonly children?: 'refuse' | 'failed' | undefined;
}

/** What names an actor: its address, or a ref. */
export type ActorName = string | { readonly address: string };

export class Capsules {
  readonly #kernel: Pick<Kernel, 'transfer'>;
  readonly #clock: Clock;

  constructor(kernel: Pick<Kernel, 'transfer'>, clock: Clock) {
    this.#kernel = kernel;
    this.#clock = clock;
  }

  /** See `Runtime.export`. */
  async export(actor: ActorName, { redact }: ExportOptions = {}): Promise<Capsule> {
    const address = typeof actor === 'string' ? actor : actor.address;
    const { kind, id } = splitAddress(address);
    addressOf(kind, id);
    const found = await this.#kernel.transfer.read(address);
    if (found === undefined) throw new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`);
    const { rows, pointers } = redactRows(found, redact);
    const { record, checkpoint, journal, outbox, inbox, payloads, holds, shape, gaps } = rows;
    const { machine, version, hash } = record;
    return sealed({
      format: 1,
      address,
      kind,
      id,
      machine,
      version,
      hash,
      exportedAt: this.#clock.now(),
      record,
      ...(checkpoint && { checkpoint }),
      journal: chained(journal),
      outbox,
      inbox,
      payloads,
      ...(holds && { holds }),
      ...(shape && { shape }),
      gaps,
      redacted: pointers,
    });
  }

  /** See `Runtime.import`. */
  async import(given: unknown, options: ImportOptions = {}): Promise<Address> {
    checkOptions(options);
    const capsule = parseCapsule(given);
    const { id = capsule.id, standIns, children } = options;
    const address = addressOf(capsule.kind, id);
    checkFit(capsule, children === 'failed');
    const isGuarded = capsule.redacted.length > 0 && standIns !== 'accept';
    await this.#kernel.transfer.write({
      address,
      origin: capsule.address,
      rows: rowsOf(capsule),
      reason: { message: messageOf(capsule), ...(isGuarded && { redacted: true }) },
    });
    return address;
  }
}

/** The rows that a capsule was made of. */
function rowsOf({ checkpoint, journal, holds, shape, ...capsule }: Capsule): ActorRows {
  const { record, outbox, inbox, payloads, gaps } = capsule;
  const entries = journal.map(({ entry }) => entry);
  const some = { ...(checkpoint && { checkpoint }), ...(holds && { holds }), ...(shape && { shape }) };
  return { record, journal: entries, outbox, inbox, payloads, gaps, ...some };
}

function checkFit({ address, gaps, record }: Capsule, takesChildren: boolean): void {
  const [gap] = gaps;
  if (gap !== undefined) {
    const message = `${address}: the ${gap.what} ${gap.which} was missing when it was exported`;
    throw new HoldfastError('CAPSULE_UNFIT', message, { details: { address } });
  }
  const [child] = record.children ?? [];
  if (child === undefined || takesChildren) return;
  const message = `${address} has children, ${child.address} for one; import it with children: "failed"`;
  throw new HoldfastError('CAPSULE_UNFIT', message, { details: { address } });
}

function messageOf({ address, record }: Capsule): string {
  const { quarantine } = record;
  const stood = quarantine === undefined ? '' : `; it stood still: ${quarantine.code} ${quarantine.message}`;
  return `imported from ${address} at step ${record.seq}${stood}`;
}

function checkOptions({ standIns = 'refuse', children = 'refuse' }: ImportOptions): void {
  const wrong = (field: string, words: string): never => {
    throw new HoldfastError('INVALID_INPUT', `"${field}": ${words}`, { details: { field } });
  };
  if (standIns !== 'refuse' && standIns !== 'accept') wrong('standIns', 'neither "refuse" nor "accept"');
  if (children !== 'refuse' && children !== 'failed') wrong('children', 'neither "refuse" nor "failed"');
}
