/**
 * Spans of the OpenTelemetry API: `holdfast.step`, `holdfast.effect`, `holdfast.delivery`.
 *
 * What a step asked for, and what came of that, is one trace, however many actors it goes through: the span
 * of an effect is a child of its step's, that of a step a child of what caused it. A timer ends the trace:
 * its step begins one of its own, with a link to the step that armed it, for a chart that polls for a week
 * would make a trace that no backend shows. What a caller brings (`traceparent`, or the span that is active
 * where it sends) is the parent of its step. Where the cause was a process ago, the rows that it wrote have
 * its trace context; where they have none, `holdfast.cause` names it.
 *
 * Owns: the contexts of the last spans. Callers: telemetry.ts. Invariants:
 *  1  Where no provider is registered no span is made, and nothing is remembered.
 *  2  Attributes are facts of facts.ts: no prompt, context or secret.
 *  3  A span is told when its step is on disk: what was not committed has none. That of a step whose rows
 *     name it begins before, and is dropped unended with the step.
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
import type { StepTrace } from '../kernel/index.js';
import type { DeliveryEnd, DeliveryFacts, EffectEnd, EffectFacts, StepFacts, StepStart } from './facts.js';
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

  /** The span of a step, to be ended by `stepped`. */
  begin(tracer: Tracer, facts: StepStart, traceparent: string | undefined): SpanTrace {
    const { cause, source, at } = facts;
    const known = cause === undefined ? undefined : this.#spans.get(cause);
    const isLater = source === 'timer';
    // Of its cause the row may tell, too: who is known is no stranger from another process.
    const parent = (isLater ? undefined : known) ?? spanContextOf(traceparent);
    const links: Link[] = isLater && known !== undefined ? [{ context: known }] : [];
    const startTime = hrTimeOf(at);
    const options = { kind: SpanKind.INTERNAL, startTime, links, attributes: startAttributes(facts) };
    return new SpanTrace(tracer.startSpan('holdfast.step', options, contextOf(parent)));
  }

  stepped(
    tracer: Tracer,
    facts: StepFacts,
    traceparent: string | undefined,
    begun: StepTrace | undefined,
  ): void {
    const { address, seq, error, at, state, status } = facts;
    const { span } = begun instanceof SpanTrace ? begun : this.begin(tracer, facts, traceparent);
    span.setAttributes({ 'holdfast.state': state, 'holdfast.status': status });
    if (error !== undefined) failed(span, error);
    span.end(hrTimeOf(Math.max(at, this.#clock.now())));
    this.#spans.put(`${address}/${seq}`, span.spanContext());
  }

  attempting(
    tracer: Tracer,
    facts: EffectFacts,
    delivery: DeliveryFacts | undefined,
    traceparent: string | undefined,
  ): RunSpan {
    const { id } = facts;
    const startTime = hrTimeOf(this.#clock.now());
    const attributes = { ...effectAttributes(facts), ...(delivery && deliveryAttributes(delivery)) };
    const [name, kind] =
      delivery === undefined
        ? (['holdfast.effect', SpanKind.INTERNAL] as const)
        : (['holdfast.delivery', SpanKind.PRODUCER] as const);
    const around = contextOf(this.#spans.get(stepOfEffect(id)) ?? spanContextOf(traceparent));
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
    return span === undefined || !isSpanContextValid(span) ? undefined : traceparentOf(span);
  }

  /** Runs what belongs to nobody's trace. */
  apart<T>(run: () => T): T {
    return this.tracer === undefined ? run() : context.with(ROOT_CONTEXT, run);
  }
}

/** A step that has a span, begun. */
class SpanTrace implements StepTrace {
  readonly span: Span;
  readonly traceparent: string | undefined;

  constructor(span: Span) {
    this.span = span;
    // Here, where a throw is caught: the span is somebody else's code, and who asks later writes a step.
    this.traceparent = span.isRecording() ? traceparentOf(span.spanContext()) : undefined;
  }
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & SAMPLED).toString(16).padStart(2, '0')}`;
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

function startAttributes({ address, kind, seq, event, source, commit, cause }: StepStart): Attributes {
  return {
    'holdfast.address': address,
    'holdfast.kind': kind,
    'holdfast.seq': seq,
    'holdfast.event': event,
    'holdfast.source': source,
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
