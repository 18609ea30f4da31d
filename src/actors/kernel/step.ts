/**
 * The step adapter: one event applied to one machine, as a pure function.
 *
 * Owns: every use of XState members that are not part of its documented API, so that a change of XState is a
 * change of this file. It calls `machine.transition` with an actor scope of its own instead of XState's
 * `transition()`, which would run the context factory at every step and cannot resolve parents (measured: 1.7
 * to 2.5 times slower).
 * Callers: the kernel, replay and the benchmarks.
 *
 * Invariants:
 *  A1  Nothing runs: actions, promises, timers and sends come back as data, in the order they were asked for.
 *  A2  Invoked logic is replaced by an inert stub; the definition keeps the real one for the outbox to run.
 *  A3  A throw of a guard, assign or input mapper leaves the given snapshot untouched and reaches the caller.
 *  A4  For every chart of the repository the result agrees with XState's own `transition()`
 *      (test/kernel/step.test.ts).
 */
import { createActor } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { AnyStateMachine, Snapshot } from 'xstate';
import type { Json } from '../../json.js';

/** What a step asks for, named after XState 6's durable descriptors. */
export type StepAction =
  | { readonly type: '@xstate.spawn'; readonly child: string; readonly src: string; readonly input: unknown }
  | { readonly type: '@xstate.stop'; readonly child: string }
  | {
      readonly type: '@xstate.raise';
      readonly sendId: string | undefined;
      readonly delayMs: number;
      readonly event: AnyEventObject;
    }
  | { readonly type: '@xstate.cancel'; readonly sendId: string }
  | { readonly type: '@xstate.emit'; readonly event: AnyEventObject }
  | { readonly type: '@xstate.log'; readonly label: string | undefined; readonly value: unknown }
  | {
      readonly type: '@xstate.action';
      readonly name: string;
      readonly params: unknown;
      readonly run: CustomAction | undefined;
    }
  | { readonly type: '@xstate.unsupported'; readonly what: string; readonly fix: string };

/** A custom action with its params bound, to be run after the commit (K13). */
export type CustomAction = () => unknown;

export interface StepResult {
  readonly snapshot: AnyMachineSnapshot;
  readonly actions: readonly StepAction[];
}

/** A machine whose invoked logic is inert: what the adapter steps. Made once per definition by `stubbed`. */
export type SteppableMachine = AnyStateMachine & { readonly __stubbed?: never };

type MachineScope = Parameters<AnyStateMachine['transition']>[2];

type StubSnapshot = Snapshot<undefined>;

const stub: AnyActorLogic = {
  transition: (snapshot: StubSnapshot) => snapshot,
  getInitialSnapshot: (): StubSnapshot => ({ status: 'active', output: undefined, error: undefined }),
  getPersistedSnapshot: () => ({ status: 'active' }) as unknown as StubSnapshot,
  restoreSnapshot: (): StubSnapshot => ({ status: 'active', output: undefined, error: undefined }),
};

/** The machine with every named actor source replaced by an inert stub (A2). */
export function stubbed(machine: AnyStateMachine): SteppableMachine {
  const sources = Object.keys(machine.implementations.actors);
  return machine.provide({ actors: Object.fromEntries(sources.map((src) => [src, stub])) });
}

/** The state right after creation. A throw of the context factory or an entry assign is thrown. */
export function initialStep(machine: SteppableMachine, input: unknown): StepResult {
  const scope = new Scope();
  const snapshot = machine.getInitialSnapshot(scope.scope, input) as AnyMachineSnapshot;
  if (snapshot.status === 'error') throw snapshot.error;
  return { snapshot, actions: [...scope.actions, ...spawnedUnseen({}, snapshot, scope.actions)] };
}

