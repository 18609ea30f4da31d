/**
 * Going through the page: to a place, and where it is now. route.ts has the words of places.
 *
 * Owns: the part of the address behind `#`. Callers: the page.
 */
import { useEffect, useState } from 'preact/hooks';
import { routeOf, type Route } from './route.js';

export { hrefOf, type Query, type Route, type View } from './route.js';

/** Goes there; `replace` where it should be no step on the way back, such as each letter of a filter. */
export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') {
    location.hash = href;
    return;
  }
  history.replaceState(history.state, '', href);
  // Nothing else tells of a replaced address.
  dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Where the page is now; a component that asks is drawn again when that changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(() => location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    follow();
    return () => removeEventListener('hashchange', follow);
  }, []);
  return routeOf(hash);
}
