/**
 * The view of one actor: head, chart, steps, panels. The same for one in a store and one in a capsule.
 *
 * Owns: which panel is open, and the part of the address that says where one stands. Callers: actor-view.tsx,
 * capsule-view.tsx. Invariants:
 *  1  The address follows where one stands, and where one stands follows the address.
 *  2  Who moves in the steps sees a panel of the shown step.
 */
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ActorReport, ActView, WhatIfReport, WhyReport } from '../../../actors/inspection/face.js';
import type { JsonObject } from '../../../json.js';
import type { ChartBoxProps } from '../chart/chart-box.js';
import { useNow } from '../house.js';
import { Nothing, Trouble, Waiting } from '../notice.js';
import { go, hrefOf, type Query, type View } from '../router.js';
import { stateWords } from '../words.js';
import { ActsPanel } from './acts-panel.js';
import type { Moment } from './chart-paint.js';
import { ChartStage } from './chart-stage.js';
import { ActorHead } from './head.js';
import { HistoryPanel } from './history-panel.js';
import { JsonTree } from './json-tree.js';
import { NowPanel } from './now-panel.js';
import { EffectNamesContext } from './named-events.js';
import { badgesOf, effectNames, invokers } from './paint.js';
import { Scrubber } from './scrubber.js';
import type { ActorSource } from './source.js';
import { StepPanel } from './step-panel.js';
import { useStepReport, type ShownReport } from './step-report.js';
import { isUntold, written } from './place.js';
import { asTold, reaches, shownAt, stepBefore, stepShown, type Timeline } from './steps-model.js';
import { Tabs } from './tabs.js';
import { WhatIfPanel } from './what-if.js';

export interface StageProps {
  readonly source: ActorSource;
  readonly report: ActorReport;
  readonly why: WhyReport | undefined;
  readonly acts: readonly ActView[];
  readonly timeline: Timeline;
  readonly move: (change: (timeline: Timeline) => Timeline) => void;
  /** Absent: nothing is known of its machine. */
  readonly chart: ChartBoxProps['chart'] | undefined;
  readonly config: JsonObject | undefined;
  readonly view: View;
  readonly query: Query;
  /** Reads all of it again. */
  readonly again: () => void;
}

const tabs = ['now', 'steps', 'context', 'what-if', 'history'] as const;
type Tab = (typeof tabs)[number];
const TITLES: Readonly<Record<Tab, string>> = {
  now: 'Now',
  steps: 'Steps',
  context: 'Context',
  'what-if': 'What if',
  history: 'History',
};
/** A browser takes about a hundred changes of the address in ten seconds. */
const ADDRESS_DELAY_MS = 250;

export function Stage(props: StageProps): VNode {
  const { source, report, timeline, chart } = props;
  const [supposed, suppose] = useState<WhatIfReport>();
  const panels = tabs.filter((each) => each !== 'history' || report.history.length > 0);
  const { tab, open, move } = usePlace(props, panels);
  const step = stepShown(timeline);
  const isPlaced = timeline.place.phase !== 'unplaced';
  const isAsked = isPlaced && (tab === 'steps' || tab === 'context');
  const shown = useStepReport(source, isAsked ? step?.seq : undefined);
  const moment = useMoment(props, tab === 'what-if' ? supposed : undefined);
  const names = useMemo(() => effectNames(props.config ?? {}), [props.config]);
  return (
    <EffectNamesContext.Provider value={names}>
      <article class="actor" data-address={report.address}>
        <ActorHead report={report} why={props.why} isLinked={source.isLinked} />
        <div class="actor-stage">
          <div class="sheet actor-left">
            {chart === undefined ? (
              <Nothing>Neither the store nor this process knows the chart of its machine.</Nothing>
            ) : (
              <ChartStage chart={chart} label={labelOf(report, moment)} moment={moment} />
            )}
            <Scrubber timeline={timeline} move={move} />
          </div>
          <div class="sheet actor-right">
            <Tabs tabs={panels} titles={TITLES} open={tab} choose={open}>
              {tab === 'now' && (
                <NowPanel report={report} why={props.why} isLinked={source.isLinked}>
                  {source.isLinked && (
                    <ActsPanel
                      address={report.address}
                      seq={report.seq}
                      acts={props.acts}
                      done={props.again}
                    />
                  )}
                </NowPanel>
              )}
              {tab === 'steps' && (
                <StepPanel
                  timeline={timeline}
                  shown={shown}
                  isLinked={source.isLinked}
                  select={(seq) => move((before) => shownAt(before, seq))}
                />
              )}
              {tab === 'context' && <ContextPanel report={report} shown={shown} seq={step?.seq} />}
              {tab === 'what-if' && isPlaced && step !== undefined && (
                <WhatIfPanel
                  key={`${source.key} ${timeline.shown ?? 'newest'}`}
                  source={source}
                  timeline={timeline}
                  seq={step.seq}
                  suppose={suppose}
                />
              )}
              {tab === 'what-if' && step === undefined && <Nothing>No step is kept to go on from.</Nothing>}
              {tab === 'history' && <HistoryPanel history={report.history} />}
            </Tabs>
          </div>
        </div>
      </article>
    </EffectNamesContext.Provider>
  );
}

