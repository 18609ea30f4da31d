/**
 * `runtime.census`: what a new machine would make of the stored actors of its kind, before it runs.
 *
 * Callers: runtime.ts, offline.ts, the CLI. Invariant: it works with a machine that `define` would refuse
 * for what is stored, and defines nothing.
 */
import type { AnyStateMachine } from 'xstate';
import { isHouseKind } from './actors.js';
import { censusOf, trialOf, type Census } from './kernel/census.js';
import { defineMachine, type Definition, type DefinitionOptions } from './kernel/index.js';
import type { Kernel, StateCount } from './kernel/index.js';

export type { Census, CensusRow, FailedTrial, Trial, Verdict } from './kernel/census.js';

/** The options of `define` that decide what becomes of stored actors; others may be there. */
export interface CensusOptions extends Pick<DefinitionOptions, 'version' | 'migrate' | 'children'> {
  /** Default: the machine's id. */
  readonly kind?: string;
  /**
   * Migrate every older actor in memory too, and say which fail: reads them all, a page at a time. Default:
   * false.
   */
  readonly deep?: boolean;
  /** Called under `deep`, for each actor that is migrated: how many were tried. */
  readonly onProgress?: (tried: number) => void;
  /** Kinds with machines of their own that are named as children of this one would be. */
  readonly others?: readonly string[];
}

export interface StoredCount extends StateCount {
  /** The kind belongs to the runtime itself: users have no machine for it. */
  readonly house: boolean;
}

/** Throws INVALID_DEFINITION for a machine that cannot be durable at all. */
export async function takeCensus(
  kernel: Pick<Kernel, 'counts' | 'shape' | 'definitionOf' | 'reader'>,
  machine: AnyStateMachine,
  options: CensusOptions = {},
): Promise<Census> {
  const definition = definitionOf(machine, options);
  const isOther = (kind: string): boolean =>
    kernel.definitionOf(kind)?.isChild === false || options.others?.includes(kind) === true;
  const census = censusOf(kernel.counts(), definition, isOther);
  if (options.deep !== true) return census;
  const trial = await trialOf(
    kernel.reader,
    definition,
    ({ version, hash }, kind) => kernel.shape(kind, version, hash),
    options.onProgress,
  );
  return { ...census, trial };
}

/** The same from the counts of another process; `deep` needs the actors themselves and is left out. */
export function censusFrom(
  counts: readonly StateCount[],
  machine: AnyStateMachine,
  options: CensusOptions = {},
): Census {
  const { others = [] } = options;
  return censusOf(counts.map(ownCount), definitionOf(machine, options), (kind) => others.includes(kind));
}

/** Counts come with what the other process says of them besides, which is no part of a census. */
function ownCount({ kind, version, hash, state, count, finished, amortized }: StateCount): StateCount {
  return { kind, version, hash, state, count, finished, amortized };
}

/** What a census starts from, for who has the machine in another process. */
export function storedCounts(kernel: Pick<Kernel, 'counts'>): readonly StoredCount[] {
  return kernel.counts().map((row) => ({ ...row, house: isHouseKind(row.kind) }));
}

function definitionOf(machine: AnyStateMachine, options: CensusOptions): Definition {
  const { kind = machine.id, version, migrate, children } = options;
  return defineMachine({
    kind,
    machine,
    ...(version === undefined ? {} : { version }),
    ...(migrate === undefined ? {} : { migrate }),
    ...(children === undefined ? {} : { children }),
  });
}
