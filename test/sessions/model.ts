/**
 * A session's queue as one would write it without a thought for cost: arrays, plain objects, no pages.
 *
 * It shares no code with src, so that both are not wrong in the same way. Callers: the tests of this folder.
 * Invariants:
 *  1  A model is plain data: a copy of it is another world.
 *  2  What is refused changes nothing, so whether something is written shows by comparing.
 */
import type { Mode } from './model-modes.js';

export interface Policies {
  readonly deliver: 'E' | 'A';
  readonly slot: 'J' | 'X';
  /** `N`, `P`, or `G` and a group. */
  readonly merge: string;
}

export interface Work extends Policies {
  readonly kind: 'input' | 'wake' | 'command';
  readonly text: string;
  readonly key: string;
  readonly availableAt: number;
  readonly keyRetentionMs: number;
  readonly wake?: { readonly process: string; readonly sequence: number };
}

export interface Batch {
  readonly seq: number;
  work: Omit<Work, 'key'> & { readonly key?: string };
  attempts: number;
  /** How often it was claimed. */
  claims: number;
  holder?: string | undefined;
  dead: boolean;
  channel?: string;
}

export interface Held {
  readonly id: string;
  readonly seqs: readonly number[];
  /** Until this process dies, or until a time. */
  owner: 'process' | 'lease';
  endsAt: number;
  /** Its owner left in good order: it counts as no failed attempt. */
  spared?: boolean;
  readonly ttlMs: number;
}

/** A claim as its owner was told of it. */
export interface Told {
  readonly id: string;
  readonly seqs: readonly number[];
  /** The process in which it was. */
  readonly life: number;
}

export interface Model {
  readonly attemptsMax: number;
  nextSeq: number;
  nextClaim: number;
  life: number;
  told: Told[];
  batches: Batch[];
  claims: Held[];
  keys: Record<string, { seq: number; content: string; until?: number }>;
  floors: Record<string, { sequence: number; until: number }>;
  receipts: Record<string, { hash: string; seqs: readonly number[]; until: number }>;
  history: string[];
  pausedUntil: number;
  mode: Mode;
  channels: Record<string, Mode>;
  /** Messages that wait and were never claimed. */
  messages: number[];
  /** What stands for dropped messages, by the door they came through. */
  standIns: Record<string, { seq: number; lines: string[] }>;
  /** How many batches stand, or stood, for messages that were dropped. */
  summaries: number;
  counts: { enqueued: number; completed: number; cancelled: number; dropped: Record<string, number> };
}

/** What an operation says: what was done, or why nothing was. */
export type Says = Readonly<Record<string, unknown>> & { readonly said: string };

const DAYS_7 = 7 * 24 * 3_600_000;

export function newModel(attemptsMax: number): Model {
  return {
    ...{ attemptsMax, nextSeq: 1, nextClaim: 1, life: 1, told: [], batches: [], claims: [], keys: {} },
    ...{
      floors: {},
      receipts: {},
      history: [],
      pausedUntil: 0,
      channels: {},
      messages: [],
      standIns: {},
      summaries: 0,
    },
    mode: { mode: 'followup', cap: 20, drop: 'summarize', debounceMs: 500 },
    counts: {
      ...{ enqueued: 0, completed: 0, cancelled: 0 },
      dropped: { old: 0, summarize: 0, interrupt: 0 },
    },
  };
}

function holderOf(model: Model, batch: Batch): Held | undefined {
  return model.claims.find(({ id }) => id === batch.holder);
}

export function stateOf(model: Model, batch: Batch, now: number): string {
  const holder = holderOf(model, batch);
  const isLapsed = holder !== undefined && !isLive(holder, now);
  if (batch.dead || (isLapsed && attemptsAfter(model, batch) >= model.attemptsMax)) return 'dead';
  if (holder !== undefined) return isLapsed ? 'interrupted' : 'claimed';
  return batch.work.availableAt > now ? 'future' : 'ready';
}

export function enqueue(model: Model, now: number, work: Work, onConflict = 'report'): Says {
  const refusal = refusalOf(model, now, work, onConflict);
  return refusal ?? { said: 'enqueued', seq: add(model, work).seq, matches: true };
}

export interface Asking {
  readonly boundary: 'idle' | 'activeTurnCheckpoint';
  readonly max: number;
  readonly wanted: 'turn' | 'command';
  readonly owner: 'process' | 'lease';
  readonly ttlMs: number;
  readonly ids?: readonly number[];
}

