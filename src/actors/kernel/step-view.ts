/**
 * What one step sees of the world around it: who it is, and who has a system id (K8).
 *
 * Callers: the stepper, replay. Invariants:
 *  V1  A step is pure: one that asked for what is not in memory is given up, and taken again once it has
 *      been read.
 *  V2  A system id whose holder is about to be stopped, its parent having left, is waited for: the stop is on
 *      its way, and may come later than what takes its place.
 *  V3  What was asked and told is kept, for the journal: a replay is told the same.
 */
import { keys } from '../../store/keys.js';
import { splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import type { CommitLoop } from './commit-loop.js';
import type { ActorRecord, ParentRef } from './record.js';
import type { StepEnvironment, SystemTarget } from './step-scope.js';
import type { Special } from './turn-shapes.js';

/** Row `y`. */
export interface SystemRow extends SystemTarget {
  /** Whose step gave it away, and takes it back. */
  readonly owner: string;
}

type Told = Record<string, SystemTarget | null>;

export class StepView implements StepEnvironment {
  readonly address: string;
  readonly id: string;
  readonly hasParent: boolean;
  readonly seq: number;
  readonly #root: string;
  readonly #loop: CommitLoop;
  readonly #freed: readonly string[];
  /** What the step asked and was told; undefined while it asked nothing. */
  told: Told | undefined;
  /** Moments that may still be spent on waiting (V2). */
  #momentsLeft: number = limits.systemIdMomentsMax;
  /** Set while an answer is being read: the step's result is worth nothing. */
  pending: Promise<void> | undefined;

  /** `freed`: system ids that the step gives back before anything else. */
  constructor(
    loop: CommitLoop,
    address: string,
    seq: number,
    parent: ParentRef | undefined,
    freed: readonly string[] = [],
  ) {
    this.address = address;
    this.id = parent?.child ?? splitAddress(address).id;
    this.hasParent = parent !== undefined;
    this.seq = seq;
    this.#root = parent?.root ?? address;
    this.#loop = loop;
    this.#freed = freed;
  }

  system(systemId: string): SystemTarget | undefined {
    const told = this.told?.[systemId];
    if (told !== undefined) return told ?? undefined;
    if (this.#freed.includes(systemId)) return this.#tell(systemId, undefined);
    const found = this.#loop.read(keys.system(this.#root, systemId));
    if (!(found instanceof Promise)) return this.#tell(systemId, found);
    this.pending = found.then((text) => {
      this.pending = undefined;
      this.#tell(systemId, text);
    });
    throw new Error('the step is taken again once this is read');
  }

  taken(systemId: string): void {
    if (this.#momentsLeft === 0) return;
    this.#momentsLeft -= 1;
    this.pending = this.#untilFree(systemId).finally(() => {
      this.pending = undefined;
    });
    throw new Error('the step is taken again once this is known');
  }

  /** After a moment the step asks again; if it need not wait, it asks no more. */
  async #untilFree(systemId: string): Promise<void> {
    const text = await this.#loop.read(keys.system(this.#root, systemId));
    const owner = text === undefined ? undefined : (JSON.parse(text) as SystemRow).owner;
    if (owner !== undefined && !(await this.#isLeaving(owner))) {
      this.#momentsLeft = 0;
      return;
    }
    await this.#loop.nextCommit();
    await this.#loop.moment();
    delete this.told?.[systemId];
  }

  /** True for an actor that has ended, or whose parent, or a parent of that, has left it. */
  async #isLeaving(owner: string): Promise<boolean> {
    let record = await this.#recordOf(owner);
    while (record?.status === 'active' && record.parent !== undefined && owner !== this.address) {
      const { address, id } = record.parent;
      const above = await this.#recordOf(address);
      if (above?.children?.some((child) => child.id === id) !== true) return true;
      owner = address;
      record = above;
    }
    return record?.status !== 'active';
  }

  async #recordOf(address: string): Promise<ActorRecord | undefined> {
    const text = await this.#loop.read(keys.record(address));
    return text === undefined ? undefined : (JSON.parse(text) as ActorRecord);
  }

  #tell(systemId: string, text: string | undefined): SystemTarget | undefined {
    const target = text === undefined ? null : targetOf(JSON.parse(text) as SystemRow);
    // Without a prototype: "constructor" is a system id like any other.
    this.told ??= Object.create(null) as Told;
    this.told[systemId] = target;
    return target ?? undefined;
  }
}

function targetOf({ address, effect }: SystemRow): SystemTarget {
  return effect === undefined ? { address } : { address, effect };
}

/** What a step is journaled with, beside what is special about it already. */
export function toldBy({ told }: StepView, special: Special | undefined): Special | undefined {
  return told === undefined ? special : { ...special, system: told };
}

/** The same for a replay, which is told what its journal entry says. */
export function replayView(
  address: string,
  seq: number,
  parent: ParentRef | undefined,
  told: Readonly<Told> | undefined,
): StepEnvironment {
  return {
    address,
    id: parent?.child ?? splitAddress(address).id,
    hasParent: parent !== undefined,
    seq,
    system: (systemId) =>
      told !== undefined && Object.hasOwn(told, systemId) ? (told[systemId] ?? undefined) : undefined,
  };
}
