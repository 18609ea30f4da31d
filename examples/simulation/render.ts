/**
 * A render, bought from a provider that reports by webhook. A task that says nothing for ten minutes is given
 * up, and the render is asked for again, three times in all.
 *
 * It has a defect, as charts of first versions do: simulate.ts finds it.
 */
import { assign, fromPromise, setup } from 'xstate';

export type ProviderEvent =
  | { readonly type: 'provider.done'; readonly task: string; readonly url: string }
  | { readonly type: 'provider.failed'; readonly task: string };

interface Render {
  readonly prompt: string;
  readonly asked: number;
  readonly task?: string;
  readonly url?: string;
}

export const renderMachine = setup({
  types: {
    input: {} as { readonly prompt: string },
    context: {} as Render,
    events: {} as ProviderEvent,
  },
  actors: {
    ask: fromPromise<{ readonly task: string }, { readonly prompt: string }>(() => {
      throw new Error('the provider is not connected');
    }),
    deliver: fromPromise<void, { readonly url: string | undefined }>(() => {
      throw new Error('the chat is not connected');
    }),
  },
  delays: { patience: 600_000 },
  guards: {
    triesLeft: ({ context }) => context.asked < 3,
    ofThisTask: ({ context, event }) => 'task' in event && event.task === context.task,
  },
}).createMachine({
  id: 'render',
  version: '1',
  context: ({ input }) => ({ prompt: input.prompt, asked: 0 }),
  initial: 'asking',
  states: {
    asking: {
      invoke: {
        src: 'ask',
        input: ({ context }) => ({ prompt: context.prompt }),
        onDone: {
          target: 'rendering',
          actions: assign({
            task: ({ event }) => event.output.task,
            asked: ({ context }) => context.asked + 1,
          }),
        },
        onError: 'failed',
      },
    },
    rendering: {
      on: {
        'provider.done': {
          guard: 'ofThisTask',
          target: 'delivering',
          actions: assign({ url: ({ event }) => event.url }),
        },
        'provider.failed': 'failed',
      },
      after: { patience: [{ guard: 'triesLeft', target: 'asking' }, { target: 'failed' }] },
    },
    delivering: {
      invoke: { src: 'deliver', input: ({ context }) => ({ url: context.url }), onDone: 'delivered' },
    },
    delivered: { type: 'final' },
    failed: { type: 'final' },
  },
});
