/**
 * What the outside is told of a runtime: diagnostics channels, spans, metrics.
 *
 * Owns: the parts of this folder. Callers: the assembly (which gives it to the kernel as its watcher),
 * runtime.ts. Invariants:
 *  1  Whoever listens can hurt nobody: a throw is caught here, and the first is logged. What a subscriber
 *     of a diagnostics channel throws is Node's: an uncaught exception of the program's own.
 *  2  A step nobody listens to costs two sums and a time (docs/telemetry.md has the figures).
 *  3  Nothing of it is durable, and nothing durable depends on it.
 */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { Clock } from '../../clock.js';
import { splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { QUARANTINE_INDEX } from '../kernel/index.js';
import type {
  CommittedBatch,
  CommittedStep,
  EffectAttempt,
  Kernel,
  KernelWatch,
  RunOutcome,
  StepTrace,
  WatchedAttempt,
} from '../kernel/index.js';
import { Channels, type RunChannel } from './channels.js';
import {
  deliveryEnd,
  deliveryFacts,
  effectEnd,
  effectFacts,
  stateOf,
  stepFacts,
  stepStart,
} from './facts.js';
import { GAUGES } from './instruments.js';
import { Measures, type GaugeReaders } from './measures.js';
import { Meters } from './meters.js';
import { Labelled, summed, type Series } from './tally.js';
import { Tracing, type RunSpan } from './tracing.js';
import { VERSION } from './version.js';

export interface TelemetryOptions {
  /** Who makes spans; default: the global one of `@opentelemetry/api`, whenever that is registered. */
  readonly tracerProvider?: TracerProvider;
  /** Whom metrics are shown; default: the global one, whenever that is registered. */
  readonly meterProvider?: MeterProvider;
}

type Stepping = Parameters<KernelWatch['stepping']>[2];

const UNTRACED: StepTrace = { traceparent: undefined };

/** Calls what it is given, once. */
type Around = <T>(begin: () => T) => T;

export class Telemetry implements KernelWatch {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #channels = new Channels();
  readonly #tracing: Tracing;
  readonly #meters: Meters;
  readonly #measures: Measures;
  readonly #running = new Labelled(2, (labels) => ({ labels, value: 0 }));
  #kernel: Kernel | undefined;
  #hasFailed = false;

  constructor(clock: Clock, log: Logger, { tracerProvider, meterProvider }: TelemetryOptions = {}) {
    this.#clock = clock;
    this.#log = log;
    this.#tracing = new Tracing(clock, tracerProvider);
    this.#meters = new Meters(meterProvider);
    this.#measures = new Measures(this.#readers(), (...time) => this.#meters.record(...time), log);
  }

  /** Call once, before anybody else listens to the kernel: what a step brings about comes after its span. */
  attach(kernel: Kernel): void {
    this.#kernel = kernel;
    this.#guarded(() => this.#meters.look(this.#measures));
    kernel.onStep((step) => this.#guarded(() => this.#stepped(step)));
    kernel.onQuarantined((address, { code }) => this.#guarded(() => this.#quarantined(address, code)));
  }

  /** Everything in Prometheus' text format, version 0.0.4. */
  text(): Promise<string> {
    return this.#measures.text();
  }

  close(): void {
    this.#guarded(() => this.#meters.close());
  }

  committed(batch: CommittedBatch): void {
    this.#guarded(() => {
      this.#meters.look(this.#measures);
      this.#measures.count('commits', 1);
      this.#measures.count('rows', batch.rows);
      this.#measures.count('bytes', batch.bytes);
      this.#measures.time('commit', batch.durationMs);
      this.#channels.committed(batch);
    });
  }

  clockJumped(jumpMs: number): void {
    this.#guarded(() => {
      this.#measures.count('clockJumps', 1, jumpMs < 0 ? 'back' : 'forward');
      this.#channels.clockJumped(jumpMs);
    });
  }

  traceparent(): string | undefined {
    return this.#guarded(() => this.#tracing.traceparent());
  }

  stepping(
    address: string,
    kind: string,
    { envelope: { at, seq, id: eventId }, event, source, traceparent }: Stepping,
    commit: number,
  ): StepTrace {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return UNTRACED;
    const begin = (): StepTrace => {
      const start = stepStart(address, kind, { seq, at, event, source, eventId, commit });
      return this.#tracing.begin(tracer, start, traceparent);
    };
    return this.#guarded(begin) ?? UNTRACED;
  }

  apart(run: () => void): void {
    this.#around((begin) => this.#tracing.apart(begin), run);
  }

  attempting(attempt: EffectAttempt): WatchedAttempt {
    const startedMs = this.#clock.monotonicMs();
    const running = this.#running.of(attempt.kind, attempt.src);
    running.value += 1;
    const run = this.#guarded(() => this.#runOf(attempt)) ?? {};
    const inSpan: Around = (begin) =>
      run.span === undefined ? begin() : this.#around(run.span.within, begin);
    return {
      within: (begin) =>
        run.channel === undefined ? inSpan(begin) : this.#around(run.channel.within, () => inSpan(begin)),
      ended: (outcome) => {
        running.value -= 1;
        const durationMs = this.#clock.monotonicMs() - startedMs;
        this.#guarded(() => this.#ended(attempt, run, outcome, durationMs));
      },
    };
  }

  #stepped(step: CommittedStep): void {
    const { kind, entry } = step;
    const { at, dueAt, source, event, traceparent } = entry;
    this.#measures.count('steps', 1, kind, event.type);
    this.#measures.time('stepCommit', this.#clock.now() - at);
    if (source === 'timer' && dueAt !== undefined) this.#measures.time('timersLate', at - dueAt);
    const { tracer } = this.#tracing;
    if (tracer === undefined && !this.#channels.tellsSteps) return;
    const facts = stepFacts(step);
    if (tracer !== undefined) this.#tracing.stepped(tracer, facts, traceparent, step.trace);
    this.#channels.stepped(facts);
  }

  #quarantined(address: string, code: string): void {
    const { kind } = splitAddress(address);
    this.#measures.count('quarantines', 1, kind, code);
    this.#channels.quarantined({ address, kind, code });
  }

  #runOf(attempt: EffectAttempt): Run {
    const { tracer } = this.#tracing;
    const facts = effectFacts(attempt);
    const channel = this.#channels.attempting(facts);
    const span =
      tracer && this.#tracing.attempting(tracer, facts, deliveryFacts(attempt), attempt.traceparent);
    return { channel, span };
  }

  #ended(attempt: EffectAttempt, { channel, span }: Run, outcome: RunOutcome, durationMs: number): void {
    const { kind, src } = attempt;
    const end = effectEnd(outcome, durationMs);
    this.#measures.count('effects', 1, kind, src, end.outcome);
    this.#measures.time('effect', durationMs, kind, src);
    const delivery = deliveryFacts(attempt);
    const sent = delivery && deliveryEnd(outcome, durationMs);
    if (delivery !== undefined && sent !== undefined) {
      this.#measures.count('deliveries', 1, delivery.channel, sent.outcome);
      this.#channels.delivered(delivery, sent);
    }
    span?.ended(sent ?? end);
    channel?.ended(end);
  }

  #readers(): GaugeReaders {
    const { labels } = GAUGES.dwell;
    return {
      info: () => [{ labels: [VERSION], value: 1 }],
      actors: () => summed(GAUGES.actors.labels.length, this.#actors()),
      running: () => this.#running.all,
      quarantined: () => this.#standing(),
      dwell: () => summed(labels.length, this.#dwell()),
    };
  }

  #actors(): readonly Series[] {
    const counts = this.#kernel?.counts() ?? [];
    return counts.map(({ kind, state, count, finished }) => ({
      labels: [kind, stateOf(JSON.parse(state) as Json), finished ? 'finished' : 'active'],
      value: count,
    }));
  }

  #dwell(): readonly Series[] {
    const kept = this.#kernel?.dwell() ?? [];
    return kept.flatMap(({ kind, state, p50Ms, p95Ms }) => [
      { labels: [kind, state, '0.5'], value: p50Ms / 1_000 },
      { labels: [kind, state, '0.95'], value: p95Ms / 1_000 },
    ]);
  }

  /** Those who stand still, by kind: their index is as long as they are many, and looked through so far. */
  async #standing(): Promise<readonly Series[]> {
    const found: Series[] = [];
    let cursor: string | undefined;
    do {
      const options = { cursor, limit: limits.scanPageRows };
      const page = await this.#kernel?.reader.byIndex(QUARANTINE_INDEX, [], options);
      for (const address of page?.items ?? []) found.push({ labels: [splitAddress(address).kind], value: 1 });
      cursor = page?.cursor;
    } while (cursor !== undefined && found.length < limits.metricStandingMax);
    return summed(GAUGES.quarantined.labels.length, found);
  }

  /** Runs `begin` once within what a listener puts around it, whatever the listener does. */
  #around<T>(within: Around, begin: () => T): T {
    let begun: { readonly answer: T } | undefined;
    let thrown: { readonly error: unknown } | undefined;
    const once = (): T => {
      try {
        begun ??= { answer: begin() };
        return begun.answer;
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    try {
      within(once);
    } catch (error) {
      if (thrown !== undefined) throw thrown.error;
      this.#failed(error);
    }
    return begun === undefined ? begin() : begun.answer;
  }

  #guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#log.warn({ err: error }, 'telemetry.failed');
  }
}

/** Who hears of a run. */
interface Run {
  readonly channel?: RunChannel | undefined;
  readonly span?: RunSpan | undefined;
}
