/**
 * What every view of the page has at hand: the API, the live stream, what the server says of itself.
 *
 * Owns: the context. Callers: main.tsx provides it, views use the hooks. Invariant: a call whose component is
 * gone, or that asks for something else by now, is aborted, and its answer is not shown.
 */
import { createContext, type ComponentChildren, type VNode } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import { isAborted, type Api, type PageConfig } from './api.js';
import type { Connection, LiveListener, LiveSource } from './live.js';

export interface House {
  readonly api: Api;
  readonly live: LiveSource;
  /** Undefined until the server has said it. */
  readonly config: PageConfig | undefined;
}

const HouseContext = createContext<House | undefined>(undefined);

export function HouseProvider({
  house,
  children,
}: {
  readonly house: House;
  readonly children: ComponentChildren;
}): VNode {
  return <HouseContext.Provider value={house}>{children}</HouseContext.Provider>;
}

export function useHouse(): House {
  const house = useContext(HouseContext);
  if (house === undefined) throw new Error('a view is shown outside of the page');
  return house;
}

export function useApi(): Api {
  return useHouse().api;
}

/** Hears of frames for as long as the component is there; the newest listener is called. */
export function useLive(listener: LiveListener): void {
  const { live } = useHouse();
  const newest = useRef(listener);
  newest.current = listener;
  useEffect(
    () =>
      live.listen({
        frame: (frame) => newest.current.frame?.(frame),
        gap: () => newest.current.gap?.(),
        connection: (state) => newest.current.connection?.(state),
      }),
    [live],
  );
}

export function useConnection(): Connection {
  const { live } = useHouse();
  const [state, setState] = useState(live.connection);
  useLive({ connection: setState });
  return state;
}

/** An answer that is waited for, is there, or did not come; while it is asked anew the old one stays. */
export interface Asked<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isAsking: boolean;
  /** Asks again. */
  readonly again: () => void;
}

/** Asks when the component comes, and again when `key` changes: then what was answered before is dropped. */
export function useAsked<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [round, setRound] = useState(0);
  const [answer, setAnswer] = useState<{
    readonly key: string;
    readonly value?: T;
    readonly error?: unknown;
  }>();
  const [isAsking, setAsking] = useState(true);
  const newest = useRef(ask);
  newest.current = ask;
  useEffect(() => {
    const controller = new AbortController();
    setAsking(true);
    newest
      .current(controller.signal)
      .then((value) => controller.signal.aborted || setAnswer({ key, value }))
      .catch((error: unknown) => {
        if (controller.signal.aborted || isAborted(error)) return;
        setAnswer((before) => ({ ...(before?.key === key && before), key, error }));
      })
      .finally(() => controller.signal.aborted || setAsking(false));
    return () => controller.abort();
  }, [key, round]);
  const again = useCallback(() => setRound((count) => count + 1), []);
  const own = answer?.key === key ? answer : undefined;
  return { value: own?.value, error: own?.error, isAsking, again };
}

/** Epoch milliseconds, moving on every second: for what counts up or down. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
