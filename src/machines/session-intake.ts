/**
 * What comes into a session's queue, and what leaves it before a turn: new work, messages under a queue mode,
 * cancellations.
 *
 * Pure. Callers: the session chart; the façade, for its refusals. Invariants:
 *  I1  A source key stands for one batch at a time; repeating it changes nothing.
 *  I2  A wake at or below the highest settled one of its process is not taken again.
 *  I3  What a mode drops is counted, and its payloads and keys go in the same step.
 */
import { batchIdOf, headOf, isLive } from './session-claims.js';
import { appended, changed, found } from './session-pages.js';
import { envelopeOf } from './envelope.js';
import { isWellFormed } from './session-shape.js';
import type { ActorCreate, FileHold, HistoryAppend, PayloadDelete, PayloadPut } from './reserved.js';
import type {
  BatchHead,
  DraftHead,
  DroppedSummary,
  FloorRow,
  KeyRow,
  ModeSettings,
  SessionContext,
  SessionEvent,
  WaitingMessage,
} from './session-words.js';

/** A durable action. */
export type SessionAsk =
  | { readonly type: 'payload.put'; readonly params: PayloadPut }
  | { readonly type: 'payload.delete'; readonly params: PayloadDelete }
  | { readonly type: 'file.hold' | 'file.release'; readonly params: FileHold }
  | { readonly type: 'history.append'; readonly params: HistoryAppend }
  | { readonly type: 'actor.create'; readonly params: ActorCreate };

/** What a step makes of the session: its new context, and what else is written with it. */
export interface Change {
  readonly context: Partial<SessionContext>;
  readonly asks: readonly SessionAsk[];
}

export const NO_CHANGE: Change = { context: {}, asks: [] };

/** Batches of one session; one more is refused, unless another actor brings it. */
const BATCHES_MAX = 100_000;
/** Dropped messages that a summary has a line of. */
const SUMMARY_LINES_MAX = 100;

export type EnqueueRefusal =
  | {
      readonly type: 'known';
      readonly batchId: string;
      readonly contentMatches: boolean;
      readonly settled: boolean;
    }
  | { readonly type: 'handled'; readonly sequence: number }
  | { readonly type: 'full'; readonly cap: number };

type Enqueue = Extract<SessionEvent, { type: 'session.enqueue' }>;
type Arrived = Extract<SessionEvent, { type: 'message.arrived' }>;

/** Why new work is not taken; undefined: it is. */
export function enqueueRefusal(
  context: SessionContext,
  event: Enqueue | Arrived,
): EnqueueRefusal | undefined {
  const { draft } = event;
  const { rows = {}, at } = envelopeOf(event);
  const key = draft.key === undefined ? undefined : (rows[keyRow(draft.key)] as KeyRow | undefined);
  if (key !== undefined && (key.until === undefined || key.until > at)) {
    const { batchId, digest, until } = key;
    return { type: 'known', batchId, contentMatches: digest === draft.digest, settled: until !== undefined };
  }
  for (const { process, sequence } of draft.wakes ?? []) {
    const floor = rows[floorRow(process)] as FloorRow | undefined;
    if (floor !== undefined && floor.until > at && sequence <= floor.sequence)
      return { type: 'handled', sequence: floor.sequence };
  }
  // Another actor would never hear of it: what it brings is taken, and is as much as there are jobs.
  const isFromActor = event.type === 'session.enqueue' && event.row !== undefined;
  if (context.counts.batches >= BATCHES_MAX && !isFromActor) return { type: 'full', cap: BATCHES_MAX };
  if (event.type === 'session.enqueue') return undefined;
  const { cap, drop, mode } = settingsOf(context, event.channel);
  const isFull = mode !== 'interrupt' && drop === 'new' && waitingAt(context, event.channel).length >= cap;
  return isFull ? { type: 'full', cap } : undefined;
}

