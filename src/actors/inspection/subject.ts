/**
 * What is looked at of one actor: from its rows in the store, or from a capsule.
 *
 * Callers: this folder. Invariants:
 *  1  What is read is on disk (K1), and of one moment: steps that came while it was read are not in it.
 *  2  A machine is given only where it is of the actor's version and structure: others would say something
 *     else of it.
 */
import type { AnyStateMachine } from 'xstate';
import { HoldfastError, isEndOfWriting } from '../../errors.js';
import { addressOf, splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { defineMachine } from '../kernel/definition.js';
import type { ActorRecord, Definition } from '../kernel/index.js';
import type { Shape } from '../kernel/shape.js';
import type { Scene } from './scene.js';

export interface Subject {
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  /** Its snapshot too, where that could be made. */
  readonly record: ActorRecord;
  /** Whose steps it takes; undefined where no such machine is known here. */
  readonly definition: Definition | undefined;
  readonly shape: Shape | undefined;
}

/** Throws INVALID_ID, ACTOR_NOT_FOUND, STORE_CORRUPTED. */
export async function subjectOf(scene: Scene, address: string): Promise<Subject> {
  const { kind, id } = splitAddress(address);
  addressOf(kind, id);
  const { reader } = scene.kernel;
  const record = await reader.recordOnDisk(address);
  if (record === undefined) throw new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`);
  const definition = definitionFor(scene, kind, record);
  const shape = scene.kernel.shape(kind, record.version, record.hash);
  return { address, kind, id, record, definition, shape };
}

/** The machine that an actor is of, where this process has it: the defined one, or one to migrate from. */
export function definitionFor(
  { kernel }: Scene,
  kind: string,
  { version, hash }: Pick<ActorRecord, 'version' | 'hash'>,
): Definition | undefined {
  const defined = kernel.definitionOf(kind);
  if (defined === undefined) return undefined;
  if (defined.version === version && defined.hash === hash) return defined;
  const machine: AnyStateMachine | undefined = defined.migrate?.machines?.[version];
  const earlier =
    machine &&
    defineMachine({
      kind,
      machine,
      version,
      ...(defined.paged !== undefined && { paged: defined.paged, snapshot: 'amortized' as const }),
    });
  return earlier?.hash === hash ? earlier : undefined;
}

/**
 * The same with its snapshot, which an amortized actor's record is without; as it is where no machine can
 * make it.
 */
export async function withSnapshot(scene: Scene, subject: Subject): Promise<Subject> {
  const { address, record, definition } = subject;
  if (definition === undefined || (record.snapshot as Json | undefined) !== undefined) return subject;
  try {
    return { ...subject, record: await scene.kernel.reader.whole(definition, { address, record }) };
  } catch (error) {
    // Rows that cannot be read, or the user's machine: whatever it throws, the rest is shown.
    if (isEndOfWriting(error)) throw error;
    return subject;
  }
}

/** The first of its kept steps. */
export function firstSeqOf({ marks }: ActorRecord): number {
  return (marks[0]?.[0] ?? 0) + 1;
}
