/**
 * Migrations: how an actor of an older version of its machine becomes one of the present version (K12).
 *
 * Pure. Callers: definition.ts (the check), the stepper, replay, the census.
 * Invariants:
 *  V1  The result depends on the record, the definition and the old version's shape, on nothing else.
 *  V2  What is under way goes on under its id where the new version still has it in an active state; nothing
 *      that the old version had started and finished in a state that stays active is started again.
 *  V3  A record that cannot become one of the present version is told by a throw, and stays as it was.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { firstNonJson, isPlainObject, type Json, type JsonObject } from '../../json.js';
import { withoutSecrets } from '../../secret-shapes.js';
import type { Definition } from './definition.js';
import { Inventory, type Dropped } from './migration-inventory.js';
import type { ActorRecord } from './record.js';
import { isFinal, nodesAt, shapeOf, type Invoke, type MachineNode, type Shape } from './shape.js';
import { persisted, restored } from './step.js';
import type { StepAction } from './step-scope.js';
import type { KeptByMigration } from './turn-shapes.js';

export type { Dropped } from './migration-inventory.js';

/** What a migration gets and returns: an actor's state, as JSON. */
export interface MigrationState {
  /**
   * The state value, as `snapshot.value`; null for `fromTransition` logic, whose state is its context. A
   * state that is returned is entered without its entry actions; its `after` and its invokes are started.
   * A final one ends the actor.
   */
  readonly value: Json;
  readonly context: JsonObject;
  /** Of an actor that has ended. */
  readonly output?: Json;
}

/**
 * `compatible`: the stored state is one of the next version's as it is. A function returns the state of the
 * next version; it must be pure.
 */
export type Migration = 'compatible' | ((state: MigrationState) => MigrationState);

export interface Migrations {
  /**
   * By stored version, oldest first: what is written under a version leads to the version of the next entry,
   * the last entry to the present one. JavaScript puts keys that are whole numbers first: where versions are
   * of both sorts, a list of pairs keeps their order.
   */
  readonly from: Readonly<Record<string, Migration>> | readonly (readonly [version: string, Migration])[];
  /**
   * By version: the machine as it was. Needed where snapshots were amortized alone: the last steps of an
   * actor are then events, which only that machine can take.
   */
  readonly machines?: Readonly<Record<string, AnyStateMachine>>;
}

export interface Migrated {
  /** Live-shaped, of the present machine. */
  readonly snapshot: AnyMachineSnapshot;
  /** Ids of the record's timers, effects and children that go on. */
  readonly keptTimers: ReadonlySet<string>;
  readonly keptEffects: ReadonlySet<string>;
  readonly keptChildren: ReadonlySet<string>;
  readonly dropped: readonly Dropped[];
  /** What the active states of the present version have and the record had not: timers, then children. */
  readonly actions: readonly StepAction[];
}

export interface MigrationScene {
  /** Whose record it is; mappers see it as `self`. */
  readonly address?: string;
  /** Of the record's version, when the store knows it: without it V2 cannot tell what had finished. */
  readonly shape?: Shape | undefined;
  /** What mappers of input and delays see; default `{type: 'holdfast.migrated'}`. */
  readonly event?: { readonly type: string };
}

type Stored = Pick<ActorRecord, 'version' | 'hash'>;

/** Throws INVALID_DEFINITION for migrations that can never be meant. */
export function checkMigrations(kind: string, version: string, migrate: Migrations | undefined): void {
  const refuse = (what: string): never => {
    throw new HoldfastError('INVALID_DEFINITION', `${kind}: migrate.from ${what}`);
  };
  if (migrate === undefined) return;
  if (!isPlainObject(migrate.from) && !Array.isArray(migrate.from)) refuse('is neither an object nor a list');
  const steps = stepsOf(migrate);
  const versions = steps.map(([from]) => from);
  for (const [from, migration] of steps) {
    if (from === version) refuse(`names "${from}", the present version; name the older ones`);
    if (migration !== 'compatible' && typeof migration !== 'function')
      refuse(`"${from}" is neither "compatible" nor a function`);
  }
  if (new Set(versions).size < versions.length) refuse('names a version twice');
  const whole = versions.filter((from) => /^(0|[1-9]\d*)$/.test(from));
  if (!Array.isArray(migrate.from) && whole.length > 0 && whole.length < versions.length)
    refuse(
      'mixes whole numbers with other keys, which loses their order; give a list of [version, migration]',
    );
}

