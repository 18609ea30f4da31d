/**
 * A capsule as people read it.
 *
 * Pure. Callers: capsule.ts, capsule-test.ts. Invariant: nothing of its data reaches the terminal but through
 * `plain`.
 */
import type { Capsule, ChainedEntry, Divergence } from '../actors/index.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

const JSON_CHARS_MAX = 2_000;

/** What it is, where its actor stands, and what is not in it. */
export function capsuleLines(capsule: Capsule): readonly string[] {
  const { address, machine, version, hash, record, journal, redacted, gaps, exportedAt, inbox } = capsule;
  const { status, quarantine } = record;
  const first = journal[0]?.entry.seq;
  const rows: readonly (readonly [title: string, text: string | undefined])[] = [
    ['actor', address],
    ['machine', `${machine}, version ${version} (${hash})`],
    ['exported', new Date(exportedAt).toISOString()],
    ['status', quarantine === undefined ? status : 'stands still'],
    ['reason', quarantine && `${quarantine.code}: ${quarantine.message}`],
    ['event', quarantine?.event && shortJson(quarantine.event)],
    ['journal', first === undefined ? 'empty' : `steps ${first} to ${record.seq}, as they were exported`],
    ['effects', record.effects.map(({ child, src, id }) => `${child} (${src}, ${id})`).join(', ')],
    ['waiting', inbox.length === 0 ? '' : `${inbox.length} in its inbox`],
    ['missing', gaps.map(({ what, which }) => `${what} ${which}`).join(', ')],
    ['redacted', redacted.length === 0 ? 'nothing' : `${redacted.length} values`],
    ...redacted.slice(0, REDACTED_SHOWN).map((pointer) => ['', pointer] as const),
  ];
  return rows.flatMap(([title, text]) =>
    text === undefined || text === '' ? [] : [`${title.padEnd(10)} ${plain(text)}`],
  );
}

const REDACTED_SHOWN = 20;

export function timelineLines({ journal }: Capsule, terminal: Terminal): readonly string[] {
  return tableLines(terminal, COLUMNS, journal);
}

const COLUMNS: readonly Column<ChainedEntry>[] = [
  { title: 'SEQ', cell: ({ entry }) => String(entry.seq), keep: true },
  { title: 'AT', cell: ({ entry }) => new Date(entry.at).toISOString() },
  { title: 'EVENT', cell: ({ entry }) => plain(entry.event.type) },
  { title: 'STATE', cell: ({ entry }) => plain(stateText(entry.value)) },
  { title: 'FROM', cell: ({ entry }) => plain(entry.source) },
  { title: 'ASKED FOR', cell: ({ entry }) => plain(askedText(entry)) },
];

function askedText({ effects = [], timers = [], sends = [], emitted = [] }: ChainedEntry['entry']): string {
  return [
    ...effects.map(({ src }) => `run ${src}`),
    ...timers.map(({ sendId, dueAt }) => `wake at ${new Date(dueAt).toISOString()} (${sendId})`),
    ...sends.map(({ to, type }) => `${type} to ${to}`),
    ...emitted.map(({ type }) => `emit ${type}`),
  ].join(', ');
}

export function divergenceLines(address: string, divergence: Divergence): readonly string[] {
  const { seq, event, what, expected, actual } = divergence;
  return [
    `${plain(address)} differs at step ${seq}, ${plain(event.type)}: ${what}`,
    `journal    ${plain(shortJson(expected))}`,
    `machine    ${plain(shortJson(actual))}`,
  ];
}

/** A state value in one line; `undefined` for none. */
export function stateText(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value));
}

function shortJson(value: unknown): string {
  return JSON.stringify(value).slice(0, JSON_CHARS_MAX);
}
