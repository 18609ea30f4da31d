/** Text and tables on terminals of every width. */
import { Readable } from 'node:stream';
import pc from 'picocolors';
import { expect, test } from 'vitest';
import { tableLines, type Column } from '../../src/cli/table.js';
import { fitted, plain, widthOf, type Terminal } from '../../src/cli/terminal.js';

interface Row {
  readonly id: string;
  readonly word: string;
  readonly text: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', cell: ({ id }) => id, keep: true },
  { title: 'WORD', cell: ({ word }) => word },
  { title: 'TEXT', cell: ({ text }) => text },
];
const ROWS: readonly Row[] = [
  { id: 'job_123456789', word: 'openai', text: 'a cat riding a bicycle through the rain' },
  { id: 'job_2', word: 'kling', text: '猫が雨の中で自転車に乗っている様子を描いた映像' },
];

function terminal(columns: number): Terminal {
  const silent = (): void => undefined;
  const colours = pc.createColors(false);
  return { columns, colours, out: silent, err: silent, input: Readable.from([]) };
}

test('a table that fits is as wide as its content', () => {
  expect(tableLines(terminal(100), COLUMNS, ROWS)).toEqual([
    'ID             WORD    TEXT',
    'job_123456789  openai  a cat riding a bicycle through the rain',
    'job_2          kling   猫が雨の中で自転車に乗っている様子を描いた映像',
  ]);
});

test('no line is wider than the terminal, and ids are whole', () => {
  for (let columns = 14; columns <= 80; columns += 1) {
    const lines = tableLines(terminal(columns), COLUMNS, ROWS);
    expect(Math.max(...lines.map(widthOf)), `${columns} columns`).toBeLessThanOrEqual(columns);
    expect(lines[1]).toContain('job_123456789');
  }
});

test('a column with no room left goes, and the one before it is cut then', () => {
  expect(tableLines(terminal(24), COLUMNS, ROWS)[1]).toBe('job_123456789  openai');
  expect(tableLines(terminal(14), COLUMNS, ROWS)).toEqual(['ID', 'job_123456789', 'job_2']);
});

test('spare columns go, the last one first, before a text is cut to too little', () => {
  const columns: readonly Column<Row>[] = [
    { title: 'ID', cell: ({ id }) => id, keep: true },
    { title: 'WORD', cell: ({ word }) => word, spare: true },
    { title: 'SIZE', cell: ({ text }) => String(text.length), spare: true },
    { title: 'TEXT', cell: ({ text }) => text, widthMin: 20 },
  ];
  const at = (width: number): string | undefined => tableLines(terminal(width), columns, ROWS)[1];
  expect(at(49)).toBe('job_123456789  openai  39    a cat riding a bicy…');
  expect(at(48)).toBe('job_123456789  openai  a cat riding a bicycle t…');
  expect(at(42)).toBe('job_123456789  a cat riding a bicycle thr…');
  // None is left to go: it is cut like any other.
  expect(at(24)).toBe('job_123456789  a cat ri…');
});

test('a cut text ends in an ellipsis, between whole characters', () => {
  expect(fitted('abcdef', 4)).toBe('abc…');
  expect(fitted('猫猫猫', 4)).toBe('猫…');
  expect(fitted('👩‍👩‍👧x', 2)).toBe('…');
});

test('text of others cannot steer the terminal', () => {
  expect(plain('a\u001b[2Jb\r\nc\u202ed\u200fe\u0007')).toBe('a [2Jb c d e');
});
