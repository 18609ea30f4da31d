/**
 * Activation: an actor's record, and a snapshot of it that this process's machine can be stepped from.
 *
 * Callers: the stepper. Invariant: reading changes nothing; what an older actor becomes is written by the
 * stepper, as a step.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { keys } from '../../store/keys.js';
import { wholeOf } from './amortized.js';
import type { Cell } from './cell.js';
import { tombstoneKey } from './collect.js';
import type { CommitLoop } from './commit-loop.js';
import { parsedRow } from './damage.js';
import type { Definition } from './definition.js';
import { envelopeFor } from './envelope.js';
import { indexedBy, NOTHING_INDEXED, type Indexed } from './indexed.js';
import { kernelEvents } from './kernel-events.js';
import { migrateRecord, type Migrated } from './migration.js';
import type { ActorRecord, EventEnvelope } from './record.js';
import { isRecord } from './record-shape.js';
import { restored, unread } from './step.js';

/** An actor of an older version. */
export interface Older {
  readonly type: 'older';
  readonly record: ActorRecord;
  readonly envelope: EventEnvelope;
  readonly migrated: Migrated;
  /** What it is found by now. */
  readonly before: Indexed;
}

export type Found =
  | { readonly type: 'ready' }
  | Older
  | { readonly type: 'unreadable'; readonly error: unknown };

export class Activation {
  readonly #loop: CommitLoop;
  readonly #clock: Clock;

  constructor(loop: CommitLoop, clock: Clock) {
    this.#loop = loop;
    this.#clock = clock;
  }

  /** A live-shaped snapshot of a record; throws ACTOR_QUARANTINED when this machine cannot read it. */
  restore(definition: Definition, record: ActorRecord): AnyMachineSnapshot {
    if (isPresent(definition, record)) return restored(definition.steppable, record.snapshot);
    return this.#migrationOf(definition, record).snapshot;
  }

  /** Fills the cell of an actor that was never there, when the store can say so at once: no promise. */
  fillVacant(cell: Cell): void {
    if (cell.definition.tombstoneMs > 0) return;
    try {
      const stored = this.#loop.read(keys.record(cell.address));
      if (stored === undefined) cell.loaded = true;
      // A store that must wait has not said so at once. The load that follows hears of its faults.
      if (stored instanceof Promise) stored.catch(() => undefined);
    } catch (error) {
      // It is there, and damaged: the load that follows sets it aside.
      if (!isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
    }
  }

  /** Fills a cell from its record. What stands still already is left as it is. */
  async load(cell: Cell): Promise<Found> {
    try {
      return await this.#load(cell);
    } catch (error) {
      if (isHoldfastError(error, 'STORE_CORRUPTED')) return { type: 'unreadable', error };
      throw error;
    }
  }

  async #load(cell: Cell): Promise<Found> {
    const { address, definition } = cell;
    const key = keys.record(address);
    const text = await this.#loop.read(key);
    if (text === undefined) {
      const keeps = definition.tombstoneMs > 0;
      cell.tombstone = keeps && (await this.#loop.read(tombstoneKey(address))) !== undefined;
      cell.loaded = true;
      return { type: 'ready' };
    }
    const record = parsedRow<ActorRecord>(key, text);
    if (!isRecord(record)) {
      const message = `the row ${JSON.stringify(key)} is no actor's record`;
      throw new HoldfastError('STORE_CORRUPTED', message, { details: { key } });
    }
    cell.record = record;
    cell.bytes = text.length + (record.checkpointBytes ?? 0);
    cell.loaded = true;
    try {
      const whole = await wholeOf(this.#loop, definition, address, record);
      cell.record = whole.record;
      cell.paging = whole.paging;
      cell.bytes += whole.paging?.bytes ?? 0;
    } catch (error) {
      if (record.quarantine === undefined) return { type: 'unreadable', error };
    }
    return this.read(cell, cell.record);
  }

  /** The same for a record that is at hand. */
  read(cell: Cell, record: ActorRecord): Found {
    const { address, definition } = cell;
    const actor = { address, ord: record.ord };
    try {
      if (isPresent(definition, record)) {
        cell.snapshot = restored(definition.steppable, record.snapshot);
        cell.indexed = indexedBy(definition, cell.snapshot, actor);
        return { type: 'ready' };
      }
      const before = earlierIndexed(definition, record, address);
      cell.indexed = before;
      if (mayOnlyGo(record)) return { type: 'ready' };
      const envelope = envelopeFor(address, record, {}, undefined, this.#clock.now());
      const event = { type: kernelEvents.migrated, $: envelope };
      const migrated = this.#migrationOf(definition, record, { address, event });
      return { type: 'older', record, envelope, migrated, before };
    } catch (error) {
      cell.indexed = earlierIndexed(definition, record, address);
      return mayOnlyGo(record) ? { type: 'ready' } : { type: 'unreadable', error };
    }
  }

  #migrationOf(
    definition: Definition,
    record: ActorRecord,
    scene: { readonly address?: string; readonly event?: AnyEventObject } = {},
  ): Migrated {
    const { machine, version, hash } = record;
    const shape = this.#loop.shape(definition.kind, version, hash);
    const migrated = migrateRecord(definition, record, { shape, ...scene });
    if (migrated !== undefined) return migrated;
    const nowhere = `nothing leads from there to ${definition.version}`;
    throw new HoldfastError('VERSION_UNKNOWN', `it is of version ${version} of ${machine}, and ${nowhere}`);
  }
}

function isPresent(definition: Definition, record: ActorRecord): boolean {
  return record.version === definition.version;
}

/**
 * True for who waits for its retention, or for an operator: whatever became of its version, it can be removed
 * with all that it is found by.
 */
function mayOnlyGo({ quarantine, status }: ActorRecord): boolean {
  return quarantine !== undefined || status !== 'active';
}

/** What an actor of an older version is found by, as far as the present definition can tell. */
function earlierIndexed(definition: Definition, record: ActorRecord, address: string): Indexed {
  try {
    return indexedBy(definition, unread(record.snapshot), { address, ord: record.ord });
  } catch {
    // Its context is of another shape: those rows stay until they are overwritten.
    return NOTHING_INDEXED;
  }
}
