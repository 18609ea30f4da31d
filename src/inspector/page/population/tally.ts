/**
 * Counts of actors, by state, as a chart and a table show them.
 *
 * Pure. Callers: population-view.tsx and its parts. Invariant: what is summed is what the runtime counted;
 * nothing is counted here.
 */
import type {
  DwellView,
  KindView,
  LiveFrame,
  Population,
  StateCountView,
} from '../../../actors/inspection/face.js';
import { activePathsOf, leavesOf } from '../words.js';

/** One structure of a machine: a chart of its own. */
export interface Edition {
  /** Of version and hash: a version may have two structures, and a structure be that of two versions. */
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly count: number;
  readonly states: readonly StateCountView[];
}

/** The editions of a kind, those with the most actors first. */
export function editionsOf({ states }: KindView): readonly Edition[] {
  const names = [...new Set(states.map(({ version, hash }) => JSON.stringify([version, hash])))];
  const editions = names.map((name) => {
    const own = states.filter(({ version, hash }) => JSON.stringify([version, hash]) === name);
    const count = own.reduce((sum, each) => sum + each.count, 0);
    return { name, version: own[0]?.version ?? '', hash: own[0]?.hash ?? '', count, states: own };
  });
  return editions.toSorted((a, b) => b.count - a.count);
}

/**
 * How many are in each state, by path: a compound state's are those in all of its own; `''` is all of
 * them.
 */
export function countsByPath(states: readonly StateCountView[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { value, count } of states) {
    for (const path of ['', ...activePathsOf(value)]) counts.set(path, (counts.get(path) ?? 0) + count);
  }
  return counts;
}

/** A leaf state in a table. */
export interface StateRow {
  readonly state: string;
  readonly count: number;
  /** All that are counted there have ended. */
  readonly finished: boolean;
  readonly dwell: DwellView | undefined;
}

/** Leaf states with somebody in them, and those that somebody has left: the most crowded first. */
export function stateRows(
  states: readonly StateCountView[],
  dwell: readonly DwellView[],
): readonly StateRow[] {
  const counts = new Map<string, { count: number; finished: boolean }>();
  for (const { value, count, finished } of states) {
    for (const leaf of leavesOf(value)) {
      const before = counts.get(leaf);
      counts.set(leaf, {
        count: (before?.count ?? 0) + count,
        finished: finished && (before?.finished ?? true),
      });
    }
  }
  const times = new Map(dwell.map((one) => [one.state, one]));
  const names = [...new Set([...counts.keys(), ...times.keys()])];
  return names
    .map((state) => ({ state, count: 0, finished: false, ...counts.get(state), dwell: times.get(state) }))
    .toSorted((a, b) => b.count - a.count || (a.state < b.state ? -1 : 1));
}

/** The population with the counts of a frame; undefined when the frame tells of a kind that is not in it. */
export function withCounts(population: Population, counts: LiveFrame['counts']): Population | undefined {
  if (counts.some(({ kind }) => !population.kinds.some((own) => own.kind === kind))) return undefined;
  const kinds = population.kinds.map((own) => {
    const news = counts.filter(({ kind }) => kind === own.kind);
    return news.length === 0 ? own : kindWith(own, news);
  });
  return { ...population, kinds };
}

function kindWith(own: KindView, news: LiveFrame['counts']): KindView {
  const states = new Map(own.states.map((state) => [keyOf(state), state]));
  for (const { version, hash, value, count, finished } of news) {
    const key = keyOf({ version, hash, value });
    if (count === 0) states.delete(key);
    else states.set(key, { version, hash, value, count, finished });
  }
  const list = [...states.values()];
  return { ...own, states: list, count: list.reduce((sum, { count }) => sum + count, 0) };
}

function keyOf({ version, hash, value }: Pick<StateCountView, 'version' | 'hash' | 'value'>): string {
  return JSON.stringify([version, hash, leavesOf(value).toSorted()]);
}

/** Those that have not ended. */
export function unfinishedOf({ states }: Pick<KindView, 'states'>): number {
  return states.reduce((sum, { count, finished }) => sum + (finished ? 0 : count), 0);
}
