/**
 * What Stately's inspector shows, of actors here: its frames, rebuilt from their journals, then live.
 *
 * An actor is introduced by `@xstate.actor`, with its chart; each of its kept steps is an `@xstate.event` and
 * the `@xstate.snapshot` that it led to. Dormant and ended actors are told of like all others.
 * Owns: the watch, while somebody reads. Callers: stately-route.ts. Invariants:
 *  1  It is drawn, not pushed: who reads slowly is told of the steps he missed as far as they are kept, and
 *     nothing piles up but addresses: of those it was told of, and of as many others, each at most
 *     `limits.inspectorReceiverActorsMax`.
 *  2  What it tells is what `runtime.inspection` shows: without secrets.
 */
import type { Clock } from '../clock.js';
import { isHoldfastError } from '../errors.js';
import { splitAddress } from '../ids.js';
import type { ActorReport, InspectionFace, StepReport } from '../index.js';
import type { Json } from '../json.js';
import { limits } from '../limits.js';

/** One actor, or those of one kind. */
export interface StatelyWish {
  readonly address?: string | undefined;
  readonly kind?: string | undefined;
}

/** As `@statelyai/inspect` 0.7 reads it. */
export type StatelyFrame = Readonly<Record<string, unknown>> & {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  readonly sessionId: string;
};

const VERSION = '0.7.2';
const ANCESTORS_MAX = 16;
/** Of an actor that went on: seldom more since it was told of. */
const NEWS_STEPS = 16;

interface Told {
  readonly rootId: string;
  seq: number;
}

/**
 * Ends when `signal` aborts; undefined is told when there is nothing to tell for a while. Throws
 * ACTOR_NOT_FOUND for an address before its first frame, INVALID_ID.
 */
