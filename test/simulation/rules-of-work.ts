/**
 * The rules of work items and schedules, W1 to W8, that every write of the disk must keep.
 *
 *   W1  an item is done once, by the token of its live claim
 *   W2  an item is claimed where nobody has it, each time under a token of its own
 *   W3  who holds the claim extends it, ends it or gives it back, and nobody else does
 *   W4  a claim is taken away after its time, or with its process, and not before
 *   W5  a failure and a lost claim count one attempt each, giving back none, and the last one ends it
 *   W6  of the live items of a kind one alone has a key
 *   W7  nothing is lost: every item that was enqueued has an end
 *   W8  a schedule numbers its runs, and remembers fifty
 *
 * Callers: the oracle. Invariants: it is a second reading of the spec: it uses none of the chart's rules;
 * what was noted with a write is forgotten when the write is lost.
 */
import type { ActorRecord, JournalEntry } from '../../src/actors/kernel/record.js';
import type {
  ScheduleContext,
  WorkItemContext,
  WorkItemEvent,
  WorkItemInput,
} from '../../src/machines/index.js';
import type { ActorChange, Batch } from './batch.js';
import { Memory, type Writes } from './memory.js';
import type { RuleName, Verdict } from './verdict.js';

/** An item, as its journal says. */
interface Item {
  readonly status: string;
  readonly attempts: number;
  readonly attemptsMax: number;
  /** `kind` and key, where it has one. */
  readonly key: string | undefined;
  readonly token?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly ttlMs?: number | undefined;
  /** The generation that works on it. */
  readonly epoch?: number | undefined;
}

const WORK = 'work/';
const SCHEDULE = 'schedule/';
const HISTORY_MAX = 50;
const LIVE = new Set(['scheduled', 'ready', 'running']);
/** Ends that its holder alone may bring about, or put off. */
const OF_HOLDER = new Set(['work.heartbeat', 'work.done', 'work.fail', 'work.requeue']);
type OfHolder = Extract<
  WorkItemEvent,
  { readonly type: 'work.heartbeat' | 'work.done' | 'work.fail' | 'work.requeue' }
>;

export class RulesOfWork {
  readonly #verdict: Verdict;
  readonly #items: Memory<Item>;
  /** Every token there ever was, with its item. */
  readonly #tokens: Memory<string>;
  /** Who has a key. */
  readonly #holders: Memory<string>;

  constructor(verdict: Verdict, writes: Writes) {
    this.#verdict = verdict;
    this.#items = new Memory(writes);
    this.#tokens = new Memory(writes);
    this.#holders = new Memory(writes);
  }

  check({ actors }: Batch): void {
    // Who lets go of a key first, then who takes it: they may do so in one write.
    const items = [...actors.values()].filter(({ address }) => address.startsWith(WORK));
    const now = new Map(items.map((change) => [change.address, this.#follow(change)]));
    for (const [address, item] of now) if (item?.isLive === false) this.#letGo(address, item.key);
    for (const [address, item] of now) if (item?.isLive === true) this.#take(address, item.key);
    for (const change of actors.values()) {
      if (change.address.startsWith(SCHEDULE)) this.#checkSchedule(change);
    }
  }

  /** Nothing is under way any more. */
  checkRest(): void {
    for (const [address, { status }] of this.#items.entries())
      this.#holds('W7', !LIVE.has(status), () => `${address} is ${status} after the end`);
  }

  /** Takes its new steps into account; tells whether it is still to be worked on, and its key. */
  #follow(change: ActorChange): { readonly isLive: boolean; readonly key: string | undefined } | undefined {
    const { address, entries, after } = change;
    let item = this.#items.get(address);
    for (const entry of entries) {
      item = item === undefined ? begun(entry) : this.#step(address, item, entry);
      if (item !== undefined) this.#items.set(address, item);
    }
    if (item === undefined) return undefined;
    // One that is gone had an end in this write at the latest.
    const isGone = change.isWritten && after === undefined;
    this.#holds('W7', !isGone || !LIVE.has(item.status), () => `${address} was ${item.status}, and is gone`);
    if (after !== undefined && entries.length > 0) this.#compare(address, item, after);
    return { isLive: LIVE.has(item.status), key: item.key };
  }

  /** An event that a machine takes no notice of is in its journal as well: see what it did. */
  #step(address: string, item: Item, entry: JournalEntry): Item {
    const event = entry.event as unknown as WorkItemEvent & { readonly type: string };
    const status = JSON.stringify(entry.value).slice(1, -1);
    const isMoved = status !== item.status || (entry.timers ?? []).length > 0;
    if (event.type === 'work.claim') return isMoved ? this.#claimed(address, item, event, entry.at) : item;
    if (OF_HOLDER.has(event.type)) {
      const { token } = event as OfHolder;
      const isHolder = item.status === 'running' && token === item.token;
      const is = isMoved ? 'did' : 'did not';
      this.#holds(
        'W3',
        isHolder === isMoved,
        () => `${token} ${is} ${event.type}: ${address} is ${item.token}'s`,
      );
      return isMoved ? this.#ofHolder(address, item, event as OfHolder, entry.at, status) : item;
    }
    if (item.status === 'running' && status !== 'running') return this.#away(address, item, entry, status);
    if (status === 'done') this.#holds('W1', item.status === 'done', () => `${address} is done by nobody`);
    const renewed = event.type === 'work.retry' && item.status === 'failed' ? { attempts: 0 } : {};
    return { ...item, ...renewed, status };
  }

  #claimed(
    address: string,
    item: Item,
    { token, ttlMs, epoch }: Extract<WorkItemEvent, { readonly type: 'work.claim' }>,
    at: number,
  ): Item {
    this.#holds('W2', item.status === 'ready', () => `${address} is claimed, and is ${item.status}`);
    const owner = this.#tokens.get(token);
    this.#holds('W2', owner === undefined, () => `${token} of ${address} was given before, for ${owner}`);
    this.#tokens.set(token, address);
    return { ...item, status: 'running', token, expiresAt: at + ttlMs, ttlMs, epoch };
  }

