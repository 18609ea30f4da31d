/**
 * The step adapter: one event applied to one machine, as a pure function.
 *
 * Owns: every use of XState members that are not part of its documented API, so that a change of XState is a
 * change of this file. It calls the logic's `transition` with an actor scope of its own instead of XState's
 * `transition()`, which would run the context factory at every step and cannot resolve parents (measured: 1.7
 * to 2.5 times slower).
 * Callers: the kernel, replay and the benchmarks.
 *
 * Invariants:
 *  A1  Nothing runs: actions, promises, timers and sends come back as data, in the order they were asked for.
 *  A2  Children are replaced by inert stubs; the definition keeps the real logic.
 *  A3  A throw of a guard, assign or input mapper leaves the given snapshot untouched and reaches the caller.
 *  A4  For every chart of the repository the result agrees with XState's own `transition()`
 *      (test/kernel/step.test.ts).
 *  A5  What a step leads to depends on the snapshot's JSON and the event alone: a snapshot that was restored
 *      is stepped like the one it was made from (test/differential).
 */
import type { AnyActorLogic, AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { AnyStateMachine, Snapshot } from 'xstate';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { StepScope, type StepAction, type StepEnvironment } from './step-scope.js';
import { checkXstate } from './xstate-version.js';

export type { StepAction } from './step-scope.js';

export interface StepResult {
  readonly snapshot: AnyMachineSnapshot;
  readonly actions: readonly StepAction[];
}

/**
 * What the adapter steps: a machine whose children are stubs (see `stubbed`), or `fromTransition` logic as it
 * is.
 */
export type SteppableLogic = AnyActorLogic;

type Children = Readonly<Record<string, AnyActorRef | undefined>>;

/** The input is kept for those who spawn in an assign: no action carries it. */
type StubSnapshot = Snapshot<undefined> & { readonly input?: unknown };

const stub: AnyActorLogic = {
  transition: (snapshot): StubSnapshot => snapshot as StubSnapshot,
  getInitialSnapshot: (_scope, input: unknown) =>
    ({ status: 'active', output: undefined, error: undefined, input }) as StubSnapshot,
  getPersistedSnapshot: () => ({ status: 'active' }) as unknown as StubSnapshot,
  restoreSnapshot: () => ({ status: 'active', output: undefined, error: undefined }) as StubSnapshot,
};

/** Where a pure step is taken when nobody else is around: tests, benchmarks. */
const NOWHERE: StepEnvironment = {
  address: 'self',
  id: 'self',
  hasParent: false,
  seq: 0,
  system: () => undefined,
};

/** The machine with every named actor source replaced by an inert stub (A2). */
export function stubbed(machine: AnyStateMachine): AnyStateMachine {
  checkXstate();
  const sources = Object.keys(machine.implementations.actors);
  const inert = machine.provide({ actors: Object.fromEntries(sources.map((src) => [src, stub])) });
  const { options } = inert as unknown as { readonly options: { maxIterations: number } };
  // A loop of transitions without an event must throw (K14): for ever is the only thing nobody survives.
  options.maxIterations = Math.min(options.maxIterations, limits.microstepsMax);
  return inert;
}

/** The state right after creation. A throw of the context factory or an entry assign is thrown. */
export function initialStep(
  logic: SteppableLogic,
  input: unknown,
  environment: StepEnvironment = NOWHERE,
): StepResult {
  const scope = new StepScope(environment, undefined);
  const snapshot = logic.getInitialSnapshot(scope.scope, input) as AnyMachineSnapshot;
  if (snapshot.status === 'error') throw snapshot.error;
  return { snapshot: inDocumentOrder(snapshot), actions: withUnseen({}, snapshot, scope) };
}

/** One event, one macrostep. */
export function nextStep(
  logic: SteppableLogic,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
  environment: StepEnvironment = NOWHERE,
): StepResult {
  const scope = new StepScope(environment, snapshot);
  const next = logic.transition(snapshot, event, scope.scope) as AnyMachineSnapshot;
  const actions = withUnseen(childrenOf(snapshot), next, scope);
  return { snapshot: pruned(snapshot, inDocumentOrder(next), event), actions };
}

/** The JSON form of a snapshot; restoring it gives an equal snapshot. */
export function persisted(logic: SteppableLogic, snapshot: AnyMachineSnapshot): Json {
  return persistedPlain(snapshot) ?? (logic.getPersistedSnapshot(snapshot) as unknown as Json);
}

/**
 * What XState's own function gives, for a machine without children, history or references in its context, as
 * most are after most steps: that one takes a snapshot of 15 parts apart and costs 4 % of a step.
 */
function persistedPlain(snapshot: AnyMachineSnapshot): Json | undefined {
  const parts = snapshot as unknown as Readonly<Record<string, Json>>;
  const { machine, children, historyValue } = parts;
  if (machine === undefined || holdsAny(children) || holdsAny(historyValue)) return undefined;
  const { status, output, error, value, context } = parts;
  if (holdsRef(context)) return undefined;
  // In XState's order; what is undefined is not written.
  return { status, output, error, value, historyValue: {}, context, children: {} };
}

function holdsAny(part: unknown): boolean {
  return typeof part === 'object' && part !== null && Object.keys(part).length > 0;
}

function holdsRef(part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return false;
  if (isActorRef(part)) return true;
  for (const key in part) if (holdsRef((part as Record<string, unknown>)[key])) return true;
  return false;
}

/** A live-shaped snapshot from its JSON form. Throws when a state does not exist in this machine. */
export function restored(logic: SteppableLogic, json: Json): AnyMachineSnapshot {
  const scope = new StepScope(NOWHERE, undefined, true);
  const dangling = danglingRefs(json);
  const whole = dangling.length === 0 ? json : withDeadChildren(json, dangling);
  const restoreSnapshot = logic.restoreSnapshot?.bind(logic);
  if (restoreSnapshot === undefined) return whole as never;
  const snapshot = inDocumentOrder(restoreSnapshot(whole as never, scope.scope) as AnyMachineSnapshot);
  if (dangling.length === 0) return snapshot;
  const children = Object.entries(childrenOf(snapshot)).filter(([child]) => !dangling.includes(child));
  return { ...snapshot, children: Object.fromEntries(children) } as AnyMachineSnapshot;
}

/**
 * XState tries eventless transitions of parallel regions in the order of `_nodes`: that in which states were
 * entered, which a restored snapshot has lost. In the order of the document, memory, disk and replay agree.
 */
function inDocumentOrder(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const { _nodes: nodes = [] } = snapshot as { readonly _nodes?: { readonly order: number }[] };
  // Nearly always they are in order: a look costs nothing, a sort a kilobyte.
  const late = nodes.some((node, index) => node.order < (nodes[index - 1]?.order ?? 0));
  if (late) nodes.sort((a, b) => a.order - b.order);
  return snapshot;
}

/** A snapshot as it is stored, for who looks at it without a machine that could read it. */
export function unread(json: Json): AnyMachineSnapshot {
  return json as unknown as AnyMachineSnapshot;
}

/** True for an actor reference: XState keeps those in contexts and persists them by id. */
export function isActorRef(value: unknown): value is AnyActorRef {
  return (
    typeof value === 'object' && value !== null && 'sessionId' in value && 'send' in value && 'ref' in value
  );
}

/** The children of a snapshot; `fromTransition` logic has none. */
export function childrenOf(snapshot: AnyMachineSnapshot): Children {
  return (snapshot as { readonly children?: Children }).children ?? {};
}

const REFERENCE_MARK = 'xstate$$type';

/** Ids of ended children that the context still refers to. */
function danglingRefs(json: Json): string[] {
  const { context, children } = json as {
    readonly context?: unknown;
    readonly children?: Record<string, unknown>;
  };
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if (REFERENCE_MARK in part && 'id' in part) {
      if (children !== undefined && !(String(part.id) in children)) found.add(String(part.id));
      return;
    }
    for (const value of Object.values(part)) visit(value);
  };
  visit(context);
  return [...found];
}