/** What a claim would take now. */
export function select(
  model: Model,
  now: number,
  asking: Omit<Asking, 'owner' | 'ttlMs'>,
): number[] | string {
  const { boundary, wanted, ids } = asking;
  const max = ids === undefined ? asking.max : ids.length;
  if (ids?.length === 0) return 'nothingAsked';
  if (boundary === 'idle' && model.pausedUntil > now) return 'paused';
  if (max === 0) return 'limitZero';
  const live = model.batches.filter((one) => stateOf(model, one, now) !== 'dead');
  const ready = live.filter((one) => ['ready', 'interrupted'].includes(stateOf(model, one, now)));
  const [head] = ready;
  if (head === undefined)
    return live.some((one) => stateOf(model, one, now) === 'future') ? 'notYetAvailable' : 'empty';
  if (boundary !== 'idle' && head.work.deliver === 'A') return 'deliveryBoundaryBlocked';
  if (wanted === 'turn' && head.work.kind === 'command') return 'commandAtHead';
  if (wanted === 'command' && head.work.kind !== 'command') return 'noCommandAtHead';
  const seqs = together(ready, head, max).map(({ seq }) => seq);
  return ids === undefined || seqs.join() === ids.join() ? seqs : 'idsDiffer';
}

function together(ready: readonly Batch[], head: Batch, max: number): readonly Batch[] {
  if (head.holder !== undefined) return ready.filter(({ holder }) => holder === head.holder);
  const { slot, merge, deliver, kind } = head.work;
  if (slot === 'X' || merge === 'N' || kind === 'command') return [head];
  const taken: Batch[] = [];
  for (const one of ready) {
    const { work } = one;
    const isAlike = work.slot === 'J' && work.deliver === deliver && work.merge === merge;
    const isKind = merge === 'P' ? work.kind === kind : work.kind !== 'command';
    if (!isAlike || !isKind || one.holder !== undefined || taken.length === max) break;
    taken.push(one);
  }
  return taken;
}

export function claim(model: Model, now: number, asking: Asking): Says {
  const seqs = select(model, now, asking);
  if (typeof seqs === 'string') return { said: seqs };
  const id = `c${model.nextClaim}`;
  model.nextClaim += 1;
  const isOver = (held: Held): boolean =>
    !isLive(held, now) &&
    model.batches.every((one) => one.holder !== held.id || stateOf(model, one, now) === 'dead');
  const taken = model.batches.filter(({ seq }) => seqs.includes(seq));
  const ended = model.claims.filter((held) => isOver(held) || taken.some((one) => one.holder === held.id));
  for (const one of model.batches) {
    if (!ended.some((held) => held.id === one.holder)) continue;
    one.attempts = attemptsAfter(model, one);
    one.holder = undefined;
    one.dead = !taken.includes(one);
  }
  const fencing = (taken[0]?.claims ?? 0) + 1;
  for (const one of taken) {
    one.claims += 1;
    one.holder = id;
  }
  const { owner, ttlMs } = asking;
  model.claims = model.claims.filter((held) => !ended.includes(held));
  model.claims.push({ id, seqs, owner, endsAt: now + ttlMs, ttlMs });
  model.told.push({ id, seqs, life: model.life });
  model.messages = model.messages.filter((seq) => !seqs.includes(seq));
  for (const seq of seqs) forgetStandIn(model, seq);
  return { said: 'claimed', seqs, fencing };
}

/** What somebody shows to settle a claim. */
export interface Proof {
  readonly id: string;
  readonly seqs: readonly number[];
  readonly isForged: boolean;
}

export interface Ending {
  readonly proofs: readonly Proof[];
  readonly turnId?: string;
  readonly hash: string;
  readonly entry: string;
}

export function complete(model: Model, now: number, { proofs, turnId, hash, entry }: Ending): Says {
  const receipt = turnId === undefined ? undefined : model.receipts[turnId];
  if (receipt !== undefined && receipt.until > now) {
    const isSame =
      receipt.hash === hash && proofs.every((one) => one.seqs.every((seq) => receipt.seqs.includes(seq)));
    return { said: isSame ? 'settled before' : 'TURN_COMMIT_CONFLICT' };
  }
  const standing = supersededBy(model, proofs);
  if (standing !== undefined) return standing;
  const seqs = proofs.flatMap((proof) => proof.seqs);
  for (const one of model.batches.filter(({ seq }) => seqs.includes(seq))) settle(model, one, now);
  model.claims = model.claims.filter(({ id }) => !proofs.some((proof) => proof.id === id));
  model.history.push(entry);
  if (turnId !== undefined) model.receipts[turnId] = { hash, seqs, until: now + DAYS_7 };
  return { said: 'settled', seqs: seqs.toSorted((a, b) => a - b) };
}

export function abandon(model: Model, now: number, proof: Proof, retryInMs: number): Says {
  if (supersededBy(model, [proof]) !== undefined) return { said: 'stale' };
  for (const one of model.batches.filter(({ holder }) => holder === proof.id)) {
    one.attempts = attemptsAfter(model, one);
    one.holder = undefined;
    one.dead = one.attempts >= model.attemptsMax;
  }
  model.claims = model.claims.filter(({ id }) => id !== proof.id);
  if (retryInMs > 0) model.pausedUntil = now + retryInMs;
  return { said: 'abandoned' };
}

