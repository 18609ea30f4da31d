/**
 * The supervisor chart: the life of one open runtime.
 *
 *   opening → recovering → running → draining → closed        any of the first four ──▶ failed
 *
 * Owns: the lifecycle and the restart budget of the runtime's own parts. Asks for: nothing; the runtime
 * tells it what happened and reads its state. It runs in memory, never in the store, and is never the
 * parent of jobs.
 * Never: leaves `failed`; restarts a part beyond the budget.
 */
import { assign, setup } from 'xstate';
import { envelopeOf } from './envelope.js';
import { budgetExceeded, withFailure } from './restart-intensity.js';
import type { RestartBudget } from './restart-intensity.js';

export interface SupervisorInput {
  readonly budget?: RestartBudget;
  /** How long draining may take. */
  readonly closeTimeoutMs: number;
}

export interface SupervisorContext {
  readonly budget: RestartBudget;
  readonly closeTimeoutMs: number;
  /** Times of the failures that still count. */
  readonly failures: readonly number[];
  readonly reason?: { readonly code: string; readonly message: string } | undefined;
}

export type SupervisorEvent =
  | { readonly type: 'runtime.opened' }
  | { readonly type: 'runtime.recovered' }
  | { readonly type: 'runtime.close' }
  | { readonly type: 'runtime.drained' }
  /** Something that cannot be mended while open, such as a failed commit. */
  | { readonly type: 'runtime.failed'; readonly code: string; readonly message: string }
  /** A part of the runtime threw and is being started again. */
  | { readonly type: 'part.failed'; readonly part: string; readonly message: string };

export const supervisorDefaults = { budget: { failuresMax: 5, periodMs: 60_000 } } as const;

function reasonOf(event: SupervisorEvent): SupervisorContext['reason'] {
  if (event.type === 'runtime.failed') return { code: event.code, message: event.message };
  if (event.type !== 'part.failed') return undefined;
  return { code: 'restart-budget', message: `${event.part} failed too often, last with: ${event.message}` };
}

function failuresAfter({ failures, budget }: SupervisorContext, event: SupervisorEvent): readonly number[] {
  return withFailure(failures, envelopeOf(event).at, budget);
}

export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
  },
  actions: {
    noteReason: assign(({ event }) => ({ reason: reasonOf(event) })),
    countFailure: assign(({ context, event }) => ({ failures: failuresAfter(context, event) })),
  },
  guards: {
    budgetExceeded: ({ context, event }) => budgetExceeded(failuresAfter(context, event), context.budget),
  },
  delays: { closeTimeout: ({ context }) => context.closeTimeoutMs },
}).createMachine({
  id: 'supervisor',
  version: '1',
  description: 'The life of one open runtime.',
  context: ({ input }) => ({
    budget: input.budget ?? supervisorDefaults.budget,
    closeTimeoutMs: input.closeTimeoutMs,
    failures: [],
  }),
  initial: 'opening',
  states: {
    opening: {
      description: 'The store is being opened and checked.',
      on: {
        'runtime.opened': 'recovering',
        'runtime.close': 'draining',
        'runtime.failed': { target: 'failed', actions: 'noteReason' },
      },
    },
    recovering: {
      description: 'Timers, effects and messages that were in flight are being picked up.',
      on: {
        'runtime.recovered': 'running',
        'runtime.close': 'draining',
        'runtime.failed': { target: 'failed', actions: 'noteReason' },
      },
    },
    running: {
      description: 'Takes work.',
      on: {
        'part.failed': [
          { guard: 'budgetExceeded', target: 'failed', actions: ['countFailure', 'noteReason'] },
          { actions: 'countFailure' },
        ],
        'runtime.close': 'draining',
        'runtime.failed': { target: 'failed', actions: 'noteReason' },
      },
    },
    draining: {
      description: 'Takes no new work; what must not be cut off may finish.',
      on: {
        'runtime.drained': 'closed',
        'runtime.failed': { target: 'failed', actions: 'noteReason' },
      },
      after: { closeTimeout: 'closed' },
    },
    closed: { description: 'Closed in order; everything acknowledged is on disk.', type: 'final' },
    failed: {
      description: 'Cannot go on; opening it again loses nothing that was acknowledged.',
      type: 'final',
    },
  },
});
