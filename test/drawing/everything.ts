/**
 * A chart with one of everything that XState knows.
 *
 * Callers: tests of the drawing room.
 */
import type { JsonObject } from '../../src/json.js';

export const everything: JsonObject = {
  id: 'everything',
  version: '3',
  description: 'One of everything.',
  initial: 'idle',
  on: { stop: '.over' },
  states: {
    idle: {
      description: 'Nothing to do.',
      tags: ['quiet'],
      entry: ['note', { type: 'settle', params: { status: 'done' } }],
      exit: 'forget',
      invoke: { id: 'ask', src: 'fetch', onDone: 'busy', onError: 'over' },
      on: {
        hint: { guard: 'isNew', actions: 'note' },
        '*': {},
        again: { target: 'idle', reenter: true },
      },
      after: { 60_000: 'over', patience: 'over' },
    },
    busy: {
      type: 'parallel',
      onDone: 'over',
      states: {
        left: {
          initial: 'one',
          states: {
            one: { always: [{ guard: 'ready', target: 'two' }, { target: 'two' }] },
            two: { type: 'final' },
            back: { type: 'history', target: 'two' },
          },
        },
        right: {
          initial: 'on',
          states: {
            on: { on: { return: '#everything.busy.left.back' } },
            again: { type: 'history', history: 'deep' },
          },
        },
      },
    },
    over: { type: 'final' },
  },
};
