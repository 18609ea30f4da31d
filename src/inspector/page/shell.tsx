/**
 * The page around its views: the bar on top, the keys, the connection.
 *
 * Owns: which view is shown, the theme, the list of keys. Callers: main.tsx. Invariants:
 *  1  A key is ours only where nobody types, and no other key is held with it.
 *  2  What changes by itself is said once, politely, in one place: `announce`.
 *  3  A link that led elsewhere is gone with its view: the keyboard goes on from the new view's beginning.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ActivityView } from './activity/activity-view.js';
import { ActorView } from './actor/actor-view.js';
import { CapsuleView } from './actor/capsule-view.js';
import { ConnectionLine } from './connection.js';
import { useAsked, useConnection, useHouse, useLive } from './house.js';
import { ListView } from './list/list-view.js';
import { PopulationView } from './population/population-view.js';
import { go, hrefOf, useRoute, type Route, type View } from './router.js';
import { StoryView } from './story/story-view.js';
import { chooseTheme, storedTheme, themes } from './theme.js';
import { countWords } from './words.js';

const nav: readonly (readonly [view: View, title: string])[] = [
  ['population', 'Population'],
  ['actors', 'Actors'],
  ['activity', 'Activity'],
  ['capsule', 'Capsule'],
];

const keys: readonly (readonly [key: string, what: string])[] = [
  ['/', 'to the filter of the list'],
  ['↑ ↓', 'from line to line'],
  ['Enter', 'opens what has the focus'],
  ['← → Home End', 'through the steps of an actor'],
  ['+ − 0 1 f', 'how large a chart with the focus is: fitting, as drawn, following'],
  ['?', 'these keys'],
  ['Esc', 'closes'],
];

export function Shell(): VNode {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const place = `${route.view} ${route.query['address'] ?? ''}`;
  const before = useRef(place);
  useEffect(() => {
    if (before.current !== place && document.activeElement === document.body) main.current?.focus();
    before.current = place;
  }, [place]);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') help.current?.showModal();
      else if (event.key === '/') toFilter();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // A hash is a route here.
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <TopBar view={route.view} showKeys={() => help.current?.showModal()} />
      <ConnectionLine />
      <main id="main" tabIndex={-1} ref={main}>
        <CurrentView route={route} />
      </main>
      <dialog class="keys" aria-label="Keys" ref={help}>
        <h2>Keys</h2>
        <dl>
          {keys.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}

function CurrentView({ route: { view, query } }: { readonly route: Route }): VNode {
  switch (view) {
    case 'population':
      return <PopulationView query={query} />;
    case 'actors':
      return <ListView query={query} />;
    case 'actor':
      return <ActorView query={query} />;
    case 'story':
      return <StoryView query={query} />;
    case 'activity':
      return <ActivityView />;
    case 'capsule':
      return <CapsuleView />;
  }
}

function TopBar({ view, showKeys }: { readonly view: View; readonly showKeys: () => void }): VNode {
  const { api, config } = useHouse();
  const { value: population, again } = useAsked('top', (signal) => api.population(signal));
  useLive({ gap: again });
  const isLive = population?.live ?? config?.live;
  const isLost = useConnection() === 'lost';
  const standing = population?.quarantined ?? 0;
  return (
    <header class="top">
      <a class="brand" href={hrefOf('population')}>
        holdfast
      </a>
      {config?.name !== undefined && (
        <span class="place" title={config.name}>
          {config.name}
        </span>
      )}
      {isLive !== undefined && !isLost && (
        <span class={isLive ? 'mark mark-live' : 'mark'} title={isLive ? LIVE : CLOSED}>
          {isLive ? 'live' : 'closed'}
        </span>
      )}
      <nav aria-label="Views">
        {nav.map(([name, title]) => (
          <a key={name} href={hrefOf(name)} aria-current={name === view ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <span class="top-end">
        {standing > 0 && (
          <a class="mark mark-trouble" href={hrefOf('actors', { status: 'quarantined' })}>
            {standing >= 1_000 ? '1,000 or more' : countWords(standing)} in quarantine
          </a>
        )}
        <ThemeButton />
        <button type="button" class="quiet" onClick={showKeys} aria-label="Keys" title="Keys: ?">
          ?
        </button>
      </span>
    </header>
  );
}

const LIVE = 'A process runs this directory.';
const CLOSED = 'Nobody runs this directory: no time passes for its actors.';

function ThemeButton(): VNode {
  const [theme, setTheme] = useState(storedTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
  const choose = (): void => {
    chooseTheme(next);
    setTheme(next);
  };
  const signs = { auto: '◐', light: '○', dark: '●' } as const;
  return (
    <button
      type="button"
      class="quiet"
      onClick={choose}
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}; next: ${next}`}
    >
      {signs[theme]}
    </button>
  );
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** Views with a filter mark it; the list has one for those that do not. */
function toFilter(): void {
  const filter = document.querySelector<HTMLElement>('[data-filter]');
  if (filter !== null) filter.focus();
  else go(hrefOf('actors', { focus: 'filter' }));
}
