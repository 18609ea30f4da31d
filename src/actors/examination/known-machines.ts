/**
 * The machines an examination knows: those of the runtime's own kinds, and what its caller gives.
 *
 * Callers: this folder. Invariant: a record is judged by a machine of its own version and structure, or by
 * none.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { defineMachine, type Definition, type DefinitionOptions } from '../kernel/definition.js';
import { indexedBy, type Indexed } from '../kernel/indexed.js';
import type { ActorRecord } from '../kernel/record.js';
import { restored } from '../kernel/step.js';
import { familyOf } from '../kernel/versions.js';

export class KnownMachines {
  readonly #definitions = new Map<string, Definition>();

  /** Throws INVALID_DEFINITION, as `define` does. */
  constructor(machines: readonly DefinitionOptions[]) {
    for (const options of machines) {
      for (const definition of familyOf(defineMachine(options))) {
        this.#definitions.set(definition.kind, definition);
      }
    }
  }

  /** Of whatever version. */
  ofKind(kind: string): Definition | undefined {
    return this.#definitions.get(kind);
  }

  /** The machine that made a record. */
  of(address: string, { version, hash }: Pick<ActorRecord, 'version' | 'hash'>): Definition | undefined {
    const definition = this.ofKind(splitAddress(address).kind);
    return definition?.version === version && definition.hash === hash ? definition : undefined;
  }

  /** What an actor is found by; undefined when nobody here can tell. */
  indexed(address: string, record: ActorRecord): Indexed | undefined {
    const definition = this.of(address, record);
    const { snapshot, ord } = record;
    if (definition === undefined || (snapshot as Json | undefined) === undefined) return undefined;
    try {
      // A copy: restoring puts references into contexts.
      const live: AnyMachineSnapshot = restored(definition.steppable, structuredClone(snapshot));
      return indexedBy(definition, live, { address, ord });
    } catch {
      // The machine cannot read what it wrote, or its indexes throw: the kernel says so when it wakes up.
      return undefined;
    }
  }
}
