import { context, ROOT_CONTEXT, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fromPromise } from 'xstate';
import type { Logger } from '../../src/index.js';
import { silentLogger } from '../../src/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { buildHouse, delivered, until, video } from '../runtime/house.js';
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { asyncContexts, defineShop, orderMachine, spansInMemory, storeMachine } from './listeners.js';

const CARD = '4242-secret';
const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function openShop(effects: 'run' | 'wait' = 'run') {
  const spans = spansInMemory();
  const shop = await createTestRuntime({
    define: defineShop,
    effects,
    telemetry: { tracerProvider: spans.provider },
  });
  onTestFinished(() => shop.close());
  await shop.kinds.stores.create({ id: '1' });
  return { spans, shop };
}

const traceOf = (span: { spanContext: () => { readonly traceId: string } }): string =>
  span.spanContext().traceId;
const idOf = (span: { spanContext: () => { readonly spanId: string } }): string => span.spanContext().spanId;

describe('what came of what', () => {
  test('an effect is a child of the step that asked for it, the step of its result of it', async () => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.settle();
    const asked = spans.one('holdfast.step', { address: 'order/7', event: 'pay' });
    const effect = spans.one('holdfast.effect', { address: 'order/7' });
    const result = spans.one('holdfast.step', { address: 'order/7', seq: 3 });
    expect(effect.parentSpanContext?.spanId).toBe(idOf(asked));
    expect(result.parentSpanContext?.spanId).toBe(idOf(effect));
    expect(new Set([asked, effect, result].map(traceOf)).size).toBe(1);
    expect(asked.attributes).toEqual({
      'holdfast.address': 'order/7',
      'holdfast.kind': 'order',
      'holdfast.seq': 2,
      'holdfast.event': 'pay',
      'holdfast.source': 'user',
      'holdfast.state': 'paying',
      'holdfast.status': 'active',
      'holdfast.commit': expect.any(Number) as number,
    });
    expect(effect.attributes).toEqual({
      'holdfast.effect': 'order/7/2:0',
      'holdfast.address': 'order/7',
      'holdfast.kind': 'order',
      'holdfast.src': 'charge',
      'holdfast.attempt': 1,
      'holdfast.cause': 'order/7/2',
      'holdfast.outcome': 'done',
    });
    expect(result.attributes['holdfast.cause']).toBe('order/7/2:0');
  });

  test('what one actor sends another is in the same trace', async () => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.settle();
    const paid = spans.one('holdfast.step', { address: 'order/7', seq: 3 });
    const packed = spans.one('holdfast.step', { address: 'store/1', event: 'pack' });
    expect(packed.parentSpanContext?.spanId).toBe(idOf(paid));
    expect(packed.attributes).toMatchObject({
      'holdfast.cause': 'order/7/3',
      'holdfast.source': 'actor:order/7',
    });
  });

  test('a timer’s step begins a trace of its own, linked to the step that armed it', async () => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.advance('60 s');
    const armed = spans.one('holdfast.step', { address: 'order/7', seq: 3 });
    const late = spans.one('holdfast.step', { address: 'order/7', state: 'late' });
    expect(late.parentSpanContext).toBeUndefined();
    expect(traceOf(late)).not.toBe(traceOf(armed));
    expect(late.links.map((link) => link.context.spanId)).toEqual([idOf(armed)]);
    expect(late.attributes['holdfast.cause']).toBe('order/7/3');
  });

  test('a job’s delivery hangs by the job: submit, fetch and send are one chain of causes', async () => {
    const spans = spansInMemory();
    const house = await buildHouse();
    const runtime = await house.open({ telemetry: { tracerProvider: spans.provider } });
    const job = await runtime.jobs.submit(video({ prompt: 'prompt-secret' }));
    await delivered(runtime, job);
    const deliveries = (): readonly unknown[] =>
      spans.all().filter(({ name }) => name === 'holdfast.delivery');
    await until(runtime, () => deliveries().length === 1);
    const send = spans.one('holdfast.delivery', { kind: 'delivery' });
    expect(send.attributes).toMatchObject({
      'holdfast.channel': 'chat',
      'holdfast.attempt': 1,
      'holdfast.outcome': 'sent',
    });
    const parent = spans.all().find((span) => idOf(span) === send.parentSpanContext?.spanId);
    expect(parent?.attributes['holdfast.kind']).toBe('delivery');
    // Its lane let it go on after its creation, which the job asked for.
    const born = spans.all().find((span) => idOf(span) === parent?.parentSpanContext?.spanId);
    expect(born?.attributes).toMatchObject({ 'holdfast.seq': 1, 'holdfast.source': `actor:job/${job.id}` });
    const job1 = spans.all().find((span) => idOf(span) === born?.parentSpanContext?.spanId);
    expect(job1?.attributes['holdfast.address']).toBe(`job/${job.id}`);
    // The conversation hears of it by the job, too.
    const heard = spans.all().filter(({ attributes }) => attributes['holdfast.kind'] === 'session');
    for (const { attributes } of heard) expect(attributes['holdfast.cause']).toMatch(/^job\//);
    const text = JSON.stringify(
      spans.all().map(({ name, attributes, status }) => [name, attributes, status]),
    );
    expect(text).not.toContain('prompt-secret');
    expect(text).not.toContain('sk-test');
  });
});

