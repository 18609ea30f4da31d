/**
 * What a chart shows of one moment of one actor: which states are lit, which edge the step took, and what
 * stands in the badges.
 *
 * Pure; chart.tsx puts it into the picture. Invariants:
 *  1  A state is known by its path, keys joined by dots; the root's is empty.
 *  2  An edge is lit only if the step can have taken it: its source was active, and its target is, or leads
 *     there by transitions that wait for nothing.
 */
import type { EffectView, StepLine, TimerView } from '../../../actors/inspection/face.js';
import type { Json, JsonObject } from '../../../json.js';
import { activePathsOf, durationWords } from '../words.js';

export type Value = StepLine['value'];

/** A transition of the picture: its `data-edge`, read. */
export interface Edge {
  readonly key: string;
  readonly source: string;
  readonly event: string;
  readonly target: string;
}

/** Chains of transitions that wait for nothing are short; the bound is against rings. */
const CHAIN_MAX = 20;

/** Every active state, compound ones and the root included. */
export function activePaths(value: Value): ReadonlySet<string> {
  return new Set(value === null ? [] : ['', ...activePathsOf(value)]);
}

/** Of `<source path>|<event>|<target path>`: an event may have a bar in its name, a path has none. */
export function edgeOf(key: string): Edge | undefined {
  const first = key.indexOf('|');
  const last = key.lastIndexOf('|');
  if (first < 0 || first === last) return undefined;
  const [source, event, target] = [key.slice(0, first), key.slice(first + 1, last), key.slice(last + 1)];
  return { key, source, event, target };
}

/** Keys of the edges that one step took, as far as the values before and after tell. */
export function edgesTaken(
  edges: readonly Edge[],
  event: string,
  before: Value,
  after: Value,
): ReadonlySet<string> {
  const from = activePaths(before);
  const to = activePaths(after);
  const named = edges.filter((edge) => from.has(edge.source) && isHeard(edge.event, event));
  const ways = named.flatMap((edge) => {
    const way = wayTo(edges, edge, to, from);
    return way === undefined ? [] : [{ edge, way }];
  });
  // The innermost state that hears an event takes it, and an exact name comes before a wildcard.
  const depth = Math.max(...ways.map(({ edge }) => weightOf(edge)));
  return new Set(ways.filter(({ edge }) => weightOf(edge) === depth).flatMap(({ way }) => way));
}

/** An effect's state: of a child's id, the path of the state that invokes it. */
export function invokers(config: JsonObject): ReadonlyMap<string, string> {
  return new Map(invokesIn(config).map(({ id, path }) => [id, path]));
}

/** Of each effect that the machine does not name, its source by the id that XState gives it. */
export function effectNames(config: JsonObject): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { id, src, isNamed } of invokesIn(config)) if (!isNamed && src !== undefined) found.set(id, src);
  return found;
}

interface Invoked {
  readonly id: string;
  readonly isNamed: boolean;
  readonly src: string | undefined;
  /** Of the state that invokes it. */
  readonly path: string;
}

function invokesIn(config: JsonObject): readonly Invoked[] {
  const root = typeof config['id'] === 'string' ? config['id'] : '(machine)';
  const walk = (node: JsonObject, path: string): readonly Invoked[] => {
    const own = listed(node['invoke']).map((one, index) => {
      const { id, src } = isObject(one) ? one : {};
      return {
        id: typeof id === 'string' ? id : `${index}.${[root, path].filter((part) => part !== '').join('.')}`,
        isNamed: typeof id === 'string',
        src: typeof src === 'string' ? src : undefined,
        path,
      };
    });
    const states = isObject(node['states']) ? node['states'] : {};
    const below = Object.entries(states).flatMap(([key, state]) =>
      isObject(state) ? walk(state, path === '' ? key : `${path}.${key}`) : [],
    );
    return [...own, ...below];
  };
  return walk(config, '');
}

/** What stands in the badges now: timers that count down, effects with their attempts. Path -> text. */
export function badgesOf(shown: {
  readonly timers: readonly TimerView[];
  readonly effects: readonly EffectView[];
  readonly invokers: ReadonlyMap<string, string>;
  readonly now: number;
}): ReadonlyMap<string, string> {
  const parts = new Map<string, string[]>();
  const add = (path: string | undefined, text: string): void => {
    if (path !== undefined) parts.set(path, [...(parts.get(path) ?? []), text]);
  };
  for (const { child, src, state, attempts } of shown.effects)
    add(shown.invokers.get(child), `${src}${attempts > 1 ? ` ×${attempts}` : ''} ${DOES[state]}`);
  const first = shown.timers.toSorted((a, b) => a.dueAt - b.dueAt);
  const told = new Set<string>();
  for (const { state, dueAt } of first) {
    // The next one says when the state ends by itself; further ones are in the list of timers.
    if (state === undefined || told.has(state)) continue;
    told.add(state);
    add(state, dueAt > shown.now ? `${durationWords(dueAt - shown.now)} left` : 'time is up');
  }
  return new Map([...parts].map(([path, texts]) => [path, texts.join(' · ')]));
}

const DOES: Readonly<Record<EffectView['state'], string>> = {
  running: 'runs',
  waiting: 'waits',
  parked: 'is parked',
};

/** The edge, and those without an event behind it, up to a state that is active in the end. */
function wayTo(
  edges: readonly Edge[],
  first: Edge,
  to: ReadonlySet<string>,
  from: ReadonlySet<string>,
): readonly string[] | undefined {
  let ways: readonly (readonly Edge[])[] = [[first]];
  const seen = new Set<string>();
  for (let length = 1; length <= CHAIN_MAX && ways.length > 0; length += 1) {
    const there = ways.find((way) => to.has(way.at(-1)?.target ?? ''));
    if (there !== undefined) return there.map(({ key }) => key);
    ways = ways.flatMap((way) => {
      const at = way.at(-1)?.target ?? '';
      if (seen.has(at)) return [];
      seen.add(at);
      // It goes on from where it arrived, from a state around that which it entered, or from one within.
      const next = edges.filter(
        ({ source, event }) =>
          event === '' &&
          (source === at || isBelow(source, at) || (isBelow(at, source) && !from.has(source))),
      );
      return next.map((edge) => [...way, edge]);
    });
  }
  return undefined;
}

function isHeard(heard: string, type: string): boolean {
  if (heard === type || heard === '*') return true;
  return heard.endsWith('.*') && `${type}.`.startsWith(heard.slice(0, -1));
}

function weightOf({ source, event }: Edge): number {
  const depth = source === '' ? 0 : source.split('.').length;
  return depth * 2 + (event.endsWith('*') ? 0 : 1);
}

function isBelow(path: string, above: string): boolean {
  return path !== above && (above === '' || path.startsWith(`${above}.`));
}

function listed(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
