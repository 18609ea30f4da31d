/**
 * The lines of a list: a page of them, filled, and kept up with what happens.
 *
 * Callers: list-view.tsx. Invariants:
 *  1  A search that finds little in much asks on, page by page, but not for ever: the cursor goes on.
 *  2  A step changes the line of its actor; no line comes or goes by itself under the reader's hand.
 */
import { useEffect, useState } from 'preact/hooks';
import type { ActorLine, ListInspected } from '../../../actors/inspection/face.js';
import type { Api, PageOf } from '../api.js';
import { useApi, useAsked, useLive, type Asked } from '../house.js';
import { lineAfter } from './filters.js';

const LINES = 100;
const PAGES_ASKED_MAX = 20;

export interface Lines extends Asked<PageOf<ActorLine>> {
  /** Addresses whose line has changed since it was asked for, with the number of the step. */
  readonly changed: ReadonlyMap<string, number>;
  /** Actors that came into being meanwhile, of this kind where one is named. */
  readonly created: number;
}

export function useLines(key: string, filter: ListInspected): Lines {
  const api = useApi();
  const asked = useAsked(key, (signal) => filledPage(api, filter, signal));
  const [lines, setLines] = useState<PageOf<ActorLine>>();
  const [changed, setChanged] = useState<ReadonlyMap<string, number>>(new Map());
  const [created, setCreated] = useState(0);
  useEffect(() => {
    setLines(asked.value);
    setChanged(new Map());
    setCreated(0);
  }, [asked.value]);
  useLive({
    gap: asked.again,
    frame: ({ steps }) => {
      if (lines === undefined) return;
      const known = new Set(lines.items.map(({ address }) => address));
      const own = steps.filter(({ address }) => known.has(address));
      if (own.length > 0) {
        setLines({ ...lines, items: lines.items.map((line) => own.reduce(lineAfterOwn, line)) });
        setChanged(
          (before) => new Map([...before, ...own.map(({ address, seq }) => [address, seq] as const)]),
        );
      }
      const fresh = steps.filter(({ seq, address }) => seq === 1 && !known.has(address));
      const fitting = fresh.filter(
        ({ address }) => filter.kind === undefined || address.startsWith(`${filter.kind}/`),
      );
      // A number alone: who leaves the page open for days sees many come.
      if (fitting.length > 0) setCreated((count) => count + fitting.length);
    },
  });
  return { ...asked, value: lines, changed, created };
}

function lineAfterOwn(
  line: ActorLine,
  step: Parameters<typeof lineAfter>[1] & { readonly address: string },
): ActorLine {
  return step.address === line.address ? lineAfter(line, step) : line;
}

/** Pages until one is full, or the end: a page of a search may be empty and have a cursor. */
async function filledPage(api: Api, filter: ListInspected, signal: AbortSignal): Promise<PageOf<ActorLine>> {
  let items: readonly ActorLine[] = [];
  let { cursor } = filter;
  for (let asked = 0; asked < PAGES_ASKED_MAX; asked += 1) {
    const page = await api.list({ ...filter, cursor, limit: LINES - items.length }, signal);
    items = [...items, ...page.items];
    cursor = page.cursor;
    if (cursor === undefined || items.length >= LINES) break;
  }
  return { items, ...(cursor !== undefined && { cursor }) };
}
