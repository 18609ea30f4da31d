/**
 * What an actor could take now: every event that one of its active states has a transition for, who may send
 * it, and where it may lead.
 *
 * Pure. Callers: why.ts, acts.ts, what-if.ts. Invariants:
 *  L1  What no sender could bring is not told: the timer of a state that is not armed, the end of an effect
 *      that is not under way, an event that a state takes to do nothing.
 *  L2  Guards are named, never asked: users' code does not run here.
 *  L3  A state's transition hides its parents' only where it has no guard.
 */
import { createMachine, StateMachine, type AnyStateMachine } from 'xstate';
import { isPlainObject, type JsonObject } from '../../json.js';
import type { ActorRecord } from '../kernel/index.js';
import { delaysOf, invokesOf, type MachineNode } from '../kernel/shape.js';
import type { LegalEvent } from './face.js';
import { senderOf, type Sender } from './senders.js';

/** Whose state it is, as far as that is known. */
export interface LegalScope {
  readonly kind?: string | undefined;
  /** What is under way; absent: whatever the chart could have under way is told. */
  readonly record?: Pick<ActorRecord, 'timers' | 'effects' | 'children'> | undefined;
}

type Transition = MachineNode['on'][string][number];

/** A chart as it is stored, as a machine that can be looked at and does nothing. */
export function chartMachine(config: JsonObject): AnyStateMachine {
  // It is JSON, and `createMachine` accepts it: see chart-config.ts.
  return createMachine(config as Parameters<typeof createMachine>[0]) as AnyStateMachine;
}

/** The events that a machine takes in a state, those of its innermost states first. */
export function legalAt(
  machine: AnyStateMachine | undefined,
  value: unknown,
  scope: LegalScope = {},
): readonly LegalEvent[] {
  if (machine === undefined) return [];
  const taken = new Map<string, Set<Transition>>();
  for (const path of pathsTo(machine.root, value)) {
    for (const [type, transition] of candidatesOf(path)) {
      const known = taken.get(type) ?? new Set();
      taken.set(type, known.add(transition));
    }
  }
  return [...taken].flatMap(([type, transitions]) => {
    const doing = [...transitions].filter((one) => one.target !== undefined || one.actions.length > 0);
    if (doing.length === 0) return [];
    const told = {
      targets: distinct(doing.flatMap((one) => (one.target ?? [one.source]).map(pathOf))),
      guards: distinct([...transitions].flatMap(({ guard }) => namesOf(guard))),
    };
    return sendersOf({ machine, type, scope, state: doing[0]?.source ?? machine.root }).map((sender) => ({
      type,
      ...sender,
      ...told,
    }));
  });
}

/** From each active leaf to the root. */
function pathsTo(node: MachineNode, value: unknown): readonly (readonly MachineNode[])[] {
  const parts = typeof value === 'string' ? { [value]: {} } : value;
  const below = isPlainObject(parts) ? Object.entries(parts) : [];
  if (below.length === 0) return [[node]];
  return below.flatMap(([key, part]) => {
    const child = Object.hasOwn(node.states, key) ? node.states[key] : undefined;
    return child === undefined ? [] : pathsTo(child, part).map((path) => [...path, node]);
  });
}

/** What is asked along a path, leaf first, until something is sure to be taken. */
function* candidatesOf(path: readonly MachineNode[]): Generator<readonly [string, Transition]> {
  const decided = new Set<string>();
  for (const node of path) {
    for (const [type, transitions] of node.transitions) {
      if (decided.has(type)) continue;
      for (const transition of transitions) {
        yield [type, transition];
        if (transition.guard !== undefined) continue;
        decided.add(type);
        break;
      }
    }
  }
}

interface Asked {
  readonly machine: AnyStateMachine;
  readonly type: string;
  readonly state: MachineNode;
  readonly scope: LegalScope;
}

type Told = Sender & Pick<LegalEvent, 'dueAt'>;

const ENDS = [
  ['xstate.done.actor.', 'when it answers', 'when it ends'],
  ['xstate.error.actor.', 'when it fails', 'when it fails'],
  ['xstate.snapshot.', 'whenever it goes on', 'whenever it goes on'],
] as const;

/** Who could send it: nobody (L1), somebody, or a timer beside. */
function sendersOf(asked: Asked): readonly Told[] {
  const { type, scope } = asked;
  if (type.startsWith('xstate.after.')) return timerOf(asked);
  // The machine raises it itself, in the step that ends the state.
  if (type.startsWith('xstate.done.state.')) return [];
  for (const [prefix, ofEffect, ofActor] of ENDS) {
    if (type.startsWith(prefix)) return endOf(asked, type.slice(prefix.length), [ofEffect, ofActor]);
  }
  const { effects } = scope.record ?? {};
  if (type === 'effect.interrupted' && effects?.length === 0) return [];
  const armed = scope.record?.timers.filter(({ event }) => event?.type === type) ?? [];
  const timers = armed.map(({ dueAt }): Told => ({ by: 'timer', who: 'a timer of its own', dueAt }));
  return [senderOf(scope.kind ?? '', type), ...timers];
}

function timerOf({ type, state, scope }: Asked): readonly Told[] {
  const armed = scope.record?.timers.find(({ sendId }) => sendId === type);
  if (scope.record !== undefined && armed === undefined) return [];
  const delay = delaysOf(state).find(({ sendId }) => sendId === type)?.delay ?? type;
  const name = typeof delay === 'number' ? `${delay} ms` : delay;
  const due = armed === undefined ? {} : { dueAt: armed.dueAt };
  return [{ by: 'timer', who: `the timer ${name}`, ...due }];
}

function endOf(
  { machine, state, scope: { record } }: Asked,
  child: string,
  [ofEffect, ofActor]: readonly [string, string],
): readonly Told[] {
  const actor = record?.children?.find((one) => one.child === child);
  if (actor !== undefined) return [{ by: 'actor', who: `its child ${actor.address}, ${ofActor}` }];
  const effect = record?.effects.find((one) => one.child === child);
  if (record !== undefined && effect === undefined) return [];
  const src = effect?.src ?? invokesOf(state).find(({ id }) => id === child)?.src ?? child;
  const implementations: Readonly<Record<string, unknown>> = machine.implementations.actors;
  if (implementations[src] instanceof StateMachine)
    return [{ by: 'actor', who: `its child ${src}, ${ofActor}` }];
  return [{ by: 'effect', who: `the effect ${src}, ${ofEffect}` }];
}

/** The names in a guard; those of `and`, `or` and `not` are their parts'. */
function namesOf(guard: unknown): readonly string[] {
  if (guard === undefined) return [];
  if (typeof guard === 'string') return [guard];
  const { guards, type, name } = Object(guard) as Readonly<Record<'guards' | 'type' | 'name', unknown>>;
  if (Array.isArray(guards)) return guards.flatMap((one) => namesOf(one));
  if (typeof guard === 'object' && typeof type === 'string') return [type];
  return [typeof name === 'string' && name !== '' && name !== 'guard' ? name : 'ƒ'];
}

function pathOf({ path }: MachineNode): string {
  return path.join('.');
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
