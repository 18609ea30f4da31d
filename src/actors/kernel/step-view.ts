/**
 * What one step sees of the world around it: who it is, and who has a system id (K8).
 *
 * Callers: the stepper, replay. Invariants:
 *  V1  A step is pure: one that asked for what is not in memory is given up, and taken again once it has
 *      been read.
 *  V2  What was asked and told is kept, for the journal: a replay is told the same.
 */
import { keys } from '../../store/keys.js';
import { splitAddress } from '../../ids.js';
import type { CommitLoop } from './commit-loop.js';
import type { ParentRef } from './record.js';
import type { StepEnvironment, SystemTarget } from './step-scope.js';
import type { Special } from './turn-shapes.js';

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
    this.told ??= {};
    const told = this.told[systemId];
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

  #tell(systemId: string, text: string | undefined): SystemTarget | undefined {
    const target = text === undefined ? null : (JSON.parse(text) as SystemTarget);
    this.told ??= {};
    this.told[systemId] = target;
    return target ?? undefined;
  }
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
    system: (systemId) => told?.[systemId] ?? undefined,
  };
}