describe('who asked', () => {
  test('a caller’s traceparent is the remote parent of its step', async () => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' }, { traceparent: CALLER });
    await shop.settle();
    const asked = spans.one('holdfast.step', { event: 'pay' });
    expect(asked.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true });
    expect(traceOf(spans.one('holdfast.step', { event: 'pack' }))).toBe(traceOf(asked));
  });

  test.each(['00-0-0-01', 'no trace', `${CALLER}-more`])('%s is no parent', async (traceparent) => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' }, { traceparent });
    expect(spans.one('holdfast.step', { event: 'pay' }).parentSpanContext).toBeUndefined();
  });

  test('the span that is active where something is sent is kept in the journal, as its parent', async () => {
    asyncContexts();
    const { spans, shop } = await openShop();
    const span = spans.provider.getTracer('caller').startSpan('request');
    await context.with(trace.setSpan(ROOT_CONTEXT, span), async () => {
      const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
      await order.send({ type: 'pay' });
    });
    for (const seq of [1, 2]) {
      const step = spans.one('holdfast.step', { address: 'order/7', seq });
      expect(step.parentSpanContext?.spanId).toBe(idOf(span));
    }
    const entries = await shop.runtime.inspect.reader.journal('order/7');
    expect(entries[0]?.traceparent).toBe(`00-${traceOf(span)}-${idOf(span)}-01`);
  });

  test('what an effect’s code does is within the effect’s span', async () => {
    asyncContexts();
    const spans = spansInMemory();
    const shop = await createTestRuntime({
      define: (runtime) => {
        const stores = runtime.define(storeMachine);
        const charge = fromPromise<{ readonly receipt: string }, { readonly card: string }>(async () => {
          await Promise.resolve();
          await stores.get('1').send({ type: 'pack' });
          return { receipt: '' };
        });
        return { stores, orders: runtime.define(orderMachine.provide({ actors: { charge } })) };
      },
      effects: 'run',
      telemetry: { tracerProvider: spans.provider },
    });
    onTestFinished(() => shop.close());
    await shop.kinds.stores.create({ id: '1' });
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.settle();
    const [packed] = spans.all().filter(({ attributes }) => attributes['holdfast.event'] === 'pack');
    const effect = spans.one('holdfast.effect', { address: 'order/7' });
    expect(packed?.parentSpanContext?.spanId).toBe(idOf(effect));
  });

  test('what is written for many is in nobody’s trace: a later timer has no caller', async () => {
    asyncContexts();
    const { spans, shop } = await openShop();
    const span = spans.provider.getTracer('caller').startSpan('request');
    await context.with(trace.setSpan(ROOT_CONTEXT, span), async () => {
      const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
      await order.send({ type: 'pay' });
      await shop.settle();
    });
    await shop.advance('60 s');
    const entries = await shop.runtime.inspect.reader.journal('order/7');
    expect(entries.map(({ traceparent }) => traceparent !== undefined)).toEqual([true, true, false, false]);
    expect(spans.one('holdfast.step', { state: 'late' }).parentSpanContext).toBeUndefined();
  });
});

