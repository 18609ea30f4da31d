/**
 * Statuses in their colours, and the columns with which lists of jobs, tasks and work items begin.
 *
 * Pure. Callers: the commands' text files. Invariant: every status has a colour, which says the same of all
 * kinds: green is well, red is not, yellow waits for somebody, cyan goes on, dim is over.
 */
import { spanText } from './facts.js';
import type { Column } from './table.js';
import type { Colours } from './terminal.js';

export type Tones<Status extends string> = Readonly<
  Record<Status, 'green' | 'red' | 'yellow' | 'cyan' | 'dim'>
>;

/** ID, STATUS and AGE. */
export function statusColumns<
  Status extends string,
  Row extends { readonly id: string; readonly status: Status },
>(tones: Tones<Status>, colours: Colours, ageMsOf: (row: Row) => number): readonly Column<Row>[] {
  return [
    { title: 'ID', cell: ({ id }) => id, keep: true },
    {
      title: 'STATUS',
      cell: ({ status }) => status,
      paint: (text, { status }) => colours[tones[status]](text),
      keep: true,
    },
    { title: 'AGE', cell: (row) => spanText(ageMsOf(row)) },
  ];
}
