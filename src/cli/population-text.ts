/**
 * All actors by their states, as text for people.
 *
 * Pure. Callers: actors.ts. Invariant: text of others is shown without control characters.
 */
import { leavesOf } from '../actors/index.js';
import type { KindView, Population } from '../index.js';
import { splitAddress } from '../ids.js';
import { finelyText } from './facts.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

interface StateRow {
  readonly kind: string;
  readonly state: string;
  readonly count: number;
  readonly finished: boolean;
  readonly dwell: KindView['dwell'][number] | undefined;
}

/** A line a state: how many are in it, and how long those stayed that have left it. */
export function populationLines({ kinds, live, quarantined }: Population, terminal: Terminal) {
  const rows = kinds.flatMap(rowsOf);
  const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
  const kindsThere = kinds.filter((kind) => kind.count > 0).length;
  const parked = kinds.filter((kind) => live && !kind.defined && kind.count > 0).map(({ kind }) => kind);
  return [
    ...(rows.length === 0 ? [] : tableLines(terminal, columnsOf(terminal), rows)),
    `${amount(count, 'actor')} of ${amount(kindsThere, 'kind')}`,
    ...(parked.length === 0 ? [] : [`not defined in the process, so parked: ${plain(parked.join(', '))}`]),
    ...(quarantined === 0 ? [] : [standing(quarantined)]),
    ...(live ? [] : ['nobody runs the directory: no time passes for its actors']),
  ];
}

function standing(quarantined: number): string {
  const most = quarantined >= 1_000 ? ' or more' : '';
  return `${quarantined}${most} stand still: holdfast quarantine list`;
}

function amount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Of all versions together; states that only others have been in come last. */
function rowsOf({ kind, states, dwell }: KindView): readonly StateRow[] {
  const rows = new Map<string, { count: number; finished: boolean }>();
  for (const { value, count, finished } of states) {
    const paths = leavesOf(value);
    for (const path of paths.length === 0 ? ['-'] : paths) {
      const row = rows.get(path);
      rows.set(path, { count: (row?.count ?? 0) + count, finished: finished || row?.finished === true });
    }
  }
  for (const { state } of dwell) if (!rows.has(state)) rows.set(state, { count: 0, finished: false });
  return Array.from(rows, ([state, row]) => ({
    ...{ kind, state, ...row },
    dwell: dwell.find((each) => each.state === state),
  })).toSorted((one, other) => other.count - one.count || one.state.localeCompare(other.state));
}

function columnsOf({ colours }: Terminal): readonly Column<StateRow>[] {
  return [
    { title: 'KIND', cell: ({ kind }) => plain(kind), keep: true },
    {
      title: 'STATE',
      cell: ({ state, finished }) => `${plain(state)}${finished ? ' (ended)' : ''}`,
      paint: (text, { finished, count }) =>
        finished || count === 0 ? colours.dim(text) : colours.cyan(text),
      keep: true,
    },
    { title: 'COUNT', cell: ({ count }) => String(count), keep: true },
    { title: 'P50', cell: ({ dwell }) => (dwell === undefined ? '' : finelyText(dwell.p50Ms)), spare: true },
    { title: 'P95', cell: ({ dwell }) => (dwell === undefined ? '' : finelyText(dwell.p95Ms)), spare: true },
    { title: 'SLOWEST', cell: ({ dwell }) => slowestText(dwell), widthMin: 12 },
  ];
}

function slowestText(dwell: StateRow['dwell']): string {
  const first = dwell?.slowest[0];
  return first === undefined ? '' : `${finelyText(first.ms)} ${plain(splitAddress(first.address).id)}`;
}
