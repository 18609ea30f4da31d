/**
 * The numbers of one runtime: counters and times as they come in, gauges as they are asked for.
 *
 * Owns: the counters, and the registry of Prometheus that is the runtime's alone: two runtimes of a process
 * do not mix. Callers: telemetry.ts, meters.ts. Invariants:
 *  1  Labels are names of kinds, sources, channels, states and types of events, within the bound of tally.ts.
 *  2  A gauge that cannot be read has no series, and keeps no other from being shown.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger } from '../../log.js';
import { COUNTERS, GAUGES, HISTOGRAMS } from './instruments.js';
import type { CounterName, GaugeName, HistogramName } from './instruments.js';
import { Labelled, type Series } from './tally.js';

/** What the gauges are read from. */
export type GaugeReaders = Readonly<Record<GaugeName, () => readonly Series[] | Promise<readonly Series[]>>>;

export type Labels = Readonly<Record<string, string>>;

/** Told of each time, with its labels. */
export type Observer = (name: HistogramName, seconds: number, labels: Labels) => void;

interface Sum {
  readonly labels: readonly string[];
  value: number;
}

/** Everything asked for so far is in these maps: a name is a key of its table. */
const counterNames = Object.keys(COUNTERS) as readonly CounterName[];
const gaugeNames = Object.keys(GAUGES) as readonly GaugeName[];
const histogramNames = Object.keys(HISTOGRAMS) as readonly HistogramName[];

export class Measures {
  readonly #registry = new Registry();
  readonly #sums: ReadonlyMap<CounterName, Labelled<Sum>>;
  readonly #times: ReadonlyMap<HistogramName, Times>;
  readonly #readers: GaugeReaders;
  readonly #observed: Observer;
  readonly #log: Logger;

  constructor(readers: GaugeReaders, observed: Observer, log: Logger) {
    this.#readers = readers;
    this.#observed = observed;
    this.#log = log;
    this.#sums = new Map(counterNames.map((name) => [name, this.#counter(name)]));
    for (const name of gaugeNames) this.#gauge(name);
    this.#times = new Map(histogramNames.map((name) => [name, this.#histogram(name)]));
  }

  /** Adds to a counter, by its labels in their order. */
  count(name: CounterName, by: number, first?: string, second?: string, third?: string): void {
    const sum = this.#sums.get(name)?.of(first, second, third);
    if (sum !== undefined) sum.value += by;
  }

  /** Takes a time of so many milliseconds; below 0 is 0. */
  time(name: HistogramName, ms: number, first?: string, second?: string): void {
    const times = this.#times.get(name);
    if (times === undefined) return;
    const seconds = Math.max(0, ms) / 1_000;
    const labels = times.labels.of(first, second);
    times.histogram.observe(labels, seconds);
    this.#observed(name, seconds, labels);
  }

  counted(name: CounterName): readonly Series[] {
    return this.#sums.get(name)?.all ?? [];
  }

  async read(name: GaugeName): Promise<readonly Series[]> {
    try {
      return await this.#readers[name]();
    } catch (error) {
      this.#log.warn({ err: error, metric: GAUGES[name].name }, 'metrics.unread');
      return [];
    }
  }

  /** All of them in Prometheus' text format, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter(name: CounterName): Labelled<Sum> {
    const { name: shown, help, labels: labelNames } = COUNTERS[name];
    const sums = new Labelled<Sum>(labelNames.length, (labels) => ({ labels, value: 0 }));
    // One without labels is there from the start.
    if (labelNames.length === 0) sums.of();
    const collect = function (this: Counter): void {
      this.reset();
      for (const { labels, value } of sums.all) this.inc(labelled(labelNames, labels), value);
    };
    void new Counter({ name: shown, help, labelNames, registers: [this.#registry], collect });
    return sums;
  }

  #gauge(name: GaugeName): void {
    const { name: shown, help, labels: labelNames } = GAUGES[name];
    const read = (): Promise<readonly Series[]> => this.read(name);
    const collect = async function (this: Gauge): Promise<void> {
      const all = await read();
      this.reset();
      for (const { labels, value } of all) this.set(labelled(labelNames, labels), value);
    };
    void new Gauge({ name: shown, help, labelNames, registers: [this.#registry], collect });
  }

  #histogram(name: HistogramName): Times {
    const { name: shown, help, labels: labelNames, buckets } = HISTOGRAMS[name];
    const options = { name: shown, help, labelNames, buckets: [...buckets], registers: [this.#registry] };
    const labels = new Labelled(labelNames.length, (own) => labelled(labelNames, own));
    return { histogram: new Histogram(options), labels };
  }
}

interface Times {
  readonly histogram: Histogram;
  readonly labels: Labelled<Labels>;
}

export function labelled(names: readonly string[], values: readonly string[]): Labels {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}
