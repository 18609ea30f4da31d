/**
 * The machine of a capsule's actor, in a module.
 *
 * Callers: capsule.ts.
 */
import type { AnyStateMachine } from 'xstate';
import type { Capsule } from '../actors/index.js';
import { HoldfastError } from '../errors.js';
import { isMachine, machinesOf } from './module-machines.js';

export interface FoundMachine {
  readonly machine: AnyStateMachine;
  /** How a program that imports the module gets at it: an export, and what is in it. */
  readonly path: readonly string[];
}

interface Wanted {
  readonly module: string;
  readonly export?: string;
}

/** Throws INVALID_INPUT when the module has no machine of that export or kind. */
export async function machineOf({ kind }: Capsule, wanted: Wanted): Promise<FoundMachine> {
  const all = await machinesOf(wanted.module);
  const name = wanted.export;
  if (name !== undefined) {
    const named = all.find((each) => each.name === name || each.path.join('.') === name);
    if (named !== undefined) return named;
    throw missing(`exports no machine as "${name}"`, 'export');
  }
  const [root = '', ...sources] = kind.split('.');
  const own = all.find((each) => each.kind === kind);
  if (own !== undefined) return own;
  let found: FoundMachine | undefined = all.find((each) => each.kind === root);
  for (const src of sources) {
    const child: unknown = found?.machine.implementations.actors[src];
    const path = [...(found?.path ?? []), 'implementations', 'actors', src];
    found = isMachine(child) ? { machine: child, path } : undefined;
  }
  if (found !== undefined) return found;
  throw missing(`has no machine of the kind "${kind}"; name the export with --export`, 'module');
}

function missing(what: string, field: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"${field}": the module ${what}`, { details: { field } });
}