/** Which panel, and which step: as the address says, and back into it. */
function usePlace(
  { view, query, report, timeline, move }: StageProps,
  panels: readonly Tab[],
): {
  readonly tab: Tab;
  readonly open: (tab: Tab) => void;
  readonly move: StageProps['move'];
} {
  const seq = /^\d{1,9}$/.test(query['seq'] ?? '') ? Number(query['seq']) : undefined;
  const asked = panels.find((name) => name === query['tab']) ?? (seq === undefined ? 'now' : 'steps');
  const [tab, setTab] = useState(asked);
  useEffect(() => setTab(asked), [asked]);
  const { shown, place } = timeline;
  // What is to be written soon may be of an older draw than a panel that was opened meanwhile.
  const newest = useRef(tab);
  newest.current = tab;
  const write = (): void => {
    const told = place.phase === 'unplaced' ? seq : shown;
    move((before) => ({ ...before, place: written(before.place, told) }));
    go(hrefOf(view, { ...query, tab: newest.current, seq: told }), 'replace');
  };
  const isThere = reaches(timeline, seq, report.firstSeq);
  useEffect(() => {
    if (isThere) move((before) => asTold(before, seq));
  }, [isThere, seq]);
  useEffect(() => {
    if (!isUntold(place, shown)) return;
    const timer = setTimeout(write, ADDRESS_DELAY_MS);
    return () => clearTimeout(timer);
  }, [place, shown, tab]);
  const moveAndShow = (change: (before: Timeline) => Timeline): void => {
    if (tab === 'now' || tab === 'history') setTab('steps');
    move(change);
  };
  const open = (next: Tab): void => {
    newest.current = next;
    setTab(next);
    write();
  };
  return { tab, open, move: moveAndShow };
}

function useMoment({ report, timeline, config }: StageProps, supposed: WhatIfReport | undefined): Moment {
  const now = useNow();
  const found = useMemo(
    () => (config === undefined ? new Map<string, string>() : invokers(config)),
    [config],
  );
  const step = stepShown(timeline);
  const before = stepBefore(timeline);
  const isNewest = timeline.shown === undefined;
  const badges = useMemo(
    () =>
      isNewest
        ? badgesOf({ timers: report.timers, effects: report.effects, invokers: found, now })
        : new Map<string, string>(),
    [report, found, now, isNewest],
  );
  const last = supposed?.steps.at(-1);
  const from = supposed?.steps.at(-2)?.value ?? supposed?.value ?? null;
  return useMemo(
    () => ({
      value: (isNewest ? report.value : undefined) ?? step?.value ?? null,
      step: step === undefined ? undefined : { event: step.event.type, before: before?.value ?? null },
      badges,
      supposed: last === undefined ? undefined : { event: last.event.type, before: from, value: last.value },
    }),
    [report, step, before, badges, isNewest, last, from],
  );
}

function labelOf({ kind }: ActorReport, { value, supposed }: Moment): string {
  const would = supposed === undefined ? '' : `; what if: ${stateWords(supposed.value)}`;
  return `Chart of ${kind}, in ${stateWords(value) || 'no state'}${would}`;
}

interface ContextProps {
  readonly report: ActorReport;
  readonly shown: ShownReport;
  readonly seq: number | undefined;
}

function ContextPanel({ report, shown, seq }: ContextProps): VNode {
  const { report: step, error } = shown;
  if (error !== undefined) return <Trouble error={error} />;
  if (step?.context !== undefined) {
    return (
      <>
        <p class="soft small">After step {step.seq}.</p>
        <JsonTree value={step.context} label="Context" />
      </>
    );
  }
  if (report.context !== undefined && (seq === undefined || seq === report.seq)) {
    return <JsonTree value={report.context} label="Context" />;
  }
  if (step === undefined) return <Waiting />;
  return <Nothing>{step.unknown ?? 'Its context is not kept.'}</Nothing>;
}
