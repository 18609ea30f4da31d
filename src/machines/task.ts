/**
 * The task chart: a prompt given to an agent, worked on until it has an end.
 *
 *   active: pending ⇄ running ──▶ settled: completed | failed | exhausted
 *      ▲         │        └─ cancel ─▶ cancelling ─▶ cancelled
 *      ├─ blocked (no such runner here)
 *      └─ interruptedTool (a tool that must not run twice was cut off) ◀─ running, after a crash
 *   settled ── retry ──▶ active; kept ──▶ closed
 *
 * Owns: the status, which run counts, the checkpoint's index, the open tool calls. Asks for: `run` (rerun;
 * it goes on from the last checkpoint); payload.put (its request, where a step asked for it) and
 * payload.delete (parts of checkpoints that are over); history.append, actor.create and actor.send
 * (delivery, wake, parent, sub-tasks). Never: takes a word of a run that is not the present one; runs a
 * tool twice that must not be; calls a task completed whose budget is used up.
 */
import { assign, enqueueActions, setup } from 'xstate';
import { envelopeOf } from './envelope.js';
import { deliveriesAfter, deliveriesOver } from './owed-deliveries.js';
import { providedByRuntime, reservedActions } from './reserved.js';
import type { PayloadDelete, PayloadPut } from './reserved.js';
import * as rules from './task-rules.js';
import { taskSettlementOf, type TaskSettlementAsk } from './task-settlement.js';
import type { RunAnswer, RunInput, TaskContext, TaskEnd, TaskEvent, TaskInput } from './task-words.js';

type Ask =
  | TaskSettlementAsk
  | { readonly type: 'payload.put'; readonly params: PayloadPut }
  | { readonly type: 'payload.delete'; readonly params: PayloadDelete };

/** An action that asks for durable things. */
function asking<Params = undefined>(
  asks: (
    scope: { readonly context: TaskContext; readonly event: TaskEvent },
    params: Params,
  ) => { readonly change?: Partial<TaskContext>; readonly asks: readonly Ask[] },
) {
  return enqueueActions<TaskContext, TaskEvent, Params, TaskEvent, never, Ask, never, never>(
    ({ context, event, enqueue }, params) => {
      const { change, asks: asked } = asks({ context, event }, params);
      if (change !== undefined) enqueue.assign(change);
      for (const ask of asked) enqueue(ask);
    },
  );
}

/** Rows of the checkpoint that go. */
function forgetting(context: TaskContext, first: number): readonly Ask[] {
  return rules.leftoverParts(context, first).map((params) => ({ type: 'payload.delete', params }));
}

const answers =
  (is: RunAnswer['type']) =>
  ({ event }: { readonly event: TaskEvent }): boolean =>
    event.type === 'xstate.done.actor.run' && event.output.type === is;

