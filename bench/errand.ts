/**
 * The workload: an errand, a chart shaped like the actors of this library, and the events of one life.
 *
 * Ten states, four guards, three `after`, thirteen context fields, two declared indexes. Driven by user
 * events alone: twelve steps from creation to the final state, with a timer armed or disarmed in half of
 * them, and no effects. Callers: the benchmarks. Invariant: a life is deterministic, so that every errand
 * writes rows of the same sizes.
 */
import { assign, setup } from 'xstate';
import type { AnyMachineSnapshot } from 'xstate';
import type { DefinitionOptions, IndexRow } from '../src/actors/kernel/index.js';

export interface ErrandInput {
  readonly session: string;
  readonly prompt: string;
  readonly budget: number;
}

interface ErrandContext extends ErrandInput {
  readonly owner: string;
  readonly plan: string;
  readonly attempts: number;
  readonly rounds: number;
  readonly spent: number;
  readonly progress: number;
  readonly lastNote: string;
  readonly verdict: string | null;
  readonly result: string | null;
  readonly receivedAt: number;
}

type ErrandEvent =
  | { readonly type: 'check'; readonly note: string }
  | { readonly type: 'plan'; readonly plan: string }
  | { readonly type: 'schedule' }
  | { readonly type: 'begin'; readonly cost: number }
  | { readonly type: 'progress'; readonly progress: number; readonly note: string }
  | { readonly type: 'review'; readonly verdict: string }
  | { readonly type: 'publish'; readonly result: string }
  | { readonly type: 'confirm' };

const machine = setup({
  types: {
    context: {} as ErrandContext,
    input: {} as ErrandInput,
    events: {} as ErrandEvent,
  },
  guards: {
    affordable: ({ context, event }) =>
      event.type === 'begin' && context.spent + event.cost <= context.budget,
    accepted: ({ event }) => event.type === 'review' && event.verdict === 'accepted',
    mayRevise: ({ context }) => context.rounds < 3,
    forward: ({ context, event }) => event.type === 'progress' && event.progress > context.progress,
  },
  actions: {
    note: assign(({ event }) => (event.type === 'check' ? { lastNote: event.note } : {})),
    plan: assign(({ event }) => (event.type === 'plan' ? { plan: event.plan } : {})),
    begin: assign(({ context, event }) =>
      event.type === 'begin' ? { spent: context.spent + event.cost, attempts: context.attempts + 1 } : {},
    ),
    advance: assign(({ event }) =>
      event.type === 'progress' ? { progress: event.progress, lastNote: event.note } : {},
    ),
    judge: assign(({ context, event }) =>
      event.type === 'review' ? { verdict: event.verdict, rounds: context.rounds + 1 } : {},
    ),
    publish: assign(({ event }) => (event.type === 'publish' ? { result: event.result } : {})),
  },
  delays: { startBy: 3_600_000, workBy: 1_800_000, confirmBy: 86_400_000 },
}).createMachine({
  id: 'errand',
  version: '1',
  context: ({ input }) => ({
    ...input,
    owner: 'agent',
    plan: '',
    attempts: 0,
    rounds: 0,
    spent: 0,
    progress: 0,
    lastNote: '',
    verdict: null,
    result: null,
    receivedAt: 1_700_000_000_000,
  }),
  initial: 'received',
  states: {
    received: { on: { check: { target: 'checked', actions: 'note' } } },
    checked: { on: { plan: { target: 'planned', actions: 'plan' } } },
    planned: { on: { schedule: 'scheduled' } },
    scheduled: {
      after: { startBy: 'abandoned' },
      on: { begin: { guard: 'affordable', target: 'working', actions: 'begin' } },
    },
    working: {
      after: { workBy: 'abandoned' },
      on: {
        progress: { guard: 'forward', actions: 'advance' },
        review: [
          { guard: 'accepted', target: 'publishing', actions: 'judge' },
          { guard: 'mayRevise', target: 'revising', actions: 'judge' },
        ],
      },
    },
    revising: { on: { begin: { guard: 'affordable', target: 'working', actions: 'begin' } } },
    publishing: { on: { publish: { target: 'confirming', actions: 'publish' } } },
    confirming: { after: { confirmBy: 'abandoned' }, on: { confirm: 'closed' } },
    closed: { type: 'final' },
    abandoned: { type: 'final' },
  },
});

function errandIndexes(snapshot: AnyMachineSnapshot): IndexRow[] {
  const { session } = snapshot.context as ErrandContext;
  return [
    { index: 'errand.session', parts: [session] },
    { index: 'errand.state', parts: [JSON.stringify(snapshot.value)] },
  ];
}

export const errandKind = 'errand';

export const errandDefinition: DefinitionOptions = { kind: errandKind, machine, indexes: errandIndexes };

export const errandInput: ErrandInput = {
  session: 'telegram:42',
  prompt: 'a cat riding a bicycle through the rain, at night, in the style of an old film',
  budget: 100,
};

/** After the creation: what happens to every errand, in this order. The last one ends it. */
export const errandLife: readonly ErrandEvent[] = [
  { type: 'check', note: 'the request is complete and allowed' },
  { type: 'plan', plan: 'write three shots, render each, join them' },
  { type: 'schedule' },
  { type: 'begin', cost: 10 },
  { type: 'progress', progress: 0.3, note: 'the first shot is rendered' },
  { type: 'review', verdict: 'too dark in the second half' },
  { type: 'begin', cost: 12 },
  { type: 'progress', progress: 0.9, note: 'all shots are rendered and joined' },
  { type: 'review', verdict: 'accepted' },
  { type: 'publish', result: 'artifacts/3f2a9c0d1e.mp4' },
  { type: 'confirm' },
];
