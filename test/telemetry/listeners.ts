/**
 * Who listens in these tests: spans in memory, an async context, and two kinds of actors to trace.
 *
 * Callers: the tests of this folder. Invariant: nothing global stays registered when a test has ended.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';
import { fromPromise, setup } from 'xstate';
import type { Runtime } from '../../src/index.js';

export interface Spans {
  readonly provider: BasicTracerProvider;
  /** Those that have ended, in that order. */
  readonly all: () => readonly ReadableSpan[];
  /** The one of this name and with these attributes; throws when it is not one. */
  readonly one: (name: string, attributes: Readonly<Record<string, unknown>>) => ReadableSpan;
}

export function spansInMemory(): Spans {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const all = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  const one = (name: string, attributes: Readonly<Record<string, unknown>>): ReadableSpan => {
    const wanted = Object.entries(attributes);
    const found = all().filter(
      (span) =>
        span.name === name && wanted.every(([key, value]) => span.attributes[`holdfast.${key}`] === value),
    );
    const [span] = found;
    if (span === undefined || found.length > 1)
      throw new Error(`${found.length} spans ${name} ${JSON.stringify(attributes)} of ${shown(all())}`);
    return span;
  };
  return { provider, all, one };
}

function shown(all: readonly ReadableSpan[]): string {
  return all.map(({ name, attributes }) => `${name} ${JSON.stringify(attributes)}`).join('\n');
}

/** What an SDK for Node registers: an active span follows what is awaited. Gone when the test has ended. */
export function asyncContexts(): void {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, thisArg, ...args) => storage.run(active, () => run.apply(thisArg, args)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  onTestFinished(() => context.disable());
}

const charge = fromPromise<{ readonly receipt: string }, { readonly card: string }>(({ input }) =>
  input.card.includes('stolen')
    ? Promise.reject(Object.assign(new Error(`refused ${input.card}`), { code: 'card-refused' }))
    : Promise.resolve({ receipt: 'receipt-secret' }),
);

export const orderMachine = setup({
  types: { context: {} as { readonly card: string }, input: {} as { readonly card: string } },
  actors: { charge },
  actions: {
    'actor.send': (_at, _what: { readonly to: string; readonly event: { type: string } }) => undefined,
  },
  delays: { patience: 60_000 },
}).createMachine({
  id: 'order',
  version: '1',
  context: ({ input }) => ({ card: input.card }),
  initial: 'open',
  states: {
    open: { on: { pay: 'paying' } },
    paying: {
      invoke: { src: 'charge', input: ({ context }) => context, onDone: 'paid', onError: 'refused' },
    },
    paid: {
      entry: { type: 'actor.send', params: { to: 'store/1', event: { type: 'pack' } } },
      after: { patience: 'late' },
    },
    late: {},
    refused: {},
  },
});

export const storeMachine = setup({}).createMachine({
  id: 'store',
  version: '1',
  initial: 'idle',
  states: { idle: { on: { pack: 'packing' } }, packing: {} },
});

export function defineShop(runtime: Runtime) {
  return { orders: runtime.define(orderMachine), stores: runtime.define(storeMachine) };
}