/**
 * The migrations from a stored version to the present one; empty when none is needed, undefined when there is
 * no way. A child's version is its parent's: where its structure is the same, it is compatible.
 */
export function migrationPath(definition: Definition, stored: Stored): readonly Migration[] | undefined {
  const { version, hash, migrate, isChild } = definition;
  if (stored.version === version) return stored.hash === hash ? [] : undefined;
  const steps = migrate === undefined ? [] : stepsOf(migrate);
  const first = steps.findIndex(([from]) => from === stored.version);
  if (first >= 0) return steps.slice(first).map(([, migration]) => migration);
  return isChild && stored.hash === hash ? [] : undefined;
}

/**
 * A record of an older version as one of the present version, or undefined when there is no way. Throws
 * MIGRATION_FAILED.
 */
export function migrateRecord(
  definition: Definition,
  record: ActorRecord,
  scene: MigrationScene = {},
): Migrated | undefined {
  const path = migrationPath(definition, record);
  if (path === undefined) return undefined;
  try {
    const stored = snapshotOf(record);
    const state = path.reduce<MigrationState>(next, stateOf(stored));
    const { machine } = definition;
    if (machine === undefined) return transitionOf(definition, record, { ...stored, context: state.context });
    return machineOf(definition, machine, { record, stored, state, scene });
  } catch (error) {
    throw failure(definition, record, scene, error);
  }
}

interface Task {
  readonly record: ActorRecord;
  readonly stored: StoredSnapshot;
  readonly state: MigrationState;
  readonly scene: MigrationScene;
}

function machineOf(definition: Definition, machine: AnyStateMachine, task: Task): Migrated {
  const { record, stored, state, scene } = task;
  // XState completes what the value leaves open, and names the state that does not exist.
  const value = machine.resolveState({ value: state.value as string, context: {} }).value as Json;
  const active = nodesAt<MachineNode>(machine.root, value) ?? [];
  const ends = record.status === 'active' && isFinal(shapeOf(machine.root), value);
  const inventory = new Inventory(record, {
    before: scene.shape === undefined ? undefined : nodesAt(scene.shape, stored.value),
    machine,
    active: ends ? [] : active,
  });
  const { kept, dropped, missingTimers, missingInvokes } = inventory.take(ends);
  const children = Object.entries(stored.children).filter(([child]) => kept.names.has(child));
  const snapshot = restored(definition.steppable, {
    ...stored,
    ...(state.output === undefined ? {} : { output: state.output }),
    status: ends ? 'done' : record.status,
    value,
    context: state.context,
    children: Object.fromEntries([...children, ...missingInvokes.map(childEntry)]),
  });
  const mapped = { context: snapshot.context as unknown, event: eventOf(scene), self: selfOf(scene) };
  const timers = missingTimers.map(({ delay, sendId }): StepAction => {
    const delayMs = delayOf(machine, delay, mapped);
    return { type: '@xstate.raise', sendId, delayMs, event: { type: sendId } };
  });
  const spawns = missingInvokes.map(({ id: child, src, input: mapper, systemId, sync }): StepAction => {
    const input: unknown = typeof mapper === 'function' ? (mapper as Mapper)(mapped) : mapper;
    return { type: '@xstate.spawn', child, src, input, systemId, sync };
  });
  const { timers: keptTimers, effects: keptEffects, children: keptChildren } = kept;
  return { snapshot, keptTimers, keptEffects, keptChildren, dropped, actions: [...timers, ...spawns] };
}

/** A child as persisted snapshots have it, about to be started. */
function childEntry({ id, src, systemId, sync }: Invoke): readonly [id: string, entry: JsonObject] {
  return [id, { snapshot: { status: 'active' }, src, systemId, syncSnapshot: sync }];
}

