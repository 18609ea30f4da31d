/**
 * The words of a session's queue: what its chart keeps, and the events it takes.
 *
 * Callers: the session charts' files and the façade. A batch's payloads are in a row of their own; what is
 * here is what decides.
 */
import type { DeliveryInput } from './delivery.js';
import type { BatchKind, Boundary, Deliver, MergeRule, Slot } from './select-batches.js';

/** A wake of a process: what the floor of that process is compared with. */
export interface WakeMark {
  /** The process id, or its hash where that is long. */
  readonly process: string;
  readonly sequence: number;
}

/** What the chart is told of new work. */
export interface DraftHead {
  /** Names the batch, and its payload row. */
  readonly nonce: string;
  readonly deliver: Deliver;
  readonly slot: Slot;
  readonly merge: MergeRule;
  readonly kind: BatchKind;
  /** How many payloads. */
  readonly items: number;
  /** Epoch ms; 0: at once. */
  readonly availableAt: number;
  /** The source key, or its hash where that is long; absent: nothing is deduplicated. */
  readonly key?: string;
  /** Of policies and payloads: what a repetition under the same source key is compared with. */
  readonly digest: string;
  /** How long the source key stays taken after the batch is settled or cancelled; ms, default 0. */
  readonly keyRetentionMs?: number;
  readonly wakes?: readonly WakeMark[];
  /** Attachments that its payloads name: kept while the batch is. */
  readonly files?: readonly string[];
}

/** A batch as the chart keeps it. */
export interface BatchHead extends Omit<DraftHead, 'digest'> {
  readonly seq: number;
  readonly enqueuedAt: number;
  /** Attempts that failed: abandoned, or interrupted and taken over. Absent: none. */
  readonly attempts?: number;
  /** How often it was claimed: what fencing tokens are made of. Absent: never. */
  readonly counter?: number;
  /** The claim that holds it, or held it until it was interrupted. */
  readonly claim?: string;
  /** Given up after too many attempts: kept, listed, never claimed until it is retried. */
  readonly dead?: true;
  /** It came through the queue mode's door, from this channel. */
  readonly channel?: string;
  /** Kept where its source key outlives it. */
  readonly digest?: string;
}

/** Up to 128 batches in `seq` order. Replaced, never changed: what was written stays as it was. */
export interface BatchPage {
  readonly heads: readonly BatchHead[];
  /** When the first of its free batches is available; epoch ms, the largest safe integer for never. */
  readonly dueAt: number;
  /** How many of its batches a claim holds or held. */
  readonly held: number;
}

/** A claim on batches, live or interrupted; gone once it is settled or taken over. */
export interface ClaimHead {
  readonly claimId: string;
  readonly ownerId: string;
  readonly leaseToken: string;
  readonly fencingToken: number;
  readonly boundary: Boundary;
  readonly claimedAt: number;
  readonly expiresAt: number;
  readonly ttlMs: number;
  /** Held by an owner inside the process of that generation: it ends with it, whatever a clock says. */
  readonly epoch?: number;
  /** Its owner left in good order: that its batches are claimed again counts as no failed attempt. */
  readonly spared?: true;
  readonly seqs: readonly number[];
  readonly turnId?: string;
}

export const queueModes = ['steer', 'followup', 'collect', 'interrupt'] as const;
export type QueueMode = (typeof queueModes)[number];
export const dropPolicies = ['old', 'new', 'summarize'] as const;
export type DropPolicy = (typeof dropPolicies)[number];

export interface ModeSettings {
  readonly mode: QueueMode;
  /** Messages that may wait; one more is dropped, or drops another. */
  readonly cap: number;
  readonly drop: DropPolicy;
  /** How long it must be quiet before collected messages run, in ms. */
  readonly debounceMs: number;
}

export interface SessionModes {
  readonly session: ModeSettings;
  readonly channels: Readonly<Record<string, ModeSettings>>;
}

/** A message of the mode's door that waits and was not claimed yet. */
export interface WaitingMessage {
  readonly seq: number;
  readonly channel: string;
  /** What is kept of it when it is dropped under `summarize`. */
  readonly line: string;
}

/** The batch that stands for messages that were dropped. */
export interface DroppedSummary {
  /** Whose messages: a channel with a mode of its own, or '' for those under the session's. */
  readonly door: string;
  readonly seq: number;
  readonly nonce: string;
  readonly lines: readonly string[];
  /** Dropped messages without a line here. */
  readonly more: number;
}

export interface ActiveTurn {
  readonly turnId: string;
  readonly ownerId: string;
  readonly startedAt: number;
  readonly claims: readonly string[];
}