  #ofHolder(address: string, item: Item, event: OfHolder, at: number, status: string): Item {
    const free = { ...item, status, token: undefined, expiresAt: undefined };
    switch (event.type) {
      case 'work.heartbeat':
        return { ...item, expiresAt: Math.max(item.expiresAt ?? 0, at + (event.ttlMs ?? item.ttlMs ?? 0)) };
      case 'work.done':
        this.#holds('W1', status === 'done', () => `${address} is ${status}, and was done`);
        return free;
      case 'work.fail': {
        const attempts = item.attempts + 1;
        const isOver = !event.retry || attempts >= item.attemptsMax;
        const expected = isOver ? 'failed' : 'scheduled';
        this.#holds('W5', status === expected, () => `${address} failed ${attempts} times, and is ${status}`);
        return { ...free, attempts };
      }
      case 'work.requeue':
        this.#holds('W3', status === 'ready', () => `${address} was given back, and is ${status}`);
        return free;
    }
  }

  /** Its claim was taken away, or it was cancelled. */
  #away(address: string, item: Item, { event, at }: JournalEntry, status: string): Item {
    const free = { ...item, status, token: undefined, expiresAt: undefined };
    if (event.type === 'work.cancel') return free;
    const { now, epoch = 0 } = event as unknown as { readonly now?: number; readonly epoch?: number };
    const isOrphan = event.type === 'generation.began' && (item.epoch ?? Infinity) < epoch;
    const isOver = isOrphan || (item.expiresAt ?? 0) < (now ?? at);
    this.#holds('W4', isOver, () => `${address} is taken away at ${at} by ${event.type}: ${item.expiresAt}`);
    const attempts = item.attempts + 1;
    const expected = attempts >= item.attemptsMax ? 'failed' : 'ready';
    this.#holds('W5', status === expected, () => `${address} was lost ${attempts} times, and is ${status}`);
    return { ...free, attempts };
  }

  /** What its record says of it. */
  #compare(address: string, item: Item, { snapshot }: ActorRecord): void {
    const { context } = snapshot as unknown as { readonly context: WorkItemContext };
    const { attempts, claim } = context;
    this.#holds(
      'W5',
      attempts === item.attempts,
      () => `${address} counts ${attempts}, not ${item.attempts}`,
    );
    const isSame = claim?.token === item.token && claim?.expiresAt === item.expiresAt;
    this.#holds('W2', isSame, () => `${address} is claimed by ${claim?.token}, not by ${item.token}`);
  }

  #letGo(address: string, key: string | undefined): void {
    if (key !== undefined && this.#holders.get(key) === address) this.#holders.delete(key);
  }

  #take(address: string, key: string | undefined): void {
    if (key === undefined) return;
    const holder = this.#holders.get(key);
    const isFree = holder === undefined || holder === address;
    this.#holds('W6', isFree, () => `${address} has the key ${key} of ${holder}`);
    this.#holders.set(key, address);
  }

  #checkSchedule({ address, before, after }: ActorChange): void {
    const [earlier, later] = [scheduleOf(before), scheduleOf(after)];
    if (later === undefined) return;
    const rises = later.runs >= (earlier?.runs ?? 0) && later.history.length <= HISTORY_MAX;
    this.#holds('W8', rises, () => `${address} has ${later.runs} runs, and had ${earlier?.runs}`);
  }

  #holds(rule: RuleName, isTrue: boolean, what: () => string): void {
    this.#verdict.holds(rule, isTrue, what);
  }
}

function begun({ event, value }: JournalEntry): Item | undefined {
  const { input } = event as unknown as { readonly input?: WorkItemInput };
  if (input === undefined) return undefined;
  const { kind, dedupeKey, attemptsMax = 5 } = input;
  const key = dedupeKey === undefined ? undefined : `${kind}\0${dedupeKey}`;
  return { status: JSON.stringify(value).slice(1, -1), attempts: 0, attemptsMax, key };
}

function scheduleOf(record: ActorRecord | undefined): ScheduleContext | undefined {
  const { context } = Object(record?.snapshot) as { readonly context?: ScheduleContext };
  return context;
}
