/**
 * The inspector's page begins here.
 *
 * Owns: the one API and the one live stream of the page. Invariant: the token in the address, which the
 * server has made a cookie of, is gone from the address bar and the history before anything is drawn.
 */
import { render, type VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { CapsuleDoor } from './actor/capsule-door.js';
import { createApi, type PageConfig } from './api.js';
import { HouseProvider } from './house.js';
import { LiveSource } from './live.js';
import { Shell } from './shell.js';
import { applyTheme, storedTheme } from './theme.js';

dropToken();
applyTheme(storedTheme());
const api = createApi();
const live = new LiveSource();
const place = document.getElementById('app');
if (place !== null) render(<Page />, place);

function Page(): VNode {
  const [config, setConfig] = useState<PageConfig>();
  useEffect(() => {
    const ask = (): void => {
      api.config().then(setConfig, () => undefined);
    };
    ask();
    // It may be another process by now, that allows something else.
    const unlisten = live.listen({ gap: ask });
    const stop = live.start();
    return () => {
      stop();
      unlisten();
    };
  }, []);
  return (
    <HouseProvider house={{ api, live, config }}>
      <CapsuleDoor>
        <Shell />
      </CapsuleDoor>
    </HouseProvider>
  );
}

function dropToken(): void {
  const url = new URL(location.href);
  if (!url.searchParams.has('token')) return;
  url.searchParams.delete('token');
  history.replaceState(history.state, '', url);
}