export async function* statelyFrames(
  inspection: InspectionFace,
  wish: StatelyWish,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<StatelyFrame | undefined> {
  const teller = new Teller(inspection, wish);
  const { address } = wish;
  const news = new News(clock, signal, (told) => teller.hasTold(told));
  const stop = inspection.watch(
    ({ steps, more }) => news.put(teller.concerned(steps, more)),
    address === undefined ? {} : { address },
  );
  try {
    const first = address === undefined ? await teller.listed() : [address];
    const stepsMax = Math.max(1, Math.floor(limits.inspectorReceiverStepsMax / Math.max(1, first.length)));
    for (const each of first) {
      // The one that was asked for must be there; of a kind, some may just have gone.
      if (address === undefined) yield* present(teller.introduced(each, stepsMax));
      else yield* teller.introduced(each, stepsMax);
    }
    // Who asked hears that there is nobody, too.
    yield undefined;
    while (!signal.aborted) {
      const changed = await news.take();
      if (changed.length === 0) yield undefined;
      for (const each of changed) yield* present(teller.goneOn(each));
    }
  } finally {
    stop();
    news.close();
  }
}

/** Addresses of actors that went on, until they are taken. */
class News {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #isTold: (address: string) => boolean;
  readonly #changed = new Set<string>();
  #wake = (): void => undefined;

  constructor(clock: Clock, signal: AbortSignal, isTold: (address: string) => boolean) {
    this.#clock = clock;
    this.#signal = signal;
    this.#isTold = isTold;
    signal.addEventListener('abort', this.#heard, { once: true });
  }

  put(addresses: readonly string[]): void {
    for (const address of addresses) {
      const hasRoom = this.#changed.size < limits.inspectorReceiverActorsMax;
      if (hasRoom || this.#isTold(address)) this.#changed.add(address);
    }
    this.#wake();
  }

  /** Those since the last time; none after `limits.inspectorHeartbeatMs`, and when it is over. */
  async take(): Promise<readonly string[]> {
    if (this.#changed.size === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.schedule(limits.inspectorHeartbeatMs, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
    const taken = [...this.#changed];
    this.#changed.clear();
    return taken;
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#heard);
  }

  readonly #heard = (): void => this.#wake();
}

/** Who was told of, and up to which step. */
class Teller {
  readonly #inspection: InspectionFace;
  readonly #wish: StatelyWish;
  readonly #told = new Map<string, Told>();
  readonly #charts = new Map<string, string | undefined>();

  constructor(inspection: InspectionFace, wish: StatelyWish) {
    this.#inspection = inspection;
    this.#wish = wish;
  }

  hasTold(address: string): boolean {
    return this.#told.has(address);
  }

  /** The newest of a kind, or of all. */
  async listed(): Promise<readonly string[]> {
    const { kind } = this.#wish;
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const limit = limits.inspectorReceiverActorsMax - found.length;
      const page = await this.#inspection.list({ kind, cursor, limit });
      found.push(...page.items.map(({ address }) => address));
      cursor = page.cursor;
    } while (cursor !== undefined && found.length < limits.inspectorReceiverActorsMax);
    return found;
  }

  /** Of the steps of a live frame, whose they are; everybody who was told of, where some had no room. */
  concerned(steps: readonly { readonly address: string }[], more: number): readonly string[] {
    const { kind } = this.#wish;
    const named = steps.map(({ address }) => address);
    const wanted = named.filter((address) => kind === undefined || splitAddress(address).kind === kind);
    const known = wanted.filter(
      (address) => this.#told.has(address) || this.#told.size < limits.inspectorReceiverActorsMax,
    );
    return more === 0 ? known : [...known, ...this.#told.keys()];
  }

  async *introduced(address: string, stepsMax: number): AsyncGenerator<StatelyFrame> {
    if (this.#told.has(address)) return;
    const report = await this.#inspection.actor(address);
    const { items } = await this.#inspection.steps(address, { limit: stepsMax });
    const parentId = parentOf(report);
    const told: Told = { rootId: await this.#rootOf(report), seq: (items[0]?.seq ?? 1) - 1 };
    this.#told.set(address, told);
    const first = items[0] && (await this.#step(address, items[0].seq));
    yield {
      type: '@xstate.actor',
      name: report.id,
      ...(parentId !== undefined && { parentId }),
      ...this.#common(address, told, report.createdAt ?? first?.at ?? 0),
      definition: await this.#definition(report),
      snapshot: first === undefined ? snapshotOf(report) : snapshotOf(first),
    };
    yield* this.#steps(address, told, items);
  }

  async *goneOn(address: string): AsyncGenerator<StatelyFrame> {
    const told = this.#told.get(address);
    if (told === undefined) {
      if (this.#told.size < limits.inspectorReceiverActorsMax)
        yield* this.introduced(address, limits.inspectorReceiverStepsMax);
      return;
    }
    const few = await this.#inspection.steps(address, { limit: NEWS_STEPS });
    const isAll = (few.items[0]?.seq ?? 0) <= told.seq + 1;
    const { items } = isAll
      ? few
      : await this.#inspection.steps(address, { limit: limits.inspectorReceiverStepsMax });
    yield* this.#steps(address, told, items);
  }

  async *#steps(
    address: string,
    told: Told,
    lines: readonly { readonly seq: number }[],
  ): AsyncGenerator<StatelyFrame> {
    for (const { seq } of lines) {
      if (seq <= told.seq) continue;
      const step = await this.#step(address, seq);
      told.seq = seq;
      if (step === undefined) continue;
      const common = this.#common(address, told, step.at);
      const sourceId = step.source.startsWith('actor:') ? step.source.slice('actor:'.length) : undefined;
      yield {
        type: '@xstate.event',
        ...common,
        ...(sourceId !== undefined && { sourceId }),
        event: step.event,
      };
      yield { type: '@xstate.snapshot', ...common, event: step.event, snapshot: snapshotOf(step) };
    }
  }

  /** Undefined: it has been cut off meanwhile. */
  async #step(address: string, seq: number): Promise<StepReport | undefined> {
    try {
      return await this.#inspection.step(address, seq);
    } catch (error) {
      if (isHoldfastError(error, 'STEP_NOT_KEPT')) return undefined;
      throw error;
    }
  }

  #common(address: string, { rootId }: Told, at: number) {
    return { sessionId: address, rootId, id: null, createdAt: String(at), _version: VERSION };
  }

  /** What `createMachine` accepts, as text; undefined where nobody knows the machine. */
  async #definition({ kind, version, hash }: ActorReport): Promise<string | undefined> {
    const key = [kind, version, hash].join('\n');
    if (!this.#charts.has(key)) {
      const chart = this.#inspection.chart(kind, version, hash).catch((error: unknown) => {
        if (isHoldfastError(error, 'CHART_UNKNOWN')) return undefined;
        throw error;
      });
      const config = (await chart)?.config;
      this.#charts.set(key, config && JSON.stringify(config));
    }
    return this.#charts.get(key);
  }

  async #rootOf(report: ActorReport): Promise<string> {
    let root = report.address;
    let parent = parentOf(report);
    for (let depth = 0; parent !== undefined && depth < ANCESTORS_MAX; depth += 1) {
      root = parent;
      const above = await this.#inspection.actor(parent).catch((error: unknown) => {
        if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return undefined;
        throw error;
      });
      parent = above && parentOf(above);
    }
    return root;
  }
}

function parentOf({ links }: ActorReport): string | undefined {
  return links.find(({ rel }) => rel === 'parent')?.address;
}

/** What a step has of a snapshot, and an actor whose steps are not kept. */
interface Seen {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: Json;
  readonly output?: Json;
  readonly error?: Json;
}

function snapshotOf({ status, value, context = {}, output, error }: Seen): Readonly<Record<string, unknown>> {
  return {
    status: ['done', 'error', 'stopped'].includes(status) ? status : 'active',
    ...{ value, context, children: {}, historyValue: {}, tags: [] },
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
  };
}

/** Of an actor that may be gone by now: then nothing more is told of it. */
async function* present(frames: AsyncGenerator<StatelyFrame>): AsyncGenerator<StatelyFrame> {
  try {
    yield* frames;
  } catch (error) {
    if (!isHoldfastError(error, 'ACTOR_NOT_FOUND')) throw error;
  }
}
