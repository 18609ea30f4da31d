/**
 * The job of the job-shaped run: pending → running → done, each on disk, through an effect that does
 * nothing.
 *
 * A submit is acknowledged once `pending` is on disk; then the dispatcher's `begin` is sent, the effect runs,
 * and its result ends the job. The same chart for the kernel and for the hand-written program beside it.
 * Callers: jobs.ts, live.ts.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { DefinitionOptions } from '../src/actors/kernel/index.js';

export interface JobInput {
  readonly prompt: string;
}

interface JobContext extends JobInput {
  readonly result: string | null;
}

export const jobMachine = setup({
  types: {
    context: {} as JobContext,
    input: {} as JobInput,
    events: {} as { readonly type: 'begin' },
  },
  actors: { work: fromPromise<string, JobInput>(async () => 'ok') },
}).createMachine({
  id: 'render',
  version: '1',
  context: ({ input }) => ({ prompt: input.prompt, result: null }),
  initial: 'pending',
  states: {
    pending: { on: { begin: 'running' } },
    running: {
      invoke: {
        src: 'work',
        input: ({ context }) => ({ prompt: context.prompt }),
        onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
        onError: 'failed',
      },
    },
    done: { type: 'final' },
    failed: { type: 'final' },
  },
});

export const jobKind = 'render';

/** As many at a time as are in flight: an effect that does nothing needs no smaller bound. */
export const jobDefinition: DefinitionOptions = {
  kind: jobKind,
  machine: jobMachine,
  effects: { work: { limit: 1_000 } },
};

export const jobInput: JobInput = { prompt: 'a cat riding a bicycle' };

export function jobId(number: number): string {
  return `render-${String(number).padStart(9, '0')}`;
}
