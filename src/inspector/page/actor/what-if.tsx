/**
 * What if: events taken in a sandbox from the shown step on, beside what came in truth.
 *
 * Owns: the events that are supposed. Callers: stage.tsx. Invariants:
 *  1  Nothing is written, and no effect runs: the runtime takes the steps, and forgets them.
 *  2  Another step, or another actor, begins anew; an actor that goes on meanwhile does not.
 *  3  What is shown is of the newest question: older answers are dropped.
 */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { LegalEvent, WhatIfReport, WhatIfStep } from '../../../actors/inspection/face.js';
import type { JsonEvent } from '../../../json.js';
import { isAborted } from '../api.js';
import { Trouble, Waiting } from '../notice.js';
import { stateWords } from '../words.js';
import { useEventWords } from './named-events.js';
import { parsedEvent } from './parsed-event.js';
import { SaveTest } from './save-test.js';
import type { ActorSource } from './source.js';
import { AsksOf, Diff } from './step-panel.js';
import type { Timeline } from './steps-model.js';

interface WhatIfProps {
  readonly source: ActorSource;
  readonly timeline: Timeline;
  /** The shown step: where it begins. */
  readonly seq: number;
  /** Told of each answer: the chart shows where it ends. */
  readonly suppose: (report: WhatIfReport | undefined) => void;
}

export function WhatIfPanel({ source, timeline, seq: newest, suppose }: WhatIfProps): VNode {
  const [seq, setSeq] = useState(newest);
  const [events, setEvents] = useState<readonly JsonEvent[]>([]);
  const [report, setReport] = useState<WhatIfReport>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const controller = new AbortController();
    source.whatIf(seq, events, controller.signal).then(
      (answer) => {
        if (controller.signal.aborted) return;
        setError(undefined);
        setReport(answer);
        suppose(answer.steps.length > 0 ? answer : undefined);
      },
      (thrown: unknown) => {
        if (!controller.signal.aborted && !isAborted(thrown)) setError(thrown);
      },
    );
    return () => controller.abort();
  }, [source.key, seq, events]);
  useEffect(() => () => suppose(undefined), []);
  const anew = (): void => {
    setSeq(newest);
    setEvents([]);
  };
  const legal = report === undefined ? [] : report.legalAfter;
  const last = report?.steps.at(-1);
  return (
    <div class="what-if">
      <p class="soft">
        A sandbox that begins at step {seq}: nothing is written, no effect runs. The chart shows where it
        leads.
      </p>
      {report === undefined && error === undefined && <Waiting />}
      {report !== undefined && (
        <EventForm
          key={JSON.stringify([report.steps.length, legal.map(({ type }) => type)])}
          legal={legal}
          apply={(event) => setEvents([...events, event])}
        />
      )}
      {error !== undefined && <Trouble error={error} />}
      <div class="row">
        <button type="button" disabled={events.length === 0} onClick={() => setEvents(events.slice(0, -1))}>
          Undo one
        </button>
        <button type="button" disabled={events.length === 0} onClick={anew}>
          Begin anew
        </button>
        {report !== undefined && events.length > 0 && <SaveTest report={report} capsule={source.capsule} />}
      </div>
      {report !== undefined && report.steps.length > 0 && <Paths report={report} timeline={timeline} />}
      {last !== undefined && <Supposed step={last} />}
    </div>
  );
}

interface EventFormProps {
  readonly legal: readonly LegalEvent[];
  readonly apply: (event: JsonEvent) => void;
}

/** Chosen from what could be sent; the event as JSON can be changed before it is applied. */
function EventForm({ legal, apply }: EventFormProps): VNode {
  const types = [...new Map(legal.map((event) => [event.type, event])).values()];
  const [text, setText] = useState(() => textOf(types[0]?.type ?? ''));
  const [problem, setProblem] = useState<string>();
  const typed = parsedEvent(text);
  const eventWords = useEventWords();
  const chosen =
    'event' in typed && types.some(({ type }) => type === typed.event.type) ? typed.event.type : '';
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if ('problem' in typed) setProblem(typed.problem);
    else apply(typed.event);
  };
  return (
    <form class="what-if-form" onSubmit={submit}>
      <label class="field">
        <span>Event</span>
        <select value={chosen} onInput={({ currentTarget }) => setText(textOf(currentTarget.value))}>
          {types.map(({ type, who }) => (
            <option key={type} value={type}>
              {eventWords(type)} — {who}
            </option>
          ))}
          <option value="">another one, typed below</option>
        </select>
      </label>
      <label class="field">
        <span>As JSON</span>
        <textarea
          rows={Math.min(8, text.split('\n').length + 1)}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <div class="row">
        <button type="submit" class="primary">
          Apply
        </button>
        <span class="problems" role="alert">
          {problem}
        </span>
      </div>
    </form>
  );
}

function textOf(type: string): string {
  return JSON.stringify({ type }, undefined, 2);
}

/** The steps that are supposed, each beside the step that came in truth. */
function Paths({ report, timeline }: { readonly report: WhatIfReport; readonly timeline: Timeline }): VNode {
  const real = timeline.steps.filter(({ seq }) => seq > report.seq);
  return (
    <div class="scroll">
      <table class="paths">
        <caption class="unseen">What would come, beside what came</caption>
        <thead>
          <tr>
            <th scope="col">step</th>
            <th scope="col">what if</th>
            <th scope="col">in truth</th>
          </tr>
        </thead>
        <tbody>
          {report.steps.map((step, index) => (
            <tr key={index}>
              <td class="number">{report.seq + index + 1}</td>
              <td class="paths-supposed">
                <Came type={step.event.type} state={stateWords(step.value)} />
                {!step.taken && <div class="mark mark-warn">nothing takes it</div>}
                {step.error !== undefined && <div class="mark mark-trouble">it throws</div>}
              </td>
              <td>
                {real[index] === undefined ? (
                  <span class="soft">—</span>
                ) : (
                  <Came type={real[index].event.type} state={stateWords(real[index].value)} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Came({ type, state }: { readonly type: string; readonly state: string }): VNode {
  const eventWords = useEventWords();
  return (
    <>
      <div class="mono">{eventWords(type)}</div>
      <div class="soft small">→ {state || '—'}</div>
    </>
  );
}

function Supposed({ step }: { readonly step: WhatIfStep }): VNode {
  return (
    <section aria-label="The last supposed step" role="status">
      {step.error !== undefined && <div class="trouble">{step.error}</div>}
      <h4>What the last event would change</h4>
      <Diff changes={step.diff} />
      {step.status !== 'active' && (
        <p>
          It would be <strong>{step.status}</strong>.
        </p>
      )}
      <AsksOf effects={step.effects} timers={step.timers} sends={step.sends} isLinked={false} />
    </section>
  );
}
