/**
 * What an operator may do to the runtime's own actors: the acts of each kind, when they are there, and the
 * façade's method behind each.
 *
 * Callers: acts.ts. Invariants:
 *  H1  An act is there where its event would be taken, by the chart; the façade looks again in the turn of
 *      the step.
 *  H2  No event is sent as it is: what a façade does not offer is no act.
 */
import { HoldfastError } from '../../errors.js';
import type { Json, JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { headsAfter, type SessionContext } from '../../machines/index.js';
import { sourceOf, type ActOptions } from '../operator.js';
import { batchSummary } from '../session/batch.js';
import type { ToolDecision } from '../tasks/face.js';
import { fields, oneOf, reason } from './act-inputs.js';
import type { ActView } from './face.js';
import type { Scene } from './scene.js';
import { loose, text } from './titles.js';

/** Whom it is done to. */
export interface ActTarget {
  readonly id: string;
  readonly value: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  readonly now: number;
  /** Whether its chart takes an event of that type now. */
  readonly takes: (type: string) => boolean;
}

export interface Doing {
  readonly scene: Scene;
  readonly target: ActTarget;
  readonly input: JsonObject;
  readonly by: ActOptions;
}

export interface Act extends Omit<ActView, 'input'> {
  readonly input?: (target: ActTarget) => JsonObject;
  /** What it sends. Absent: its input says what it is done to. */
  readonly event?: string;
  /** Default: its event would be taken. */
  readonly isOpen?: (target: ActTarget) => boolean;
  readonly run: (doing: Doing) => Promise<unknown>;
}

const WHY = (): JsonObject => fields({ reason });

const jobActs: readonly Act[] = [
  {
    name: 'cancel',
    title: 'Cancel',
    description: 'The job ends as cancelled; what it has at the provider is called off where that can be.',
    serious: true,
    input: WHY,
    event: 'job.cancel',
    run: ({ scene, target, input, by }) => scene.jobs.get(target.id).cancel(given(input['reason']), by),
  },
  {
    name: 'retry',
    title: 'Retry',
    description: 'Fetches what is rendered and paid for again, or sends its exhausted message again.',
    serious: false,
    event: 'job.retry',
    isOpen: ({ takes, context }) => takes('job.retry') || lastDelivery(context) === 'exhausted',
    run: ({ scene, target, by }) => scene.jobs.get(target.id).retry(by),
  },
  {
    name: 'adopt',
    title: 'Adopt',
    description: 'Tells the job which task at the provider is its own: it goes on with that.',
    serious: false,
    input: () =>
      fields(
        {
          taskId: { type: 'string', maxLength: 512, description: 'What the provider calls the task.' },
          endpoint: { type: 'string', maxLength: 200, description: 'Where it is asked for.' },
          generation: { type: 'string', maxLength: 100, description: 'Of the provider’s interface.' },
          region: { type: 'string', maxLength: 100 },
        },
        ['taskId', 'endpoint', 'generation'],
      ),
    event: 'job.adopt',
    // The façade checks it.
    run: ({ scene, target, input, by }) =>
      scene.jobs.get(target.id).adopt(input as Parameters<ReturnType<Scene['jobs']['get']>['adopt']>[0], by),
  },
  {
    name: 'resubmit',
    title: 'Submit again',
    description: 'Posts the job once more. If the provider took it before, it is paid for twice.',
    serious: true,
    event: 'job.resubmit',
    run: ({ scene, target, by }) => scene.jobs.get(target.id).resubmit(by),
  },
];

const deliveryActs: readonly Act[] = [
  {
    name: 'retry',
    title: 'Send again',
    description: 'The dead letter goes out again, under the same id.',
    serious: false,
    event: 'delivery.retry',
    run: ({ scene, target, by }) => scene.deliveries.retry(target.id, by),
  },
  {
    name: 'dismiss',
    title: 'Give up',
    description: 'The message is not tried again. One that is being sent may arrive all the same.',
    serious: true,
    event: 'delivery.dismiss',
    run: ({ scene, target, by }) => scene.deliveries.dismiss(target.id, by),
  },
];

const taskActs: readonly Act[] = [
  {
    name: 'cancel',
    title: 'Cancel',
    description: 'The task ends as cancelled, and so do its sub-tasks.',
    serious: true,
    input: WHY,
    event: 'task.cancel',
    run: ({ scene, target, input, by }) => scene.tasks.cancel(target.id, given(input['reason']), by),
  },
  {
    name: 'retry',
    title: 'Retry',
    description: 'The task goes on from its last checkpoint, or from its start.',
    serious: false,
    input: () =>
      fields({
        fromStart: { type: 'boolean', description: 'Forget its checkpoint and what its tools returned.' },
      }),
    event: 'task.retry',
    run: ({ scene, target, input, by }) => scene.tasks.retry(target.id, input, by),
  },
  {
    name: 'resume',
    title: 'Decide a tool call',
    description: 'Says what became of a call that was cut off, its result, or that it is to run again.',
    serious: true,
    input: ({ context }) =>
      fields(
        {
          callId: oneOf(openCalls(context), 'The call.'),
          rerun: { type: 'boolean', description: 'Run it again.' },
          result: { description: 'What it returned: any JSON.' },
        },
        ['callId'],
      ),
    event: 'tool.resolve',
    run: ({ scene, target, input, by }) => scene.tasks.resume(target.id, decisionIn(input), by),
  },
];

const workActs: readonly Act[] = [
  {
    name: 'cancel',
    title: 'Cancel',
    description: 'The item is not wanted any more: whoever works on it loses its claim.',
    serious: true,
    event: 'work.cancel',
    run: ({ scene, target, by }) => scene.work.cancel(target.id, by),
  },
  {
    name: 'retry',
    title: 'Retry',
    description: 'The item is ready at once; a dead letter gets all its attempts anew.',
    serious: false,
    event: 'work.retry',
    run: ({ scene, target, by }) => scene.work.retry(target.id, by),
  },
];

const scheduleActs: readonly Act[] = [
  {
    name: 'pause',
    title: 'Pause',
    description: 'Nothing is due until it is resumed.',
    serious: false,
    event: 'schedule.pause',
    isOpen: ({ takes }) => takes('schedule.pause') && !takes('schedule.resume'),
    run: ({ scene, target, by }) => scene.work.pauseSchedule(target.id, by),
  },
  {
    name: 'resume',
    title: 'Resume',
    description: 'Runs come again; what was due meanwhile is not made up for.',
    serious: false,
    event: 'schedule.resume',
    run: ({ scene, target, by }) => scene.work.resumeSchedule(target.id, by),
  },
  {
    name: 'trigger',
    title: 'Run now',
    description: 'One run now, whatever its cadence.',
    serious: false,
    event: 'schedule.trigger',
    run: ({ scene, target, by }) => scene.work.triggerSchedule(target.id, by),
  },
  {
    name: 'remove',
    title: 'Remove',
    description: 'The schedule is taken off; its items stay.',
    serious: true,
    event: 'schedule.remove',
    run: ({ scene, target, by }) => scene.work.removeSchedule(target.id, by),
  },
];

const accountActs: readonly Act[] = [
  {
    name: 'resume',
    title: 'Resume',
    description: 'Calls of the account go out again: its key or its credit was mended.',
    serious: false,
    event: 'account.resume',
    run: ({ scene, target: { context }, by }) => {
      const account = {
        provider: text(context['provider']) ?? '',
        credential: text(context['alias']) ?? '',
      };
      const { source = 'operator:api', ...sent } = sourceOf(by);
      return scene.accounts.resume(account, source, sent);
    },
  },
];

const sessionActs: readonly Act[] = [
  {
    name: 'resume',
    title: 'Resume',
    description: 'Ends its rest after a failed turn at once.',
    serious: false,
    event: 'session.resume',
    run: ({ scene, target, by }) => scene.sessions.get(target.id).resume(by),
  },
  {
    name: 'cancel',
    title: 'Cancel a batch',
    description: 'Takes a batch out of the queue, unless a turn has it.',
    serious: true,
    input: (target) => batchInput(target, (state) => state !== 'claimed'),
    isOpen: (target) => batchesOf(target, (state) => state !== 'claimed').length > 0,
    run: async ({ scene, target, input, by }) => {
      const batchId = batchIdIn(input);
      if ((await scene.sessions.get(target.id).cancel(batchId, by)) !== undefined) return;
      const message = `batch ${batchId} of session ${target.id} is claimed or gone`;
      throw new HoldfastError('BATCH_NOT_CANCELLABLE', message, { details: { batchId } });
    },
  },
  {
    name: 'retry',
    title: 'Retry a batch',
    description: 'Makes a dead letter claimable again, in its old place.',
    serious: false,
    input: (target) => batchInput(target, (state) => state === 'dead'),
    isOpen: (target) => batchesOf(target, (state) => state === 'dead').length > 0,
    run: ({ scene, target, input, by }) => scene.sessions.get(target.id).retry(batchIdIn(input), by),
  },
];

/** By kind. What has nothing to be done to it has none. */
export const houseActs: Readonly<Record<string, readonly Act[]>> = {
  job: jobActs,
  delivery: deliveryActs,
  task: taskActs,
  work: workActs,
  schedule: scheduleActs,
  provider: accountActs,
  session: sessionActs,
  parked: [],
};

/** As it was given: the façade refuses what is no text. */
function given(value: Json | undefined): string | undefined {
  return value as string | undefined;
}

function lastDelivery(context: ActTarget['context']): unknown {
  const { deliveries } = context;
  return Array.isArray(deliveries) ? loose(deliveries.at(-1))['status'] : undefined;
}

function openCalls({ calls }: ActTarget['context']): readonly string[] {
  return Array.isArray(calls) ? calls.flatMap((call) => text(loose(call)['callId']) ?? []) : [];
}

/** What the façade checks: a form sends a box that is not ticked, too. */
function decisionIn({ rerun, ...input }: JsonObject): ToolDecision {
  return (rerun === true ? { callId: input['callId'], rerun } : input) as ToolDecision;
}

function batchIdIn({ batchId }: JsonObject): string {
  if (typeof batchId === 'string' && batchId !== '') return batchId;
  throw new HoldfastError('INVALID_INPUT', '"batchId": names no batch', { details: { field: 'batchId' } });
}

type BatchState = ReturnType<typeof batchSummary>['state'];

function batchInput(target: ActTarget, isWanted: (state: BatchState) => boolean): JsonObject {
  return fields({ batchId: oneOf(batchesOf(target, isWanted), 'The batch.') }, ['batchId']);
}

/** False for one whose snapshot could not be made. */
function isSession(context: unknown): context is SessionContext {
  return Array.isArray(loose(context)['pages']);
}

/** Those that are shown; others may be named as well. */
function batchesOf({ context, now }: ActTarget, isWanted: (state: BatchState) => boolean): readonly string[] {
  const batches: string[] = [];
  if (!isSession(context)) return batches;
  for (const head of headsAfter(context.pages, 0)) {
    const { batchId, state } = batchSummary(context, head, now);
    if (isWanted(state)) batches.push(batchId);
    if (batches.length >= limits.inspectedHistoryMax) break;
  }
  return batches;
}