export function renew(model: Model, now: number, proof: Proof): Says {
  const standing = supersededBy(model, [proof]);
  if (standing !== undefined) return standing;
  const held = model.claims.find(({ id }) => id === proof.id);
  if (held !== undefined) held.endsAt = Math.max(held.endsAt, now + held.ttlMs);
  return { said: 'renewed' };
}

export function cancel(model: Model, now: number, seq: number): Says {
  const batch = model.batches.find((one) => one.seq === seq);
  if (batch === undefined || stateOf(model, batch, now) === 'claimed') return { said: 'nothing' };
  free(model, batch, now);
  model.counts.cancelled += 1;
  return { said: 'cancelled', text: batch.work.text };
}

export function retry(model: Model, now: number, seq: number): Says {
  const batch = model.batches.find((one) => one.seq === seq);
  if (batch === undefined || stateOf(model, batch, now) !== 'dead') return { said: 'BATCH_NOT_RETRYABLE' };
  Object.assign(batch, { dead: false, attempts: 0, holder: undefined });
  return { said: 'retried' };
}

/**
 * The process dies, or closes in good order, which spares the work an attempt: what its owners held is free
 * in the next one.
 */
export function die(model: Model, now: number, isInOrder = false): void {
  model.life += 1;
  for (const held of model.claims) {
    if (held.owner === 'lease') continue;
    held.owner = 'lease';
    held.endsAt = now;
    if (isInOrder) held.spared = true;
  }
}

function attemptsAfter(model: Model, batch: Batch): number {
  return batch.attempts + (holderOf(model, batch)?.spared === true ? 0 : 1);
}

function isLive(held: Held, now: number): boolean {
  return held.owner === 'process' || held.endsAt > now;
}

export function contentOf({ deliver, slot, merge, text }: Policies & { text: string }): string {
  return [deliver, slot, merge, text].join(' ');
}

export function refusalOf(model: Model, now: number, work: Work, onConflict: string): Says | undefined {
  const known = model.keys[work.key];
  if (known !== undefined && (known.until === undefined || known.until > now)) {
    const matches = known.content === contentOf(work);
    if (!matches && onConflict === 'reject') return { said: 'SOURCE_KEY_CONFLICT' };
    return { said: 'known', seq: known.seq, matches };
  }
  const floor = work.wake && model.floors[work.wake.process];
  const isHandled = floor !== undefined && floor.until > now && (work.wake?.sequence ?? 0) <= floor.sequence;
  return isHandled ? { said: 'WAKE_HANDLED' } : undefined;
}

export function add(model: Model, work: Work, content = contentOf(work)): Batch {
  const batch: Batch = { seq: model.nextSeq, work, attempts: 0, claims: 0, dead: false };
  model.nextSeq += 1;
  model.batches.push(batch);
  model.keys[work.key] = { seq: batch.seq, content };
  model.counts.enqueued += 1;
  return batch;
}

/** Removes a batch whose key may stay taken. */
function free(model: Model, batch: Batch, now: number): void {
  const { key, keyRetentionMs } = batch.work;
  const known = key === undefined ? undefined : model.keys[key];
  remove(model, batch);
  if (key !== undefined && known !== undefined && keyRetentionMs > 0)
    model.keys[key] = { ...known, until: now + keyRetentionMs };
}

function settle(model: Model, batch: Batch, now: number): void {
  const { wake } = batch.work;
  free(model, batch, now);
  if (wake !== undefined) {
    const before = model.floors[wake.process];
    const isOver = before === undefined || before.until <= now;
    const sequence = Math.max(wake.sequence, isOver ? 0 : before.sequence);
    model.floors[wake.process] = { sequence, until: now + DAYS_7 };
  }
  model.counts.completed += 1;
}

export function remove(model: Model, batch: Batch): void {
  if (batch.work.key !== undefined) delete model.keys[batch.work.key];
  model.batches = model.batches.filter((one) => one !== batch);
  model.messages = model.messages.filter((seq) => seq !== batch.seq);
  forgetStandIn(model, batch.seq);
}

function forgetStandIn(model: Model, seq: number): void {
  for (const [door, standIn] of Object.entries(model.standIns))
    if (standIn.seq === seq) delete model.standIns[door];
}

function supersededBy(model: Model, proofs: readonly Proof[]): Says | undefined {
  const said = 'CLAIM_SUPERSEDED';
  const shown: number[] = [];
  for (const { id, seqs, isForged } of proofs) {
    for (const seq of seqs) {
      const holder = model.batches.find((one) => one.seq === seq)?.holder;
      if (isForged || holder !== id) return { said, seq, by: holder };
    }
    const held = model.batches.filter(({ holder }) => holder === id);
    if (held.length !== seqs.length || seqs.length === 0) return { said, seq: seqs[0], by: undefined };
    const twice = seqs.find((seq) => shown.includes(seq));
    if (twice !== undefined) return { said, seq: twice, by: id };
    shown.push(...seqs);
  }
  return undefined;
}