/** The names of the rows that a step of this event must see; undefined when it is no event of a session's. */
export function rowsReadBy(context: SessionContext, event: SessionEvent): readonly string[] | undefined {
  if (!isWellFormed(event)) return undefined;
  switch (event.type) {
    case 'session.enqueue':
      return [...keysOf(event.draft), ...floorsOf([event.draft])];
    case 'message.arrived': {
      // An interrupting one settles what the running turn has claimed.
      const claims = (context.turn?.claims ?? []).flatMap((id) => context.claims[id] ?? []);
      const heads = claims.flatMap(({ seqs }) => seqs.flatMap((seq) => found(context.pages, seq) ?? []));
      return [...keysOf(event.draft), ...floorsOf(heads)];
    }
    case 'claims.complete': {
      const heads = event.claims.flatMap(({ batchIds }) =>
        batchIds.flatMap((id) => headOf(context, id) ?? []),
      );
      return [...(event.turnId === undefined ? [] : [turnRow(event.turnId)]), ...floorsOf(heads)];
    }
    default:
      return [];
  }
}

function keysOf({ key }: DraftHead): readonly string[] {
  return key === undefined ? [] : [keyRow(key)];
}

function floorsOf(heads: readonly Pick<DraftHead, 'wakes'>[]): readonly string[] {
  const marks = heads.flatMap(({ wakes = [] }) => wakes);
  return [...new Set(marks.map(({ process }) => floorRow(process)))];
}

/** New work, as it was asked for. */
export function enqueued(context: SessionContext, event: Enqueue): Change {
  return added(context, event, event.draft, {});
}

/** The settings that hold for messages of a channel. */
export function settingsOf(context: SessionContext, channel: string): ModeSettings {
  const { channels, session } = context.modes;
  return channels[doorOf(context, channel)] ?? session;
}

/** Messages under one mode come through one door: a channel's own, or '' for that of the session. */
function doorOf({ modes }: SessionContext, channel: string): string {
  return Object.hasOwn(modes.channels, channel) ? channel : '';
}

/** What waits at the door that a channel's messages come through. */
function waitingAt(context: SessionContext, channel: string): readonly WaitingMessage[] {
  const door = doorOf(context, channel);
  return context.messages.filter((message) => doorOf(context, message.channel) === door);
}

/** A message of the mode's door, under the policies that its mode stands for. */
export function arrived(
  context: SessionContext,
  event: Arrived,
  policies: Pick<DraftHead, 'deliver' | 'slot' | 'merge'>,
): Change {
  const { channel, line } = event;
  const room = madeRoom(context, event);
  const draft = { ...event.draft, ...policies };
  const change = added({ ...context, ...room.context }, event, draft, { channel, line });
  return { context: { ...room.context, ...change.context }, asks: [...room.asks, ...change.asks] };
}

/** The same under `collect`: it and its like that wait become available once it has been quiet. */
export function collected(context: SessionContext, event: Arrived): Change {
  const { at } = envelopeOf(event);
  const merge = `Gcollect:${event.channel}` as const;
  const availableAt = at + settingsOf(context, event.channel).debounceMs;
  const draft = { ...event.draft, availableAt };
  const change = arrived(context, { ...event, draft }, { deliver: 'A', slot: 'J', merge });
  const { pages = context.pages, messages = context.messages } = change.context;
  const like = messages.map(({ seq }) => seq).filter((seq) => found(pages, seq)?.merge === merge);
  const later = changed(pages, like, (head) => ({ ...head, availableAt }));
  return { ...change, context: { ...change.context, pages: later } };
}

/** The same under `interrupt`: whatever else waits at that door is dropped, so that it runs next. */
export function replacing(context: SessionContext, event: Arrived): Change {
  const { counts, summaries } = context;
  const messages = waitingAt(context, event.channel);
  const door = doorOf(context, event.channel);
  const told = summaries.filter((summary) => summary.door === door);
  const gone = [...messages, ...told].flatMap(({ seq }) => found(context.pages, seq) ?? []);
  const dropped = { ...counts.dropped, interrupt: counts.dropped.interrupt + messages.length };
  const left = { ...context, ...removed(context, gone) };
  const emptied: SessionContext = { ...left, counts: { ...left.counts, dropped } };
  const change = arrived(emptied, event, { deliver: 'A', slot: 'X', merge: 'N' });
  return { context: { ...emptied, ...change.context }, asks: [...gone.flatMap(rowsGone), ...change.asks] };
}