export const taskMachine = setup({
  types: {
    context: {} as TaskContext,
    events: {} as TaskEvent,
    input: {} as TaskInput,
  },
  actors: {
    run: providedByRuntime<RunAnswer, RunInput>(),
  },
  actions: {
    ...reservedActions,
    keepRequest: asking(({ event }) => {
      const { input } = Object(event) as { readonly input?: TaskInput };
      const value = input?.request;
      return {
        asks:
          value === undefined
            ? []
            : [{ type: 'payload.put', params: { name: rules.taskRows.request, value } }],
      };
    }),
    touch: assign(({ event }) => ({ updatedAt: envelopeOf(event).at })),
    noteStart: assign(({ context, event }) => rules.started(context, event)),
    noteIteration: assign(({ context, event }) => rules.iterated(context, event)),
    noteUsage: assign(({ context, event }) => rules.used(context, event)),
    noteCheckpoint: asking(({ context, event }) => ({
      change: rules.checkpointed(context, event),
      asks: event.type === 'task.checkpoint' ? forgetting(context, event.parts) : [],
    })),
    noteCleanStop: assign(({ context }) => rules.stoppedCleanly(context)),
    noteToolStart: assign(({ context, event }) => rules.toolStarted(context, event)),
    noteToolEnd: assign(({ context, event }) => rules.toolEnded(context, event)),
    noteDecision: assign(({ context, event }) => rules.resolved(context, event)),
    noteChild: assign(({ context, event }) => rules.spawned(context, event)),
    forgetChild: assign(({ context, event }) => rules.withoutChild(context, event)),
    noteAnswer: assign(({ event }) => rules.answered(event)),
    noteVain: assign(() =>
      rules.failure({
        code: 'died-too-often',
        message: `it was started ${rules.taskRules.idleStartsMax} times without reaching a checkpoint`,
      }),
    ),
    noteUndecided: assign(({ context: { calls } }) =>
      rules.failure({
        code: 'undecided',
        message: `nobody has said what became of ${calls.map(({ name }) => name).join(', ')}`,
      }),
    ),
    noteRunnerMissing: assign(({ context: { input } }) =>
      rules.failure({ code: 'runner-missing', message: `no runner "${input.runner}" was registered` }),
    ),
    timeAnew: assign({ timedFrom: undefined }),
    noteDeadline: assign(({ context: { input } }) =>
      rules.failure({
        code: 'timed-out',
        message: `timed out after ${Math.round(input.timeoutMs / 1_000)} s`,
      }),
    ),
    noteCancel: assign(({ event }) => rules.cancelled(event)),
    noteDelivery: assign(({ context, event }) =>
      event.type === 'delivery.settled' ? { deliveries: deliveriesAfter(context.deliveries, event) } : {},
    ),
    beginAgain: asking(({ context, event }) => ({
      change: rules.retried(context, event),
      asks: rules.forgets(event) ? forgetting(context, 0) : [],
    })),
    spawnChild: asking(({ event }) =>
      event.type === 'task.spawn'
        ? {
            asks: [
              {
                type: 'actor.create',
                params: { kind: 'task', id: event.child.taskId, input: event.child },
              },
            ],
          }
        : { asks: [] },
    ),
    cancelChildren: asking(({ context }) => ({
      asks: rules.cancelChildren(context).map((params) => ({ type: 'actor.send', params })),
    })),
    settle: asking<{ readonly status: TaskEnd }>(({ context, event }, { status }) =>
      taskSettlementOf(context, event, status),
    ),
  },
  guards: {
    isPresentRun: ({ context, event }) => rules.isPresentRun(context, event),
    startsInVain: ({ context }) => rules.startsInVain(context),
    meetsInterruptedCall: ({ context, event }) => rules.meetsInterruptedCall(context, event),
    completed: answers('completed'),
    exhausted: answers('exhausted'),
    blocked: answers('blocked'),
    isOpenCall: ({ context, event }) => rules.isOpenCall(context, event),
    resolvesAll: ({ context, event }) => rules.resolvesAll(context, event),
    deliveriesOver: ({ context }) => deliveriesOver(context.deliveries),
    lastDeliveryOver: ({ context, event }) =>
      event.type === 'delivery.settled' &&
      deliveriesOver(deliveriesAfter(context.deliveries, event)) &&
      envelopeOf(event).at >= (context.endedAt ?? Infinity) + context.input.retentionMs,
  },
  delays: {
    deadline: ({ context, event }) => rules.msUntilDeadline(context, event),
    letGo: rules.taskRules.letGoMs,
    patience: ({ context }) => context.input.timeoutMs,
    keep: ({ context }) => context.input.retentionMs,
  },
}).createMachine({
  id: 'task',
  version: '1',
  description: 'A prompt given to an agent: run until it has an end, whatever happens to the process.',
  context: ({ input }) => rules.startTask(input),
  initial: 'starting',
  on: {
    'child.settled': { actions: 'forgetChild' },
    'delivery.settled': { actions: 'noteDelivery' },
  },
  states: {
    starting: {
      description: 'Keeps what it was asked.',
      entry: 'keepRequest',
      always: 'active',
    },
    active: {
      description: 'Waits for its turn, or is worked on.',
      invoke: {
        id: 'run',
        src: 'run',
        input: ({ context: { input } }) => ({
          taskId: input.taskId,
          runner: input.runner,
          depth: input.depth,
        }),
        onDone: [
          { guard: 'completed', target: '#completed', actions: 'noteAnswer' },
          { guard: 'exhausted', target: '#exhausted', actions: 'noteAnswer' },
          { guard: 'blocked', target: 'blocked' },
          { target: '#failed', actions: 'noteAnswer' },
        ],
        onError: { target: '#failed', actions: 'noteAnswer' },
      },
      on: {
        'task.started': [
          { guard: 'startsInVain', target: '#failed', actions: 'noteVain' },
          { guard: 'meetsInterruptedCall', target: 'interruptedTool', actions: 'touch' },
          { target: '.running', actions: ['noteStart', 'touch'] },
        ],
      },
      initial: 'pending',
      states: {
        pending: {
          description: 'Stands in the queue of its runner.',
          on: { 'task.cancel': { target: '#cancelled', actions: ['noteCancel', 'cancelChildren'] } },
        },
        running: {
          description: 'A runner works on it.',
          on: {
            'task.iteration': { guard: 'isPresentRun', actions: ['noteIteration', 'touch'] },
            'task.usage': { guard: 'isPresentRun', actions: ['noteUsage', 'touch'] },
            'task.checkpoint': { guard: 'isPresentRun', actions: ['noteCheckpoint', 'touch'] },
            'tool.started': { guard: 'isPresentRun', actions: ['noteToolStart', 'touch'] },
            'tool.ended': { guard: 'isPresentRun', actions: ['noteToolEnd', 'touch'] },
            'task.output': { guard: 'isPresentRun', actions: 'touch' },
            'task.spawn': { guard: 'isPresentRun', actions: ['noteChild', 'spawnChild', 'touch'] },
            'run.released': { guard: 'isPresentRun', actions: 'noteCleanStop' },
            'task.cancel': {
              target: '#task.cancelling',
              actions: ['noteCancel', 'cancelChildren', 'touch'],
            },
          },
          after: { deadline: { target: '#failed', actions: 'noteDeadline' } },
        },
      },
    },
    blocked: {
      description: 'No runner of that name is registered here: it waits for one.',
      on: {
        'runner.available': { target: 'active', actions: 'timeAnew' },
        'task.cancel': { target: '#cancelled', actions: ['noteCancel', 'cancelChildren'] },
      },
      after: { patience: { target: '#failed', actions: 'noteRunnerMissing' } },
    },
    interruptedTool: {
      description: 'A tool that must not run twice was cut off: somebody has to say what became of it.',
      on: {
        'tool.resolve': [
          { guard: 'resolvesAll', target: 'active', actions: ['noteDecision', 'touch'] },
          { guard: 'isOpenCall', actions: ['noteDecision', 'touch'] },
        ],
        'task.cancel': { target: '#cancelled', actions: ['noteCancel', 'cancelChildren'] },
      },
      after: { patience: { target: '#failed', actions: 'noteUndecided' } },
    },
    cancelling: {
      description: 'Its signal has fired, and what it says is refused; its runner comes to its end.',
      on: { 'run.released': { guard: 'isPresentRun', target: '#cancelled' } },
      after: { letGo: '#cancelled' },
    },
    settled: {
      description: 'Has an end; kept until its messages are over.',
      on: {
        'task.retry': { target: 'active', actions: ['beginAgain', 'touch'] },
        'delivery.settled': [
          { guard: 'lastDeliveryOver', target: 'closed', actions: 'noteDelivery' },
          { actions: 'noteDelivery' },
        ],
      },
      after: { keep: { guard: 'deliveriesOver', target: 'closed' } },
      initial: 'completed',
      states: {
        completed: {
          id: 'completed',
          description: 'The runner has said what there is to say.',
          entry: { type: 'settle', params: { status: 'completed' } },
          // What is complete is not done again.
          on: { 'task.retry': {} },
        },
        failed: {
          id: 'failed',
          description: 'The runner gave up, or was given up.',
          entry: { type: 'settle', params: { status: 'failed' } },
        },
        exhausted: {
          id: 'exhausted',
          description: 'Its budget of iterations or tokens is used up.',
          entry: { type: 'settle', params: { status: 'exhausted' } },
        },
        cancelled: {
          id: 'cancelled',
          description: 'Not wanted any more; so are its sub-tasks.',
          entry: { type: 'settle', params: { status: 'cancelled' } },
        },
      },
    },
    closed: { description: 'Final: may be collected.', type: 'final' },
  },
});
