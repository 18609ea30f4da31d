/**
 * The shape of a machine: its states, and what each of them starts by being entered. It is stored beside the
 * actors of a version, because a migration has the code of the new version alone and must know what the old
 * one had started.
 *
 * Pure. Callers: the counts (which store it), migration.ts, census.ts.
 * Invariants:
 *  H1  Equal structure, equal shape: what can change a shape is part of the structure hash; but for its
 *      chart, whose descriptions are not.
 *  H2  A shape is JSON, and says nothing about functions.
 */
import type { AnyStateMachine } from 'xstate';
import { isPlainObject, type Json, type JsonObject } from '../../json.js';

export type MachineNode = AnyStateMachine['root'];

export interface Shape {
  readonly id: string;
  /** Absent: a state that is neither. */
  readonly type?: 'parallel' | 'final';
  /** Send ids of its `after` timers. */
  readonly after?: readonly string[];
  /** Its invokes, as id and source. */
  readonly invoke?: readonly (readonly [id: string, src: string])[];
  readonly states?: Readonly<Record<string, Shape>>;
  /** Of a root: actors of that version may have their last steps in the journal alone. */
  readonly amortized?: true;
  /** Of a root: what it is drawn from (chart-config.ts). Absent where an older holdfast wrote it. */
  readonly chart?: JsonObject;
}

export function shapeOf(node: MachineNode): Shape {
  const states = Object.entries(node.states);
  const { id, type } = node;
  const after = delaysOf(node);
  const invoke = invokesOf(node);
  return {
    id,
    ...(type === 'parallel' || type === 'final' ? { type } : {}),
    ...(after.length === 0 ? {} : { after: after.map(({ sendId }) => sendId) }),
    ...(invoke.length === 0 ? {} : { invoke: invoke.map((each) => [each.id, each.src] as const) }),
    ...(states.length === 0
      ? {}
      : { states: Object.fromEntries(states.map(([key, state]) => [key, shapeOf(state)])) }),
  };
}

export interface Invoke {
  readonly id: string;
  readonly src: string;
  /** A value, or a function of context, event and self. */
  readonly input: unknown;
  readonly systemId: string | undefined;
  readonly sync: boolean;
}

/** What a state invokes; inline sources, which no definition has, are left out. */
export function invokesOf(node: MachineNode): readonly Invoke[] {
  return node.invoke.flatMap(({ id, src, input, systemId, onSnapshot }): Invoke[] =>
    typeof src === 'string' ? [{ id, src, input, systemId, sync: onSnapshot !== undefined }] : [],
  );
}

export interface Delay {
  readonly delay: number | string;
  readonly sendId: string;
}

/** The delays of a state's `after`, and the ids of the timers XState arms for them. */
export function delaysOf(node: MachineNode): readonly Delay[] {
  return Object.keys(node.config.after ?? {}).map((key) => {
    const delay = Number.isNaN(Number(key)) ? key : Number(key);
    return { delay, sendId: `xstate.after.${delay}.${node.id}` };
  });
}

interface Tree<Node> {
  readonly states?: Readonly<Record<string, Node>>;
}

/**
 * The nodes a state value names, the root first; undefined when one of them does not exist. What the value
 * leaves open (a compound state by its name alone) is left out.
 */
export function nodesAt<Node extends Tree<Node>>(root: Node, value: Json): readonly Node[] | undefined {
  if (typeof value === 'string') {
    const state = childOf(root, value);
    return state && [root, state];
  }
  if (!isPlainObject(value)) return undefined;
  const found: Node[] = [root];
  for (const [key, part] of Object.entries(value)) {
    const state = childOf(root, key);
    const below = state && nodesAt(state, part as Json);
    if (below === undefined) return undefined;
    found.push(...below);
  }
  return found;
}

/** True when a machine in that state has reached its end. */
export function isFinal(shape: Shape, value: Json): boolean {
  if (typeof value === 'string') return childOf(shape, value)?.type === 'final';
  if (shape.type !== 'parallel' || !isPlainObject(value)) return false;
  return Object.entries(shape.states ?? {}).every(([key, state]) =>
    isFinal(state, (value[key] ?? null) as Json),
  );
}

/** Every node of a tree. */
export function* nodesOf<Node extends Tree<Node>>(node: Node): Generator<Node> {
  yield node;
  for (const state of Object.values(node.states ?? {})) yield* nodesOf(state);
}

function childOf<Node extends Tree<Node>>(node: Node, key: string): Node | undefined {
  return Object.hasOwn(node.states ?? {}, key) ? node.states?.[key] : undefined;
}
