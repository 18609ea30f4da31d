/**
 * `runtime.census`: what a new machine would make of the stored actors of its kind, before it runs.
 *
 * Callers: runtime.ts. Invariant: it works with a machine that `define` would refuse for what is stored, and
 * defines nothing.
 */
import type { AnyStateMachine } from 'xstate';
import { censusOf, trialOf, type Census } from './kernel/census.js';
import { defineMachine, type DefinitionOptions, type Kernel } from './kernel/index.js';

/** The options of `define` that decide what becomes of stored actors; the others may be there. */
export interface CensusOptions extends Pick<DefinitionOptions, 'version' | 'migrate' | 'children'> {
  /** Default: the machine's id. */
  readonly kind?: string;
  /**
   * Migrate every older actor in memory too, and say which fail: reads them all, a page at a time. Default:
   * false.
   */
  readonly deep?: boolean;
}

type Stored = Pick<Kernel, 'counts' | 'shape' | 'definitionOf' | 'reader'>;

/** Throws INVALID_DEFINITION for a machine that cannot be durable at all. */
export async function takeCensus(
  kernel: Stored,
  machine: AnyStateMachine,
  options: CensusOptions = {},
): Promise<Census> {
  const { kind = machine.id, deep = false, version, migrate, children } = options;
  const definition = defineMachine({
    kind,
    machine,
    ...(version === undefined ? {} : { version }),
    ...(migrate === undefined ? {} : { migrate }),
    ...(children === undefined ? {} : { children }),
  });
  const isOther = (each: string): boolean => kernel.definitionOf(each)?.isChild === false;
  const census = censusOf(kernel.counts(), definition, isOther);
  if (!deep) return census;
  const shapeOf = ({ version: of, hash }: { version: string; hash: string }, each: string) =>
    kernel.shape(each, of, hash);
  return { ...census, trial: await trialOf(kernel.reader, definition, shapeOf) };
}
