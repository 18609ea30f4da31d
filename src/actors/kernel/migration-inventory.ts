/**
 * What an actor has under way, against what the states of a new version ask for: what goes on, what is
 * dropped, what is missing (K12).
 *
 * Pure. Callers: migration.ts. Invariants:
 *  Y1  Everything of the record is either kept or dropped.
 *  Y2  An `after` or invoke that an active state of the old version had, and that is not under way any more,
 *      has fired or ended: it is not missing.
 */
import type { AnyStateMachine } from 'xstate';
import { sourceOf } from './logic.js';
import type { ActorRecord, ChildRef, EffectRef } from './record.js';
import {
  delaysOf,
  invokesOf,
  nodesOf,
  type Delay,
  type Invoke,
  type MachineNode,
  type Shape,
} from './shape.js';

export interface Dropped {
  readonly what: 'timer' | 'effect' | 'child';
  readonly id: string;
  /** The send id of a timer, the source of an effect or child. */
  readonly name: string;
}

export interface Versions {
  readonly machine: AnyStateMachine;
  /** The active states of the new version. */
  readonly active: readonly MachineNode[];
  /** Those of the old one, where its shape is known. */
  readonly before: readonly Shape[] | undefined;
}

export interface Taken {
  readonly kept: {
    readonly timers: ReadonlySet<string>;
    readonly effects: ReadonlySet<string>;
    readonly children: ReadonlySet<string>;
    /** What the machine calls the kept effects and children. */
    readonly names: ReadonlySet<string>;
  };
  readonly dropped: readonly Dropped[];
  readonly missingTimers: readonly Delay[];
  readonly missingInvokes: readonly Invoke[];
}

export class Inventory {
  readonly #record: ActorRecord;
  readonly #versions: Versions;

  constructor(record: ActorRecord, versions: Versions) {
    this.#record = record;
    this.#versions = versions;
  }

  /** `ends`: the actor is over, nothing of it goes on. */
  take(ends: boolean): Taken {
    const { timers, effects, children = [], status } = this.#record;
    const { active } = this.#versions;
    const keptTimers = ends ? [] : timers.filter(({ sendId }) => this.#keepsTimer(sendId));
    const keptEffects = ends ? [] : effects.filter((effect) => this.#keeps(effect, false));
    const keptChildren = ends ? [] : children.filter((child) => this.#keeps(child, true));
    const names = new Set([...keptEffects, ...keptChildren].map(({ child }) => child));
    const sendIds = new Set(keptTimers.map(({ sendId }) => sendId));
    const idle = status !== 'active';
    return {
      kept: { timers: idsOf(keptTimers), effects: idsOf(keptEffects), children: idsOf(keptChildren), names },
      dropped: [
        ...without(timers, keptTimers).map(
          ({ id, sendId }) => ({ what: 'timer', id, name: sendId }) as const,
        ),
        ...without(effects, keptEffects).map(({ id, src }) => ({ what: 'effect', id, name: src }) as const),
        ...without(children, keptChildren).map(({ id, src }) => ({ what: 'child', id, name: src }) as const),
      ],
      missingTimers: idle
        ? []
        : active.flatMap(delaysOf).filter(({ sendId }) => !sendIds.has(sendId) && !this.#hadTimer(sendId)),
      missingInvokes: idle
        ? []
        : active.flatMap((node) =>
            invokesOf(node).filter(({ id, src }) => !names.has(id) && !this.#hadInvoke(node.id, id, src)),
          ),
    };
  }

  /** Timers that no `after` armed belong to the actor, whatever its state. */
  #keepsTimer(sendId: string): boolean {
    if (!sendId.startsWith('xstate.after.')) return true;
    return this.#versions.active.some((node) => delaysOf(node).some((delay) => delay.sendId === sendId));
  }

  #keeps({ child, src }: EffectRef | ChildRef, isActor: boolean): boolean {
    const { active, before, machine } = this.#versions;
    const source = sourceOf(machine, src);
    if (source.type === 'unusable') return false;
    if ((source.type === 'machine' || source.type === 'transition') !== isActor) return false;
    const invoke = active.flatMap(invokesOf).find(({ id }) => id === child);
    if (invoke !== undefined) return invoke.src === src;
    // Of no active state: an invoke's child has no business any more, a spawned one lives as long as it
    // likes.
    return before === undefined
      ? !invokedBy([...nodesOf(machine.root)], child)
      : !before.some((state) => state.invoke?.some(([id]) => id === child) === true);
  }

  #hadTimer(sendId: string): boolean {
    return this.#versions.before?.some(({ after }) => after?.includes(sendId) === true) === true;
  }

  #hadInvoke(stateId: string, id: string, src: string): boolean {
    if (this.#record.effects.some(({ child }) => child === id)) return false;
    if (this.#record.children?.some(({ child }) => child === id) === true) return false;
    const state = this.#versions.before?.find((each) => each.id === stateId);
    return state?.invoke?.some(([hadId, hadSrc]) => hadId === id && hadSrc === src) === true;
  }
}

function invokedBy(nodes: readonly MachineNode[], child: string): boolean {
  return nodes.some((node) => invokesOf(node).some(({ id }) => id === child));
}

function idsOf(things: readonly { readonly id: string }[]): ReadonlySet<string> {
  return new Set(things.map(({ id }) => id));
}

function without<T>(all: readonly T[], kept: readonly T[]): readonly T[] {
  return all.filter((each) => !kept.includes(each));
}