/** What nobody has claimed is taken out of the queue. */
export function cancelled(context: SessionContext, batchId: string, now: number): Change {
  const head = cancellable(context, batchId, now);
  if (head === undefined) return NO_CHANGE;
  const { counts, ...rest } = removed(context, [head]);
  return {
    context: { ...rest, counts: { ...counts, cancelled: counts.cancelled + 1 } },
    asks: [...rowsGone(head), ...keptKey(head, now)],
  };
}

/** The batch that a cancellation would take out; undefined when it is claimed or gone. */
export function cancellable(context: SessionContext, batchId: string, now: number): BatchHead | undefined {
  const head = headOf(context, batchId);
  const claim = head?.claim === undefined ? undefined : context.claims[head.claim];
  return claim !== undefined && isLive(claim, now) ? undefined : head;
}

/** A dead letter may be claimed again, from its old place, as if it had never failed. */
export function retried(context: SessionContext, batchId: string): Change {
  const head = headOf(context, batchId);
  if (head === undefined) return NO_CHANGE;
  const pages = changed(context.pages, [head.seq], ({ dead: _d, attempts: _a, claim: _c, ...rest }) => rest);
  const { counts } = context;
  return {
    context: { pages, counts: { ...counts, dead: counts.dead - (head.dead === true ? 1 : 0) } },
    asks: [],
  };
}

/** The queue without these batches. */
export function removed(
  context: SessionContext,
  heads: readonly BatchHead[],
): Pick<SessionContext, 'pages' | 'counts' | 'messages' | 'summaries'> {
  const seqs = new Set(heads.map(({ seq }) => seq));
  const { counts, messages, summaries } = context;
  const dead = heads.filter((head) => head.dead === true).length;
  return {
    pages: changed(context.pages, [...seqs], () => undefined),
    counts: { ...counts, batches: counts.batches - heads.length, dead: counts.dead - dead },
    messages: messages.filter(({ seq }) => !seqs.has(seq)),
    summaries: summaries.filter(({ seq }) => !seqs.has(seq)),
  };
}

/** The rows of a batch that is gone. A key that is to stay taken is written by whoever ends it. */
export function rowsGone(head: BatchHead): readonly SessionAsk[] {
  const { nonce, key, files = [] } = head;
  const name = payloadRow(nonce);
  const asks: SessionAsk[] = [{ type: 'payload.delete', params: { name } }];
  if (key !== undefined) asks.push({ type: 'payload.delete', params: { name: keyRow(key) } });
  if (files.length > 0) asks.push({ type: 'file.release', params: { name, files } });
  return asks;
}

/** A source key that stays taken for a while after its batch. */
export function keptKey(head: BatchHead, at: number): readonly SessionAsk[] {
  const { key, keyRetentionMs = 0, digest = '' } = head;
  if (key === undefined || keyRetentionMs === 0) return [];
  const value: KeyRow = { batchId: batchIdOf(head), digest, until: at + keyRetentionMs };
  return [{ type: 'payload.put', params: { name: keyRow(key), value, expires: true } }];
}

export function payloadRow(nonce: string): string {
  return `b/${nonce}`;
}

function keyRow(key: string): string {
  return `k/${key}`;
}

export function floorRow(process: string): string {
  return `f/${process}`;
}

/** Turn ids are checked at the door: they fit a row's name. */
export function turnRow(turnId: string): string {
  return `t/${turnId}`;
}

