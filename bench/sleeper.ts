/**
 * A sleeper: a small actor behind a timer of its own, and stores full of them.
 *
 * Callers: the benchmarks. Invariant: each has an id, an order and a due time of its own, and nothing else.
 */
import { assign, setup } from 'xstate';
import { systemClock } from '../src/clock.js';
import type { DefinitionOptions } from '../src/actors/kernel/index.js';
import { orderedNumber } from '../src/store/keys.js';
import { fillAlike, RECORDED_AT } from './template.js';

interface SleeperContext {
  readonly session: string;
  readonly sleepMs: number;
  readonly pokes: number;
}

const machine = setup({
  types: {
    context: {} as SleeperContext,
    input: {} as { readonly session: string; readonly sleepMs: number },
    events: {} as { readonly type: 'poke' },
  },
  actions: { count: assign(({ context }) => ({ pokes: context.pokes + 1 })) },
  delays: { sleepTime: ({ context }) => context.sleepMs },
}).createMachine({
  id: 'sleeper',
  version: '1',
  context: ({ input }) => ({ ...input, pokes: 0 }),
  initial: 'asleep',
  states: {
    asleep: { after: { sleepTime: 'awake' }, on: { poke: { actions: 'count' } } },
    awake: {},
  },
});

export const sleeperKind = 'sleeper';

export const sleeperMachine = machine;

export const sleeperDefinition: DefinitionOptions = { kind: sleeperKind, machine };

export const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const RECORDED_MS = 123_456_789;

/** Ids of fixed width. */
export function sleeperId(number: number): string {
  return `sleeper-${String(number).padStart(9, '0')}`;
}

export function sleeperInput(sleepMs: number): { readonly session: string; readonly sleepMs: number } {
  return { session: 'telegram:42', sleepMs };
}

export interface Sleepers {
  readonly directory: string;
  readonly actors: number;
  /** The first so many are due together, a month from now; the others in a year and later. */
  readonly dueTogether: number;
}

/** Fills an empty directory with sleepers. */
export async function fillWithSleepers({ directory, actors, dueTogether }: Sleepers): Promise<void> {
  const now = systemClock.now();
  const recordedDueAt = RECORDED_AT + RECORDED_MS;
  const dueAt = (sleeper: number): number =>
    sleeper < dueTogether ? now + 30 * DAY_MS : now + YEAR_MS + sleeper * 1_000;
  const textsOf = (at: number): readonly string[] => [String(at), orderedNumber(at)];
  await fillAlike({
    ...{ directory, definition: sleeperDefinition, actors, id: sleeperId },
    input: { ...sleeperInput(RECORDED_MS) },
    recorded: textsOf(recordedDueAt),
    own: (sleeper) => textsOf(dueAt(sleeper)),
  });
}
