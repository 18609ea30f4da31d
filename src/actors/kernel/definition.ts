/**
 * A definition: a machine, and what the kernel must know to keep its actors alive.
 *
 * Owns: the checks at define (K13) and the structure hash (K12). Callers: the façades, through
 * `Kernel.define`.
 * Invariants: a definition is immutable; what it declares (indexes, references, pools) is a pure function.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { sha256Hex } from '../../ids.js';
import { canonicalJson, isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';
import { stubbed, whyNotRun, type SteppableMachine } from './step.js';

/** A bound shared by several pools, such as the calls of one provider account. */
export interface Share {
  readonly name: string;
  readonly limit: number;
}

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
  /** Effects of one pool that run at once; default 8. */
  readonly limit?: number;
  /** Pools with a lower number start first; default 0. */
  readonly priority?: number;
  /** Further bounds the pool's effects count against. */
  readonly shares?: (input: unknown) => readonly Share[];
  /** After this the effect fails with EFFECT_TIMEOUT; default one hour. */
  readonly timeoutMs?: number;
  /** `close` lets it finish within its timeout instead of aborting it at once; default false. */
  readonly drains?: boolean;
}

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
}

export interface Definition {
  readonly kind: string;
  /** The real machine: its actors and actions do things. */
  readonly machine: AnyStateMachine;
  /** The same machine with inert children: what is stepped. */
  readonly steppable: SteppableMachine;
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
}

const POOL_LIMIT_DEFAULT = 8;

/**
 * Checks a machine and makes its definition. Throws INVALID_DEFINITION naming the state, the key and the fix.
 */
export function defineMachine(options: DefinitionOptions): Definition {
  const { machine, kind } = options;
  const version = options.version ?? machine.version;
  if (version === undefined) {
    throw new HoldfastError(
      'INVALID_DEFINITION',
      `${kind}: the machine has no version; add one to its config`,
    );
  }
  for (const node of stateNodes(machine.root)) checkInvokes(kind, machine, node);
  checkPolicies(options);
  const steppable = stubbed(machine);
  return {
    kind,
    machine,
    steppable,
    machineId: machine.id,
    version,
    hash: structureHash(machine),
    policyOf: (src) => ({
      recovery: 'rerun',
      limit: POOL_LIMIT_DEFAULT,
      priority: 0,
      timeoutMs: limits.effectTimeoutMs,
      ...options.effects?.[src],
    }),
    indexes: options.indexes ?? (() => []),
    references: options.references ?? (() => []),
    retentionMs: options.retentionMs ?? limits.retentionMs,
    tombstoneMs: options.tombstoneMs ?? 0,
  };
}

/** The pool an effect waits in. */
export function poolOf(policy: EffectPolicy, src: string, input: unknown): string {
  const pool = policy.pool === undefined ? src : policy.pool(input);
  if (pool !== '' && isKeyPart(pool)) return pool;
  throw new HoldfastError('INVALID_DEFINITION', `effects.${src}: ${JSON.stringify(pool)} names no pool`);
}

/** True for text that can be part of a key: without NUL and lone surrogates. */
export function isKeyPart(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function* stateNodes(node: AnyStateMachine['root']): Generator<AnyStateMachine['root']> {
  yield node;
  for (const child of Object.values(node.states)) yield* stateNodes(child);
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
    const reason = whyNotRun(machine, src);
    if (reason !== undefined) throw new HoldfastError('INVALID_DEFINITION', `${where}: ${reason}`);
  }
}

function checkPolicies(options: DefinitionOptions): void {
  for (const [src, policy] of Object.entries(options.effects ?? {})) {
    if (options.machine.implementations.actors[src] === undefined) {
      throw new HoldfastError(
        'INVALID_DEFINITION',
        `${options.kind}: effects.${src} names no actor of the machine`,
      );
    }
    if (policy.recovery === 'probe' && policy.probe === undefined) {
      throw new HoldfastError(
        'INVALID_DEFINITION',
        `${options.kind}: effects.${src} is "probe" without a probe function`,
      );
    }
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
