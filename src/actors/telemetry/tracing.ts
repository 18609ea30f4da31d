/**
 * Spans of the OpenTelemetry API: `holdfast.step`, `holdfast.effect`, `holdfast.delivery`.
 *
 * What a step asked for, and what came of that, is one trace, however many actors it goes through: the span
 * of an effect is a child of its step's, that of a step a child of what caused it. A timer ends the trace:
 * its step begins one of its own, with a link to the step that armed it, for a chart that polls for a week
 * would make a trace that no backend shows. What a caller brings (`traceparent`, or the span that is active
 * where it sends) is the parent of its step. Where the cause was a process ago its span is not known:
 * `holdfast.cause` names it.
 *
 * Owns: the contexts of the last spans. Callers: telemetry.ts. Invariants:
 *  1  Where no provider is registered no span is made, and nothing is remembered.
 *  2  Attributes are facts of facts.ts: no prompt, context or secret.
 *  3  A span is told when its step is on disk: what was not committed has none.
 */
import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Attributes, Context, HrTime, Link, Span, SpanContext, Tracer } from '@opentelemetry/api';
import type { TracerProvider } from '@opentelemetry/api';
import type { Clock } from '../../clock.js';
import { limits } from '../../limits.js';
import { Recent, stepOfEffect } from './causes.js';
import type { DeliveryEnd, DeliveryFacts, EffectEnd, EffectFacts, StepFacts } from './facts.js';
import { VERSION } from './version.js';

const NAME = 'holdfast';
const SAMPLED = 1;

/** The API's own provider stands in until a real one is registered, and has no tracer of that until then. */
interface Delegating {
  readonly getDelegateTracer?: (name: string, version: string) => Tracer | undefined;
}

/** A run that has a span. */
export interface RunSpan {
  readonly within: <T>(begin: () => T) => T;
  readonly ended: (how: EffectEnd | DeliveryEnd) => void;
}

export class Tracing {
  readonly #clock: Clock;
  readonly #own: Tracer | undefined;
  readonly #spans = new Recent<SpanContext>(limits.tracedCausesMax);

  /** Without a provider it is the global one, whenever that is registered. */
  constructor(clock: Clock, provider?: TracerProvider) {
    this.#clock = clock;
    this.#own = provider?.getTracer(NAME, VERSION);
  }

  /** Undefined where no provider is registered: then a step costs this look. */
  get tracer(): Tracer | undefined {
    if (this.#own !== undefined) return this.#own;
    const provider: TracerProvider & Delegating = trace.getTracerProvider();
    if (provider.getDelegateTracer === undefined) return provider.getTracer(NAME, VERSION);
    return provider.getDelegateTracer(NAME, VERSION);
  }

  stepped(tracer: Tracer, facts: StepFacts, traceparent: string | undefined): void {
    const { address, seq, cause, error, source, at } = facts;
    const known = cause === undefined ? undefined : this.#spans.get(cause);
    const isLater = source === 'timer';
    const parent = spanContextOf(traceparent) ?? (isLater ? undefined : known);
    const links: Link[] = isLater && known !== undefined ? [{ context: known }] : [];
    const startTime = hrTimeOf(at);
    const options = { kind: SpanKind.INTERNAL, startTime, links, attributes: stepAttributes(facts) };
    const span = tracer.startSpan('holdfast.step', options, contextOf(parent));
    if (error !== undefined) failed(span, error);
    span.end(hrTimeOf(Math.max(at, this.#clock.now())));
    this.#spans.put(`${address}/${seq}`, span.spanContext());
  }

  attempting(tracer: Tracer, facts: EffectFacts, delivery: DeliveryFacts | undefined): RunSpan {
    const { id } = facts;
    const startTime = hrTimeOf(this.#clock.now());
    const attributes = { ...effectAttributes(facts), ...(delivery && deliveryAttributes(delivery)) };
    const [name, kind] =
      delivery === undefined
        ? (['holdfast.effect', SpanKind.INTERNAL] as const)
        : (['holdfast.delivery', SpanKind.PRODUCER] as const);
    const around = contextOf(this.#spans.get(stepOfEffect(id)));
    const span = tracer.startSpan(name, { kind, startTime, attributes }, around);
    this.#spans.put(id, span.spanContext());
    const active = trace.setSpan(around, span);
    return {
      within: (begin) => context.with(active, begin),
      ended: ({ outcome, error }) => {
        span.setAttribute('holdfast.outcome', outcome);
        if (error !== undefined) failed(span, error);
        span.end(hrTimeOf(this.#clock.now()));
      },
    };
  }

  /** That of the active span, where a provider is registered. */
  traceparent(): string | undefined {
    if (this.tracer === undefined) return undefined;
    const span = trace.getSpanContext(context.active());
    if (span === undefined || !isSpanContextValid(span)) return undefined;
    const flags = (span.traceFlags & SAMPLED).toString(16).padStart(2, '0');
    return `00-${span.traceId}-${span.spanId}-${flags}`;
  }

  /** Runs what belongs to nobody's trace. */
  apart<T>(run: () => T): T {
    return this.tracer === undefined ? run() : context.with(ROOT_CONTEXT, run);
  }
}

function contextOf(parent: SpanContext | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** A W3C `traceparent` as a remote parent; undefined for none, and for what is none. */
function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? [];
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & SAMPLED, isRemote: true };
  return isSpanContextValid(span) ? span : undefined;
}

/** Seconds and nanoseconds: of a number, what an SDK takes it for depends on its size. */
function hrTimeOf(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1_000);
  return [seconds, Math.round((epochMs - seconds * 1_000) * 1_000_000)];
}

function failed(span: Span, error: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', error);
}

function stepAttributes({
  address,
  kind,
  seq,
  event,
  source,
  state,
  status,
  commit,
  cause,
}: StepFacts): Attributes {
  return {
    'holdfast.address': address,
    'holdfast.kind': kind,
    'holdfast.seq': seq,
    'holdfast.event': event,
    'holdfast.source': source,
    'holdfast.state': state,
    'holdfast.status': status,
    'holdfast.commit': commit,
    ...(cause === undefined ? {} : { 'holdfast.cause': cause }),
  };
}

function effectAttributes({ id, address, kind, src, attempt }: EffectFacts): Attributes {
  return {
    'holdfast.effect': id,
    'holdfast.address': address,
    'holdfast.kind': kind,
    'holdfast.src': src,
    'holdfast.attempt': attempt,
    'holdfast.cause': stepOfEffect(id),
  };
}

function deliveryAttributes({ channel, attempt }: DeliveryFacts): Attributes {
  return { 'holdfast.channel': channel, 'holdfast.attempt': attempt };
}
