/**
 * `#/`: all actors, as counts on the charts of their machines.
 *
 * Callers: shell.tsx. Invariant: counts follow the frames as they come; what frames do not tell (times in
 * states, kinds that are new) is asked for again, at most every 10 s.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Population } from '../../../actors/inspection/face.js';
import { useApi, useAsked, useLive } from '../house.js';
import { Trouble, Waiting } from '../notice.js';
import { hrefOf, type Query } from '../router.js';
import { countWords } from '../words.js';
import { crowdWords, KindSheet, sheetId } from './kind-sheet.js';
import { unfinishedOf, withCounts } from './tally.js';

const ASK_AGAIN_MS = 10_000;

export function PopulationView(_props: { readonly query: Query }): VNode {
  const { population, error, again } = usePopulation();
  if (population === undefined)
    return error === undefined ? <Waiting /> : <Trouble error={error} again={again} />;
  const kinds = population.kinds.toSorted(
    (a, b) => Number(a.house) - Number(b.house) || unfinishedOf(b) - unfinishedOf(a) || b.count - a.count,
  );
  const inhabited = kinds.filter(({ count }) => count > 0);
  const empty = kinds.filter(({ count }) => count === 0);
  const total = inhabited.reduce((sum, kind) => sum + kind.count, 0);
  return (
    <>
      <div class="view-head">
        <h1>Population</h1>
        {inhabited.length > 0 && (
          <span class="soft" data-total>
            {countWords(total)} actors of {inhabited.length} {inhabited.length === 1 ? 'kind' : 'kinds'}
          </span>
        )}
      </div>
      {error !== undefined && <Trouble error={error} again={again} />}
      {inhabited.length === 0 && <FirstRun kinds={empty.map(({ kind }) => kind)} />}
      {inhabited.length > 1 && (
        <nav class="kinds" aria-label="Kinds">
          {inhabited.map((kind) => (
            <button
              key={kind.kind}
              type="button"
              onClick={() => goToSheet(kind.kind)}
              title={crowdWords(kind)}
            >
              <code>{kind.kind}</code> <span class="soft">{countWords(unfinishedOf(kind))}</span>
            </button>
          ))}
        </nav>
      )}
      {inhabited.map((kind) => (
        <KindSheet key={kind.kind} kind={kind} />
      ))}
      {empty.length > 0 && inhabited.length > 0 && (
        <p class="notice">
          None of: {empty.map(({ kind }) => kind).join(', ')}. <a href={hrefOf('actors')}>All actors</a>
        </p>
      )}
    </>
  );
}

/** With the focus, so that the keyboard goes on from there. */
function goToSheet(kind: string): void {
  const sheet = document.getElementById(sheetId(kind));
  sheet?.scrollIntoView();
  sheet?.focus({ preventScroll: true });
}

/** Nobody is here: how somebody comes. */
function FirstRun({ kinds }: { readonly kinds: readonly string[] }): VNode {
  return (
    <section class="sheet first-run" aria-label="There is no actor here yet">
      <h2>There is no actor here yet.</h2>
      <p>
        A job, a task, a message to a session, an item of work, or one of your own machines: each is an actor,
        and shows up here as soon as it begins. From your program, or from a shell:
      </p>
      <pre tabIndex={0}>{FIRST_COMMANDS}</pre>
      {kinds.length > 0 && <p class="soft">Kinds that are defined: {kinds.join(', ')}.</p>}
    </section>
  );
}

const FIRST_COMMANDS = `holdfast work add hello --payload '{"to": "the world"}'
holdfast tasks submit 'Read the three manuals'`;

function usePopulation(): {
  readonly population: Population | undefined;
  readonly error: unknown;
  readonly again: () => void;
} {
  const api = useApi();
  const { value, error, again } = useAsked('population', (signal) => api.population(signal));
  const [population, setPopulation] = useState<Population>();
  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setPopulation(value), [value]);
  useEffect(() => () => clearTimeout(pending.current), []);
  const askSoon = (): void => {
    pending.current ??= setTimeout(() => {
      pending.current = undefined;
      again();
    }, ASK_AGAIN_MS);
  };
  useLive({
    gap: again,
    frame: ({ counts }) => {
      if (population === undefined) return;
      const next = withCounts(population, counts);
      if (next === undefined) again();
      else if (counts.length > 0) setPopulation(next);
      askSoon();
    },
  });
  return { population, error, again };
}