/** XState revives references from `children` alone: a reference to an ended child needs one to be found. */
function withDeadChildren(json: Json, ids: readonly string[]): Json {
  const { children, ...rest } = json as Record<string, Json> & { readonly children: Record<string, Json> };
  const src = stub as unknown as Json;
  const dead = ids.map((id) => [id, { snapshot: { status: 'stopped' }, src }] as const);
  return { ...rest, children: { ...children, ...Object.fromEntries(dead) } };
}

/** The actions, with those children that no action asked for: `spawn` in an assign leaves no other trace. */
function withUnseen(before: Children, after: AnyMachineSnapshot, scope: StepScope): readonly StepAction[] {
  const children = childrenOf(after);
  if (children === before) return scope.actions;
  const unseen: (readonly [AnyActorRef, StepAction])[] = [];
  for (const [child, ref] of Object.entries(children)) {
    if (ref === undefined || before[child] === ref || scope.hasAskedFor(ref)) continue;
    unseen.push([ref, spawnedUnseen(ref)]);
  }
  return unseen.length === 0 ? scope.actions : scope.withSpawns(unseen);
}

interface InvokingNode {
  readonly invoke: readonly { readonly id: string }[];
}

type SpawnedRef = AnyActorRef & { readonly systemId?: string; readonly _syncSnapshot?: boolean };

function spawnedUnseen(ref: AnyActorRef): StepAction {
  const { id, src, systemId, _syncSnapshot: sync } = ref as SpawnedRef;
  if (typeof src !== 'string') {
    const what = `the child "${id}", spawned from inline logic,`;
    return { type: '@xstate.unsupported', what, fix: 'name its source in setup({actors})' };
  }
  const { input } = ref.getSnapshot() as StubSnapshot;
  return { type: '@xstate.spawn', child: id, src, input, systemId, sync: sync === true };
}

/**
 * A spawned child whose result was consumed is gone (K8): XState keeps it in `children` for ever. An invoked
 * one stays until its state is left: what is sent to it meanwhile is for nobody, and no mistake.
 */
function pruned(
  before: AnyMachineSnapshot,
  after: AnyMachineSnapshot,
  event: AnyEventObject,
): AnyMachineSnapshot {
  if (!event.type.startsWith('xstate.done.actor.') && !event.type.startsWith('xstate.error.actor.'))
    return after;
  const child: unknown = event['actorId'];
  if (typeof child !== 'string') return after;
  const children = childrenOf(after);
  if (children[child] === undefined || children[child] !== childrenOf(before)[child]) return after;
  const { _nodes: nodes = [] } = after as { readonly _nodes?: readonly InvokingNode[] };
  if (nodes.some(({ invoke }) => invoke.some(({ id }) => id === child))) return after;
  const { [child]: _ended, ...others } = children;
  return { ...after, children: others } as AnyMachineSnapshot;
}
