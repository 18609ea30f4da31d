/**
 * Steps as text for people: a line of a log, one of them whole, and what one event led to.
 *
 * Pure. Callers: log.ts, steps.ts, watch-actor.ts. Invariants: text of others is shown without control
 * characters; a line of a log is no wider than the terminal, and lines that come later stand under the
 * others.
 */
import type { Change, StepLine, StepReport, Story, StoryStep } from '../index.js';
import { factLines, jsonText, statesText, timeText, type Fact } from './facts.js';
import { tableLines, type Column } from './table.js';
import { fitted, plain, widthOf, type Colours, type Terminal } from './terminal.js';

/** Wide columns of a log end here: what is longer moves only its own line. */
const COLUMN_MAX = 32;
/** Narrower, a time has no room for its date. */
const DATED_COLUMNS = 100;
const CHARS_MAX = 500;
const CHANGES_MAX = 100;

type Logged = Pick<StepLine, 'seq' | 'at' | 'event' | 'value' | 'status' | 'source'> & Partial<Asked>;
type Asked = Pick<StepLine, 'effects' | 'timers' | 'sends' | 'emitted' | 'failure'>;

/** How the lines of one log are aligned: as its first steps need it. */
export function logLayout(first: readonly Logged[], terminal: Terminal): (step: Logged) => string {
  const { columns, colours } = terminal;
  const widest = (texts: readonly string[]): number =>
    Math.min(COLUMN_MAX, Math.max(8, ...texts.map((text) => widthOf(text))));
  const widths = {
    seq: Math.max(3, ...first.map(({ seq }) => String(seq).length)),
    event: widest(first.map(({ event }) => plain(event.type))),
    state: widest(first.map(endText)),
  };
  return (step) => {
    const time = timeText(step.at) ?? '';
    const shownTime = columns < DATED_COLUMNS ? time.slice(11) : time;
    const head = `${String(step.seq).padStart(widths.seq)}  ${shownTime}`;
    const rest = [
      padded(plain(step.event.type), widths.event),
      padded(endText(step), widths.state),
      plain([step.source, ...askedTexts(step)].join(', ')).slice(0, CHARS_MAX),
    ].join('  ');
    const room = columns - head.length - 2;
    const shown = fitted(rest.trimEnd(), room);
    return `${colours.dim(head)}  ${step.status === 'error' ? colours.red(shown) : shown}`;
  };
}

/** Aligned `name  value` lines, and what the step has changed. */
export function stepLines(step: StepReport, { colours }: Terminal): readonly string[] {
  const { address, seq, event, eventId, source, cause, effects, timers, sends, emitted } = step;
  const facts: readonly Fact[] = [
    ['step', `${seq} of ${address}`],
    ['at', timeText(step.at)],
    ['event', jsonText(event)],
    ['event id', eventId],
    ['from', source],
    ['because of', cause && `step ${cause.seq} of ${cause.address}`],
    ['state', endText(step)],
    ...effects.map(({ id, src, child }): Fact => [
      'asks for',
      `${src} ${id}${child === src ? '' : ` as ${child}`}`,
    ]),
    ...timers.map(({ name, dueAt, event: type }): Fact => ['sets', `${name}: ${type} at ${timeText(dueAt)}`]),
    ...sends.map(({ to, type }): Fact => ['sends', `${type} to ${to}`]),
    ...emitted.map((each): Fact => ['emits', jsonText(each)]),
    ['threw', jsonText(step.failure)],
    ['operator', step.by],
    ['migration', step.migrated ? 'of its version' : undefined],
    ['commit', commitText(step)],
    ['trace', step.traceparent],
  ];
  return [...factLines(facts, colours), ...changeLines(step, colours)];
}

function commitText({ commit, committedAt }: StepReport): string {
  return committedAt === undefined ? String(commit) : `${commit}, written ${timeText(committedAt)}`;
}

/** A line a step of a story, in its order. */
export function storyLines({ steps, actors, cut }: Story, terminal: Terminal): readonly string[] {
  const taken = `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`;
  const count = `${taken} of ${actors.length} ${actors.length === 1 ? 'actor' : 'actors'}`;
  return [
    ...tableLines(terminal, STORY_COLUMNS, steps),
    cut ? `${count}; it is longer than that, or goes on in steps that are not kept` : count,
  ];
}

const STORY_COLUMNS: readonly Column<StoryStep>[] = [
  { title: 'AT', cell: ({ at }) => timeText(at)?.slice(11) ?? '', spare: true },
  { title: 'STEP', cell: ({ address, seq }) => `${plain(address)}#${seq}`, keep: true },
  { title: 'EVENT', cell: ({ event }) => plain(event.type) },
  { title: 'STATE', cell: endText, spare: true },
  {
    title: 'BECAUSE OF',
    cell: ({ cause, source, isInferred = false }) =>
      plain(cause === undefined ? source : `${cause.address}#${cause.seq}${isInferred ? ' ?' : ''}`),
    spare: true,
  },
];

/** Where the step led to. */
export function endText({ value, status }: Pick<StepLine, 'value' | 'status'>): string {
  const states = plain(statesText(value));
  if (status === 'active') return states === '' ? 'active' : states;
  return states === '' || states === status ? status : `${states} (${status})`;
}

function askedTexts({
  effects = [],
  timers = [],
  sends = [],
  emitted = [],
  failure,
}: Logged): readonly string[] {
  return [
    ...effects.map(({ src }) => `run ${src}`),
    ...timers.map(({ name, dueAt }) => `wake at ${timeText(dueAt)?.slice(11)} (${name})`),
    ...sends.map(({ to, type }) => `${type} to ${to}`),
    ...emitted.map(({ type }) => `emit ${type}`),
    ...(failure === undefined ? [] : [`threw ${jsonText(failure)}`]),
  ];
}

function changeLines({ diff, unknown }: StepReport, colours: Colours): readonly string[] {
  if (unknown !== undefined) return [colours.dim(`changes are not known: ${plain(unknown)}`)];
  if (diff === undefined || diff.length === 0) return [colours.dim('its context stays as it was')];
  const more = diff.length - CHANGES_MAX;
  return [
    colours.dim('changes of its context'),
    ...diff.slice(0, CHANGES_MAX).map((change) => changeLine(change, colours)),
    ...(more > 0 ? [colours.dim(`  … ${more} more; --json has all`)] : []),
  ];
}

function changeLine({ path, before, after }: Change, colours: Colours): string {
  const name = plain(path === '' ? '/' : path);
  if (after === undefined) return colours.red(`  - ${name}  ${jsonText(before)}`);
  if (before === undefined) return colours.green(`  + ${name}  ${jsonText(after)}`);
  return `  ~ ${name}  ${jsonText(before)} -> ${jsonText(after)}`;
}

function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}
