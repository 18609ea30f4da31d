/**
 * Where the page is: the part of its address behind `#`, so that a link, a reload and the way back hold it.
 *
 *   #/                                  the population
 *   #/actors?kind&state&...&cursor      a list, narrowed
 *   #/actor?address&seq&tab             one actor
 *   #/story?address&seq                 what one event led to
 *   #/activity                          the newest steps
 *   #/capsule                           a file that was dropped on the page
 *
 * Pure; router.ts goes there. Callers: the page. Invariant: `routeOf(hrefOf(view, query))` is that view and
 * that query, empty words aside.
 */
export const views = ['population', 'actors', 'actor', 'story', 'activity', 'capsule'] as const;
export type View = (typeof views)[number];

/** Words behind `?`: absent and empty are the same. */
export type Query = Readonly<Record<string, string>>;

export interface Route {
  readonly view: View;
  readonly query: Query;
}

/** The route of a hash; what is no view leads to the population. */
export function routeOf(hash: string): Route {
  const [, path = '', words = ''] = /^#?\/?([^?]*)(?:\?(.*))?$/s.exec(hash) ?? [];
  const view = views.find((name) => name === path) ?? 'population';
  const query = [...new URLSearchParams(words)].filter(([, value]) => value !== '');
  return { view, query: Object.fromEntries(query) };
}

/** For `href`: `hrefOf('actor', {address: 'job/1', seq: 4})`. */
export function hrefOf(
  view: View,
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const words = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => [name, String(value)] as [string, string]);
  const path = view === 'population' ? '#/' : `#/${view}`;
  return words.length === 0 ? path : `${path}?${new URLSearchParams(words).toString()}`;
}
