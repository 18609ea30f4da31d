/**
 * Tables that fit the terminal.
 *
 * Pure. Callers: the commands. Invariants: no line is wider than the terminal unless the columns marked
 * `keep` alone are; an id is never cut.
 */
import { fitted, widthOf, type Terminal } from './terminal.js';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Colours the padded cell. */
  readonly paint?: (text: string, row: Row) => string;
  /** Never cut, never left out. */
  readonly keep?: boolean;
  /** Left out before another column is cut below its `widthMin`. */
  readonly spare?: boolean;
  /** Cut to less it says less than a spare one; default 8. */
  readonly widthMin?: number;
}

const GAP = '  ';
const WIDTH_MIN = 8;

/**
 * The lines of a table. Where it is too wide, the last column that may be is cut; where that would leave too
 * little of it, the last spare one is left out, or else this one, and so on.
 */
export function tableLines<Row>(
  terminal: Terminal,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): readonly string[] {
  const { colours } = terminal;
  const shown = fittedColumns(
    columns.map((column) => ({ column, width: naturalWidth(column, rows) })),
    terminal.columns,
  );
  const head = shown.map(({ column, width }) => padded(column.title, width)).join(GAP);
  const body = rows.map((row) =>
    shown
      .map(({ column, width }) => {
        const text = padded(column.cell(row), width);
        return column.paint === undefined ? text : column.paint(text, row);
      })
      .join(GAP)
      .trimEnd(),
  );
  return [colours.dim(head.trimEnd()), ...body];
}

interface Sized<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

function fittedColumns<Row>(columns: readonly Sized<Row>[], room: number): readonly Sized<Row>[] {
  const total = columns.reduce((sum, { width }) => sum + width, GAP.length * (columns.length - 1));
  const at = columns.findLastIndex(({ column }) => column.keep !== true);
  const last = columns[at];
  if (total <= room || last === undefined) return columns;
  const width = last.width - (total - room);
  const spare = columns.findLastIndex(({ column }) => column.spare === true);
  const least = (spare === -1 ? undefined : last.column.widthMin) ?? WIDTH_MIN;
  if (width >= least) return columns.with(at, { ...last, width });
  return fittedColumns(columns.toSpliced(spare === -1 ? at : spare, 1), room);
}

function naturalWidth<Row>(column: Column<Row>, rows: readonly Row[]): number {
  return rows.reduce((widest, row) => Math.max(widest, widthOf(column.cell(row))), column.title.length);
}

function padded(text: string, width: number): string {
  const cut = fitted(text, width);
  return cut + ' '.repeat(Math.max(0, width - widthOf(cut)));
}
