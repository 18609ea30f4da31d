/**
 * A chart as states and the ways between them: what is drawn, whatever it is drawn with.
 *
 * Pure. Callers: layout.ts, mermaid.ts, page.ts, whoever draws. Invariants:
 *  1  It is read from the state nodes that XState makes of a config, so that it says what would happen.
 *  2  Ways between the same two states are one edge, in the order the chart tries them.
 *  3  Nothing here is escaped: names are the users' own.
 */
import { createMachine } from 'xstate';
import { HoldfastError } from '../errors.js';
import type { JsonObject } from '../json.js';
import { limits } from '../limits.js';

/** One way to take an event. */
export interface ChartWay {
  /** As the journal has it: `job.cancel`, `xstate.after.retry.job.fetching.resting`; `''` for `always`. */
  readonly event: string;
  /** In words: `job.cancel`, `after retry`, `submit answers`, `submit throws`; `''` for `always`. */
  readonly trigger: string;
  readonly guard?: string;
  readonly actions: readonly string[];
  /** `trigger [guard]`; never empty. */
  readonly label: string;
}

export interface ChartState {
  /** Keys from the root down, joined by dots; `''` for the root. */
  readonly path: string;
  readonly key: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'shallow history' | 'deep history';
  readonly description?: string;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
  /** What it hears without a target: nothing is left or entered. */
  readonly stays: readonly ChartWay[];
  /** Where it begins when it is entered by its name; of compound states alone. */
  readonly initial?: { readonly targets: readonly string[]; readonly actions: readonly string[] };
  readonly states: readonly ChartState[];
}

export interface ChartEdge {
  readonly source: string;
  readonly target: string;
  /** Of a history: where it goes when there is none; it has no ways. */
  readonly ways: readonly ChartWay[];
}

export interface ChartModel {
  readonly id: string;
  readonly version?: string;
  readonly root: ChartState;
  readonly edges: readonly ChartEdge[];
}

/** As far as it is looked at. A structural type, for XState's own is full of `any`. */
interface StateNode {
  readonly id: string;
  readonly key: string;
  readonly path: readonly string[];
  readonly type: string;
  readonly history: false | 'shallow' | 'deep';
  readonly description?: string | undefined;
  readonly tags: readonly string[];
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly parent?: StateNode | undefined;
  readonly states: Readonly<Record<string, StateNode>>;
  readonly initial: { readonly target: readonly StateNode[]; readonly actions: readonly unknown[] };
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[] | undefined;
  readonly invoke: readonly { readonly id: string; readonly src: unknown }[];
  readonly config: { readonly target?: unknown };
}

