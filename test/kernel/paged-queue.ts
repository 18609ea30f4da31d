/** A queue whose items lie in pages, for the tests of paged contexts. */
import { assign, setup } from 'xstate';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { keys, pageNumberOf } from '../../src/store/keys.js';
import type { Store } from '../../src/store/store.js';
import type { ActorRecord } from '../../src/actors/kernel/index.js';
import { rowsOf } from './fixtures.js';

interface Page {
  readonly items: readonly string[];
}

export interface QueueContext {
  readonly pages: readonly Page[];
  readonly next: number;
}

export type QueueEvent =
  | { readonly type: 'push'; readonly pad: string }
  | { readonly type: 'shift'; readonly pad: string }
  | { readonly type: 'empty' | 'close' | 'boom' | 'spoil' | 'tear' };

export const ADDRESS = 'queue/a';

/** 90 bytes as JSON. */
function itemOf(number: number): string {
  return `item ${number} `.padEnd(87, '.');
}

/** `size` items are in it at first; a page has up to `pageSize`. */
export function queueMachine(pageSize: number, version = '1') {
  return setup({
    types: {
      context: {} as QueueContext & { readonly pages: readonly Page[] },
      events: {} as QueueEvent,
      input: {} as { readonly size: number },
    },
    actions: {
      push: assign(({ context }) => pushed(context, pageSize)),
      shift: assign(({ context }) => ({ pages: shifted(context.pages) })),
      empty: assign({ pages: [] }),
      fall: assign(() => {
        throw new Error('a bug in an assign');
      }),
      spoil: assign(({ context }) => ({
        pages: [...context.pages, { items: [], at: new Date(0) } as unknown as Page],
      })),
      tear: assign(() => ({ pages: 'torn' as unknown as readonly Page[] })),
    },
  }).createMachine({
    id: 'queue',
    version,
    context: ({ input: { size } }) => filled(size, pageSize),
    initial: 'open',
    states: {
      open: {
        on: {
          push: { actions: 'push' },
          shift: { actions: 'shift' },
          empty: { actions: 'empty' },
          boom: { actions: 'fall' },
          spoil: { actions: 'spoil' },
          tear: { actions: 'tear' },
          close: 'closed',
        },
      },
      closed: { type: 'final' },
    },
  });
}

export function queueDefinition(pageSize: number): DefinitionOptions {
  return { kind: 'queue', machine: queueMachine(pageSize), snapshot: 'amortized', paged: 'pages' };
}

/** What the context is after these events, by the rules alone. */
export function expectedAfter(size: number, pageSize: number, events: readonly QueueEvent[]): QueueContext {
  return events.reduce<QueueContext>(
    (context, { type }) => {
      if (type === 'push') return { ...context, ...pushed(context, pageSize) };
      if (type === 'shift') return { ...context, pages: shifted(context.pages) };
      return type === 'empty' ? { ...context, pages: [] } : context;
    },
    filled(size, pageSize),
  );
}

function filled(size: number, pageSize: number): QueueContext {
  const pages = Array.from({ length: Math.ceil(size / pageSize) }, (_unused, page) => ({
    items: Array.from({ length: Math.min(pageSize, size - page * pageSize) }, (_none, index) =>
      itemOf(page * pageSize + index),
    ),
  }));
  return { pages: frozen(pages), next: size };
}

function pushed({ pages, next }: QueueContext, pageSize: number): QueueContext {
  const last = pages.at(-1);
  const item = itemOf(next);
  const isFull = last === undefined || last.items.length === pageSize;
  const rest = isFull ? pages : pages.slice(0, -1);
  const items = isFull ? [item] : [...last.items, item];
  return { pages: frozen([...rest, { items }]), next: next + 1 };
}

function shifted(pages: readonly Page[]): readonly Page[] {
  const [first, ...rest] = pages;
  if (first === undefined) return pages;
  return frozen(first.items.length <= 1 ? rest : [{ items: first.items.slice(1) }, ...rest]);
}

/** Who changes a page in place is told at once. */
function frozen(pages: readonly Page[]): readonly Page[] {
  for (const page of pages) Object.freeze(page);
  return pages;
}

/** The numbers of the page rows that are stored, and of those that a stored checkpoint refers to; sorted. */
export async function pagesStored(
  store: Store,
): Promise<{ readonly rows: readonly number[]; readonly referred: readonly number[] }> {
  const rows: number[] = [];
  const referred = new Set<number>();
  for (const [key, text] of await rowsOf(store, 'c')) {
    const number = pageNumberOf(key);
    if (number !== undefined) rows.push(number);
    else for (const each of numbersIn(JSON.parse(text) as ActorRecord)) referred.add(each);
  }
  return { rows, referred: [...referred].toSorted((a, b) => a - b) };
}

function numbersIn({ paging, snapshot }: ActorRecord): readonly number[] {
  const { context } = snapshot as unknown as { readonly context: Readonly<Record<string, unknown>> };
  return paging?.key === undefined ? [] : (context[paging.key] as readonly number[]);
}

/** The record as it is stored. */
export async function storedRecord(store: Store): Promise<ActorRecord> {
  return JSON.parse((await store.get(keys.record(ADDRESS))) ?? 'null') as ActorRecord;
}