describe('what is kept quiet, and what survives', () => {
  test('neither a secret of a context, an input, an output nor an error’s message is in a span', async () => {
    const { spans, shop } = await openShop();
    for (const card of [CARD, 'stolen-secret']) {
      const order = await shop.kinds.orders.create({ id: card.slice(0, 4), input: { card } });
      await order.send({ type: 'pay' });
    }
    await shop.settle();
    const text = JSON.stringify(
      spans.all().map(({ name, attributes, status, events }) => [name, attributes, status, events]),
    );
    expect(text).not.toContain('secret');
    const failed = spans.one('holdfast.effect', { address: 'order/stol' });
    expect(failed.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(failed.attributes).toMatchObject({ 'holdfast.outcome': 'error', 'error.type': 'card-refused' });
  });

  test('a trace goes on after a crash, though the step whose effect it is was never told', async () => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    const pay = (): unknown => order.send({ type: 'pay' }, { traceparent: CALLER });
    await shop.crash({ at: 'after-commit', during: pay });
    await shop.settle();
    expect(spans.all().filter(({ attributes }) => attributes['holdfast.event'] === 'pay')).toEqual([]);
    const effect = spans.one('holdfast.effect', { address: 'order/7' });
    const result = spans.one('holdfast.step', { address: 'order/7', seq: 3 });
    const packed = spans.one('holdfast.step', { address: 'store/1', event: 'pack' });
    expect([effect, result, packed].map(traceOf)).toEqual(Array(3).fill(CALLER.slice(3, 35)));
    expect(effect.parentSpanContext).toMatchObject({ isRemote: true });
    expect(effect.attributes['holdfast.cause']).toBe('order/7/2');
    expect(result.attributes['holdfast.cause']).toBe('order/7/2:0');
    expect(result.parentSpanContext?.spanId).toBe(idOf(effect));
  });

  test('what a step sent is its child in the next process, and its journal says so', async () => {
    const { spans, shop } = await openShop('wait');
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    const paid = (): unknown => shop.effects.answer('order.charge', { receipt: '' });
    await shop.crash({ at: 'after-commit', during: paid });
    await shop.settle();
    const asked = spans.one('holdfast.step', { address: 'order/7', seq: 2 });
    const packed = spans.one('holdfast.step', { address: 'store/1', event: 'pack' });
    expect(traceOf(packed)).toBe(traceOf(asked));
    expect(packed.parentSpanContext).toMatchObject({ isRemote: true });
    const [, entry] = await shop.runtime.inspect.reader.journal('store/1');
    expect(entry?.traceparent).toBe(`00-${traceOf(asked)}-${packed.parentSpanContext?.spanId}-01`);
  });

  test('an effect that is run again in the next process is a child of its step', async () => {
    const { spans, shop } = await openShop('wait');
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.settle();
    await shop.crash();
    await shop.settle();
    await shop.effects.answer('order.charge', { receipt: '' });
    const asked = spans.one('holdfast.step', { address: 'order/7', seq: 2 });
    const effect = spans.one('holdfast.effect', { address: 'order/7', outcome: 'done' });
    expect(effect.parentSpanContext).toMatchObject({ spanId: idOf(asked), isRemote: true });
    expect(traceOf(effect)).toBe(traceOf(asked));
  });

  test('a step that is not committed is never told, though its span had begun', async () => {
    const { spans, shop } = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await shop.crash({ at: 'before-commit', during: () => order.send({ type: 'pay' }) });
    await shop.settle();
    expect(spans.all().filter(({ attributes }) => attributes['holdfast.event'] === 'pay')).toEqual([]);
  });

  test.each([
    ['nobody traces', undefined],
    ['no step is sampled', new BasicTracerProvider({ sampler: new AlwaysOffSampler() })],
  ])('rows say nothing of a trace where %s', async (_where, tracerProvider) => {
    const shop = await createTestRuntime({
      define: defineShop,
      ...(tracerProvider && { telemetry: { tracerProvider } }),
    });
    onTestFinished(() => shop.close());
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.settle();
    const { outbox } = await shop.runtime.export('order/7', { redact: false });
    expect(outbox.map((row) => Object.keys(row))).toEqual([['address', 'id', 'child', 'src', 'input']]);
  });

  const throwing = (): never => {
    throw new Error('no span');
  };
  const hollow = new Proxy({} as Span, { get: () => throwing });

  test.each([
    ['a provider that throws', throwing],
    ['a span that throws whatever it is asked', () => hollow],
  ])('%s is logged once and hurts nobody', async (_who, startSpan) => {
    const logged: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_fields, message) => void logged.push(message) };
    const thrower = { startSpan, startActiveSpan: throwing };
    const shop = await createTestRuntime({
      define: defineShop,
      effects: 'run',
      log,
      telemetry: { tracerProvider: { getTracer: () => thrower } },
    });
    onTestFinished(() => shop.close());
    await shop.kinds.stores.create({ id: '1' });
    const order = await shop.kinds.orders.create({ id: '7', input: { card: CARD } });
    await order.send({ type: 'pay' });
    await shop.settle();
    expect((await shop.runtime.inspect.snapshot('order/7'))?.snapshot.value).toBe('paid');
    expect(logged).toEqual(['telemetry.failed']);
  });
});
