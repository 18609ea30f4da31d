/**
 * `holdfast acts|act|send|cancel|retry ADDRESS`: what an operator may do to an actor in its present state,
 * and doing it.
 *
 * Callers: run.ts. Invariants:
 *  1  An act is a step of the actor, journaled as `operator:NAME`; what came too late is refused.
 *  2  What is given as JSON is read before a directory is opened.
 *  3  In a directory that nobody holds only the runtime's own kinds can be acted on: what an act asks for is
 *     done by the next runtime.
 */
import type { Command } from 'commander';
import type { ControlInspection } from '../control/index.js';
import { isHoldfastError } from '../errors.js';
import type { ActorLine, ActView } from '../index.js';
import { isPlainObject, type Json } from '../json.js';
import { stateText } from './actor-text.js';
import { atActor } from './address.js';
import { leafOf, sayInspected, type Common } from './answer.js';
import { givenJson, wrong } from './given.js';
import { wholeSeq } from './numbers.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

interface ActOptions extends Common {
  readonly operator: string;
  readonly id?: string;
  readonly seen?: number;
  readonly input?: string;
  readonly data?: string;
  readonly reason?: string;
}

export function actsCommands(program: Command, terminal: Terminal): void {
  leafOf(program, 'acts <address>', 'list what can be done to an actor in its present state').action(
    async (given: string, options: Common) => {
      const items = await atActor(options.dir, given, (actors, address) => actors.acts(address));
      sayInspected(options, terminal, { items }, () =>
        items.length === 0 ? 'nothing can be done to it now' : actLines(items, terminal),
      );
    },
  );
  byOperator(leafOf(program, 'act <address> <name>', 'do one of these to it'))
    .option('--input <json>', 'what it needs; - reads it from standard input')
    .action(async (given: string, name: string, options: ActOptions) => {
      const input = await fieldsOf('input', options.input, terminal);
      await act({ given, name, input, done: `${name} done` }, options, terminal);
    });
  byOperator(leafOf(program, 'send <address> <event>', 'send an event to an actor of your own kinds'))
    .option('--data <json>', 'what else is in the event; - reads it from standard input')
    .action(async (given: string, type: string, options: ActOptions) => {
      const input = await fieldsOf('data', options.data, terminal);
      await act({ given, name: `send:${type}`, input, done: `took ${type}` }, options, terminal);
    });
  byOperator(leafOf(program, 'cancel <address>', 'cancel what can be cancelled'))
    .option('--reason <text>', 'why; it is kept')
    .action(async (given: string, options: ActOptions) => {
      const { reason } = options;
      const input = reason === undefined ? undefined : { reason };
      await act({ given, name: 'cancel', input, done: 'cancel noted' }, options, terminal);
    });
  byOperator(leafOf(program, 'retry <address>', 'try again what has failed'))
    .option('--input <json>', 'how; holdfast acts tells; - reads it from standard input')
    .action(async (given: string, options: ActOptions) => {
      const input = await fieldsOf('input', options.input, terminal);
      await act({ given, name: 'retry', input, done: 'tried again' }, options, terminal);
    });
}

function byOperator(command: Command): Command {
  return command
    .option('--operator <name>', 'who says so; it is journaled', 'cli')
    .option('--id <id>', 'what the act is called: asked for again under it, it is not done again')
    .option('--seen <seq>', 'the step it was seen after: refused where it could not be done since', wholeSeq);
}

interface Wish {
  /** How its actor was named. */
  readonly given: string;
  readonly name: string;
  readonly input: Json | undefined;
  /** In words, once it is done. */
  readonly done: string;
}

async function act(
  { given, name, input, done }: Wish,
  options: ActOptions,
  terminal: Terminal,
): Promise<void> {
  const { address, now } = await atActor(options.dir, given, async (actors, meant) => {
    const { operator, id, seen: seenSeq } = options;
    await actors.act({ address: meant, act: name, input, operator, id, seenSeq });
    return { address: meant, now: await afterwards(actors, meant) };
  });
  const { status, value } = now ?? {};
  sayInspected(options, terminal, { address, act: name, status, value }, () =>
    plain(`${address} ${done}: ${now === undefined ? 'removed' : `now ${stateText(now)}`}`),
  );
}

/** As it is then; undefined where the act, or what it led to, has removed it. */
async function afterwards(actors: ControlInspection, address: string): Promise<ActorLine | undefined> {
  try {
    return await actors.actor(address);
  } catch (error) {
    if (isHoldfastError(error, 'ACTOR_NOT_FOUND') || isHoldfastError(error, 'STORE_CORRUPTED'))
      return undefined;
    throw error;
  }
}

async function fieldsOf(
  field: string,
  text: string | undefined,
  terminal: Terminal,
): Promise<Json | undefined> {
  if (text === undefined) return undefined;
  const value = await givenJson(field, text, terminal);
  if (isPlainObject(value)) return value;
  throw wrong(field, 'is no JSON object');
}

function actLines(items: readonly ActView[], terminal: Terminal): string {
  return tableLines(terminal, COLUMNS, items).join('\n');
}

const COLUMNS: readonly Column<ActView>[] = [
  { title: 'ACT', cell: ({ name }) => plain(name), keep: true },
  { title: 'NEEDS', cell: ({ input }) => plain(needsText(input)), spare: true },
  { title: 'WHAT IT DOES', cell: ({ description }) => plain(description), widthMin: 20 },
];

/** The names of the fields, those that may be left out in brackets. */
function needsText(schema: ActView['input']): string {
  const properties = schema?.['properties'];
  const required: unknown = schema?.['required'];
  if (!isPlainObject(properties)) return schema === undefined ? '' : 'JSON';
  const must: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.keys(properties)
    .map((name) => (must.includes(name) ? name : `[${name}]`))
    .join(' ');
}
