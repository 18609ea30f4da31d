/**
 * The same numbers as instruments of the OpenTelemetry API: counters and gauges are observed when a reader
 * asks, times are recorded as they come.
 *
 * Owns: the instruments at the provider that is registered now. Callers: telemetry.ts. Invariants:
 *  1  A provider that is registered after the runtime was opened is found at the next batch.
 *  2  After `close` no provider calls back: a closed runtime is kept by nobody.
 */
import { metrics } from '@opentelemetry/api';
import type { Histogram, Meter, MeterProvider, ObservableResult } from '@opentelemetry/api';
import { COUNTERS, GAUGES, HISTOGRAMS } from './instruments.js';
import type { CounterName, GaugeName, HistogramName } from './instruments.js';
import { labelled, type Labels, type Measures } from './measures.js';
import type { Series } from './tally.js';
import { VERSION } from './version.js';

export class Meters {
  readonly #given: MeterProvider | undefined;
  #provider: MeterProvider | undefined;
  #histograms: ReadonlyMap<HistogramName, Histogram> = new Map();
  #detach: () => void = nothing;

  /** Without a provider it is the global one, whenever that is registered. */
  constructor(provider?: MeterProvider) {
    this.#given = provider;
  }

  /** Looks whether the provider is another now. */
  look(measures: Measures): void {
    const provider = this.#given ?? metrics.getMeterProvider();
    if (provider === this.#provider) return;
    this.#detach();
    this.#provider = provider;
    const meter = provider.getMeter('holdfast', VERSION);
    const detach = [...observedCounters(meter, measures), ...observedGauges(meter, measures)];
    this.#histograms = histograms(meter);
    this.#detach = () => {
      for (const each of detach) each();
    };
  }

  record(name: HistogramName, seconds: number, labels: Labels): void {
    this.#histograms.get(name)?.record(seconds, labels);
  }

  close(): void {
    this.#detach();
    this.#detach = nothing;
    this.#histograms = new Map();
  }
}

function observedCounters(meter: Meter, measures: Measures): readonly (() => void)[] {
  return (Object.keys(COUNTERS) as readonly CounterName[]).map((name) => {
    const { otel, help: description, unit, labels } = COUNTERS[name];
    const counter = meter.createObservableCounter(otel, { description, unit });
    const observe = (result: ObservableResult): void => tell(result, labels, measures.counted(name));
    counter.addCallback(observe);
    return () => counter.removeCallback(observe);
  });
}

function observedGauges(meter: Meter, measures: Measures): readonly (() => void)[] {
  return (Object.keys(GAUGES) as readonly GaugeName[]).map((name) => {
    const { otel, help: description, unit, labels } = GAUGES[name];
    const gauge = meter.createObservableGauge(otel, { description, unit });
    const observe = async (result: ObservableResult): Promise<void> =>
      tell(result, labels, await measures.read(name));
    gauge.addCallback(observe);
    return () => gauge.removeCallback(observe);
  });
}

function histograms(meter: Meter): ReadonlyMap<HistogramName, Histogram> {
  const made = (Object.keys(HISTOGRAMS) as readonly HistogramName[]).map((name) => {
    const { otel, help: description, unit, buckets } = HISTOGRAMS[name];
    const advice = { explicitBucketBoundaries: [...buckets] };
    return [name, meter.createHistogram(otel, { description, unit, advice })] as const;
  });
  return new Map(made);
}

function tell(result: ObservableResult, names: readonly string[], all: readonly Series[]): void {
  for (const { labels, value } of all) result.observe(value, labelled(names, labels));
}

function nothing(): void {
  // Before the first look.
}