interface Transition {
  readonly eventType: string;
  readonly target: readonly StateNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

interface Machine {
  readonly id: string;
  readonly version?: string | undefined;
  readonly root: StateNode;
  getStateNodeById(id: string): StateNode;
}

/**
 * The model of a machine's config, such as `ChartView.config`: JSON with names for functions. Throws
 * INVALID_INPUT for what `createMachine` refuses, and for more than `limits.chartStatesMax` states.
 */
export function chartModel(config: JsonObject): ChartModel {
  try {
    const machine: Machine = createMachine(config as Parameters<typeof createMachine>[0]);
    return modelOf(machine);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw refused(`no machine can be made of it (${why})`, error);
  }
}

function modelOf(machine: Machine): ChartModel {
  const nodes = [machine.root, ...below(machine.root)];
  if (nodes.length > limits.chartStatesMax)
    throw refused(`it has ${nodes.length} states, of which ${limits.chartStatesMax} can be drawn`);
  // A key may have a dot in it.
  if (new Set(nodes.map(pathOf)).size < nodes.length) throw refused('two states have the same path');
  const { id, version } = machine;
  const edges = nodes.flatMap((node) => edgesFrom(node, machine));
  return { id, ...(version !== undefined && { version }), root: stateOf(machine.root), edges };
}

function refused(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"config": ${why}`, { details: { field: 'config' }, cause });
}

/** All states of a model, each before those within it; the root first. */
export function statesOf({ root }: ChartModel): readonly ChartState[] {
  const all = (state: ChartState): readonly ChartState[] => [state, ...state.states.flatMap(all)];
  return all(root);
}

function below(node: StateNode): readonly StateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...below(child)]);
}

function pathOf(node: StateNode): string {
  return node.path.join('.');
}

function stateOf(node: StateNode): ChartState {
  const { key, description, tags } = node;
  const kind = kindOf(node);
  return {
    ...{ path: pathOf(node), key, kind, tags: [...tags] },
    ...(description !== undefined && { description }),
    entry: node.entry.filter(isNamed).map(actionName),
    exit: node.exit.filter(isNamed).map(actionName),
    invokes: node.invoke.map(({ id, src }) => ({ id, src: typeof src === 'string' ? src : 'ƒ' })),
    stays: staysOf(node),
    ...(kind === 'compound' && { initial: initialOf(node) }),
    states: Object.values(node.states).map(stateOf),
  };
}

function kindOf({ type, history }: StateNode): ChartState['kind'] {
  if (type === 'history') return history === 'deep' ? 'deep history' : 'shallow history';
  return type === 'compound' || type === 'parallel' || type === 'final' ? type : 'atomic';
}

function initialOf({ initial }: StateNode): ChartState['initial'] & object {
  return { targets: initial.target.map(pathOf), actions: initial.actions.map(actionName) };
}

function leaving(node: StateNode): readonly Transition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

function staysOf(node: StateNode): readonly ChartWay[] {
  return leaving(node).flatMap((way) => (way.target === undefined ? [wayOf(node, way)] : []));
}

function edgesFrom(node: StateNode, machine: Machine): readonly ChartEdge[] {
  if (node.type === 'history') return defaultsOf(node, machine);
  const ways = new Map<string, ChartWay[]>();
  for (const each of leaving(node)) {
    for (const target of each.target ?? []) {
      const known = ways.get(pathOf(target));
      if (known === undefined) ways.set(pathOf(target), [wayOf(node, each)]);
      else known.push(wayOf(node, each));
    }
  }
  return Array.from(ways, ([target, each]) => ({ source: pathOf(node), target, ways: each }));
}

/** Where a history goes when there is none; without a target of its own, that is its parent's initial. */
function defaultsOf({ config, path, parent }: StateNode, machine: Machine): readonly ChartEdge[] {
  const targets: readonly unknown[] = [config.target].flat();
  return targets.flatMap((target) => {
    if (typeof target !== 'string' || parent === undefined) return [];
    const found = target.startsWith('#') ? machine.getStateNodeById(target.slice(1)) : within(parent, target);
    return found === undefined ? [] : [{ source: path.join('.'), target: pathOf(found), ways: [] }];
  });
}

function within(node: StateNode, target: string): StateNode | undefined {
  const keys = target.split('.').filter((key) => key !== '');
  return keys.reduce<StateNode | undefined>((at, key) => at?.states[key], node);
}

function wayOf(node: StateNode, { eventType, guard, actions }: Transition): ChartWay {
  const trigger = triggerOf(node, eventType);
  const named = guard === undefined ? '' : actionName(guard);
  const label = [trigger, named === '' ? '' : `[${named}]`].filter((part) => part !== '').join(' ');
  return {
    ...{ event: eventType, trigger },
    ...(named !== '' && { guard: named }),
    actions: actions.map(actionName),
    label: label === '' ? 'otherwise' : label,
  };
}

function triggerOf(node: StateNode, eventType: string): string {
  if (eventType === `xstate.done.state.${node.id}`) return 'when done';
  const [, fate, actor] = /^xstate\.(done|error|snapshot)\.actor\.(.+)$/s.exec(eventType) ?? [];
  if (actor !== undefined)
    return `${calledIn(node, actor)} ${fate === undefined ? '' : (FATES[fate] ?? fate)}`;
  const [, delay] = /^xstate\.after\.(.+)$/s.exec(eventType) ?? [];
  if (delay === undefined) return eventType;
  const suffix = `.${node.id}`;
  return `after ${spanOf(delay.endsWith(suffix) ? delay.slice(0, -suffix.length) : delay)}`;
}

/** What is invoked without a name has one of XState's own, `0.order.open.charging`: its source says more. */
function calledIn(node: StateNode, actor: string): string {
  for (const { id, invoke } of [node, ...below(node)]) {
    const at = invoke.findIndex((one) => one.id === actor);
    const src = invoke[at]?.src;
    if (typeof src === 'string' && actor === `${at}.${id}`) return src;
  }
  return actor;
}

const FATES: Readonly<Record<string, string>> = { done: 'answers', error: 'throws', snapshot: 'tells' };

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** A delay's name, or its milliseconds in the largest unit that leaves no rest. */
function spanOf(delay: string): string {
  const ms = Number(delay);
  if (!Number.isFinite(ms)) return delay;
  const [size, unit] = UNITS.find(([each]) => ms >= each && ms % each === 0) ?? [1, 'ms'];
  return `${ms / size} ${unit}`;
}

/** A config has names alone: a function is XState's own, and arms or disarms the timer of an `after`. */
function isNamed(action: unknown): boolean {
  return typeof action !== 'function';
}

/** An action's or a guard's name, with its parameters where they are plain. */
function actionName(action: unknown): string {
  if (typeof action !== 'object' || action === null) return String(action);
  const { type, params } = action as { readonly type?: unknown; readonly params?: unknown };
  const name = typeof type === 'string' ? type : 'ƒ';
  if (typeof params !== 'object' || params === null) return name;
  const given = Object.entries(params).map(([key, value]) => `${key}: ${valueText(value)}`);
  return given.length === 0 ? name : `${name}(${given.join(', ')})`;
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
