/**
 * `holdfast ps|list|show`: how many actors are where, which, and one of them whole; of every kind, whoever
 * holds the directory.
 *
 * Callers: run.ts. Invariants:
 *  1  With `--json` standard output is one JSON value in one line, in the names of the inspection's wire.
 *  2  A filter by a kind or a state that there is not is an error that names those there are.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { leavesOf } from '../actors/index.js';
import { systemClock } from '../clock.js';
import type { ControlInspection } from '../control/index.js';
import { isHoldfastError } from '../errors.js';
import type { ActorLine, ListInspected, Page } from '../index.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { actorLines, actorTable } from './actor-text.js';
import { atActor } from './address.js';
import { leafOf, LIMIT_DEFAULT, moreLines, sayInspected, wholeLimit, type Common } from './answer.js';
import { wrong } from './given.js';
import { atActors } from './in-directory.js';
import { populationLines } from './population-text.js';
import { withProgress } from './progress.js';
import { didYouMean, nearNames } from './suggest.js';
import type { Terminal } from './terminal.js';

interface ListOptions extends Common, Pick<ListInspected, 'kind' | 'state' | 'status' | 'session'> {
  readonly provider?: string;
  readonly text?: string;
  readonly older?: number;
  readonly limit: number;
  readonly cursor?: string;
}

const STATUSES = ['active', 'done', 'error', 'stopped', 'quarantined', 'unreadable'] as const;
/** Of states, or kinds, that an error names. */
const NAMED_MAX = 20;
/** A page may be empty and go on: a search ends after so many. */
const PAGES_MAX = 10_000;

export function actorsCommands(program: Command, terminal: Terminal): void {
  leafOf(program, 'ps', 'count the actors in each state, and say how long they stay there').action(
    async (options: Common) => {
      const population = await atActors(options.dir, (actors) => actors.population());
      sayInspected(options, terminal, population, () => populationLines(population, terminal).join('\n'));
    },
  );
  leafOf(program, 'list', 'list actors of every kind')
    .option('--kind <kind>', 'only actors of this kind', someText)
    .option('--state <path>', 'only actors in this state, or in one within it', someText)
    .addOption(new Option('--status <status>', 'only actors of this status').choices(STATUSES))
    .option('--session <key>', 'only what belongs to this session', someText)
    .option('--provider <name>', 'only what uses this provider', someText)
    .option('--text <text>', 'only actors with this text in their id, prompt or name', someText)
    .option(
      '--older <span>',
      'only actors that are in their state for so long, such as 90s, 10m, 2h, 3d',
      spanOf,
    )
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--cursor <cursor>', 'continue an earlier list')
    .action((options: ListOptions) => list(options, terminal));
  leafOf(
    program,
    'show <address>',
    'show one actor: its state, what it waits for, its links, its context',
  ).action(async (given: string, options: Common) => {
    const actor = await atActor(options.dir, given, (actors, address) => actors.actor(address));
    sayInspected(options, terminal, actor, () => actorLines(actor, terminal, systemClock.now()).join('\n'));
  });
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { kind, state, status, session, provider, text, older: olderMs, limit, cursor } = options;
  const filter = { kind, state, status, session, provider, text, olderMs };
  const page = await withProgress(options, terminal, 'searching', (tell) =>
    atActors(options.dir, async (actors) => {
      const found = await filled(actors, { ...filter, limit, cursor }, limit, tell);
      if (found.items.length === 0) await checkNames(actors, filter);
      return found;
    }),
  );
  sayInspected(options, terminal, page, () => {
    const more = moreLines(page, terminal);
    if (page.items.length === 0) return ['no actors', ...more].join('\n');
    return [...actorTable(terminal, page.items, systemClock.now()), ...more].join('\n');
  });
}

/** One page as full as it can be: those of the inspection end where it has looked at enough. */
async function filled(
  actors: ControlInspection,
  filter: ListInspected,
  limit: number,
  tell: (howFar: string) => void,
): Promise<Page<ActorLine>> {
  const items: ActorLine[] = [];
  let { cursor } = filter;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const next = await actors.list({ ...filter, cursor, limit: limit - items.length });
    items.push(...next.items);
    cursor = next.cursor;
    if (cursor === undefined || items.length >= limit) break;
    tell(`${items.length} found`);
  }
  return cursor === undefined ? { items } : { items, cursor };
}

/** Throws INVALID_INPUT for a kind or a state that there is not. */
async function checkNames(
  actors: ControlInspection,
  { kind, state }: Pick<ListInspected, 'kind' | 'state'>,
): Promise<void> {
  if (kind === undefined && state === undefined) return;
  const { kinds } = await actors.population();
  const ofKind = kinds.filter((each) => kind === undefined || each.kind === kind);
  if (ofKind.length === 0)
    throw unknownName(
      'kind',
      kind ?? '',
      kinds.map((each) => each.kind),
    );
  if (state === undefined) return;
  const known = new Set<string>();
  for (const { kind: each, count } of ofKind) {
    const paths = await chartPaths(actors, each);
    // A kind without actors may never have been drawn; of one with actors it is not known what there is.
    if (paths === undefined && count > 0) return;
    for (const path of paths ?? []) known.add(path);
  }
  for (const { states } of ofKind)
    for (const { value } of states) for (const path of leavesOf(value)) known.add(path);
  if (!known.has(state)) throw unknownName('state', state, [...known]);
}

function unknownName(field: string, name: string, names: readonly string[]): Error {
  const sorted = names.toSorted();
  const more = sorted.length > NAMED_MAX ? `, and ${sorted.length - NAMED_MAX} more` : '';
  const there = `there are ${sorted.slice(0, NAMED_MAX).join(', ')}${more}`;
  return wrong(
    field,
    `there is no ${field} ${JSON.stringify(name)}${didYouMean(nearNames(name, names))}; ${there}`,
  );
}

/** Every state of a kind's newest chart; undefined where it is not known. */
async function chartPaths(actors: ControlInspection, kind: string): Promise<readonly string[] | undefined> {
  try {
    return pathsIn((await actors.chart(kind)).config, '');
  } catch (error) {
    if (isHoldfastError(error, 'CHART_UNKNOWN')) return undefined;
    throw error;
  }
}

function pathsIn(node: unknown, above: string): readonly string[] {
  const states = isPlainObject(node) ? node['states'] : undefined;
  if (!isPlainObject(states)) return [];
  return Object.entries(states).flatMap(([name, state]) => [
    `${above}${name}`,
    ...pathsIn(state, `${above}${name}.`),
  ]);
}

function someText(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('It is empty.');
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function spanOf(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw new InvalidArgumentError('It is a span such as 90s, 10m, 2h or 3d.');
}
