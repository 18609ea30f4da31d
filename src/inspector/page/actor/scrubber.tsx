/**
 * The line of an actor's steps: forward, back, play.
 *
 * Owns: whether it plays. Callers: stage.tsx. Invariants:
 *  1  It is a range of the platform: arrow keys, Home, End and Page keys move it, and its value is said in
 *     words.
 *  2  Its keys work from the page itself too, where nothing else has the focus.
 *  3  Playing ends at the newest step, and when somebody moves it.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { durationWords, stateWords, timeWords } from '../words.js';
import { useEventWords } from './named-events.js';
import {
  movedBy,
  newerCount,
  positionOf,
  shownAt,
  stepBefore,
  stepShown,
  type Timeline,
} from './steps-model.js';

interface ScrubberProps {
  readonly timeline: Timeline;
  readonly move: (change: (timeline: Timeline) => Timeline) => void;
}

const PLAY_STEP_MS = 500;

export function Scrubber({ timeline, move }: ScrubberProps): VNode {
  const [isPlaying, setPlaying] = useState(false);
  const at = positionOf(timeline);
  const last = timeline.steps.length - 1;
  const isAtEnd = at === last;
  const words = wordsOf(timeline, useEventWords());
  useEffect(() => {
    if (!isPlaying) return;
    if (isAtEnd) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => move((before) => movedBy(before, 1)), PLAY_STEP_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, at, isAtEnd]);
  const by = (count: number): void => {
    setPlaying(false);
    move((before) => movedBy(before, count));
  };
  const to = (index: number): void => {
    setPlaying(false);
    move((before) => shownAt(before, before.steps[index]?.seq));
  };
  useKeys(by);
  const play = (): void => {
    if (!isPlaying && isAtEnd) move((before) => movedBy(before, -before.steps.length));
    setPlaying(!isPlaying);
  };
  return (
    <section class="scrubber" aria-label="Time travel">
      <div class="scrubber-line">
        <Sign sign={isPlaying ? '❚❚' : '▶'} name={isPlaying ? 'Pause' : 'Play'} act={play} isOff={last < 1} />
        <Sign sign="‹" name="Step back" act={() => by(-1)} isOff={at <= 0} />
        <input
          type="range"
          aria-label="Step"
          aria-valuetext={words}
          min={0}
          max={Math.max(last, 0)}
          value={Math.max(at, 0)}
          disabled={last < 1}
          onInput={({ currentTarget }) => to(Number(currentTarget.value))}
        />
        <Sign sign="›" name="Step forward" act={() => by(1)} isOff={isAtEnd} />
        <NewestButton
          newer={newerCount(timeline)}
          isAtEnd={timeline.shown === undefined}
          onClick={() => move((t) => shownAt(t, undefined))}
        />
      </div>
      {/* Said to who moves, not at every step that an actor takes by itself. */}
      <p class="scrubber-words" aria-live={timeline.shown === undefined ? 'off' : 'polite'}>
        {words}
      </p>
    </section>
  );
}

interface SignProps {
  readonly sign: string;
  readonly name: string;
  readonly act: () => void;
  readonly isOff: boolean;
}

function Sign({ sign, name, act, isOff }: SignProps): VNode {
  return (
    <button type="button" class="quiet" onClick={act} disabled={isOff} aria-label={name} title={name}>
      {sign}
    </button>
  );
}

/** Where nothing else has the focus. */
function useKeys(by: (count: number) => void): void {
  const newest = useRef(by);
  newest.current = by;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const change = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      const isOurs = event.target === document.body || event.target === document.querySelector('main');
      if (change === undefined || !isOurs || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      newest.current(change);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function NewestButton(props: {
  readonly newer: number;
  readonly isAtEnd: boolean;
  readonly onClick: () => void;
}): VNode {
  const { newer, isAtEnd, onClick } = props;
  if (isAtEnd) return <span class="mark mark-good">newest</span>;
  return (
    <button type="button" class="scrubber-newest" onClick={onClick}>
      {newer > 0 ? `${newer} newer` : 'to the newest'}
    </button>
  );
}

/** `Step 12 of 40 · poll.due → polling · 10:01:02.123 · +2 s`. */
function wordsOf(timeline: Timeline, eventWords: (type: string) => string): string {
  const step = stepShown(timeline);
  if (step === undefined) return 'No step is kept.';
  const before = stepBefore(timeline);
  const last = timeline.steps.at(-1)?.seq ?? step.seq;
  const later = before === undefined ? [] : [`${durationWords(step.at - before.at)} after the one before`];
  const state = stateWords(step.value);
  return [
    `Step ${step.seq} of ${last}`,
    state === '' ? eventWords(step.event.type) : `${eventWords(step.event.type)} → ${state}`,
    timeWords(step.at),
    ...later,
  ].join(' · ');
}
