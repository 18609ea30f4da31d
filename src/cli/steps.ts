/**
 * `holdfast steps ADDRESS` and `holdfast story ADDRESS`: what one step did, and what one event led to over
 * all actors.
 *
 * Callers: run.ts. Invariant: with `--json` standard output is one JSON value in one line, in the names of
 * the inspection's wire.
 */
import { Option, type Command } from 'commander';
import type { ControlInspection } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import type { StepReport, Story } from '../index.js';
import { limits } from '../limits.js';
import { atActor } from './address.js';
import { leafOf, sayInspected, type Common } from './answer.js';
import { wrong } from './given.js';
import { wholeSeq } from './numbers.js';
import { stepLines, storyLines } from './step-text.js';
import { plain, type Terminal } from './terminal.js';

interface StepsOptions extends Common {
  readonly seq?: number;
  readonly from?: number;
  readonly to?: number;
}

interface StoryOptions extends Common {
  readonly seq?: number;
  readonly format: 'text' | 'mermaid';
}

/** Each step of a range is taken again. */
const RANGE_MAX = 200;

export function stepsCommand(program: Command, terminal: Terminal): void {
  leafOf(
    program,
    'steps <address>',
    'show what steps did: event, cause, effects, changes; default: the newest',
  )
    .addOption(new Option('--seq <seq>', 'this step').argParser(wholeSeq).conflicts(['from', 'to']))
    .option('--from <seq>', `the first one of several, ${RANGE_MAX} at most`, wholeSeq)
    .option('--to <seq>', 'the last one of several', wholeSeq)
    .action((given: string, options: StepsOptions) => steps(given, options, terminal));
}

export function storyCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'story <address>', 'tell what a step was caused by and led to, over all actors')
    .option('--seq <seq>', 'of this step; default: the first that is kept', wholeSeq)
    .addOption(
      new Option('--format <format>', 'lines, or the text of a sequence diagram')
        .choices(['text', 'mermaid'])
        .default('text'),
    )
    .action(async (given: string, options: StoryOptions) => {
      const story = await atActor(options.dir, given, (actors, address) =>
        actors.story(address, options.seq),
      );
      sayInspected(options, terminal, story, () => storyText(story, options, terminal));
    });
}

async function steps(given: string, options: StepsOptions, terminal: Terminal): Promise<void> {
  const { dir, from, to } = options;
  const isRange = from !== undefined || to !== undefined;
  const found = await atActor(dir, given, (actors, address) => read(actors, address, options));
  sayInspected(options, terminal, isRange ? { items: found } : found[0], () =>
    found.map((step) => stepLines(step, terminal).join('\n')).join('\n\n'),
  );
}

/** Throws STEP_NOT_KEPT, INVALID_INPUT for a range that is none. */
async function read(
  actors: ControlInspection,
  address: string,
  { seq, from, to }: StepsOptions,
): Promise<readonly StepReport[]> {
  if (seq !== undefined) return [await actors.step(address, seq)];
  const { items } = await actors.steps(address, { limit: limits.scanPageRows });
  const first = items[0]?.seq;
  const newest = items.at(-1)?.seq;
  if (first === undefined || newest === undefined) {
    const message = `no steps of ${address} are kept`;
    throw new HoldfastError('STEP_NOT_KEPT', message, { details: { address } });
  }
  if (from === undefined && to === undefined) return [await actors.step(address, newest)];
  const last = Math.min(to ?? newest, newest);
  const begin = from ?? Math.max(first, last - RANGE_MAX + 1);
  if (begin > last) throw wrong('from', `step ${begin} comes after step ${last}`);
  if (last - begin >= RANGE_MAX) throw wrong('from', `more than ${RANGE_MAX} steps`);
  const found: StepReport[] = [];
  for (let at = begin; at <= last; at += 1) found.push(await actors.step(address, at));
  return found;
}

function storyText(story: Story, { format }: StoryOptions, terminal: Terminal): string {
  if (format === 'text') return storyLines(story, terminal).join('\n');
  return story.mermaid
    .trimEnd()
    .split('\n')
    .map((line) => `${/^ */.exec(line)?.[0] ?? ''}${plain(line)}`)
    .join('\n');
}
