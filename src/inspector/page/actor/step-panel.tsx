/**
 * The steps as a list, and the shown one in detail: what came, why, what changed, what it asked for.
 *
 * Callers: stage.tsx. Invariants:
 *  1  The list shows the shown step, whoever moved there.
 *  2  A difference has a sign and a word beside its colour.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Change, StepLine, StepReport } from '../../../actors/inspection/face.js';
import type { Json } from '../../../json.js';
import { Trouble, Waiting } from '../notice.js';
import { hrefOf } from '../router.js';
import { commitWords, durationWords, stateWords, timeWords } from '../words.js';
import { AddressLink } from './address-link.js';
import { diffLines } from './diff-lines.js';
import { useEventWords } from './named-events.js';
import { JsonTree, LongText } from './json-tree.js';
import type { ShownReport } from './step-report.js';
import { positionOf, stepShown, type Timeline } from './steps-model.js';

interface StepPanelProps {
  readonly timeline: Timeline;
  readonly shown: ShownReport;
  readonly isLinked: boolean;
  readonly select: (seq: number) => void;
}

/** Rows around the shown one: a journal has a thousand. */
const ROWS_AROUND = 60;
const CHANGES_MAX = 100;

export function StepPanel({ timeline, shown, isLinked, select }: StepPanelProps): VNode {
  const step = stepShown(timeline);
  return (
    <div class="steps">
      <StepList timeline={timeline} select={select} />
      {step === undefined ? (
        <p class="notice">No step is kept.</p>
      ) : (
        <StepDetail step={step} shown={shown} isLinked={isLinked} />
      )}
    </div>
  );
}

