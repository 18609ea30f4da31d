/**
 * `#/capsule`: an actor in a file, shown as one of the store is.
 *
 * Callers: shell.tsx. Invariant: what is shown is in the file and the page alone: a reload forgets it.
 */
import type { VNode } from 'preact';
import { useCallback, useEffect, useId, useMemo, useState } from 'preact/hooks';
import type { CapsuleReport } from '../../../actors/inspection/face.js';
import { useApi } from '../house.js';
import { Trouble, Waiting } from '../notice.js';
import { useRoute } from '../router.js';
import { useCapsuleDoor } from './capsule-door.js';
import { capsuleSource } from './source.js';
import { Stage } from './stage.js';
import { noSteps, withSteps, type Timeline } from './steps-model.js';

export function CapsuleView(): VNode {
  const { dropped } = useCapsuleDoor();
  return (
    <>
      <ChooseFile />
      {dropped.state === 'reading' && <Waiting>Looking at {dropped.name} …</Waiting>}
      {dropped.state === 'refused' && (
        <>
          <p class="notice">{dropped.name} cannot be shown:</p>
          <Trouble error={dropped.error} />
        </>
      )}
      {dropped.state === 'shown' && <Shown capsule={dropped.capsule} report={dropped.report} />}
    </>
  );
}

function ChooseFile(): VNode {
  const { dropped, take } = useCapsuleDoor();
  const id = useId();
  return (
    <div class="capsule-choose">
      {dropped.state !== 'shown' && <h1>A capsule</h1>}
      <p class="row">
        <label for={id}>
          {dropped.state === 'shown'
            ? `From the file ${dropped.name}: nothing is stored. Another one:`
            : 'Drop a capsule file on this page, or choose one. It is looked at here, and stored nowhere.'}
        </label>
        <input
          id={id}
          type="file"
          accept=".json,application/json"
          onInput={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file !== undefined) take(file);
            // The same file, changed meanwhile, may be chosen again.
            currentTarget.value = '';
          }}
        />
      </p>
    </div>
  );
}

function Shown({ capsule, report }: { readonly capsule: unknown; readonly report: CapsuleReport }): VNode {
  const api = useApi();
  const { query } = useRoute();
  const source = useMemo(() => capsuleSource(api, capsule, report), [api, capsule, report]);
  const [timeline, setTimeline] = useState<Timeline>(noSteps);
  useEffect(() => setTimeline(withSteps(noSteps, report.steps)), [report]);
  const move = useCallback((change: (before: Timeline) => Timeline) => setTimeline(change), []);
  const config = report.chart?.config;
  const chart = useMemo(() => (config === undefined ? undefined : { config }), [config]);
  return (
    <Stage
      source={source}
      report={report.actor}
      why={undefined}
      acts={[]}
      timeline={timeline}
      move={move}
      chart={chart}
      config={config}
      view="capsule"
      query={query}
      again={() => undefined}
    />
  );
}
