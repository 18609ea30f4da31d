/**
 * Sessions, their batches and their histories as text for people.
 *
 * Pure. Callers: the session commands. Invariant: text of others is shown without control characters.
 */
import type { Batch, HistoryEntry, Payload, SessionView } from '../index.js';
import { isPlainObject } from '../json.js';
import { timeText } from './facts.js';
import { tableLines, type Column } from './table.js';
import { fitted, plain, type Terminal } from './terminal.js';

/** Nothing longer fits a line of any terminal. */
const CHARS_MAX = 500;

export function sessionTable(terminal: Terminal, sessions: readonly SessionView[]): readonly string[] {
  return tableLines(terminal, SESSION_COLUMNS, sessions);
}

const SESSION_COLUMNS: readonly Column<SessionView>[] = [
  { title: 'KEY', cell: ({ key }) => plain(key), keep: true },
  { title: 'STATE', cell: ({ state }) => state, keep: true },
  { title: 'PENDING', cell: ({ pending }) => String(pending) },
  { title: 'CLAIMED', cell: ({ claimed }) => String(claimed) },
  { title: 'DEAD', cell: ({ counts }) => String(counts.dead) },
  { title: 'MODE', cell: ({ mode }) => mode.mode },
];

/** Aligned `name  value` lines; what a session does not have is left out. */
export function sessionLines(view: SessionView, { colours }: Terminal): readonly string[] {
  const { counts, turn, pausedUntil, lastAbandon } = view;
  const { enqueued, completed, cancelled, dropped } = counts;
  const lost = dropped.old + dropped.summarize + dropped.interrupt;
  const lines: readonly (readonly [name: string, value: string | undefined])[] = [
    ['key', view.key],
    ['state', view.state],
    ['turn', turn && `${turn.turnId} of ${turn.ownerId}, since ${timeText(turn.startedAt)}`],
    ['rests until', timeText(pausedUntil)],
    ['given back', lastAbandon && `${timeText(lastAbandon.at)}, ${lastAbandon.reason}`],
    ['batches', `${view.pending} pending, ${view.claimed} claimed, ${counts.dead} dead`],
    ['so far', `${enqueued} enqueued, ${completed} completed, ${cancelled} cancelled, ${lost} dropped`],
    ['mode', modeText(view.mode)],
    ...Object.entries(view.channels).map(
      ([channel, mode]) => ['', `${modeText(mode)}, for channel ${channel}`] as const,
    ),
  ];
  return lines.flatMap(([name, value]) =>
    value === undefined ? [] : [`${colours.dim(name.padEnd(11))}  ${plain(value)}`],
  );
}

export function modeText({ mode, cap, drop, debounceMs }: SessionView['mode']): string {
  return `${mode}, cap ${cap}, drop ${drop}, debounce ${debounceMs} ms`;
}

export function batchTable(terminal: Terminal, batches: readonly Batch[]): readonly string[] {
  const { colours } = terminal;
  const columns: readonly Column<Batch>[] = [
    { title: 'ID', cell: ({ batchId }) => batchId, keep: true },
    { title: 'SEQ', cell: ({ seq }) => String(seq) },
    { title: 'KIND', cell: ({ kind }) => kind },
    {
      title: 'STATE',
      cell: ({ state }) => state,
      paint: (text, { state }) => paintState(text, state, colours),
      keep: true,
    },
    { title: 'POLICY', cell: policyText },
    { title: 'TRIES', cell: ({ attempts }) => String(attempts) },
    { title: 'TEXT', cell: (batch) => plain(firstLine(batch)).slice(0, CHARS_MAX) },
  ];
  return tableLines(terminal, columns, batches);
}

/** One entry on one line of the terminal: when, who, what. */
export function historyLine({ at, cause, entry }: HistoryEntry, { columns, colours }: Terminal): string {
  const { role, content } = isPlainObject(entry) ? entry : {};
  const said = typeof content === 'string' ? content : JSON.stringify(content ?? entry);
  const who = typeof role === 'string' ? role : cause;
  const time = timeText(at) ?? '';
  const rest = fitted(plain(`${who}: ${said.slice(0, CHARS_MAX * 4)}`), columns - time.length - 2);
  return `${colours.dim(time)}  ${rest}`;
}

function paintState(text: string, state: Batch['state'], colours: Terminal['colours']): string {
  switch (state) {
    case 'dead':
      return colours.red(text);
    case 'interrupted':
      return colours.yellow(text);
    case 'claimed':
      return colours.cyan(text);
    case 'ready':
      return colours.green(text);
    case 'future':
    case 'settled':
      return colours.dim(text);
  }
}

/** `A/X/N` and its like: docs/cli.md has the letters. */
function policyText({ deliver, slot, merge }: Batch): string {
  const when = deliver === 'earliestSafeBoundary' ? 'E' : 'A';
  const how = slot === 'join' ? 'J' : 'X';
  // A group's name would take the place of the text.
  return `${when}/${how}/${typeof merge === 'object' ? 'G' : LETTERS[merge]}`;
}

const COMMANDS = { refreshToolSurface: 'refresh_tool_surface', resetSession: 'reset_session' } as const;
const LETTERS = { never: 'N', payloadDefault: 'P' } as const;

function firstLine({ items }: Batch): string {
  const [first] = items;
  const text = first === undefined ? '' : payloadText(first.payload);
  return text.trim().split('\n', 1)[0] ?? '';
}

function payloadText(payload: Payload): string {
  switch (payload.type) {
    case 'turnInput':
      return payload.items.flatMap((item) => ('text' in item ? [item.text] : [])).at(0) ?? '[image]';
    case 'processWake':
      return `${payload.eventType} of ${payload.processId}`;
    case 'sessionCommand':
      return `${COMMANDS[payload.command.kind]}: ${payload.command.reason}`;
    case 'droppedMessages':
      return `${payload.lines.length + payload.more} messages were dropped`;
  }
}
