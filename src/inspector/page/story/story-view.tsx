/**
 * `#/story?address&seq`: what one event led to, across all actors, as a sequence diagram.
 *
 * Callers: shell.tsx. Invariant: the diagram is links and text; it scrolls in its own box.
 */
import type { VNode } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Story } from '../../../actors/inspection/face.js';
import { useApi, useAsked } from '../house.js';
import { Nothing, Trouble, Waiting } from '../notice.js';
import { hrefOf, type Query } from '../router.js';
import { durationWords, stateWords, timeWords } from '../words.js';
import { diagramOf, GUTTER_PX, type Arrow, type Diagram, type StepBox } from './diagram.js';

const HEAD_PX = 40;

export function StoryView({ query }: { readonly query: Query }): VNode {
  const api = useApi();
  const { address = '' } = query;
  const seq = /^\d{1,9}$/.test(query['seq'] ?? '') ? Number(query['seq']) : undefined;
  const {
    value: story,
    error,
    again,
  } = useAsked(`${address} ${seq}`, (signal) => api.story(address, seq, signal));
  return (
    <>
      <div class="view-head">
        <h1>Story</h1>
        {story !== undefined && <StoryWords story={story} />}
      </div>
      {error !== undefined && <Trouble error={error} again={again} />}
      {story === undefined && error === undefined && <Waiting />}
      {story !== undefined && <StorySheet story={story} chosen={`${address} ${seq}`} />}
    </>
  );
}

function StoryWords({ story: { root, steps, actors, cut } }: { readonly story: Story }): VNode {
  const lasted = (steps.at(-1)?.at ?? 0) - (steps[0]?.at ?? 0);
  return (
    <>
      <span class="soft">
        {steps.length} {steps.length === 1 ? 'step' : 'steps'} of {actors.length}{' '}
        {actors.length === 1 ? 'actor' : 'actors'} in {durationWords(lasted)}, from{' '}
        <a class="mono" href={hrefOf('actor', { ...root })}>
          {root.address}:{root.seq}
        </a>
      </span>
      {cut && <span class="mark mark-warn">it goes on: cut here</span>}
    </>
  );
}

function StorySheet({ story, chosen }: { readonly story: Story; readonly chosen: string }): VNode {
  const diagram = useMemo(() => diagramOf(story), [story]);
  if (story.steps.length === 0) return <Nothing>No step of it is kept.</Nothing>;
  return (
    <>
      <div class="sheet story" role="group" aria-label="Sequence diagram" tabIndex={0}>
        <StoryHead diagram={diagram} />
        <svg
          class="story-body"
          width={diagram.width}
          height={diagram.height}
          aria-label="Steps, by time"
          role="group"
        >
          {diagram.columns.map(({ address, x }) => (
            <line key={address} class="life" x1={x} x2={x} y1={0} y2={diagram.height} />
          ))}
          {diagram.arrows.map((arrow) => (
            <ArrowLine key={arrow.key} arrow={arrow} />
          ))}
          {diagram.boxes.map((box) => (
            <Step key={`${box.step.address} ${box.step.seq}`} box={box} chosen={chosen} />
          ))}
        </svg>
      </div>
      <Mermaid text={story.mermaid} />
    </>
  );
}

function StoryHead({ diagram: { width, columns } }: { readonly diagram: Diagram }): VNode {
  return (
    <svg class="story-head" width={width} height={HEAD_PX} role="group" aria-label="Actors">
      {columns.map(({ address, words, x }) => (
        <a
          key={address}
          href={hrefOf('actor', { address })}
          aria-label={words === address ? address : `${words}: ${address}`}
        >
          <title>{address}</title>
          <text x={x} y={25} text-anchor="middle">
            {words}
          </text>
        </a>
      ))}
    </svg>
  );
}

function ArrowLine({ arrow: { from, to, y, words, isInferred } }: { readonly arrow: Arrow }): VNode {
  const back = from < to ? -7 : 7;
  return (
    <g class={`arrow${words === undefined ? '' : ' outside'}${isInferred ? ' inferred' : ''}`}>
      {words !== undefined && (
        <text x={from - 6} y={y - 5} text-anchor="end">
          {words}
        </text>
      )}
      {words === undefined && <circle cx={from} cy={y} r={3} />}
      <line x1={from} x2={to} y1={y} y2={y} />
      <path d={`M${to} ${y}l${back} -4v8z`} />
    </g>
  );
}

function Step({ box, chosen }: { readonly box: StepBox; readonly chosen: string }): VNode {
  const { step, x, y, width, height, words, state, stateY, gap } = box;
  const { address, seq, event, at, source, value } = step;
  const told = `${address}, step ${seq}: ${event.type}, from ${source}; then ${stateWords(value)}`;
  const middle = x + width / 2;
  return (
    <g>
      {gap !== '' && (
        <text class="gap" x={GUTTER_PX - 52} y={y + 30} text-anchor="end">
          {gap}
        </text>
      )}
      <a
        class={`${address} ${seq}` === chosen ? 'step is-chosen' : 'step'}
        href={hrefOf('actor', { address, seq })}
        aria-label={`${words}: ${told}`}
      >
        <title>{`${told}\n${timeWords(at)}`}</title>
        <rect x={x} y={y} width={width} height={height} rx={6} />
        <text x={middle} y={y + 17} text-anchor="middle">
          {words}
        </text>
      </a>
      {state !== undefined && (
        <text class="after" x={middle} y={stateY} text-anchor="middle">
          {state}
        </text>
      )}
    </g>
  );
}

function Mermaid({ text }: { readonly text: string }): VNode {
  const source = useRef<HTMLPreElement>(null);
  const [said, setSaid] = useState('');
  const copy = (): void => {
    const select = (): void => {
      if (source.current === null) return;
      getSelection()?.selectAllChildren(source.current);
      setSaid('Selected: copy it with the keyboard.');
    };
    // There is no clipboard on a page that came neither from this machine nor over TLS.
    const { clipboard } = navigator as Partial<Navigator>;
    if (clipboard === undefined) select();
    else clipboard.writeText(text).then(() => setSaid('Copied.'), select);
  };
  return (
    <details class="sheet mermaid">
      <summary>As Mermaid text</summary>
      <div class="row sheet-body">
        <button type="button" onClick={copy}>
          Copy
        </button>
        <span class="soft" role="status">
          {said}
        </span>
      </div>
      <pre ref={source} tabIndex={0} aria-label="Mermaid text">
        {text}
      </pre>
    </details>
  );
}
