/**
 * A definition: a machine, and what the kernel must know to keep its actors alive.
 *
 * Owns: the checks at define (K13) and the structure hash (K12). Callers: the façades, through
 * `Kernel.define`.
 * Invariants: a definition is immutable; what it declares (indexes, references, pools) is a pure function.
 */
import type { AnyActorLogic, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { addressOf, sha256Hex } from '../../ids.js';
import { canonicalJson, isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { RestartBudget } from '../../machines/index.js';
import type { Share } from './bounds.js';
import { isMachine, sourceOf, type LogicType } from './logic.js';
import { checkMigrations, type Migrations } from './migration.js';
import { checkPaged } from './paging.js';
import { stubbed, type SteppableLogic } from './step.js';

export interface ProbeContext {
  readonly effectId: string;
  readonly input: Json | undefined;
  readonly signal: AbortSignal;
}

/** What a probe found out about an effect that a crash interrupted. */
export type ProbeResult =
  | { readonly type: 'done'; readonly output: Json }
  | { readonly type: 'notStarted' }
  | { readonly type: 'unknown' };

/** How the effects of one source are run, and what happens to one that a crash interrupted (K7). */
export interface EffectPolicy {
  /**
   * `rerun` (default): repeat it. `idempotent`: repeat it under the same id. `probe`: ask `probe` first.
   * `manual`: never repeat; the actor gets `effect.interrupted`. The last two write a durable mark before
   * they run.
   */
  readonly recovery?: 'rerun' | 'idempotent' | 'probe' | 'manual';
  readonly probe?: (context: ProbeContext) => Promise<ProbeResult>;
  /** The durable queue an effect waits in; default: the source's name. */
  readonly pool?: (input: unknown) => string;
  /** Effects of one pool that run at once; default 8, for callbacks and observables 10,000. */
  readonly limit?: number;
  /** Pools with a lower number start first; default 0. */
  readonly priority?: number;
  /** Further bounds the pool's effects count against. */
  readonly shares?: (input: unknown) => readonly Share[];
  /**
   * After this the effect fails with EFFECT_TIMEOUT; default one hour, for callbacks and observables never.
   */
  readonly timeoutMs?: number;
  /** `close` lets it finish within its timeout instead of aborting it at once; default false. */
  readonly drains?: boolean;
  /**
   * How often it is run again when it fails, or dies with the process, before the machine hears of the error.
   * Default: never. With a budget every run is marked on disk first.
   */
  readonly restart?: RestartBudget;
}

/** What happens to an actor whose guard, assign or transition throws (K14), or that ends in an error. */
export interface Supervision {
  /**
   * `quarantine` (default): it stands still on its last snapshot and waits for an operator. `restart`: it
   * begins anew from its input, as often as the budget allows, then as without. `stop`: it ends, and nobody
   * is told. `escalate`: it ends in an error, and its parent gets `xstate.error.actor.<child>`.
   */
  readonly onFailure: 'quarantine' | 'restart' | 'stop' | 'escalate';
  /** Default: three restarts a minute. */
  readonly budget?: RestartBudget;
}

/** What a child machine of a definition may have of its own. Its version is its parent's. */
export type ChildOptions = Omit<
  DefinitionOptions,
  'kind' | 'machine' | 'version' | 'references' | 'tombstoneMs' | 'paged'
>;

/** A row of a declared index: found by `parts`, in their order; `unique` allows one actor for equal parts. */
export interface IndexRow {
  readonly index: string;
  readonly parts: readonly string[];
  readonly unique?: boolean;
}

/** Whose index rows are asked for. */
export interface IndexedActor {
  readonly address: string;
  /** The order of its creation: the last part of a listing in strict order. */
  readonly ord: string;
}

export interface DefinitionOptions {
  readonly kind: string;
  readonly machine: AnyStateMachine;
  /** Default: `machine.version`. */
  readonly version?: string;
  readonly effects?: Readonly<Record<string, EffectPolicy>>;
  readonly indexes?: (snapshot: AnyMachineSnapshot, actor: IndexedActor) => readonly IndexRow[];
  /** Names of the artifact files the actor keeps alive: the SHA-256 of the content and an extension. */
  readonly references?: (snapshot: AnyMachineSnapshot) => readonly string[];
  /** How long a finished actor stays; default 24 h. */
  readonly retentionMs?: number;
  /** How long its id stays taken after it is gone; default 0. */
  readonly tombstoneMs?: number;
  /**
   * When the snapshot is written. `each` (default): with every step; the machine's code never runs twice for
   * one event. `amortized`: when the journal since the last one is longer than it, and than 64 KiB; loading
   * an actor then runs the machine over the journal's tail again, so it must be deterministic. Transition
   * logic is always written with `each`: it has no states, by which a tail would show that it diverged.
   */
  readonly snapshot?: 'each' | 'amortized';
  /**
   * The key of the context that holds its pages: an array of JSON objects, which a step replaces and never
   * changes in place. A checkpoint writes those that are new, a step is checked for JSON in those it made:
   * neither costs more where there are more. With `snapshot: 'amortized'` alone. Default: none.
   */
  readonly paged?: string;
  /**
   * Names of own payload rows that the step of an event is shown, as `event.$.rows`: those that exist, as
   * they were before the step, whose snapshot comes with the event; undefined refuses an event that the kind
   * cannot take: nothing is written. Pure. They are journaled with the step, so keep them small. A row that
   * cannot be read sets the actor aside. Default: none.
   */
  readonly reads?: (event: AnyEventObject, before: AnyMachineSnapshot) => readonly string[] | undefined;
  /** How actors of older versions become actors of this one (K12). */
  readonly migrate?: Migrations;
  readonly supervision?: Supervision;
  /** By source: the machines it invokes and spawns. */
  readonly children?: Readonly<Record<string, ChildOptions>>;
}

export interface Definition {
  readonly kind: string;
  /** The real machine: its actors and actions do things. Undefined for `fromTransition` logic. */
  readonly machine: AnyStateMachine | undefined;
  /** The same with inert children: what is stepped. */
  readonly steppable: SteppableLogic;
  readonly machineId: string;
  readonly version: string;
  readonly hash: string;
  readonly policyOf: (
    src: string,
  ) => Required<Pick<EffectPolicy, 'recovery' | 'limit' | 'priority' | 'timeoutMs'>> & EffectPolicy;
  readonly indexes: (snapshot: AnyMachineSnapshot, actor: IndexedActor) => readonly IndexRow[];
  readonly references: (snapshot: AnyMachineSnapshot) => readonly string[];
  readonly retentionMs: number;
  readonly tombstoneMs: number;
  readonly snapshot: 'each' | 'amortized';
  readonly paged: string | undefined;
  readonly reads: DefinitionOptions['reads'];
  readonly migrate: Migrations | undefined;
  readonly supervision: Supervision;
  /** By source: the kinds of the machines it invokes and spawns (K8). */
  readonly children: ReadonlyMap<string, Definition>;
  /** True for the kind of a child: its version is its parent's, so an equal structure is compatible. */
  readonly isChild: boolean;
}

const POOL_LIMIT_DEFAULT = 8;
const STREAM_LIMIT_DEFAULT = 10_000;

/**
 * Checks a machine and makes its definition. Throws INVALID_DEFINITION naming the state, the key and the fix.
 */
export function defineMachine(options: DefinitionOptions): Definition {
  const version = options.version ?? options.machine.version;
  if (version === undefined) {
    const message = `${options.kind}: the machine has no version; add one to its config`;
    throw new HoldfastError('INVALID_DEFINITION', message);
  }
  addressOf(options.kind, 'id');
  if (options.supervision?.onFailure === 'escalate') {
    const message = `${options.kind}: supervision: "escalate" is for children, it has no parent`;
    throw new HoldfastError('INVALID_DEFINITION', message);
  }
  return defineLogic(options.machine, { ...options, version }, false);
}

type LogicOptions = Omit<DefinitionOptions, 'machine' | 'version'> & { readonly version: string };

function defineLogic(logic: AnyActorLogic, options: LogicOptions, isChild: boolean): Definition {
  const { kind, version, retentionMs = limits.retentionMs, tombstoneMs = 0, snapshot = 'each' } = options;
  const machine = isMachine(logic) ? logic : undefined;
  if (machine !== undefined) checkMachine(kind, machine);
  const types = machine === undefined ? new Map<string, LogicType>() : sourceTypes(machine);
  checkPolicies(options, types);
  checkMigrations(kind, version, options.migrate);
  checkPaged(kind, options.paged, machine === undefined ? 'each' : snapshot);
  return {
    kind,
    machine,
    steppable: machine === undefined ? logic : stubbed(machine),
    machineId: machine?.id ?? kind,
    version,
    hash: machine === undefined ? 'transition' : structureHash(machine),
    policyOf: (src) => ({
      recovery: 'rerun',
      limit: types.get(src) === 'stream' ? STREAM_LIMIT_DEFAULT : POOL_LIMIT_DEFAULT,
      priority: 0,
      timeoutMs: types.get(src) === 'stream' ? Infinity : limits.effectTimeoutMs,
      ...options.effects?.[src],
    }),
    indexes: options.indexes ?? (() => []),
    references: options.references ?? (() => []),
    retentionMs,
    tombstoneMs,
    snapshot: machine === undefined ? 'each' : snapshot,
    paged: options.paged,
    reads: options.reads,
    migrate: options.migrate,
    supervision: options.supervision ?? { onFailure: 'quarantine' },
    children: machine === undefined ? new Map() : childrenOf(machine, types, options),
    isChild,
  };
}

/** The kinds of the machines and transitions that a machine may invoke or spawn (K8). */
function childrenOf(
  machine: AnyStateMachine,
  types: ReadonlyMap<string, LogicType>,
  options: LogicOptions,
): ReadonlyMap<string, Definition> {
  const children = new Map<string, Definition>();
  const { kind, version, retentionMs } = options;
  for (const [src, type] of types) {
    const source = sourceOf(machine, src);
    if ((type !== 'machine' && type !== 'transition') || source.type === 'unusable') continue;
    if (!/^[\w.-]+$/.test(src)) {
      const message = `${kind}: the source "${src}" names a kind; use letters, digits, "_", "." and "-"`;
      throw new HoldfastError('INVALID_DEFINITION', message);
    }
    const inherited = {
      kind: `${kind}.${src}`,
      version,
      ...(retentionMs === undefined ? {} : { retentionMs }),
      ...(options.snapshot === undefined ? {} : { snapshot: options.snapshot }),
    };
    children.set(src, defineLogic(source.logic, { ...inherited, ...options.children?.[src] }, true));
  }
  return children;
}

function sourceTypes(machine: AnyStateMachine): ReadonlyMap<string, LogicType> {
  const types = new Map<string, LogicType>();
  for (const src of Object.keys(machine.implementations.actors)) {
    const source = sourceOf(machine, src);
    if (source.type !== 'unusable') types.set(src, source.type);
  }
  return types;
}

/** The pool an effect waits in. */
export function poolOf(policy: EffectPolicy, src: string, input: unknown): string {
  const pool = policy.pool === undefined ? src : policy.pool(input);
  if (pool !== '' && isKeyPart(pool)) return pool;
  throw new HoldfastError('INVALID_DEFINITION', `effects.${src}: ${JSON.stringify(pool)} names no pool`);
}

/** True for text that can be part of a key: without NUL and lone surrogates. */
export function isKeyPart(text: unknown): text is string {
  return typeof text === 'string' && text.isWellFormed() && !text.includes('\0');
}

function* stateNodes(node: AnyStateMachine['root']): Generator<AnyStateMachine['root']> {
  yield node;
  for (const child of Object.values(node.states)) yield* stateNodes(child);
}

function checkMachine(kind: string, machine: AnyStateMachine): void {
  for (const node of stateNodes(machine.root)) {
    checkInvokes(kind, machine, node);
    checkActions(kind, node);
    checkNames(kind, machine, node);
  }
}

/**
 * Inline logic that is spawned could not be found again. What only shows when it runs stops its actor
 * then.
 */
function checkActions(kind: string, node: AnyStateMachine['root']): void {
  const lists: (readonly [where: string, actions: readonly unknown[]])[] = [
    ['entry actions', node.entry],
    ['exit actions', node.exit],
    ...[...node.transitions].flatMap(([event, transitions]) =>
      transitions.map(({ actions }) => [`actions of "${event}"`, actions] as const),
    ),
  ];
  for (const [where, actions] of lists) {
    for (const action of actions) {
      const { type, src } = Object(action) as { readonly type?: unknown; readonly src?: unknown };
      if (type !== 'xstate.spawnChild' || typeof src === 'string') continue;
      const message = `${kind}: state "${node.id}", ${where}: spawnChild of inline logic; name its source`;
      throw new HoldfastError('INVALID_DEFINITION', `${message} in setup({actors})`);
    }
  }
}

/** A delay nobody has defined would be no delay at all; a guard nobody has defined would throw one day. */
function checkNames(kind: string, machine: AnyStateMachine, node: AnyStateMachine['root']): void {
  const { delays, guards } = machine.implementations;
  const refuse = (key: string, fix: string): never => {
    throw new HoldfastError(
      'INVALID_DEFINITION',
      `${kind}: state "${node.id}", ${key} is not in setup({${fix}})`,
    );
  };
  for (const delay of Object.keys(node.config.after ?? {})) {
    if (Number.isNaN(Number(delay)) && !(delay in delays)) refuse(`after: "${delay}"`, 'delays');
  }
  const transitions = [...node.transitions.values(), node.always ?? []].flat();
  for (const { guard } of transitions) {
    const name: unknown = typeof guard === 'object' && guard !== null ? Reflect.get(guard, 'type') : guard;
    if (typeof name === 'string' && !(name in guards)) refuse(`guard: "${name}"`, 'guards');
  }
}

function checkInvokes(kind: string, machine: AnyStateMachine, node: AnyStateMachine['root']): void {
  for (const invoke of asList(node.config.invoke)) {
    const src: unknown = invoke.src;
    const where = `${kind}: state "${node.id}", invoke`;
    if (typeof src !== 'string') {
      throw new HoldfastError(
        'INVALID_DEFINITION',
        `${where}: the source is inline; name it in setup({actors})`,
      );
    }
    const source = sourceOf(machine, src);
    if (source.type === 'unusable')
      throw new HoldfastError('INVALID_DEFINITION', `${where}: ${source.reason}`);
  }
}

function checkPolicies(options: LogicOptions, types: ReadonlyMap<string, LogicType>): void {
  const refuse = (key: string, what: string): never => {
    throw new HoldfastError('INVALID_DEFINITION', `${options.kind}: ${key} ${what}`);
  };
  for (const [src, policy] of Object.entries(options.effects ?? {})) {
    const type = types.get(src);
    if (type === undefined) refuse(`effects.${src}`, 'names no actor of the machine');
    if (type === 'machine' || type === 'transition')
      refuse(`effects.${src}`, `is a ${type}, an actor of its own; use children.${src}`);
    if (policy.recovery === 'probe' && policy.probe === undefined)
      refuse(`effects.${src}`, 'is "probe" without a probe function');
    if (type === 'stream' && (policy.recovery ?? 'rerun') !== 'rerun')
      refuse(`effects.${src}`, 'sends events while it runs; its recovery can only be "rerun"');
  }
  for (const src of Object.keys(options.children ?? {})) {
    const type = types.get(src);
    if (type !== 'machine' && type !== 'transition')
      refuse(`children.${src}`, 'names no machine or transition of the machine');
  }
}

/**
 * SHA-256 over what a machine does, not over how it is described (K12): type, initial, transitions, guard,
 * action, actor and delay names; descriptions, meta and tags are left out; a function counts as `ƒ`.
 */
export function structureHash(machine: AnyStateMachine): string {
  return sha256Hex(canonicalJson(structureOf(machine.config))).slice(0, 16);
}

const NOT_STRUCTURE = new Set([
  'description',
  'meta',
  'tags',
  'context',
  'version',
  'types',
  'schemas',
  'output',
]);

/** Parts of a config whose keys are names of the user's: a state may well be called "output". */
const NAMED_PARTS = new Set(['states', 'on', 'after', 'params']);

function structureOf(value: unknown, namesAsKeys = false): Json {
  if (typeof value === 'function') return 'ƒ';
  if (Array.isArray(value)) return value.map((part) => structureOf(part));
  if (!isPlainObject(value)) return value === undefined ? null : (value as Json);
  const parts = Object.entries(value).filter(
    ([key, part]) => part !== undefined && (namesAsKeys || !NOT_STRUCTURE.has(key)),
  );
  return Object.fromEntries(
    parts.map(([key, part]) => [key, structureOf(part, !namesAsKeys && NAMED_PARTS.has(key))]),
  );
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
