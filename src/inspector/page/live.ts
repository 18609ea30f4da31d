/**
 * What happens in the runtime, as the server tells it: one stream of events for the whole page.
 *
 * Owns: the stream, its reconnections, the newest steps. Callers: main.tsx makes one; views listen through
 * `useLive` and `useConnection` (house.tsx). Invariants:
 *  1  A stream that ends is opened again after 1 s, then 2, 4, ... 30 s; a frame begins that anew.
 *  2  Whoever listens hears `gap` when frames may be missing: it asks for the whole again.
 *  3  A hidden page holds no stream: a browser has six connections a server, for all of its tabs.
 */
import type { LiveFrame } from '../../actors/inspection/face.js';
import { inspectedFromWire } from '../../control/inspection-wire.js';
import { urlOf } from './api.js';

export type Connection = 'connecting' | 'open' | 'lost';
export type LiveStep = LiveFrame['steps'][number];

export interface LiveListener {
  frame?(frame: LiveFrame): void;
  /** Frames may be missing. */
  gap?(): void;
  connection?(state: Connection): void;
}

const AGAIN_MIN_MS = 1_000;
const AGAIN_MAX_MS = 30_000;
const REMEMBERED_STEPS = 200;

export class LiveSource {
  readonly #address: string | undefined;
  readonly #listeners = new Set<LiveListener>();
  #state: Connection = 'connecting';
  #stream: EventSource | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #waitMs = AGAIN_MIN_MS;
  #isMissing = false;
  #recent: readonly LiveStep[] = [];

  /** `address`: of one actor alone. */
  constructor(address?: string) {
    this.#address = address;
  }

  /** Newest first. */
  get recent(): readonly LiveStep[] {
    return this.#recent;
  }

  get connection(): Connection {
    return this.#state;
  }

  /** Returns what ends it. The stream is open while the page is seen. */
  start(): () => void {
    const follow = (): void => (document.hidden ? this.#rest() : this.#open());
    document.addEventListener('visibilitychange', follow);
    follow();
    return () => {
      document.removeEventListener('visibilitychange', follow);
      this.#rest();
    };
  }

  listen(listener: LiveListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #open(): void {
    if (this.#stream !== undefined) return;
    clearTimeout(this.#again);
    const stream = new EventSource(urlOf('v1/live', { address: this.#address }));
    this.#stream = stream;
    stream.addEventListener('open', () => {
      this.#say('open');
      if (this.#isMissing) this.#tellGap();
    });
    stream.addEventListener('behind', () => this.#tellGap());
    stream.addEventListener('message', ({ data }) => this.#take(String(data)));
    stream.addEventListener('error', () => this.#lose());
  }

  /** Closed by us, not lost: what happens meanwhile is missing all the same. */
  #rest(): void {
    clearTimeout(this.#again);
    this.#stream?.close();
    this.#stream = undefined;
    this.#isMissing = true;
  }

  #lose(): void {
    this.#rest();
    this.#say('lost');
    this.#again = setTimeout(() => this.#open(), this.#waitMs);
    this.#waitMs = Math.min(AGAIN_MAX_MS, this.#waitMs * 2);
  }

  #take(data: string): void {
    this.#waitMs = AGAIN_MIN_MS;
    const frame = inspectedFromWire(JSON.parse(data)) as LiveFrame;
    this.#recent = [...frame.steps.toReversed(), ...this.#recent].slice(0, REMEMBERED_STEPS);
    for (const listener of this.#listeners) listener.frame?.(frame);
  }

  #tellGap(): void {
    this.#isMissing = false;
    for (const listener of this.#listeners) listener.gap?.();
  }

  #say(state: Connection): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener.connection?.(state);
  }
}
