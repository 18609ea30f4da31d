/**
 * Ties what was drawn to a chart: names the states, and gives every loose transition a source and a target.
 *
 * Pure. Callers: generate.ts. Invariant: the result is a valid XState config whatever the numbers are.
 */
import type { InvokeSpec, Named, StateSpec, TransitionSpec } from './spec.js';

export interface Shape {
  readonly kind: 'atomic' | 'compound' | 'parallel';
  readonly children: readonly Shape[];
  /** With a final child of its own. */
  readonly ends: boolean;
  readonly remembers: 'nothing' | 'children' | 'descendants' | 'both';
}

/** A transition whose ends are numbers still. */
export interface Loose {
  readonly source: number;
  /** The event, delay or condition it is for. */
  readonly on: string;
  readonly aim: 'nothing' | 'self' | 'below' | 'anywhere';
  readonly target: number;
  readonly guard: Named | undefined;
  readonly actions: readonly Named[];
  readonly reenter: boolean;
}

export interface Draft {
  readonly isParallel: boolean;
  readonly first: Shape;
  readonly others: readonly Shape[];
  readonly nexts: readonly number[];
  readonly outside: readonly Loose[];
  readonly calm: readonly Loose[];
  readonly timed: readonly Loose[];
  readonly eventless: readonly Loose[];
  readonly invokes: readonly {
    readonly source: number;
    readonly src: string;
    readonly done: Loose;
    readonly failed: Loose | undefined;
  }[];
  readonly whenDone: readonly Loose[];
  readonly edges: readonly {
    readonly source: number;
    readonly side: 'entry' | 'exit';
    readonly action: Named;
  }[];
  readonly bomb: 'guard' | 'assign';
}

/** A state on its way: what StateSpec is, and may still grow. */
interface Growing {
  readonly id: string;
  /** Ids from the top to this one. */
  readonly path: readonly string[];
  readonly kind: Shape['kind'] | 'final' | 'history';
  readonly deep: boolean;
  readonly children: Growing[];
  readonly on: Record<string, TransitionSpec[]>;
  readonly after: Record<string, TransitionSpec[]>;
  readonly always: TransitionSpec[];
  readonly onDone: TransitionSpec[];
  readonly invoke: InvokeSpec[];
  readonly entry: Named[];
  readonly exit: Named[];
}

interface Ground {
  readonly root: Growing;
  /** States that may be the source of something: neither final nor history, the root left out. */
  readonly places: readonly Growing[];
  /** What any transition may lead to; histories more than once, for there are few of them. */
  readonly targets: readonly Growing[];
}

export function chartOf(draft: Draft): StateSpec {
  const ground = survey(draft);
  const { root, places } = ground;
  rootTransitions(draft, ground);
  for (const drawn of draft.outside) add(pick(places, drawn.source).on, drawn, ground, ground.targets);
  for (const drawn of draft.calm) add(pick(places, drawn.source).on, drawn, ground, places);
  for (const drawn of draft.timed) add(pick(places, drawn.source).after, drawn, ground, ground.targets);
  for (const drawn of draft.eventless) {
    const source = pick(places, drawn.source);
    source.always.push(eventless(drawn, source, ground));
  }
  for (const { source, src, done, failed } of draft.invokes) {
    const place = pick(places, source);
    const to = (one: Loose): TransitionSpec[] => [tied(one, place, ground.targets)];
    // Behind a guard that refuses, a rejection would be one that nobody handles: rare enough as it is.
    const onError = failed === undefined ? {} : { onError: [...to(failed), { actions: ['note'] }] };
    place.invoke.push({ id: `${src}.${place.id}.${place.invoke.length}`, src, onDone: to(done), ...onError });
  }
  const finishing = places.filter(({ kind, children }) => kind === 'parallel' || children.some(isFinal));
  for (const [index, drawn] of draft.whenDone.entries()) {
    const place = finishing[index];
    if (place !== undefined) place.onDone.push(tied(drawn, place, places));
  }
  for (const { source, side, action } of draft.edges) {
    const place = pick(places, source);
    place[side].push({ type: 'act', params: { at: `${side} ${place.id}` } }, action);
  }
  return specOf(root);
}

function survey({ isParallel, first, others }: Draft): Ground {
  const places: Growing[] = [];
  const targets: Growing[] = [];
  const grow = (kind: Growing['kind'], id: string, above: readonly string[], deep = false): Growing => {
    const empty = { on: {}, after: {}, always: [], onDone: [], invoke: [], entry: [], exit: [] };
    return { id, kind, deep, path: [...above, id], children: [], ...empty };
  };
  const growShape = (shape: Shape, above: readonly string[]): Growing => {
    const state = grow(shape.kind, `s${places.length + 1}`, above);
    places.push(state);
    targets.push(state);
    for (const child of shape.children) state.children.push(growShape(child, state.path));
    const special: Growing[] = [];
    if (shape.ends) special.push(grow('final', `${state.id}end`, state.path));
    if (['children', 'both'].includes(shape.remembers))
      special.push(grow('history', `${state.id}hist`, state.path));
    if (['descendants', 'both'].includes(shape.remembers)) {
      special.push(grow('history', `${state.id}deep`, state.path, true));
    }
    state.children.push(...special);
    targets.push(...special, ...special);
    return state;
  };
  const root = grow(isParallel ? 'parallel' : 'compound', 'chart', []);
  for (const shape of [first, ...others]) root.children.push(growShape(shape, []));
  if (!isParallel) root.children.push(grow('final', 'end', []));
  return { root, places, targets };
}

