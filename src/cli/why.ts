/**
 * `holdfast why ADDRESS`: why an actor is where it is, in words, and what could come next.
 *
 * Callers: run.ts. Invariants: with `--json` standard output is the report in one line; text of others is
 * shown without control characters.
 */
import type { Command } from 'commander';
import { systemClock } from '../clock.js';
import type { LegalEvent, WhyReport } from '../index.js';
import { dueText } from './actor-text.js';
import { atActor } from './address.js';
import { leafOf, sayInspected, type Common } from './answer.js';
import { tableLines, type Column } from './table.js';
import { plain, widthOf, type Terminal } from './terminal.js';

/** Longer lines are read less well. */
const PARAGRAPH_COLUMNS_MAX = 100;

export function whyCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'why <address>', 'say why an actor is where it is, and who may send what').action(
    async (given: string, options: Common) => {
      const report = await atActor(options.dir, given, (actors, address) => actors.why(address));
      sayInspected(options, terminal, report, () => whyLines(report, terminal, systemClock.now()).join('\n'));
    },
  );
}

function whyLines({ words, legal }: WhyReport, terminal: Terminal, now: number): readonly string[] {
  return [
    ...wrapped(plain(words), Math.min(terminal.columns, PARAGRAPH_COLUMNS_MAX)),
    ...(legal.length === 0 ? [] : ['', ...tableLines(terminal, columnsOf(now), legal)]),
  ];
}

function columnsOf(now: number): readonly Column<LegalEvent>[] {
  return [
    { title: 'EVENT', cell: ({ type }) => plain(type), keep: true },
    { title: 'BY', cell: ({ by, dueAt }) => (dueAt === undefined ? by : `${by}, ${dueText(dueAt, now)}`) },
    { title: 'LEADS TO', cell: ({ targets }) => plain(targets.join(', ')) },
    { title: 'IF', cell: ({ guards }) => plain(guards.join(', ')), spare: true },
    { title: 'WHO', cell: ({ who }) => plain(who), spare: true },
  ];
}

/** Broken between words; a word that is wider than a line has one of its own. */
function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/ +/)) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last === undefined || widthOf(longer) > columns) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
