/**
 * Work items and schedules as text for people.
 *
 * Pure. Callers: the work commands. Invariant: text of others is shown without control characters.
 */
import { WORK_STATUSES } from '../control/index.js';
import type { ScheduleRun, ScheduleView, WorkCounts, WorkItemView, WorkStatus } from '../index.js';
import { factLines, jsonText, spanText, timeText, type Fact } from './facts.js';
import { statusColumns, type Tones } from './status.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

/** Nothing longer fits a line of any terminal. */
const CHARS_MAX = 500;

export function workTable(
  terminal: Terminal,
  items: readonly WorkItemView[],
  now: number,
): readonly string[] {
  const { colours } = terminal;
  return tableLines<WorkItemView>(
    terminal,
    [
      ...statusColumns<WorkStatus, WorkItemView>(TONES, colours, ({ createdAt }) => now - createdAt),
      { title: 'PRIO', cell: ({ priority }) => String(priority) },
      { title: 'TRIES', cell: ({ attempts, attemptsMax }) => `${attempts}/${attemptsMax}` },
      { title: 'KIND', cell: ({ kind }) => plain(kind) },
      { title: 'NOTE', cell: (item) => plain(noteOf(item, now)).slice(0, CHARS_MAX) },
    ],
    items,
  );
}

/** Aligned `name  value` lines; what an item does not have is left out. */
export function workLines(item: WorkItemView, { colours }: Terminal): readonly string[] {
  const { claim, lastError } = item;
  const facts: readonly Fact[] = [
    ['id', item.id],
    ['status', colours[TONES[item.status]](item.status)],
    ['kind', item.kind],
    ['payload', jsonText(item.payload)],
    ['key', item.dedupeKey],
    ['priority', item.priority],
    ['attempts', `${item.attempts} of ${item.attemptsMax}`],
    ['last error', lastError && `${lastError.code}: ${lastError.message}`],
    ['claimed by', claim && `${claim.workerId}, ${timeText(claim.claimedAt)}`],
    ['until', claim && timeText(claim.expiresAt)],
    ['enqueued', timeText(item.createdAt)],
    ['not before', item.status === 'scheduled' ? timeText(item.runAt) : undefined],
    ['ended', timeText(item.endedAt)],
    ['result', jsonText(item.result)],
  ];
  return factLines(facts, colours, 'status');
}

type CountRow = Readonly<Record<WorkStatus, number>> & { readonly kind: string; readonly more: boolean };

export function countsTable(terminal: Terminal, { all, kinds }: WorkCounts): readonly string[] {
  const columns: readonly Column<CountRow>[] = [
    {
      title: 'KIND',
      cell: ({ kind, more }) => `${plain(kind)}${more ? ' (10000 or more)' : ''}`,
      keep: true,
    },
    ...WORK_STATUSES.map((status) => ({
      title: status.toUpperCase(),
      cell: (row: CountRow) => String(row[status]),
      keep: true,
    })),
  ];
  return tableLines(terminal, columns, [...kinds, { ...all, kind: 'all', more: false }]);
}

export function scheduleTable(
  terminal: Terminal,
  schedules: readonly ScheduleView[],
  now: number,
): readonly string[] {
  const { colours } = terminal;
  return tableLines<ScheduleView>(
    terminal,
    [
      { title: 'NAME', cell: ({ name }) => plain(name), keep: true },
      {
        title: 'STATUS',
        cell: ({ status }) => status,
        paint: (text, { status }) => (status === 'active' ? colours.green(text) : colours.yellow(text)),
        keep: true,
      },
      { title: 'NEXT', cell: ({ nextAt }) => (nextAt === undefined ? '' : `in ${spanText(nextAt - now)}`) },
      { title: 'RUNS', cell: ({ runs }) => String(runs) },
      { title: 'LAST', cell: ({ lastRun }) => lastRun?.outcome ?? '' },
      { title: 'WHEN', cell: (schedule) => plain(whenText(schedule)) },
      { title: 'KIND', cell: ({ kind }) => plain(kind) },
    ],
    schedules,
  );
}

/** One schedule, and its last runs, newest first. */
export function scheduleLines(
  schedule: ScheduleView,
  history: readonly ScheduleRun[],
  terminal: Terminal,
): readonly string[] {
  const { error } = schedule;
  const facts: readonly Fact[] = [
    ['name', schedule.name],
    ['status', schedule.status],
    ['when', whenText(schedule)],
    ['kind', schedule.kind],
    ['payload', jsonText(schedule.payload)],
    ['catch up', schedule.catchUp],
    ['overlap', schedule.overlap],
    ['made', timeText(schedule.createdAt)],
    ['next', timeText(schedule.nextAt)],
    ['runs', schedule.runs],
    ['error', error && `${error.code}: ${error.message}`],
  ];
  const runs = history.length === 0 ? [] : ['', ...tableLines(terminal, RUN_COLUMNS, history)];
  return [...factLines(facts, terminal.colours), ...runs];
}

const RUN_COLUMNS: readonly Column<ScheduleRun>[] = [
  { title: 'DUE', cell: ({ dueAt }) => timeText(dueAt) ?? '', keep: true },
  { title: 'TRIGGER', cell: ({ trigger }) => (trigger === 'catchUp' ? 'catch up' : trigger) },
  { title: 'OUTCOME', cell: ({ outcome }) => outcome, keep: true },
  { title: 'ITEM', cell: ({ workId }) => workId ?? '' },
  {
    title: 'ERROR',
    cell: ({ error }) => (error ? plain(`${error.code}: ${error.message}`).slice(0, CHARS_MAX) : ''),
  },
];

function whenText({ cron, every, timezone }: ScheduleView): string {
  if (cron !== undefined) return `${cron} ${timezone ?? 'UTC'}`;
  return every === undefined ? '' : `every ${every % 1_000 === 0 ? `${every / 1_000} s` : `${every} ms`}`;
}

/** What one should know about it first. */
function noteOf({ status, claim, lastError, runAt, dedupeKey }: WorkItemView, now: number): string {
  const error = lastError && `${lastError.code}: ${lastError.message}`;
  if (status === 'running') return claim?.workerId ?? '';
  if (status === 'scheduled') return [`in ${spanText(runAt - now)}`, ...(error ? [error] : [])].join(', ');
  return (status === 'done' ? undefined : error) ?? dedupeKey ?? '';
}

const TONES: Tones<WorkStatus> = {
  done: 'green',
  failed: 'red',
  scheduled: 'yellow',
  cancelled: 'dim',
  ready: 'cyan',
  running: 'cyan',
};