/** One event, one macrostep. */
export function nextStep(
  machine: SteppableMachine,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
): StepResult {
  const scope = new Scope();
  const next = machine.transition(snapshot, event, scope.scope) as AnyMachineSnapshot;
  const unseen = spawnedUnseen(snapshot.children as Children, next, scope.actions);
  return { snapshot: pruned(snapshot, next, event), actions: [...scope.actions, ...unseen] };
}

/** The JSON form of a snapshot; restoring it gives an equal snapshot. */
export function persisted(machine: SteppableMachine, snapshot: AnyMachineSnapshot): Json {
  return machine.getPersistedSnapshot(snapshot) as unknown as Json;
}

/** A live-shaped snapshot from its JSON form. Throws when a state does not exist in this machine. */
export function restored(machine: SteppableMachine, json: Json): AnyMachineSnapshot {
  return machine.restoreSnapshot(
    json as unknown as Snapshot<unknown>,
    new Scope().scope,
  ) as AnyMachineSnapshot;
}

/** The real logic behind a source name, for the outbox to run. */
export function logicOf(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
  return machine.implementations.actors[src] as AnyActorLogic | undefined;
}

type Children = Readonly<Record<string, AnyActorRef | undefined>>;

/** Why the source of an effect cannot be run (K13), with the fix; undefined when it can. */
export function whyNotRun(machine: AnyStateMachine, src: string): string | undefined {
  const logic: unknown = machine.implementations.actors[src];
  if (logic === undefined) return `"${src}" is not in setup({actors})`;
  if (typeof logic !== 'object' || logic === null) return `"${src}" is not actor logic`;
  if ('__xstatenode' in logic) return `"${src}" is a machine; child machines are not durable yet`;
  // XState's own makers of logic keep what they were given as `config`; others are taken at their word.
  if (!('config' in logic) || typeof logic.config !== 'function' || isPromise(logic as AnyActorLogic)) {
    return undefined;
  }
  return `"${src}" is a callback, an observable or a transition, not durable yet; use fromPromise`;
}

/** True for logic that ends with what its promise resolves to: the only kind whose outcome is its output. */
function isPromise(logic: AnyActorLogic): boolean {
  try {
    const active = { status: 'active', output: undefined, error: undefined, input: undefined };
    const resolved = { type: 'xstate.promise.resolve', data: null };
    const next = logic.transition(active as never, resolved, new Scope().scope as never) as {
      status?: unknown;
    };
    return next.status === 'done';
  } catch {
    // Only the user's own transition function throws here, and that is no promise.
    return false;
  }
}

/** Children that no action asked for: `spawn` in an assign or a context leaves no other trace. */
function spawnedUnseen(
  before: Children,
  after: AnyMachineSnapshot,
  actions: readonly StepAction[],
): StepAction[] {
  const unseen: StepAction[] = [];
  for (const [child, ref] of Object.entries(after.children as Children)) {
    if (ref === undefined || before[child] === ref) continue;
    const asked = actions.some((action) => action.type === '@xstate.spawn' && action.child === child);
    if (asked) continue;
    const what = `the child "${child}", spawned in an assign or a context,`;
    unseen.push({ type: '@xstate.unsupported', what, fix: 'use the action spawnChild' });
  }
  return unseen;
}

/** A child whose result was consumed is gone (K8): XState keeps spawned ones in `children` for ever. */
function pruned(
  before: AnyMachineSnapshot,
  after: AnyMachineSnapshot,
  event: AnyEventObject,
): AnyMachineSnapshot {
  if (!event.type.startsWith('xstate.done.actor.') && !event.type.startsWith('xstate.error.actor.'))
    return after;
  const child: unknown = event['actorId'];
  if (typeof child !== 'string') return after;
  const children = after.children as Children;
  const earlier = before.children as Children;
  if (children[child] === undefined || children[child] !== earlier[child]) return after;
  const { [child]: _ended, ...others } = children;
  return { ...after, children: others } as AnyMachineSnapshot;
}

/** The scope XState steps in: it records what is asked for and does nothing. */
class Scope {
  readonly actions: StepAction[] = [];
  readonly scope: MachineScope;