/** `fromTransition` logic has no states and starts nothing: its state is all there is. */
function transitionOf(definition: Definition, record: ActorRecord, snapshot: StoredSnapshot): Migrated {
  return {
    snapshot: restored(definition.steppable, snapshot),
    keptTimers: new Set(record.timers.map(({ id }) => id)),
    keptEffects: new Set(),
    keptChildren: new Set(),
    dropped: [],
    actions: [],
  };
}

interface Mapped {
  readonly context: unknown;
  readonly event: { readonly type: string };
  readonly self: object;
}

type Mapper = (scope: Mapped, params?: undefined) => unknown;

function delayOf(machine: AnyStateMachine, delay: number | string, mapped: Mapped): number {
  const named: unknown = typeof delay === 'string' ? machine.implementations.delays[delay] : delay;
  const delayMs: unknown = typeof named === 'function' ? (named as Mapper)(mapped) : named;
  if (typeof delayMs === 'number' && !Number.isNaN(delayMs)) return delayMs;
  throw new Error(`the delay "${delay}" is not a number; define it in setup({delays})`);
}

function next(state: MigrationState, migration: Migration): MigrationState {
  if (migration === 'compatible') return state;
  const made: unknown = migration(state);
  if (!isState(made))
    throw new Error('the migration returned no {value, context}; return both, and no promise');
  const bad = firstNonJson(made);
  if (bad !== undefined) throw new Error(`what the migration returned is not JSON at ${bad}`);
  // A copy: what a function kept hold of must not change under us.
  return structuredClone(made);
}

function isState(made: unknown): made is MigrationState {
  return isPlainObject(made) && made['value'] !== undefined && isPlainObject(made['context']);
}

interface StoredSnapshot extends JsonObject {
  readonly value: Json;
  readonly context: JsonObject;
  readonly children: JsonObject;
}

/** A copy: restoring puts references into contexts. */
function snapshotOf(record: ActorRecord): StoredSnapshot {
  const {
    value = null,
    context = {},
    children = {},
    ...rest
  } = structuredClone(record.snapshot) as Partial<StoredSnapshot>;
  return { ...rest, value, context, children };
}

function stateOf({ value, context, output }: StoredSnapshot): MigrationState {
  return { value, context, ...(output === undefined ? {} : { output }) };
}

function stepsOf({ from }: Migrations): readonly (readonly [version: string, Migration])[] {
  return isList(from) ? from : Object.entries(from);
}

function isList(from: Migrations['from']): from is Extract<Migrations['from'], readonly unknown[]> {
  return Array.isArray(from);
}

function eventOf({ event = { type: 'holdfast.migrated' } }: MigrationScene): { readonly type: string } {
  return event;
}

function selfOf({ address = '' }: MigrationScene): object {
  return { id: address.slice(address.indexOf('/') + 1), sessionId: address };
}

function failure(
  definition: Definition,
  record: ActorRecord,
  scene: MigrationScene,
  cause: unknown,
): HoldfastError {
  const { kind, version } = definition;
  const { value, snapshot } = record;
  const state = JSON.stringify(value ?? (snapshot as Partial<StoredSnapshot> | undefined)?.value ?? null);
  const reason = withoutSecrets(cause instanceof Error ? cause.message : String(cause));
  const who = `${scene.address ?? kind} of version ${record.version} in state ${state}`;
  return new HoldfastError('MIGRATION_FAILED', `${who} did not become one of version ${version}: ${reason}`, {
    cause,
    details: { kind, from: record.version, to: version, state },
  });
}

/** What a migration keeps, and says of itself in the journal. */
export function keptBy(migrated: Migrated, record: ActorRecord, definition: Definition): KeptByMigration {
  const { keptTimers, keptEffects, keptChildren, dropped, snapshot } = migrated;
  const report: JsonObject = {
    from: record.version,
    to: definition.version,
    dropped: dropped.map((each): JsonObject => ({ ...each })),
    snapshot: persisted(definition.steppable, snapshot),
  };
  return {
    keptTimers: new Set(keptTimers),
    keptEffects: new Set(keptEffects),
    keptChildren: new Set(keptChildren),
    report,
  };
}
