/**
 * What an examination is asked for, and the check of it at the door.
 *
 * Callers: doctor.ts, and users through it. Invariant: an option that is wrong is named, before anything is
 * held or read.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { houseMachines } from './actors/house-machines.js';
import type {
  ChildOptions,
  DefinitionOptions,
  IndexedActor,
  IndexRow,
  Migrations,
} from './actors/kernel/index.js';
import { HoldfastError } from './errors.js';
import type { Finding } from './findings.js';

/** Where an examination is. */
export type Stage =
  | 'holding'
  | 'files'
  | 'rows'
  | 'artifacts'
  | 'copying'
  | 'mending'
  | 'replacing'
  | 'tidying';

/**
 * A machine as `define` is told of it: what only a machine knows can then be compared with what is stored.
 */
export interface DoctorMachine {
  readonly machine: AnyStateMachine;
  /** Default: the machine's id. */
  readonly kind?: string;
  /** Default: the machine's version. */
  readonly version?: string;
  /** As `define` has them; index rows are not compared without. `() => []` says that there are none. */
  readonly indexes?: (snapshot: AnyMachineSnapshot, actor: IndexedActor) => readonly IndexRow[];
  readonly migrate?: Migrations;
  readonly children?: Readonly<Record<string, ChildOptions>>;
}

export interface DoctorOptions {
  /** The directory of a runtime that is not running. */
  readonly directory: string;
  /** Mend what can be mended, after the whole directory was copied. Default false. */
  readonly repair?: boolean;
  /** Also read every artifact, and replay every journal whose machine is here. Default false. */
  readonly deep?: boolean;
  /** Machines of users' kinds; the runtime's own are known. */
  readonly machines?: readonly DoctorMachine[];
  readonly signal?: AbortSignal;
  /** Hears every finding of the first examination, as it is found. */
  readonly onFinding?: (finding: Finding) => void;
  /** Hears of each stage as it begins. */
  readonly onStage?: (stage: Stage) => void;
  /** Hears how many rows were read so far. */
  readonly onProgress?: (rows: number) => void;
}

/** Throws INVALID_OPTIONS. */
export function checkDoctorOptions({ directory, repair, deep }: DoctorOptions): void {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new HoldfastError('INVALID_OPTIONS', 'directory: a path is needed');
  }
  for (const [name, value] of Object.entries({ repair, deep })) {
    if (value === undefined || typeof value === 'boolean') continue;
    throw new HoldfastError('INVALID_OPTIONS', `${name}: neither true nor false`);
  }
}

export function definitionsOf(machines: readonly DoctorMachine[]): readonly DefinitionOptions[] {
  const users = machines.map((each) => ({
    ...each,
    kind: each.kind ?? each.machine.id,
    indexes: each.indexes ?? untold,
  }));
  return [...houseMachines, ...users];
}

/**
 * Without it every stored index row of that kind would look like one too many, and a repair would remove
 * it.
 */
function untold(): never {
  throw new HoldfastError('INVALID_OPTIONS', 'indexes: the doctor was not told of them');
}
