import { readFileSync } from 'node:fs';
import { createNoopMeter } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/actors/telemetry/instruments.js';
import { Labelled, summed } from '../../src/actors/telemetry/tally.js';
import { VERSION } from '../../src/actors/telemetry/version.js';
import { limits } from '../../src/limits.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { defineShop } from './listeners.js';
import { parsed, type Sample } from './prometheus-text.js';

async function openShop(telemetry = {}) {
  const shop = await createTestRuntime({ define: defineShop, effects: 'run', telemetry });
  onTestFinished(() => shop.close());
  await shop.kinds.stores.create({ id: '1' });
  return shop;
}

const everyMetric = [...Object.values(COUNTERS), ...Object.values(GAUGES), ...Object.values(HISTOGRAMS)];

test('an exporter that makes Prometheus names of OpenTelemetry’s makes these', () => {
  const exported = (otel: string, unit: string, isCounter: boolean): string => {
    const words = otel.split('.');
    const ends = { By: 'bytes', s: 'seconds', '1': isCounter ? '' : 'ratio' }[unit] ?? '';
    return [...words, ...(words.includes(ends) ? [] : [ends]), isCounter ? 'total' : '']
      .filter((word) => word !== '')
      .join('_');
  };
  const counters: readonly object[] = Object.values(COUNTERS);
  const names = everyMetric.map((one) => exported(one.otel, one.unit, counters.includes(one)));
  expect(names).toEqual(everyMetric.map(({ name }) => name));
});

describe('the text', () => {
  test('it has every metric, each with its type, and each line can be parsed', async () => {
    const shop = await openShop();
    const { types, value } = parsed(await shop.runtime.metrics());
    expect([...types.keys()].sort()).toEqual(everyMetric.map(({ name }) => name).sort());
    expect(types.get('holdfast_commits_total')).toBe('counter');
    expect(types.get('holdfast_actors')).toBe('gauge');
    expect(types.get('holdfast_effect_seconds')).toBe('histogram');
    expect(value('holdfast_info', { version: VERSION })).toBe(1);
  });

  test('it says what has happened and where everything stands', async () => {
    const shop = await openShop();
    for (const [id, card] of [
      ['7', '4242'],
      ['8', 'stolen'],
    ] as const) {
      const order = await shop.kinds.orders.create({ id, input: { card } });
      await order.send({ type: 'pay' });
    }
    await shop.settle();
    const { value, samples } = parsed(await shop.runtime.metrics());
    expect(value('holdfast_steps_total', { kind: 'order', event: 'pay' })).toBe(2);
    expect(value('holdfast_steps_total', { kind: 'store', event: 'pack' })).toBe(1);
    expect(value('holdfast_actors', { kind: 'order', state: 'paid', status: 'active' })).toBe(1);
    expect(value('holdfast_actors', { kind: 'order', state: 'refused', status: 'active' })).toBe(1);
    const charge = { kind: 'order', src: 'charge' };
    expect(value('holdfast_effects_total', { ...charge, outcome: 'done' })).toBe(1);
    expect(value('holdfast_effects_total', { ...charge, outcome: 'error' })).toBe(1);
    expect(value('holdfast_effect_seconds_count', charge)).toBe(2);
    expect(value('holdfast_effects_running', charge)).toBe(0);
    const steps = samples.filter(({ name }) => name === 'holdfast_steps_total');
    const total = steps.reduce((sum, one) => sum + one.value, 0);
    expect(value('holdfast_step_commit_seconds_count')).toBe(total);
    expect(value('holdfast_commits_total')).toBe(value('holdfast_commit_seconds_count'));
    expect(value('holdfast_commit_rows_total')).toBeGreaterThan(total);
  });

  test('a timer’s lateness is measured, and stays by their quantiles', async () => {
    const shop = await openShop();
    const order = await shop.kinds.orders.create({ id: '7', input: { card: '4242' } });
    await order.send({ type: 'pay' });
    await shop.advance('2 min');
    const { value } = parsed(await shop.runtime.metrics());
    expect(value('holdfast_timers_late_seconds_count')).toBe(1);
    expect(value('holdfast_timers_late_seconds_sum')).toBe(0);
    const p50 = value('holdfast_dwell_seconds', { kind: 'order', state: 'paid', quantile: '0.5' }) ?? 0;
    expect(Math.abs(p50 - 60)).toBeLessThan(6);
  });

  test('the types of events of one kind are bounded, whatever users send', async () => {
    const shop = await openShop();
    const store = shop.kinds.stores.get('1');
    for (let n = 0; n < 10_000; n += 500) {
      const types = Array.from({ length: 500 }, (_unused, index) => `odd "${n + index}"`);
      await Promise.all(types.map((type) => store.send({ type } as never)));
    }
    const { samples, value } = parsed(await shop.runtime.metrics());
    const steps = samples.filter(({ name }) => name === 'holdfast_steps_total');
    expect(steps.length).toBeLessThanOrEqual(limits.metricSeriesMax + 1);
    const all = (of: readonly Sample[]): number => of.reduce((sum, one) => sum + one.value, 0);
    expect(all(steps)).toBe(10_001);
    expect(value('holdfast_steps_total', { kind: 'store', event: 'other' })).toBe(
      10_001 - (steps.length - 1),
    );
  });

  test('the version it says is the package’s', () => {
    const manifest: unknown = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(manifest).toMatchObject({ version: VERSION });
  });
});