export interface SessionCounts {
  /** Batches in the queue, whatever their state. */
  readonly batches: number;
  readonly dead: number;
  readonly enqueued: number;
  readonly completed: number;
  readonly cancelled: number;
  /** Messages that `cap` dropped, by policy; those that an interrupting message replaced. */
  readonly dropped: { readonly old: number; readonly summarize: number; readonly interrupt: number };
}

export interface SessionContext {
  readonly key: string;
  readonly attemptsMax: number;
  readonly nextSeq: number;
  readonly pages: readonly BatchPage[];
  readonly claims: Readonly<Record<string, ClaimHead>>;
  readonly turn?: ActiveTurn | undefined;
  /** Until when the session rests after a failed turn; epoch ms. */
  readonly pausedUntil?: number | undefined;
  /** Why claimed work was last given back, for who looks after it. */
  readonly lastAbandon?: { readonly at: number; readonly reason: string };
  /** What the timer of `waiting` is set to. */
  readonly wakeAt?: number | undefined;
  readonly modes: SessionModes;
  readonly messages: readonly WaitingMessage[];
  readonly summaries: readonly DroppedSummary[];
  readonly counts: SessionCounts;
}

export interface SessionInput {
  readonly key: string;
  /** Attempts after which a batch is a dead letter; default 5. */
  readonly attemptsMax?: number;
}

/** What a claim is asked for with; ids and tokens come from outside, since a chart has no chance. */
export interface ClaimAsked {
  readonly claimId: string;
  readonly ownerId: string;
  readonly leaseToken: string;
  readonly boundary: Boundary;
  readonly max: number;
  readonly wanted: 'turn' | 'command';
  readonly ttlMs: number;
  readonly epoch?: number;
  /** Take exactly these, in this order, or nothing. */
  readonly batchIds?: readonly string[];
}

/** What proves a claim: an owner's, or a serialised receipt's. */
export interface ClaimProof {
  readonly claimId: string;
  readonly leaseToken: string;
  readonly batchIds: readonly string[];
}

export interface Completion {
  readonly claims: readonly ClaimProof[];
  readonly turnId?: string;
  readonly commitHash?: string;
  readonly history?: readonly object[];
  /** Attachments that the history names: kept from then on. */
  readonly files?: readonly string[];
  readonly deliveries?: readonly DeliveryInput[];
}

export interface Abandonment {
  readonly claims: readonly ClaimProof[];
  readonly reason: string;
  /** How long the session rests; ms, default 0. */
  readonly retryInMs?: number;
}

export type SessionEvent =
  | {
      readonly type: 'session.enqueue';
      readonly draft: DraftHead;
      readonly onConflict?: 'report' | 'reject';
      /** The payload row, from other actors: callers' comes beside the event. */
      readonly row?: object;
    }
  | {
      readonly type: 'message.arrived';
      readonly draft: DraftHead;
      readonly channel: string;
      readonly line: string;
    }
  | { readonly type: 'mode.set'; readonly settings: Partial<ModeSettings>; readonly channel?: string }
  | { readonly type: 'claim.take'; readonly claim: ClaimAsked }
  | { readonly type: 'turn.begin'; readonly claim: ClaimAsked; readonly turnId: string }
  | { readonly type: 'turn.checkpoint'; readonly claim: ClaimAsked; readonly turnId: string }
  /** The handler of an interrupted turn has come to its end. */
  | { readonly type: 'turn.released'; readonly turnId: string }
  | { readonly type: 'claim.renew'; readonly claim: ClaimProof }
  | ({ readonly type: 'claims.complete' } & Completion)
  | ({ readonly type: 'claims.abandon' } & Abandonment)
  | { readonly type: 'batch.cancel'; readonly batchId: string }
  | { readonly type: 'batch.retry'; readonly batchId: string }
  | { readonly type: 'session.resume' }
  /** A process of this generation has the store now: what owners in earlier ones held is free. */
  | { readonly type: 'generation.began'; readonly epoch: number }
  /** The process of this generation closes: what owners in it still hold is free, at no fault of the work. */
  | { readonly type: 'generation.ended'; readonly epoch: number }
  /** The session stood still, or came from another store: these claims of some process have no owner here. */
  | { readonly type: 'claims.lost'; readonly claimIds: readonly string[] };

/** Row `k/<key>`: who has a source key. */
export interface KeyRow {
  readonly batchId: string;
  readonly digest: string;
  /** The batch is settled; the key is taken until then. */
  readonly until?: number;
}

/** Row `f/<process>`: the highest settled wake of a process. */
export interface FloorRow {
  readonly sequence: number;
  readonly until: number;
}

/** Row `t/<turn id>`: how a turn ended. */
export interface TurnReceipt {
  readonly turnId: string;
  readonly outcome: 'committed' | 'interrupted';
  readonly commitHash?: string;
  readonly batchIds: readonly string[];
  readonly at: number;
  readonly until: number;
}
