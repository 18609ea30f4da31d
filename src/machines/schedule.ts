/**
 * The schedule chart: work that comes again and again, each time once.
 *
 *   cadence   planning → waiting → (due) planning          paused         over (no further time)
 *   run       idle → enqueueing → enqueueing, while more are due → idle
 *
 * Owns: when the next run is due, which wait to be enqueued, what became of the last fifty. Asks for: `plan`
 * and `enqueue` (rerun; the item's id is made of the run's number).
 * Never: enqueues a run twice, or leaves one out in silence; enqueues, after a time in which nothing ran,
 * more than one for all it missed.
 */
import { assign, raise, setup } from 'xstate';
import { providedByRuntime } from './reserved.js';
import * as rules from './schedule-rules.js';
import type {
  EnqueueRunAnswer,
  EnqueueRunInput,
  NewSchedule,
  PlanAnswer,
  PlanInput,
  ScheduleContext,
  ScheduleEvent,
} from './work-words.js';

/** The row beside a schedule's record. */
export const scheduleRows = { payload: 'payload' } as const;

export const scheduleMachine = setup({
  types: {
    context: {} as ScheduleContext,
    events: {} as ScheduleEvent,
    input: {} as NewSchedule,
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
    tellDue: raise(({ context, event }) => rules.dueEvent(context, event, 'cadence')),
    tellMissed: raise(({ context, event }) => rules.dueEvent(context, event, 'catchUp')),
    join: assign(({ context, event }) => rules.joined(context, event)),
    noteLeftOut: assign(({ context, event }) => rules.leftOut(context, event)),
    noteRun: assign(({ context, event }) => rules.ran(context, event)),
    noteEnd: assign(({ context, event }) => rules.settled(context, event)),
  },
  guards: {
    isSameCadence: ({ context, event }) => rules.isSameCadence(context, event),
    hasNext: ({ event }) => 'output' in event && event.output.type === 'next',
    isMissed: ({ context, event }) => rules.isMissed(context, event),
    isMissedInVain: ({ context, event }) =>
      rules.isMissed(context, event) && context.input.catchUp === 'skip',
    hasRoom: ({ context }) => rules.hasRoom(context),
    hasMore: ({ context }) => context.due.length > 1,
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
      description: 'It is there, paused or not.',
      on: { 'work.settled': { actions: 'noteEnd' } },
      states: {
        cadence: {
          description: 'When the next run is due.',
          initial: 'planning',
          on: {
            'schedule.change': [
              { guard: 'isSameCadence', actions: 'change' },
              { target: '.planning', reenter: true, actions: 'change' },
            ],
            'schedule.pause': { target: '.paused', actions: 'forgetNext' },
          },
          states: {
            planning: {
              description: 'The next time is being worked out.',
              invoke: {
                id: 'plan',
                src: 'plan',
                input: ({ context, event }) => rules.planOf(context, event),
                onDone: [
                  { guard: 'hasNext', target: 'waiting', actions: 'noteNext' },
                  { target: 'over', actions: 'forgetNext' },
                ],
                onError: { target: 'paused', actions: 'noteFault' },
              },
            },
            waiting: {
              description: 'For the next time.',
              after: {
                due: [
                  { guard: 'isMissedInVain', target: 'planning', actions: 'noteMissed' },
                  { guard: 'isMissed', target: 'planning', actions: 'tellMissed' },
                  { target: 'planning', actions: 'tellDue' },
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
          description: 'Runs on their way to the queue.',
          initial: 'idle',
          states: {
            idle: {
              description: 'No run is under way to the queue.',
              on: {
                'schedule.due': { target: 'enqueueing', actions: 'join' },
                'schedule.trigger': { target: 'enqueueing', actions: 'join' },
              },
            },
            enqueueing: {
              description: 'One run becomes a work item, unless the one before has not ended.',
              on: {
                'schedule.due': [{ guard: 'hasRoom', actions: 'join' }, { actions: 'noteLeftOut' }],
                'schedule.trigger': [{ guard: 'hasRoom', actions: 'join' }, { actions: 'noteLeftOut' }],
              },
              invoke: {
                id: 'enqueue',
                src: 'enqueue',
                input: ({ context }) => rules.runOf(context),
                onDone: [
                  { guard: 'hasMore', target: 'enqueueing', reenter: true, actions: 'noteRun' },
                  { target: 'idle', actions: 'noteRun' },
                ],
                onError: [
                  { guard: 'hasMore', target: 'enqueueing', reenter: true, actions: 'noteRun' },
                  { target: 'idle', actions: 'noteRun' },
                ],
              },
            },
          },
        },
      },
    },
    removed: { description: 'Taken off.', type: 'final' },
  },
});
