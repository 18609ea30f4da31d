/** A film that somebody pays for: the machine of docs/guide-test-your-agent.md. */
import type { Runtime } from 'holdfast';
import { assign, fromPromise, setup } from 'xstate';
import { renderFilm, type Film } from './studio.js';

export const filmMachine = setup({
  types: {
    input: {} as { readonly prompt: string },
    context: {} as { readonly prompt: string; readonly film?: Film },
    events: {} as { readonly type: 'effect.interrupted' } | { readonly type: 'again' },
  },
  actors: {
    // Each call costs a dollar.
    render: fromPromise<Film, { readonly prompt: string }>(({ input, self, signal }) =>
      renderFilm(input.prompt, self.id, signal),
    ),
  },
  delays: { pause: 3_600_000 },
}).createMachine({
  id: 'film',
  version: '1',
  context: ({ input }) => ({ prompt: input.prompt }),
  initial: 'rendering',
  states: {
    rendering: {
      invoke: {
        src: 'render',
        input: ({ context }) => ({ prompt: context.prompt }),
        onDone: { target: 'ready', actions: assign({ film: ({ event }) => event.output }) },
        onError: 'resting',
      },
      on: { 'effect.interrupted': 'inDoubt' },
    },
    resting: { description: 'The studio is busy: again in an hour.', after: { pause: 'rendering' } },
    inDoubt: { description: 'Nobody knows whether it was paid: a person looks.', on: { again: 'rendering' } },
    ready: { type: 'final' },
  },
});

/** What the program does at its start, and each test too. */
export function defineFilms(runtime: Runtime) {
  return { films: runtime.define(filmMachine, { effects: { render: { recovery: 'manual' } } }) };
}
