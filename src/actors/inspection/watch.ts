/**
 * What happens, told in frames: the newest steps, and the counts that changed.
 *
 * Owns: who watches, and what is not told yet. Callers: inspection.ts. Invariants:
 *  1  While nobody watches, a step costs nothing. While somebody does, it costs a place in a list: lines are
 *     made once a frame, for all who watch.
 *  2  A frame comes `limits.inspectorFrameGapMs` after the first thing it tells, and has the newest
 *     `limits.inspectorFrameStepsMax` steps; others are counted.
 *  3  Who throws is let go, and keeps nobody from hearing.
 */
import { addressOf, splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { CommittedStep, StateCount } from '../kernel/index.js';
import type { LiveFrame } from './face.js';
import { bareStep, stateIn } from './lines.js';
import type { Scene } from './scene.js';
import { veiled } from './veil.js';

type Listener = (frame: LiveFrame) => void;

export class Watch {
  readonly #scene: Scene;
  #all: Feed | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Returns a function that stops it; stopping twice is harmless. Throws INVALID_ID. */
  add(listener: Listener, address: string | undefined): () => void {
    if (address !== undefined) {
      const { kind, id } = splitAddress(address);
      return new Feed(this.#scene, addressOf(kind, id)).add(listener);
    }
    this.#all ??= new Feed(this.#scene, undefined);
    return this.#all.add(listener);
  }
}

/** The steps of one actor, or of all, for those who watch them. */
class Feed {
  readonly #scene: Scene;
  readonly #address: string | undefined;
  readonly #listeners = new Set<{ readonly tell: Listener }>();
  #stop: (() => void) | undefined;
  #cancel: (() => void) | undefined;
  #steps: CommittedStep[] = [];
  #more = 0;
  /** As told last. */
  #counts: ReadonlyMap<string, StateCount> = new Map();

  constructor(scene: Scene, address: string | undefined) {
    this.#scene = scene;
    this.#address = address;
  }

  add(tell: Listener): () => void {
    const listener = { tell };
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#begin();
    return () => this.#remove(listener);
  }

  #remove(listener: { readonly tell: Listener }): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#end();
  }

  #begin(): void {
    const { kernel } = this.#scene;
    const heard = (step: CommittedStep): void => this.#hear(step);
    this.#counts = this.#present();
    this.#stop = this.#address === undefined ? kernel.onStep(heard) : kernel.subscribe(this.#address, heard);
  }

  #end(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#steps = [];
    this.#more = 0;
  }

  #hear(step: CommittedStep): void {
    this.#steps.push(step);
    // Twice as many are let come before the older half goes: one move of a list for many steps.
    if (this.#steps.length >= 2 * limits.inspectorFrameStepsMax) this.#drop();
    this.#cancel ??= this.#scene.clock.schedule(limits.inspectorFrameGapMs, () => this.#flush());
  }

  #drop(): void {
    const over = Math.max(0, this.#steps.length - limits.inspectorFrameStepsMax);
    this.#more += over;
    this.#steps = this.#steps.slice(over);
  }

  #flush(): void {
    this.#cancel = undefined;
    this.#drop();
    const [steps, more] = [this.#steps, this.#more];
    this.#steps = [];
    this.#more = 0;
    const lines = steps.map(({ address, entry }) => bareStep(address, entry));
    const frame = veiled({ steps: lines, more, counts: this.#changed() }, this.#madeOf(steps));
    for (const listener of this.#listeners) this.#tell(listener, frame);
  }

  /** Contexts, once an actor; a long queue's would cost more than the frame. */
  #madeOf(steps: readonly CommittedStep[]): readonly unknown[] {
    const newest = new Map(steps.map((step) => [step.address, step]));
    return [...newest.values()].flatMap(({ kind, snapshot }) =>
      this.#scene.kernel.definitionOf(kind)?.paged === undefined ? [snapshot.context as unknown] : [],
    );
  }

  #tell(listener: { readonly tell: Listener }, frame: LiveFrame): void {
    const failed = (error: unknown): void => {
      this.#remove(listener);
      this.#scene.log.error({ err: error }, 'listener.failed');
    };
    try {
      // Somebody else's code: it may be an async function.
      const returned: unknown = listener.tell(frame);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #changed(): LiveFrame['counts'] {
    const present = this.#present();
    const earlier = this.#counts;
    this.#counts = present;
    const gone = [...earlier].flatMap(([key, row]) => (present.has(key) ? [] : [{ ...row, count: 0 }]));
    const moved = [...present].flatMap(([key, row]) => (earlier.get(key)?.count === row.count ? [] : [row]));
    return [...moved, ...gone].map(({ kind, version, hash, state, count, finished }) => {
      return { kind, version, hash, value: stateIn(JSON.parse(state) as Json), count, finished };
    });
  }

  /** Who watches one actor is not told of counts. */
  #present(): ReadonlyMap<string, StateCount> {
    if (this.#address !== undefined) return new Map();
    const rows = this.#scene.kernel.counts();
    return new Map(rows.map((row) => [[row.kind, row.version, row.hash, row.state].join('\0'), row]));
  }
}
