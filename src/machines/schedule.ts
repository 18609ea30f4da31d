/**
 * The schedule chart: work that comes again and again, each time once.
 *
 *   cadence   planning → waiting → (due) planning          paused         over (no further time)
 *   run       idle → enqueueing → idle
 *
 * Owns: when the next run is due, what became of the last fifty. Asks for: `plan` and `enqueue` (rerun; the
 * item's id is made of the run's number).
 * Never: enqueues a run twice; enqueues, after a time in which nothing ran, more than one for all it missed.
 */
import { assign, raise, setup } from 'xstate';
import { providedByRuntime } from './reserved.js';
import * as rules from './schedule-rules.js';
import type {
  EnqueueRunAnswer,
  EnqueueRunInput,
  PlanAnswer,
  PlanInput,
  ScheduleContext,
  ScheduleEvent,
  ScheduleInput,
} from './work-words.js';

export const scheduleMachine = setup({
  types: {
    context: {} as ScheduleContext,
    events: {} as ScheduleEvent,
    input: {} as ScheduleInput,
  },
  actors: {
    plan: providedByRuntime<PlanAnswer, PlanInput>(),
    enqueue: providedByRuntime<EnqueueRunAnswer, EnqueueRunInput>(),
  },
  actions: {
    change: assign(({ context, event }) => rules.changed(context, event)),
    noteNext: assign(({ event }) => rules.planned(event)),
    forgetNext: assign({ nextAt: undefined }),
    noteMissed: assign(({ context, event }) => rules.missed(context, event)),
    noteFault: assign(({ event }) => rules.faultIn(event)),
    beginDue: assign(({ context, event }) => rules.begun(context, event, 'cadence')),
    beginCatchUp: assign(({ context, event }) => rules.begun(context, event, 'catchUp')),
    beginByHand: assign(({ context, event }) => rules.begun(context, event, 'hand')),
    due: raise({ type: 'schedule.due' }),
    noteRun: assign(({ context, event }) => rules.ran(context, event)),
    noteEnd: assign(({ context, event }) => rules.settled(context, event)),
  },
  guards: {
    hasNext: ({ event }) => 'output' in event && event.output.type === 'next',
    missedInVain: ({ context, event }) => rules.isMissed(context, event) && context.input.catchUp === 'skip',
    missed: ({ context, event }) => rules.isMissed(context, event),
  },
  delays: {
    due: ({ context, event }) => rules.msUntilDue(context, event),
  },
}).createMachine({
  id: 'schedule',
  version: '1',
  description: 'Work that comes again and again: when it is due next, and what became of it before.',
  context: ({ input }) => rules.startSchedule(input),
  initial: 'active',
  on: { 'schedule.remove': '.removed' },
  states: {
    active: {
      type: 'parallel',
      on: { 'work.settled': { actions: 'noteEnd' } },
      states: {
        cadence: {
          initial: 'planning',
          on: {
            'schedule.change': { target: '.planning', reenter: true, actions: 'change' },
            'schedule.pause': { target: '.paused', actions: 'forgetNext' },
          },
          states: {
            planning: {
              description: 'The next time is being worked out.',
              invoke: {
                id: 'plan',
                src: 'plan',
                input: ({ context, event }) => rules.planOf(context, event),
                onDone: [{ guard: 'hasNext', target: 'waiting', actions: 'noteNext' }, { target: 'over' }],
                onError: { target: 'paused', actions: 'noteFault' },
              },
            },
            waiting: {
              description: 'For the next time.',
              after: {
                due: [
                  { guard: 'missedInVain', target: 'planning', actions: 'noteMissed' },
                  { guard: 'missed', target: 'planning', actions: ['beginCatchUp', 'due'] },
                  { target: 'planning', actions: ['beginDue', 'due'] },
                ],
              },
            },
            paused: {
              description: 'Nothing comes until it is resumed; by hand all the same.',
              on: {
                'schedule.change': { actions: 'change' },
                'schedule.resume': 'planning',
              },
            },
            over: { description: 'There is no further time.' },
          },
        },
        run: {
          initial: 'idle',
          states: {
            idle: {
              description: 'No run is under way to the queue.',
              on: {
                'schedule.due': 'enqueueing',
                'schedule.trigger': { target: 'enqueueing', actions: 'beginByHand' },
              },
            },
            enqueueing: {
              description: 'One run becomes a work item, unless the one before has not ended.',
              invoke: {
                id: 'enqueue',
                src: 'enqueue',
                input: ({ context }) => rules.runOf(context),
                onDone: { target: 'idle', actions: 'noteRun' },
                onError: { target: 'idle', actions: 'noteRun' },
              },
            },
          },
        },
      },
    },
    removed: { description: 'Taken off.', type: 'final' },
  },
});