  constructor() {
    const self = {
      id: 'self',
      sessionId: 'self',
      system: inertSystem,
      send: () => undefined,
      // Something to send to, so that `sendParent` comes back as an action and is refused by name.
      _parent: { id: 'parent', sessionId: 'parent', send: () => undefined },
    };
    this.scope = {
      self: Object.assign(self, { ref: self }),
      id: 'self',
      sessionId: 'self',
      system: inertSystem,
      logger: () => undefined,
      defer: () => undefined,
      emit: () => undefined,
      stopChild: () => undefined,
      actionExecutor: (action: RawAction) => {
        const translated = translate(action);
        if (translated !== undefined) this.actions.push(translated);
      },
    } as unknown as MachineScope;
  }
}

/** The parts of XState's internal `ActorSystem` that creating a child touches; all of them do nothing. */
const inertSystem = Object.freeze({
  _bookId: () => 'x:0',
  _register: () => 'x:0',
  _unregister: () => undefined,
  _set: () => undefined,
  _sendInspectionEvent: () => undefined,
  _relay: () => undefined,
  _logger: () => undefined,
  _clock: { setTimeout: () => undefined, clearTimeout: () => undefined },
  get: () => undefined,
  getAll: () => ({}),
  inspect: () => ({ unsubscribe: () => undefined }),
});

interface RawAction {
  readonly type: string;
  readonly params: unknown;
  readonly info: { readonly context: unknown; readonly event: AnyEventObject };
  readonly exec: ((info: unknown, params: unknown) => unknown) | undefined;
}

interface RawParams {
  readonly id?: string;
  readonly sendId?: string;
  readonly delay?: number;
  readonly event?: AnyEventObject;
  readonly src?: unknown;
  readonly input?: unknown;
  readonly actorRef?: AnyActorRef;
  readonly label?: string;
  readonly value?: unknown;
}

/** One entry of XState's action list in our words; undefined for what the macrostep has done already. */
function translate(action: RawAction): StepAction | undefined {
  const params = (action.params ?? {}) as RawParams;
  switch (action.type) {
    case 'xstate.raise':
      if (params.delay === undefined || params.event === undefined) return undefined;
      return { type: '@xstate.raise', sendId: params.id, delayMs: params.delay, event: params.event };
    case 'xstate.cancel':
      return { type: '@xstate.cancel', sendId: params.sendId ?? '' };
    case 'xstate.spawnChild':
      return spawned(params);
    case 'xstate.stopChild':
      return action.params === undefined
        ? undefined
        : { type: '@xstate.stop', child: (action.params as AnyActorRef).id };
    case 'xstate.emit':
      return params.event === undefined ? undefined : { type: '@xstate.emit', event: params.event };
    case 'xstate.log':
      return { type: '@xstate.log', label: params.label, value: params.value };
    case 'xstate.sendTo':
      return { type: '@xstate.unsupported', what: 'sendTo', fix: 'use the action actor.send' };
    default:
      return custom(action);
  }
}

function spawned(params: RawParams): StepAction {
  const child = params.actorRef?.id;
  if (child === undefined || typeof params.src !== 'string') {
    const fix = 'name its source in setup({actors})';
    return { type: '@xstate.unsupported', what: 'a child without a named source', fix };
  }
  return { type: '@xstate.spawn', child, src: params.src, input: params.input };
}

function custom(action: RawAction): StepAction {
  const { exec, info, params, type } = action;
  const run = exec === undefined ? undefined : () => exec(info, params);
  return { type: '@xstate.action', name: type, params, run };
}

/**
 * Runs real logic outside a machine, under the effect's id as its own: what `self.id` shows is the
 * idempotency key.
 */
export function runLogic(logic: AnyActorLogic, effectKey: string, input: unknown): AnyActorRef {
  return createActor(logic, { id: effectKey, input });
}
