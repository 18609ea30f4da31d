/**
 * News of a task without a job, and a desk that hears of them, for the crash tests.
 *
 * Callers: parked.test.ts. The desk stands in for the ingress, which creates the news, and for the job, which
 * is told them: whatever it hears twice, a job would.
 */
import { assign, setup } from 'xstate';
import { parkedDefinition } from '../../src/actors/house-machines.js';
import type { Json } from '../../src/json.js';
import { reservedActions, type ParkedEventInput } from '../../src/machines/index.js';
import { REF } from '../machines/job-fixture.js';
import type { Chart } from './world.js';

/** Longer than any run: nothing is removed while it is compared. */
const RETENTION_MS = 10 ** 12;

export interface DeskContext {
  readonly news: ParkedEventInput;
  /** Types of what it was told, in order. */
  readonly heard: readonly string[];
}

const desk = setup({
  types: { context: {} as DeskContext, input: {} as Pick<DeskContext, 'news'> },
  actions: {
    ...reservedActions,
    hear: assign(({ context, event }) => ({ heard: [...context.heard, event.type] })),
  },
}).createMachine({
  id: 'desk',
  version: '1',
  context: ({ input }) => ({ news: input.news, heard: [] }),
  on: {
    park: {
      actions: {
        type: 'actor.create',
        params: ({ context }) => ({ kind: 'parked', id: 'evt_1', input: context.news }),
      },
    },
    'provider.*': { actions: 'hear' },
  },
});

export function parkedChart(news: Pick<ParkedEventInput, 'outcome'>): Chart {
  const input: ParkedEventInput = { provider: 'openai', credential: 'main', ref: REF, ...news };
  return {
    name: `parked (${news.outcome?.type ?? 'thin'})`,
    kind: 'desk',
    id: 'one',
    input: { news: input } as unknown as Json,
    define: () => [
      { kind: 'desk', machine: desk, retentionMs: RETENTION_MS },
      { ...parkedDefinition, retentionMs: RETENTION_MS },
    ],
    events: [
      { to: 'desk/one', event: { type: 'park' } },
      { to: 'parked/evt_1', event: { type: 'job.found', job: 'desk/one' } },
    ],
    answers: {},
    runsOut: true,
  };
}