function added(
  context: SessionContext,
  event: Enqueue | Arrived,
  draft: DraftHead,
  message: { readonly channel?: string; readonly line?: string },
): Change {
  const { at } = envelopeOf(event);
  const { digest, ...rest } = draft;
  const { channel, line } = message;
  const head: BatchHead = {
    ...rest,
    seq: context.nextSeq,
    enqueuedAt: at,
    // Compared with later ones only while its key is; then there is no key row of the batch any more.
    ...(draft.keyRetentionMs === undefined ? {} : { digest }),
    ...(channel === undefined ? {} : { channel }),
  };
  const batchId = batchIdOf(head);
  const name = payloadRow(draft.nonce);
  const asks: SessionAsk[] = [];
  const row = event.type === 'session.enqueue' ? event.row : undefined;
  if (row !== undefined) asks.push({ type: 'payload.put', params: { name, value: row } });
  if (draft.files !== undefined) asks.push({ type: 'file.hold', params: { name, files: draft.files } });
  const key: KeyRow = { batchId, digest };
  if (draft.key !== undefined)
    asks.push({ type: 'payload.put', params: { name: keyRow(draft.key), value: key } });
  const { counts, messages } = context;
  return {
    context: {
      nextSeq: context.nextSeq + 1,
      pages: appended(context.pages, head),
      counts: { ...counts, batches: counts.batches + 1, enqueued: counts.enqueued + 1 },
      messages:
        line === undefined ? messages : [...messages, { seq: head.seq, channel: channel ?? '', line }],
    },
    asks,
  };
}

/** Drops waiting messages until one more has room, as the channel's policy says. */
function madeRoom(context: SessionContext, event: Arrived): Change {
  const { cap, drop } = settingsOf(context, event.channel);
  const waiting = waitingAt(context, event.channel);
  const excess = waiting.length + 1 - cap;
  if (excess <= 0) return NO_CHANGE;
  const oldest = waiting.slice(0, excess);
  const heads = oldest.flatMap(({ seq }) => found(context.pages, seq) ?? []);
  const by = drop === 'summarize' ? 'summarize' : 'old';
  const { dropped } = context.counts;
  const counts = { ...context.counts, dropped: { ...dropped, [by]: dropped[by] + heads.length } };
  if (by === 'summarize') return summarized({ ...context, counts }, event, oldest, heads);
  const left = removed({ ...context, counts }, heads);
  return { context: left, asks: heads.flatMap(rowsGone) };
}

/** A line of each dropped message, in one batch that stands where the first of them stood. */
function summarized(
  context: SessionContext,
  event: Arrived,
  oldest: readonly WaitingMessage[],
  heads: readonly BatchHead[],
): Change {
  const door = doorOf(context, event.channel);
  const before = context.summaries.find((summary) => summary.door === door);
  const seq = before?.seq ?? heads[0]?.seq;
  if (seq === undefined) return NO_CHANGE;
  const lines = [...(before?.lines ?? []), ...oldest.map(({ line }) => line)];
  const more = (before?.more ?? 0) + Math.max(0, lines.length - SUMMARY_LINES_MAX);
  const nonce = before?.nonce ?? `summary-${event.draft.nonce}`;
  const summary: DroppedSummary = { door, seq, nonce, lines: lines.slice(-SUMMARY_LINES_MAX), more };
  const goes = heads.filter((head) => head.seq !== seq);
  const left = removed(context, goes);
  const pages = changed(left.pages, [seq], ({ enqueuedAt, channel }) => ({
    ...{
      seq,
      nonce,
      enqueuedAt,
      deliver: 'A',
      slot: 'X',
      merge: 'N',
      kind: 'input',
      items: 1,
      availableAt: 0,
    },
    ...(channel === undefined ? {} : { channel }),
  }));
  const payloads = [{ type: 'droppedMessages', lines: summary.lines, more }];
  return {
    context: {
      ...{ ...left, pages },
      summaries: [...left.summaries.filter((one) => one.door !== door), summary],
      messages: left.messages.filter((message) => message.seq !== seq),
    },
    asks: [
      ...heads.flatMap(rowsGone),
      { type: 'payload.put', params: { name: payloadRow(nonce), value: { payloads } } },
    ],
  };
}
