/**
 * One actor, followed: what is known of it, read again whenever it takes a step.
 *
 * Owns: the stream of one actor's steps, the reads. Callers: actor-view.tsx. Invariants:
 *  1  What was once shown stays when a later read fails; the failure is beside it.
 *  2  All kept steps are there in the end, the newest first.
 *  3  Where one stands is moved by who reads, never by what arrives.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ActorReport, ActView, StepLine, WhyReport } from '../../../actors/inspection/face.js';
import { isAborted, type Api } from '../api.js';
import { useApi } from '../house.js';
import { LiveSource } from '../live.js';
import { OneAtATime } from './one-at-a-time.js';
import { noSteps, withSteps, type Timeline } from './steps-model.js';

interface Followed {
  readonly report?: ActorReport;
  readonly why?: WhyReport;
  readonly acts: readonly ActView[];
  readonly timeline: Timeline;
  /** Of the newest read. */
  readonly error?: unknown;
}

export interface Following extends Followed {
  /** Reads all of it again. */
  readonly again: () => void;
  /** Changes where one stands. */
  readonly move: (change: (timeline: Timeline) => Timeline) => void;
}

const AGAIN_MS = 5_000;
const FIRST_STEPS = 200;
const PAGE_STEPS = 1_000;
/** A journal has about 1,024 entries: pages are bounded, not rows. */
const PAGES_MAX = 8;
const nothing: Followed = { acts: [], timeline: noSteps };

export function useFollowing(address: string): Following {
  const api = useApi();
  const [followed, setFollowed] = useState<Followed>(nothing);
  const reader = useRef<OneAtATime>(undefined);
  useEffect(() => {
    let known = 0;
    setFollowed(nothing);
    const read = new OneAtATime(async (signal) => {
      try {
        const { why, ...found } = await readActor(api, address, signal);
        setFollowed(({ timeline, ...before }) => {
          const { error: _mended, ...rest } = before;
          return { ...rest, ...found, timeline, ...(why !== undefined && { why }) };
        });
        const newest = found.report.seq ?? 0;
        for await (const steps of stepsSince(api, address, known, newest, signal)) {
          setFollowed((before) => ({ ...before, timeline: withSteps(before.timeline, steps) }));
        }
        known = newest;
      } catch (error) {
        if (!isAborted(error)) setFollowed((before) => ({ ...before, error }));
      }
    });
    reader.current = read;
    read.poke();
    const live = new LiveSource(address);
    const unlisten = live.listen({ frame: () => read.poke(), gap: () => read.poke() });
    const close = live.start();
    // What is said of how long it is there grows old, though nothing happens.
    const timer = setInterval(() => document.hidden || read.poke(), AGAIN_MS);
    return () => {
      clearInterval(timer);
      unlisten();
      close();
      read.stop();
    };
  }, [api, address]);
  const again = useCallback(() => reader.current?.poke(), []);
  const move = useCallback(
    (change: (timeline: Timeline) => Timeline) =>
      setFollowed((before) => ({ ...before, timeline: change(before.timeline) })),
    [],
  );
  return { ...followed, again, move };
}

interface Read extends Pick<Followed, 'why' | 'acts'> {
  readonly report: ActorReport;
}

/** Without the report there is nothing to show; without the others there is less. */
async function readActor(api: Api, address: string, signal: AbortSignal): Promise<Read> {
  const [report, why, acts] = await Promise.all([
    api.actor(address, signal),
    api.why(address, signal).catch(() => undefined),
    api.acts(address, signal).catch(() => []),
  ]);
  signal.throwIfAborted();
  return { report, acts, ...(why !== undefined && { why }) };
}

/** Pages of steps after the known one, newest first. */
async function* stepsSince(
  api: Api,
  address: string,
  known: number,
  newest: number,
  signal: AbortSignal,
): AsyncGenerator<readonly StepLine[]> {
  let before: number | undefined;
  const first = known === 0 ? FIRST_STEPS : Math.min(PAGE_STEPS, newest - known);
  if (first <= 0) return;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const limit = page === 0 ? first : PAGE_STEPS;
    const { items, cursor } = await api.steps(address, { before, limit }, signal);
    signal.throwIfAborted();
    yield items;
    const [oldest] = items;
    if (cursor === undefined || oldest === undefined || oldest.seq <= known + 1) return;
    before = Number(cursor);
  }
}
