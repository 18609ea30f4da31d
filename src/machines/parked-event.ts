/**
 * The parked event chart: news of a task that no job has yet, kept until one does.
 *
 *   waiting ──▶ matched (a job adopted the task: it is told)
 *          └──▶ expired (nobody did, within ten minutes)
 *
 * Owns: what the news says. Asks for: actor.send, to the job.
 * Never: keeps a URL, a key or a body.
 */
import { assign, setup } from 'xstate';
import { envelopeOf } from './envelope.js';
import type { JobRef, PollVerdict } from './job-words.js';
import { reservedActions } from './reserved.js';

export interface ParkedEventInput {
  readonly provider: string;
  /** The alias of the account that the hook is for. */
  readonly credential: string;
  readonly ref: JobRef;
  /** Absent: there is news, and a poll finds out. */
  readonly outcome?: PollVerdict;
}

export interface ParkedEventContext extends ParkedEventInput {
  readonly since: number;
  /** The job it was for. */
  readonly job?: string | undefined;
}

/** A job that has the task: `kind/id`. */
export interface JobFound {
  readonly type: 'job.found';
  readonly job: string;
}

const PATIENCE_MS = 600_000;

/** What a job is told of a task that is its own. */
export function newsFor({ outcome }: Pick<ParkedEventInput, 'outcome'>) {
  return outcome === undefined
    ? { type: 'provider.hint' as const }
    : { type: 'provider.evidence' as const, outcome };
}

export const parkedEventMachine = setup({
  types: {
    context: {} as ParkedEventContext,
    events: {} as JobFound,
    input: {} as ParkedEventInput,
  },
  actions: {
    ...reservedActions,
    noteJob: assign(({ event }) => ({ job: event.job })),
  },
  delays: { patience: PATIENCE_MS },
}).createMachine({
  id: 'parked',
  version: '1',
  description: 'News of a task that no job has yet: it waits for the job, for ten minutes.',
  context: ({ input }) => ({ ...input, since: envelopeOf({ input }).at }),
  initial: 'waiting',
  states: {
    waiting: {
      description: 'No job has the task.',
      on: {
        'job.found': {
          target: 'matched',
          actions: [
            'noteJob',
            {
              type: 'actor.send',
              params: ({ context, event }) => ({ to: event.job, event: newsFor(context) }),
            },
          ],
        },
      },
      after: { patience: 'expired' },
    },
    matched: { description: 'A job has the task, and was told.', type: 'final' },
    expired: { description: 'Nobody has asked for the task.', type: 'final' },
  },
});