describe('the bound', () => {
  test('what comes after is kept under other of its first label, or altogether', () => {
    const kept = new Labelled(2, (labels) => ({ labels, value: 0 }), 2);
    for (const [first, second] of [
      ['a', '1'],
      ['a', '2'],
      ['a', '3'],
      ['b', '1'],
      ['c', '1'],
      ['a', '1'],
    ] as const)
      kept.of(first, second).value += 1;
    expect(kept.all.map(({ labels, value }) => [labels.join(), value])).toEqual([
      ['a,1', 2],
      ['a,2', 1],
      ['a,other', 1],
      ['other,other', 2],
    ]);
  });

  test('of what is summed up anew the largest have names', () => {
    const given = [1, 5, 3].map((value) => ({ labels: [`of ${value}`], value }));
    expect(summed(1, given, 2).map(({ labels, value }) => [labels.join(), value])).toEqual([
      ['of 5', 5],
      ['of 3', 3],
      ['other', 1],
    ]);
  });
});

class Reader extends MetricReader {
  protected override onForceFlush = (): Promise<void> => Promise.resolve();
  protected override onShutdown = (): Promise<void> => Promise.resolve();
}

test('a meter provider is shown the same numbers', async () => {
  const reader = new Reader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  const shop = await openShop({ meterProvider });
  const order = await shop.kinds.orders.create({ id: '7', input: { card: '4242' } });
  await order.send({ type: 'pay' });
  await shop.settle();
  const { resourceMetrics } = await reader.collect();
  const seen = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  const valueOf = (name: string, attributes: object): unknown =>
    seen
      .find(({ descriptor }) => descriptor.name === name)
      ?.dataPoints.find((point) => JSON.stringify(point.attributes) === JSON.stringify(attributes))?.value;
  expect(valueOf('holdfast.steps', { kind: 'order', event: 'pay' })).toBe(1);
  expect(valueOf('holdfast.actors', { kind: 'order', state: 'paid', status: 'active' })).toBe(1);
  expect(valueOf('holdfast.effect', { kind: 'order', src: 'charge' })).toMatchObject({ count: 1 });
  expect(seen.map(({ descriptor }) => descriptor.name)).toContain('holdfast.commit');
});

test('once the runtime is closed no provider calls it back', async () => {
  let callbacks = 0;
  const instrument = {
    addCallback: (): void => void (callbacks += 1),
    removeCallback: (): void => void (callbacks -= 1),
  };
  const meter = Object.assign(createNoopMeter(), {
    createObservableCounter: () => instrument,
    createObservableGauge: () => instrument,
  });
  const shop = await openShop({ meterProvider: { getMeter: () => meter } });
  expect(callbacks).toBe(Object.keys(COUNTERS).length + Object.keys(GAUGES).length);
  await shop.close();
  expect(callbacks).toBe(0);
});
