/**
 * Actors of any kind as text for people: a line of a list, and one of them whole.
 *
 * Pure. Callers: actors.ts, watch-actor.ts. Invariant: text of others is shown without control characters.
 */
import type { ActorLine, ActorReport } from '../index.js';
import { factLines, finelyText, jsonText, spanText, statesText, timeText, type Fact } from './facts.js';
import type { Tones } from './status.js';
import { tableLines } from './table.js';
import { plain, type Colours, type Terminal } from './terminal.js';

/** Nothing longer fits a line of any terminal. */
const CHARS_MAX = 500;
/** Lines of a context; `--json` has all of it. */
const CONTEXT_LINES_MAX = 60;
/** Of each list; `--json` has all of it. */
const LISTED_MAX = 20;

type Effect = ActorReport['effects'][number];

export function actorTable(terminal: Terminal, actors: readonly ActorLine[], now: number): readonly string[] {
  const { colours } = terminal;
  return tableLines<ActorLine>(
    terminal,
    [
      { title: 'ADDRESS', cell: ({ address }) => plain(address), keep: true },
      {
        title: 'STATE',
        cell: (actor) => plain(stateText(actor)),
        paint: (text, { status }) => colours[TONES[status]](text),
        widthMin: 12,
      },
      { title: 'FOR', cell: ({ since }) => (since === undefined ? '' : spanText(now - since)), spare: true },
      { title: 'SEQ', cell: ({ seq }) => String(seq ?? ''), spare: true },
      { title: 'ABOUT', cell: (actor) => plain(aboutOf(actor)).slice(0, CHARS_MAX), widthMin: 20 },
    ],
    actors,
  );
}

/** Aligned `name  value` lines; what an actor does not have is left out. */
export function actorLines(actor: ActorReport, { colours }: Terminal, now: number): readonly string[] {
  const { since, fault, delivery, error } = actor;
  const facts: readonly Fact[] = [
    ['address', actor.address],
    ['state', colours[TONES[actor.status]](plain(stateText(actor)))],
    ['for', since === undefined ? undefined : `${finelyText(now - since)}, since ${timeText(since)}`],
    ['about', actor.title],
    ['machine', machineText(actor)],
    ['session', actor.session],
    ['provider', actor.provider],
    ['fault', fault && `${fault.code}: ${fault.message}`],
    ['error', jsonText(error)],
    ['output', jsonText(actor.output)],
    ...listed(actor.timers, 'timer', ({ name, event, dueAt }) => `${name}: ${event} ${dueText(dueAt, now)}`),
    ...listed(actor.effects, 'effect', (effect) => effectText(effect, now)),
    ...listed(actor.children, 'child', ({ address, src }) => `${address} (${src})`),
    ...listed(actor.links, 'link', ({ rel, address, exists }) => {
      return `${rel} ${address}${exists ? '' : ' (gone)'}`;
    }),
    ...listed(actor.artifacts, 'artifact', ({ file, mediaType, bytes }) => {
      return `${file} (${mediaType}${bytes === undefined ? '' : `, ${bytes} bytes`})`;
    }),
    ['delivery', delivery && `${delivery.id} ${delivery.status}${attemptText(delivery.attempts)}`],
    ['waiting', actor.waiting === 0 ? undefined : `${actor.waiting} events`],
    ['steps', stepsText(actor)],
    ['created', timeText(actor.createdAt)],
    ['last step', timeText(actor.at)],
    ...listed(actor.history, 'history', ({ at, entry }) => `${timeText(at)}  ${jsonText(entry)}`),
  ];
  return [...factLines(facts, colours, 'state'), ...contextLines(actor, colours)];
}

/** Where it is, and that it is there no longer where it has ended or stands still. */
export function stateText({ status, value }: Pick<ActorLine, 'status' | 'value'>): string {
  const states = statesText(value);
  if (status === 'active') return states === '' ? 'active' : states;
  const word = status === 'quarantined' ? 'stands still' : status;
  return states === '' || states === word ? word : `${states} (${word})`;
}

/** How an effect that is not finished is doing. */
function effectText({ child, src, id, state, since, attempts }: Effect, now: number): string {
  const name = child === src ? src : `${child} (${src})`;
  const asked = since === undefined ? '' : `, asked for ${spanText(now - since)} ago`;
  return `${name} ${id}: ${state}${asked}${attemptText(attempts)}`;
}

export function dueText(dueAt: number, now: number): string {
  return dueAt > now ? `in ${finelyText(dueAt - now)}` : `due since ${finelyText(now - dueAt)}`;
}

const TONES: Tones<ActorLine['status']> = {
  done: 'green',
  error: 'red',
  unreadable: 'red',
  quarantined: 'yellow',
  stopped: 'dim',
  active: 'cyan',
};

function aboutOf({ title, fault }: ActorLine): string {
  const told = fault && `${fault.code}: ${fault.message}`;
  return [...(title === undefined ? [] : [title]), ...(told === undefined ? [] : [`(${told})`])].join(' ');
}

function machineText({ machine, version, hash, defined }: ActorReport): string | undefined {
  if (machine === undefined) return undefined;
  const structure = hash === undefined ? '' : ` (${hash.slice(0, 12)})`;
  return `${machine}, version ${version ?? '?'}${structure}${defined ? '' : ', not defined here'}`;
}

function attemptText(attempts: number | undefined): string {
  return attempts === undefined || attempts < 2 ? '' : `, attempt ${attempts}`;
}

function stepsText({ seq, firstSeq }: ActorReport): string | undefined {
  if (seq === undefined) return undefined;
  return firstSeq <= 1 ? `${seq}` : `${seq}, kept from ${firstSeq} on`;
}

function listed<T>(items: readonly T[], name: string, text: (item: T) => string): readonly Fact[] {
  const more = items.length - LISTED_MAX;
  return [
    ...items.slice(0, LISTED_MAX).map((item): Fact => [name, text(item)]),
    ...(more > 0 ? [[name, `and ${more} more`] as const] : []),
  ];
}

function contextLines({ context }: ActorReport, colours: Colours): readonly string[] {
  if (context === undefined) return [];
  const lines = JSON.stringify(context, undefined, 2).split('\n');
  const more = lines.length - CONTEXT_LINES_MAX;
  return [
    colours.dim('context'),
    ...lines.slice(0, CONTEXT_LINES_MAX).map(indentedPlain),
    ...(more > 0 ? [colours.dim(`  … ${more} lines more; --json has all`)] : []),
  ];
}

/** `plain` would take the indentation, too. */
function indentedPlain(line: string): string {
  const text = line.trimStart();
  return `  ${' '.repeat(line.length - text.length)}${plain(text).slice(0, CHARS_MAX)}`;
}
