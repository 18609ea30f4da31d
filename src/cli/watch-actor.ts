/**
 * `holdfast watch ADDRESS`: how one actor changes, until it has ended.
 *
 * Callers: run.ts. Invariants:
 *  1  A line for where it is, and one for each step that leads it elsewhere; with `--json` each line is one
 *     JSON value.
 *  2  It ends when the actor is over (settled.ts): well when that is what was wanted, else with ACTOR_FAILED;
 *     Ctrl-C ends the watching alone.
 */
import type { Command } from 'commander';
import { HoldfastError } from '../errors.js';
import type { StepLine } from '../index.js';
import { onActor } from './address.js';
import { leafOf, type Common } from './answer.js';
import { followed, nobodyRuns, untilInterrupted, type Followed } from './following.js';
import { atActors } from './in-directory.js';
import { linePrinter } from './log.js';
import { statesText } from './facts.js';
import { endOf } from './settled.js';
import { endText } from './step-text.js';
import { plain, type Terminal } from './terminal.js';

export function watchCommand(program: Command, terminal: Terminal): void {
  leafOf(
    program,
    'watch <address>',
    'print where one actor goes until it has ended; Ctrl-C leaves it alone',
  ).action((given: string, options: Common) => watch(given, options, terminal));
}

async function watch(given: string, options: Common, terminal: Terminal): Promise<void> {
  const { dir: directory } = options;
  await untilInterrupted((signal) =>
    atActors(directory, (actors, client) =>
      onActor(actors, given, async (address) => {
        const { items } = await actors.steps(address, { limit: 1 });
        const print = changePrinter(linePrinter(items, options, terminal));
        const tell = standingTeller({ directory, actors, address }, terminal);
        let last = items.at(-1);
        items.forEach(print);
        const isOver = last !== undefined && endOf(last) !== undefined;
        if (last !== undefined && !isOver && client === undefined) throw nobodyRuns(directory);
        if (!isOver)
          await followed({ directory, actors, address }, last?.seq ?? 0, signal, async (steps) => {
            steps.forEach(print);
            last = steps.at(-1) ?? last;
            if (steps.length === 0) await tell();
            return last !== undefined && endOf(last) !== undefined ? 'enough' : undefined;
          });
        if (last !== undefined) judge(last);
      }),
    ),
  );
}

/** What stands still takes no step: that is seen where nothing else was. */
function standingTeller({ actors, address }: Followed, terminal: Terminal): () => Promise<void> {
  let told = '';
  return async () => {
    const { fault } = await actors.actor(address);
    const text = fault === undefined ? '' : plain(`${address} stands still: ${fault.code}: ${fault.message}`);
    if (text !== told && text !== '') terminal.err(text);
    told = text;
  };
}

/** Steps that leave it where it was are left out. */
function changePrinter(print: (step: StepLine) => void): (step: StepLine) => void {
  let before: string | undefined;
  return (step) => {
    const text = endText(step);
    if (text !== before) print(step);
    before = text;
  };
}

function judge(step: StepLine): void {
  if (endOf(step) === 'well') return;
  const { address, status, failure, value } = step;
  const why = failure === undefined ? '' : `: ${JSON.stringify(failure)}`;
  const ended = status === 'active' ? `is ${statesText(value)}` : `was ${status}`;
  const how = status === 'error' ? `has failed${why}` : ended;
  throw new HoldfastError('ACTOR_FAILED', `${address} ${how}`, { details: { address, status } });
}
