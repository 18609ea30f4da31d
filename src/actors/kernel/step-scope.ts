/**
 * The actor scope a step is taken in: it records what is asked for and does nothing (A1).
 *
 * Owns, with step.ts, every use of XState members that are not part of its documented API. Callers: step.ts.
 * Invariants:
 *  Z1  What a step asks for depends on the snapshot, the event and what `environment.system` says, on nothing
 *      else: ids made here are made of the step's own number.
 *  Z2  A system id is known from the action that registered it on, within the same step too.
 */
import type { AnyActorRef, AnyActorScope, AnyEventObject, AnyMachineSnapshot } from 'xstate';

/** Whom a step sends to. */
export type Target =
  | { readonly type: 'self' | 'parent' }
  | { readonly type: 'child'; readonly child: string }
  | ({ readonly type: 'actor' } & SystemTarget);

/** Who a system id belongs to: an actor, or one of its effects. */
export interface SystemTarget {
  readonly address: string;
  readonly effect?: string;
}

/** What a step asks for, named after XState 6's durable descriptors. */
export type StepAction =
  | {
      readonly type: '@xstate.spawn';
      readonly child: string;
      readonly src: string;
      readonly input: unknown;
      readonly systemId: string | undefined;
      /** The parent wants to hear of every snapshot (`onSnapshot`). */
      readonly sync: boolean;
    }
  | { readonly type: '@xstate.stop'; readonly child: string }
  | {
      readonly type: '@xstate.raise';
      readonly sendId: string | undefined;
      readonly delayMs: number;
      readonly event: AnyEventObject;
    }
  | {
      readonly type: '@xstate.sendTo';
      readonly to: Target;
      readonly event: AnyEventObject;
      readonly sendId: string | undefined;
      /** Undefined: at once. */
      readonly delayMs: number | undefined;
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

/** A custom action with its params bound, to be run after the commit (K13) by the actor `self`. */
export type CustomAction = (self: ActionSelf) => unknown;

/** What a custom action may use of its actor. */
export interface ActionSelf {
  readonly id: string;
  readonly sessionId: string;
  readonly send: (event: AnyEventObject) => void;
}

/** Who takes a step, and whom it knows. */
export interface StepEnvironment {
  /** The machine sees it as `self.sessionId`. */
  readonly address: string;
  /** The machine sees it as `self.id`. */
  readonly id: string;
  readonly hasParent: boolean;
  readonly seq: number;
  readonly system: (systemId: string) => SystemTarget | undefined;
  /** Told before a step throws because somebody else has the system id it wants to give away. */
  readonly taken?: (systemId: string) => void;
}

type SendTo = Extract<StepAction, { type: '@xstate.sendTo' }>;

type Self = AnyActorRef & { readonly _parent: AnyActorRef | undefined };

export class StepScope {
  readonly actions: StepAction[] = [];
  readonly scope: AnyActorScope;
  readonly #self: Self;
  readonly #system: StepSystem;
  /** Children that an action asked for. This and the next are made when first needed. */
  #spawned: Set<AnyActorRef> | undefined;
  /** Sends to children whose states are being entered: XState asks for those first. */
  #early: SendTo[] | undefined;

  constructor(
    environment: StepEnvironment,
    snapshot: AnyMachineSnapshot | undefined,
    restoring: boolean = false,
  ) {
    const { id, address } = environment;
    const children = (snapshot as { readonly children?: Children } | undefined)?.children;
    const system = new StepSystem(environment, restoring ? undefined : this.actions, children);
    this.#system = system;
    const self = {
      id,
      sessionId: address,
      system,
      send: refuseSend,
      getSnapshot: () => snapshot,
      _parent: environment.hasParent
        ? { id: 'parent', sessionId: 'parent', send: refuseSend, system }
        : undefined,
    };
    this.#self = Object.assign(self, { ref: self }) as unknown as Self;
    this.scope = {
      self: this.#self,
      id,
      sessionId: address,
      system,
      logger: nothing,
      defer: nothing,
      stopChild: nothing,
      // Transition logic calls it; a machine's emits come as actions.
      emit: (event: AnyEventObject) => this.actions.push({ type: '@xstate.emit', event }),
      actionExecutor: (action: RawAction) => {
        const translated = this.#translate(action);
        if (translated !== undefined) this.actions.push(translated);
        if (translated?.type === '@xstate.spawn') this.#sendEarly(translated.child);
      },
    } as unknown as AnyActorScope;
  }

  /** True when an action asked for this child; `spawn` in an assign leaves none. */
  hasAskedFor(child: AnyActorRef): boolean {
    return this.#spawned?.has(child) === true;
  }

  /** The actions, with these added, each where its child was made. */
  withSpawns(spawns: readonly (readonly [child: AnyActorRef, spawn: StepAction])[]): readonly StepAction[] {
    const all = [...this.actions];
    const places = spawns.map(([child, spawn]) => [this.#system.bookedAt(child.sessionId), spawn] as const);
    // From the last one on, so that the places of the others stay what they are.
    for (const [[, before], spawn] of places.toSorted(([[a]], [[b]]) => b - a)) all.splice(before, 0, spawn);
    return all;
  }

  #sendEarly(child: string): void {
    if (this.#early === undefined) return;
    const isFor = ({ to }: SendTo): boolean => to.type === 'child' && to.child === child;
    this.actions.push(...this.#early.filter(isFor));
    this.#early = this.#early.filter((send) => !isFor(send));
  }

  /** One entry of XState's action list in our words; undefined for what the macrostep has done already. */
  #translate(action: RawAction): StepAction | undefined {
    const params = (action.params ?? {}) as RawParams;
    switch (action.type) {
      case 'xstate.raise':
        if (params.delay === undefined || params.event === undefined) return undefined;
        return { type: '@xstate.raise', sendId: params.id, delayMs: params.delay, event: params.event };
      case 'xstate.cancel':
        return { type: '@xstate.cancel', sendId: params.sendId ?? '' };
      case 'xstate.spawnChild':
        if (params.actorRef !== undefined) (this.#spawned ??= new Set()).add(params.actorRef);
        return spawned(params);
      case 'xstate.stopChild':
        return this.#stopped(action.params as AnyActorRef | undefined);
      case 'xstate.emit':
        return params.event === undefined ? undefined : { type: '@xstate.emit', event: params.event };
      case 'xstate.log':
        return { type: '@xstate.log', label: params.label, value: params.value };
      case 'xstate.sendTo':
        return this.#sent(params);
      default:
        return custom(action);
    }
  }

  #stopped(child: AnyActorRef | undefined): StepAction | undefined {
    if (child === undefined) return undefined;
    this.#system.forget(child);
    return { type: '@xstate.stop', child: child.id };
  }

  #sent({ to, event, id: sendId, delay: delayMs }: RawParams): StepAction | undefined {
    if (event === undefined || to === undefined) return undefined;
    if (delayMs !== undefined && to === this.#self) return { type: '@xstate.raise', sendId, delayMs, event };
    if (typeof to !== 'string')
      return { type: '@xstate.sendTo', to: this.#targetOf(to), event, sendId, delayMs };
    // A child that the same step invokes: it can be sent to once it has been asked for.
    (this.#early ??= []).push({
      type: '@xstate.sendTo',
      to: { type: 'child', child: to },
      event,
      sendId,
      delayMs,
    });
    return undefined;
  }

  #targetOf(to: AnyActorRef): Target {
    if (to === this.#self) return { type: 'self' };
    if (to === this.#self._parent) return { type: 'parent' };
    if (to instanceof SystemRef) return { type: 'actor', ...to.target };
    return { type: 'child', child: to.id };
  }
}

/** What `system.get` gives for an actor that is not a child of this step's. */
class SystemRef {
  readonly id: string;
  readonly sessionId: string;
  readonly ref = this;
  readonly send = refuseSend;
  readonly target: SystemTarget;

  constructor(systemId: string, target: SystemTarget) {
    this.id = systemId;
    this.sessionId = target.address;
    this.target = target;
  }

  getSnapshot(): never {
    throw new Error('the snapshot of another actor is not part of a step: let it send what you need');
  }
}

/** The parts of XState's `ActorSystem` that a step touches. */
class StepSystem {
  readonly _logger = nothing;
  readonly _clock = { setTimeout: nothing, clearTimeout: nothing };
  readonly #environment: StepEnvironment;
  /** What the step has asked for so far; undefined while a snapshot is restored. */
  readonly #actions: readonly StepAction[] | undefined;
  /** How much had been asked for when each child was made. */
  #booked: number[] | undefined;
  /** Made when first needed: few machines use system ids. */
  #registered: Map<string, AnyActorRef | undefined> | undefined;

  /** The actor's children before the step. */
  readonly #children: Children | undefined;

  constructor(
    environment: StepEnvironment,
    actions: readonly StepAction[] | undefined,
    children: Children | undefined,
  ) {
    this.#environment = environment;
    this.#actions = actions;
    this.#children = children;
  }

  _bookId(): string {
    const number = (this.#booked ??= []).push(this.#actions?.length ?? 0);
    return `x.${this.#environment.seq}.${number}`;
  }

  /** Which child it was, and how many actions were asked for before it. */
  bookedAt(sessionId: string): readonly [number: number, before: number] {
    const number = Number(sessionId.slice(sessionId.lastIndexOf('.') + 1));
    return [number, this.#booked?.[number - 1] ?? 0];
  }

  _register(): string {
    return '';
  }

  _unregister(): void {
    // Stops are actions: see `forget`.
  }

  _relay(): void {
    // Sends are actions.
  }

  _sendInspectionEvent(): void {
    // Nobody inspects a pure step.
  }

  _set(systemId: string, actor: AnyActorRef): void {
    if (this.#actions === undefined) return;
    const taken = this.get(systemId);
    if (taken instanceof SystemRef) this.#environment.taken?.(systemId);
    if (taken !== undefined && taken !== actor)
      throw new Error(`Actor with system ID '${systemId}' already exists.`);
    this.#registered ??= new Map();
    this.#registered.set(systemId, actor);
  }

  get(systemId: string): unknown {
    if (this.#registered?.has(systemId) === true) return this.#registered.get(systemId);
    // One's own child is the reference that one has of it: it can be stopped, and kept in the context.
    const own = Object.values(this.#children ?? {}).find((child) => child?.systemId === systemId);
    if (own !== undefined) return own;
    const target = this.#environment.system(systemId);
    return target === undefined ? undefined : new SystemRef(systemId, target);
  }

  getAll(): never {
    throw new Error('system.getAll() cannot be made durable: use system.get(systemId)');
  }

  inspect(): { unsubscribe: () => void } {
    return { unsubscribe: nothing };
  }

  /** A stopped child gives its system id back at once: another may take it in the same step. */
  forget(child: AnyActorRef): void {
    const { systemId } = child as { readonly systemId?: string };
    if (systemId === undefined) return;
    this.#registered ??= new Map();
    this.#registered.set(systemId, undefined);
  }
}

type Children = Readonly<Record<string, (AnyActorRef & { readonly systemId?: string }) | undefined>>;

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
  readonly actorRef?: AnyActorRef & { readonly _syncSnapshot?: boolean };
  readonly systemId?: string;
  readonly label?: string;
  readonly value?: unknown;
  readonly to?: AnyActorRef | string;
}

function spawned(params: RawParams): StepAction {
  const { actorRef, src, input, systemId, id } = params;
  if (actorRef === undefined || typeof src !== 'string') {
    const fix = 'name its source in setup({actors})';
    return { type: '@xstate.unsupported', what: 'a child without a named source', fix };
  }
  if (id === undefined) {
    return { type: '@xstate.unsupported', what: `spawnChild("${src}") without an id`, fix: 'give it an id' };
  }
  const sync = actorRef._syncSnapshot === true;
  return { type: '@xstate.spawn', child: actorRef.id, src, input, systemId, sync };
}

function custom({ exec, info, params, type }: RawAction): StepAction {
  const run = exec === undefined ? undefined : (self: ActionSelf): unknown => exec({ ...info, self }, params);
  return { type: '@xstate.action', name: type, params, run };
}

function refuseSend(): never {
  throw new Error('a step sends by actions: use sendTo, sendParent or raise');
}

function nothing(): void {
  // A pure step does nothing.
}