/** What every chart reacts to, wherever it is: most cases go somewhere at most of their steps. */
function rootTransitions(draft: Draft, { root, targets }: Ground): void {
  const [first = 0, second = 0, third = 0] = draft.nexts;
  const to = (target: number): string => `#${pick(targets, target).id}`;
  const on = root.on;
  on['next'] = [
    { guard: { type: 'turn', params: { is: 0 } }, target: to(first), actions: ['add', 'note'] },
    { guard: { type: 'turn', params: { is: 1 } }, target: to(second), actions: ['spark', 'add'] },
    { target: to(third), actions: ['raiseNow', 'add'] },
  ];
  on['r.now'] = [{ actions: ['note', 'add'] }];
  on['late.*'] = [{ actions: ['note', 'increase'] }];
  on['end'] = root.kind === 'parallel' ? [{ actions: ['note'] }] : [{ target: '#end', actions: ['note'] }];
  const guarded: TransitionSpec = { guard: 'explosive', actions: ['note'] };
  on['bomb'] = [draft.bomb === 'guard' ? guarded : { actions: ['add', 'say', 'explode'] }];
}

/** One that can be taken a bounded number of times. */
function eventless(drawn: Loose, source: Growing, { targets }: Ground): TransitionSpec {
  const { guard: _guard, ...rest } = tied(drawn, source, targets);
  const own = rest.actions ?? [];
  if (drawn.on === 'sparked') return { ...rest, guard: 'sparked', actions: ['useSpark', ...own] };
  const guard = { type: 'below', params: { limit: 3 + (drawn.target % 10) } };
  return { ...rest, guard, actions: ['increase', ...own] };
}

function add(
  where: Record<string, TransitionSpec[]>,
  drawn: Loose,
  { places }: Ground,
  targets: readonly Growing[],
): void {
  (where[drawn.on] ??= []).push(tied(drawn, pick(places, drawn.source), targets));
}

function tied(drawn: Loose, source: Growing, targets: readonly Growing[]): TransitionSpec {
  const target = aimed(drawn, source, targets);
  return {
    ...(target === undefined ? {} : { target: `#${target.id}` }),
    ...(drawn.guard === undefined ? {} : { guard: drawn.guard }),
    actions: drawn.actions,
    ...(target !== undefined && drawn.reenter ? { reenter: true } : {}),
  };
}

function aimed({ aim, target }: Loose, source: Growing, targets: readonly Growing[]): Growing | undefined {
  if (aim === 'nothing') return undefined;
  if (aim === 'self') return source;
  const open = targets.filter((state) => !isHistoryAround(state, source));
  const below = source.children.filter((child) => open.includes(child));
  return pick(aim === 'below' && below.length > 0 ? below : open, target);
}

/**
 * From inside, or from a parallel state to its own, a history may lead to the very source: XState 5.33 then
 * enters a state that it has not left, and starts its invokes a second time beside the first. Left out.
 */
function isHistoryAround({ kind, path }: Growing, source: Growing): boolean {
  const owner = path.at(-2);
  if (kind !== 'history' || owner === undefined) return false;
  return source.path.includes(owner) && (owner !== source.id || source.kind === 'parallel');
}

function specOf(state: Growing): StateSpec {
  const { id, kind, deep, children, on, after, always, onDone, invoke, entry, exit } = state;
  if (kind === 'final') return { id, type: 'final', output: { v: 4 } };
  if (kind === 'history') return { id, type: 'history', history: deep ? 'deep' : 'shallow' };
  const [first] = children;
  const states = Object.fromEntries(children.map((child) => [child.id, specOf(child)]));
  return {
    id,
    ...(kind === 'parallel' ? { type: 'parallel' } : {}),
    ...(kind === 'compound' && first !== undefined ? { initial: first.id } : {}),
    ...(children.length > 0 ? { states } : {}),
    ...(Object.keys(on).length > 0 ? { on } : {}),
    ...(Object.keys(after).length > 0 ? { after } : {}),
    ...(always.length > 0 ? { always } : {}),
    ...(onDone.length > 0 ? { onDone } : {}),
    ...(invoke.length > 0 ? { invoke } : {}),
    ...(entry.length > 0 ? { entry } : {}),
    ...(exit.length > 0 ? { exit } : {}),
  };
}

function isFinal({ kind }: Growing): boolean {
  return kind === 'final';
}

function pick(from: readonly Growing[], number: number): Growing {
  const picked = from[number % from.length];
  if (picked === undefined) throw new Error('there is nothing to pick from');
  return picked;
}