function StepList({ timeline, select }: Pick<StepPanelProps, 'timeline' | 'select'>): VNode {
  const box = useRef<HTMLDivElement>(null);
  const at = positionOf(timeline);
  const from = Math.max(0, Math.min(at - ROWS_AROUND, timeline.steps.length - 2 * ROWS_AROUND));
  const rows = timeline.steps.slice(from, Math.max(at + ROWS_AROUND, from + 2 * ROWS_AROUND));
  const seq = stepShown(timeline)?.seq;
  useEffect(() => {
    // Within the list alone: `scrollIntoView` would move the page.
    const [list, row] = [box.current, box.current?.querySelector<HTMLElement>('[aria-current]')];
    if (!list || !row) return;
    const top = row.offsetTop;
    if (top < list.scrollTop || top + row.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = top - list.clientHeight / 2;
  }, [seq, rows.length]);
  const [first] = timeline.steps;
  const eventWords = useEventWords();
  return (
    <div class="step-list" ref={box} role="group" aria-label="Steps" tabIndex={0}>
      {from > 0 && <p class="soft small">… {from} earlier</p>}
      {rows.map((row) => (
        <button
          type="button"
          key={row.seq}
          class="step-row"
          aria-current={row.seq === seq ? 'step' : undefined}
          onClick={() => select(row.seq)}
        >
          <span class="step-seq">{row.seq}</span>
          <span class="step-event">{eventWords(row.event.type)}</span>
          <span class="step-state">{stateWords(row.value)}</span>
          <span class="step-at">{first === undefined ? '' : `+${durationWords(row.at - first.at)}`}</span>
        </button>
      ))}
      {from + rows.length < timeline.steps.length && (
        <p class="soft small">… {timeline.steps.length - from - rows.length} later</p>
      )}
    </div>
  );
}

interface DetailProps {
  readonly step: StepLine;
  readonly shown: ShownReport;
  readonly isLinked: boolean;
}

function StepDetail({ step, shown: { report, error }, isLinked }: DetailProps): VNode {
  const isHere = report?.seq === step.seq;
  const eventWords = useEventWords();
  return (
    <div class="step-detail">
      <h3>
        <span class="step-seq">{step.seq}</span> {eventWords(step.event.type)}
      </h3>
      <StepFacts step={step} isLinked={isLinked} />
      {step.failure !== undefined && (
        <div class="trouble">
          It failed: <LongText text={JSON.stringify(step.failure)} />
        </div>
      )}
      <h4>Event</h4>
      <JsonTree value={step.event} label="Event" />
      <h4>What changed in the context</h4>
      {error !== undefined && <Trouble error={error} />}
      {error === undefined && report === undefined && <Waiting />}
      {report !== undefined && (
        <div class={isHere ? 'step-diff' : 'step-diff step-stale'} aria-busy={!isHere} data-seq={report.seq}>
          <DiffOf report={report} />
        </div>
      )}
      <AsksOf
        effects={step.effects}
        timers={step.timers.map(({ name, dueAt }) => ({ name, delayMs: dueAt - step.at }))}
        sends={step.sends}
        emitted={step.emitted}
        isLinked={isLinked}
      />
    </div>
  );
}

function StepFacts({ step, isLinked }: Omit<DetailProps, 'shown'>): VNode {
  const { cause } = step;
  return (
    <dl class="facts">
      <Fact name="state">{stateWords(step.value) || '—'}</Fact>
      {step.status !== 'active' && <Fact name="status">{step.status}</Fact>}
      <Fact name="at">{timeWords(step.at)}</Fact>
      <Fact name="source">{step.source}</Fact>
      {cause !== undefined && (
        <Fact name="cause">
          <AddressLink address={cause.address} seq={cause.seq} isLinked={isLinked} />
        </Fact>
      )}
      {step.by !== undefined && <Fact name="by">{step.by}</Fact>}
      <Fact name="event id">{step.eventId}</Fact>
      <Fact name="commit">{commitWords(step)}</Fact>
      {step.traceparent !== undefined && <Fact name="trace">{step.traceparent}</Fact>}
      {step.migrated && <Fact name="migrated">from an older version</Fact>}
      {isLinked && (
        <Fact name="story">
          <a href={hrefOf('story', { address: step.address, seq: step.seq })}>
            what led here, and where it went
          </a>
        </Fact>
      )}
    </dl>
  );
}

function Fact(props: { readonly name: string; readonly children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function DiffOf({ report }: { readonly report: StepReport }): VNode {
  if (report.diff === undefined) return <p class="soft">{report.unknown ?? 'Not known.'}</p>;
  return <Diff changes={report.diff} />;
}

export function Diff({ changes }: { readonly changes: readonly Change[] }): VNode {
  const [isWhole, setWhole] = useState(false);
  const lines = diffLines(isWhole ? changes : changes.slice(0, CHANGES_MAX));
  if (lines.length === 0) return <p class="soft">Nothing.</p>;
  return (
    <ul class="diff" aria-label="Changes of the context">
      {lines.map(({ sign, word, place, before, after }) => (
        <li key={place} class={`diff-${word}`}>
          <span aria-hidden="true" class="diff-sign">
            {sign}
          </span>
          <span class="unseen">{word}: </span>
          <span class="diff-place">{place}</span>{' '}
          {before !== undefined && (
            <del>
              <LongText text={before} />
            </del>
          )}
          {before !== undefined && after !== undefined && ' → '}
          {after !== undefined && (
            <ins>
              <LongText text={after} />
            </ins>
          )}
        </li>
      ))}
      {lines.length < changes.length && (
        <li>
          <button type="button" class="link" onClick={() => setWhole(true)}>
            show all {changes.length}
          </button>
        </li>
      )}
    </ul>
  );
}

/** XState names what its machine does not: `0.order.open.charging`. */
function isUnnamed(child: string): boolean {
  return /^\d+\./.test(child);
}

/** What a step asks for, or would ask for. */
export interface Asks {
  readonly effects: readonly { readonly src: string; readonly child: string }[];
  readonly timers: readonly { readonly name: string; readonly delayMs: number }[];
  readonly sends: readonly { readonly to: string; readonly type: string }[];
  readonly emitted?: readonly Json[];
  readonly isLinked: boolean;
}

export function AsksOf({ effects, timers, sends, emitted = [], isLinked }: Asks): VNode | null {
  const eventWords = useEventWords();
  if (effects.length + timers.length + sends.length + emitted.length === 0) return null;
  return (
    <>
      <h4>What it asks for</h4>
      <ul class="asks">
        {effects.map(({ src, child }) => (
          <li key={`e${child}`}>
            <span class="mark mark-accent">effect</span>{' '}
            {src === child || isUnnamed(child) ? src : `${src} as ${child}`}
          </li>
        ))}
        {timers.map(({ name, delayMs }) => (
          <li key={`t${name}`}>
            <span class="mark">timer</span> {name} in {durationWords(delayMs)}
          </li>
        ))}
        {sends.map(({ to, type }, index) => (
          <li key={`s${index}`}>
            <span class="mark mark-good">sends</span> {eventWords(type)} to{' '}
            <AddressLink address={to} isLinked={isLinked} />
          </li>
        ))}
        {emitted.map((event, index) => (
          <li key={`m${index}`}>
            <span class="mark">emits</span> <LongText text={JSON.stringify(event)} />
          </li>
        ))}
      </ul>
    </>
  );
}
