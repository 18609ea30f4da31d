/**
 * `holdfast completion bash|zsh|fish`: a script with which a shell completes command lines, and the hidden
 * `holdfast complete`, which that script asks.
 *
 * Callers: run.ts. Invariants:
 *  1  What completes is read from the commands themselves: a new one, or an option of it, needs nothing here.
 *  2  `complete` prints candidates, one a line, or nothing: no error reaches somebody who presses Tab.
 *  3  A directory is opened only where an address is asked for.
 */
import { Argument, type Command, type Option } from 'commander';
import type { ControlInspection } from '../control/index.js';
import { limits } from '../limits.js';
import { SCRIPTS, type Shell } from './completion-scripts.js';
import { atActors } from './in-directory.js';
import { plain, type Terminal } from './terminal.js';

const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];
/** Whose ids the arguments `<id>` and `<key>` are, by the command around theirs. */
const KINDS: Readonly<Record<string, string>> = {
  jobs: 'job',
  sessions: 'session',
  tasks: 'task',
  work: 'work',
};
const CANDIDATES_MAX = 200;
const PAGES_MAX = 5;

export function completionCommand(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print a script that completes command lines; see its first lines')
    .addArgument(new Argument('<shell>', 'whose').choices(SHELLS))
    .action((shell: Shell) => terminal.out(SCRIPTS[shell]));
  program
    .command('complete [words...]', { hidden: true })
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      const found = await candidates(program, words).catch(() => []);
      const shown = found.filter((each) => each === plain(each) && !/\s/.test(each));
      if (shown.length > 0) terminal.out(shown.join('\n'));
    });
}

/** What the last of the words may become. They are those behind `holdfast`. */
async function candidates(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const current = words.at(-1) ?? '';
  const place = placeOf(program, words.slice(0, -1));
  const all = await offered(place, current);
  return all.filter((each) => each.startsWith(current)).slice(0, CANDIDATES_MAX);
}

interface Place {
  readonly command: Command;
  /** The arguments before the current word. */
  readonly given: readonly string[];
  /** The option whose value the current word is. */
  readonly option: Option | undefined;
  readonly directory: string | undefined;
}

function placeOf(program: Command, words: readonly string[]): Place {
  let command = program;
  let given: readonly string[] = [];
  let option: Option | undefined;
  let directory: string | undefined;
  for (const word of words) {
    if (option !== undefined) {
      if (option.long === '--dir') directory = word;
      option = undefined;
    } else if (word.startsWith('-')) {
      const named = command.options.find(({ long, short }) => long === word || short === word);
      option = named?.required === true || named?.optional === true ? named : undefined;
    } else {
      const below = given.length === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      given = below === undefined ? [...given, word] : [];
      command = below ?? command;
    }
  }
  return { command, given, option, directory };
}

async function offered(
  { command, given, option, directory }: Place,
  current: string,
): Promise<readonly string[]> {
  const look = (
    work: (actors: ControlInspection) => Promise<readonly string[]>,
  ): Promise<readonly string[]> => atActors(directory ?? './.holdfast', work);
  // Of `jobs list` and `work list` it is something else.
  if (option?.long === '--kind' && command.parent?.parent === null) return look(kindsOf);
  if (option !== undefined) return option.argChoices ?? [];
  const visible = command.createHelp();
  if (current.startsWith('-')) return visible.visibleOptions(command).map(({ long }) => long ?? '');
  const below = given.length === 0 ? visible.visibleCommands(command).map((each) => each.name()) : [];
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[given.length] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return below;
  if (argument.argChoices !== undefined) return [...below, ...argument.argChoices];
  const kind = KINDS[command.parent?.name() ?? ''];
  if (kind !== undefined && ['id', 'ids', 'key'].includes(argument.name()))
    return look(async (actors) =>
      (await addressesLike(actors, `${kind}/${current}`)).map((each) => each.slice(kind.length + 1)),
    );
  if (argument.name() === 'address') return look((actors) => addressesLike(actors, current));
  const address = given[0] ?? '';
  if (argument.name() === 'name' && command.name() === 'act')
    return look(async (actors) => (await actors.acts(address)).map(({ name }) => name));
  if (argument.name() === 'event')
    return look(async (actors) =>
      (await actors.acts(address)).flatMap(({ name }) => (name.startsWith('send:') ? [name.slice(5)] : [])),
    );
  return below;
}

async function kindsOf(actors: ControlInspection): Promise<readonly string[]> {
  const { kinds } = await actors.population();
  return kinds.filter(({ count }) => count > 0).map(({ kind }) => kind);
}

/** Kinds as far as the slash, then the addresses behind it. */
async function addressesLike(actors: ControlInspection, current: string): Promise<readonly string[]> {
  const slash = current.indexOf('/');
  if (slash === -1) return (await kindsOf(actors)).map((kind) => `${kind}/`);
  const kind = current.slice(0, slash);
  const text = current.slice(slash + 1);
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX && found.length < CANDIDATES_MAX; page += 1) {
    const filter = { kind, cursor, limit: limits.scanPageRows, ...(text !== '' && { text }) };
    const { items, ...next } = await actors.list(filter);
    for (const { address } of items) if (address.startsWith(current)) found.push(address);
    cursor = next.cursor;
    if (cursor === undefined) break;
  }
  return found;
}
