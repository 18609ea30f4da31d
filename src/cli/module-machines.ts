/**
 * The machines a module exports, with what `define` is told of them: what a deploy gate looks at.
 *
 * Callers: census.ts, doctor.ts, capsule-machine.ts; serve.ts loads with it. Invariant: the module is code of
 * the user's and runs; what it throws is told as a fault of the module.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { CensusOptions, DoctorMachine, OfflineRuntime } from '../index.js';
import { isPlainObject } from '../json.js';

export interface ModuleMachine {
  /** The export it was found under. */
  readonly name: string;
  /** The machine itself, from that export on. */
  readonly path: readonly string[];
  readonly kind: string;
  readonly machine: AnyStateMachine;
  readonly options: Pick<CensusOptions, 'version' | 'migrate' | 'children'> & Pick<DoctorMachine, 'indexes'>;
}

/**
 * Every export that is an XState machine, or an object of define options with a `machine`, or a list or an
 * object of those. Throws INVALID_INPUT when there is none, when two share a kind, or when the module cannot
 * be loaded.
 */
export async function machinesOf(path: string): Promise<readonly ModuleMachine[]> {
  const found = new Map<string, ModuleMachine>();
  for (const [name, value] of Object.entries(await loaded(path))) {
    for (const one of machinesIn(name, value)) {
      const known = found.get(one.kind);
      if (known !== undefined && known.machine !== one.machine)
        throw unusable(`${known.name} and ${one.name} are both of the kind "${one.kind}"`);
      // A machine that is exported by itself too says less than the object it is in.
      if (known === undefined || Object.keys(one.options).length > 0) found.set(one.kind, one);
    }
  }
  if (found.size === 0) throw unusable(`${path} exports no machine, and no object with a machine`);
  return [...found.values()];
}

/** Makes the machines of a module known in a directory that nobody runs. Throws as `define`. */
export async function defineMachines(offline: OfflineRuntime, path: string): Promise<void> {
  for (const { kind, machine, options } of await machinesOf(path)) {
    const { version, migrate, children, indexes } = options;
    offline.define(machine, {
      kind,
      ...(version !== undefined && { version }),
      ...(migrate !== undefined && { migrate }),
      ...(children !== undefined && { children }),
      ...(indexes !== undefined && { indexes }),
    });
  }
}

/** What a module of the user's exports. Throws INVALID_INPUT when it cannot be loaded. */
export async function loaded(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const module: unknown = await import(pathToFileURL(resolve(path)).href);
    return Object(module) as Readonly<Record<string, unknown>>;
  } catch (error) {
    // Node by itself reads no TypeScript, or not that of every project: the way out is a loader.
    const loader = /\.[mc]?tsx?$/.test(path) ? `; for TypeScript set NODE_OPTIONS="--import tsx"` : '';
    throw faultOf(path, 'cannot be loaded', error, loader);
  }
}

/**
 * What a module threw, as an error that names the module. An error of ours says by itself what to do: options
 * that an adapter refused, say.
 */
export function faultOf(path: string, what: string, error: unknown, hint = ''): HoldfastError {
  if (isHoldfastError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return unusable(`${path}: ${what} (${reason})${hint}`, error);
}

function machinesIn(name: string, value: unknown): readonly ModuleMachine[] {
  const one = machineIn(name, value);
  if (one !== undefined) return [one];
  if (!Array.isArray(value) && !isPlainObject(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => machineIn(`${name}.${key}`, each) ?? []);
}

function machineIn(name: string, value: unknown): ModuleMachine | undefined {
  if (isMachine(value)) return { name, path: name.split('.'), kind: value.id, machine: value, options: {} };
  if (!isPlainObject(value)) return undefined;
  const { machine, kind, version, migrate, children, indexes } = value;
  if (!isMachine(machine)) return undefined;
  if (kind !== undefined && typeof kind !== 'string') throw unusable(`${name}.kind is not a text`);
  // What is wrong with these is told when a definition is made of them.
  const options = Object.fromEntries(
    Object.entries({ version, migrate, children, indexes }).filter(([, option]) => option !== undefined),
  );
  const path = [...name.split('.'), 'machine'];
  return { name, path, kind: kind ?? machine.id, machine, options };
}

/** By a mark that all copies of XState share: the module may have one of its own. */
export function isMachine(value: unknown): value is AnyStateMachine {
  return typeof value === 'object' && value !== null && '__xstatenode' in value;
}

function unusable(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"module": ${what}`, { details: { field: 'module' }, cause });
}
