/**
 * How work comes into a session: its images to disk, then its step, unless somebody brought it before.
 *
 * Callers: session.ts. Invariants:
 *  1  What is refused is refused in the step that would have taken it; nothing is written.
 *  2  The images of work lie on disk before its step, and stay until that is on disk.
 */
import { HoldfastError } from '../../errors.js';
import { enqueueRefusal, headOf, payloadRow } from '../../machines/index.js';
import type { BatchHead, DraftHead, SessionContext, SessionEvent } from '../../machines/index.js';
import type { AttachmentLease, AttachmentRef } from '../attachments.js';
import { batchOf, batchSummary, type Batch } from './batch.js';
import type { Seen, SessionDesk } from './desk.js';
import { draftHead } from './drafts.js';
import type { CheckedDraft, ImageDraft, Payload, PayloadRow } from './drafts.js';

/** A batch that was enqueued, or the one that had its source key already. */
export interface Enqueued {
  readonly batch: Batch;
  /** True: a batch with this source key was there, and nothing was written. */
  readonly deduplicated: boolean;
  /** Whether what was there has the same content. */
  readonly contentMatches: boolean;
}

/** Puts checked work into a session's queue by the event that `eventOf` makes of it. */
export function putWork(
  desk: SessionDesk,
  key: string,
  draft: CheckedDraft,
  eventOf: (head: DraftHead) => SessionEvent,
): Promise<Enqueued> {
  return desk.options.attachments.during(async (lease) => {
    refuseForeign(key, draft);
    const payloads = await Promise.all(draft.payloads.map((payload) => stored(payload, lease)));
    const { sourceKey } = draft;
    const row: PayloadRow = { payloads, ...(sourceKey === undefined ? {} : { sourceKey }) };
    const nonce = desk.options.newId('b').slice(2);
    const event = eventOf(draftHead(draft, row, nonce));
    const look = (seen: Seen, given: SessionEvent): Known | undefined =>
      knownBy(key, seen, given, draft.onConflict);
    const asked = await desk.ask(key, event, look, { row: [payloadRow(nonce), row] });
    if ('seen' in asked) {
      const { context, at } = asked.seen;
      const summary = batchSummary(context, newest(context, nonce), at);
      return { batch: batchOf(summary, row), deduplicated: false, contentMatches: true };
    }
    const { head, seen, batchId, contentMatches } = asked.answer;
    const batch = head === undefined ? settledBatch(batchId) : await loadedBatch(desk, key, seen, head);
    return { batch, deduplicated: true, contentMatches };
  });
}

/** A wake says whom it is for: put into another session's queue, it would be told to the wrong one. */
function refuseForeign(key: string, { payloads }: CheckedDraft): void {
  for (const payload of payloads) {
    if (payload.type !== 'processWake' || payload.targetSessionId === key) continue;
    const message = `"targetSessionId": the wake is for session ${payload.targetSessionId}, not ${key}`;
    throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'targetSessionId' } });
  }
}

/** A batch with its payloads, read from disk. */
export async function loadedBatch(
  desk: SessionDesk,
  key: string,
  { context, at }: Pick<Seen, 'context' | 'at'>,
  head: BatchHead,
): Promise<Batch> {
  return batchOf(batchSummary(context, head, at), await desk.payloads(key, head.nonce));
}

interface Known {
  readonly batchId: string;
  /** Undefined: settled, and its key outlives it. */
  readonly head: BatchHead | undefined;
  readonly seen: Seen;
  readonly contentMatches: boolean;
}

/** The batch that has the source key already. Throws what else keeps work from being taken. */
function knownBy(
  key: string,
  seen: Seen,
  event: SessionEvent,
  onConflict: CheckedDraft['onConflict'],
): Known | undefined {
  if (event.type !== 'session.enqueue' && event.type !== 'message.arrived') return undefined;
  const refusal = enqueueRefusal(seen.context, event);
  if (refusal === undefined) return undefined;
  if (refusal.type === 'handled') {
    const { sequence } = refusal;
    const message = `a wake of this process up to ${sequence} was settled`;
    throw new HoldfastError('WAKE_HANDLED', message, { details: { sequence } });
  }
  if (refusal.type === 'full') {
    const { cap } = refusal;
    throw new HoldfastError('SESSION_QUEUE_FULL', `session ${key} has ${cap} waiting`, { details: { cap } });
  }
  const { batchId, contentMatches } = refusal;
  if (!contentMatches && onConflict === 'reject') {
    const message = `batch ${batchId} has this source key and other content`;
    throw new HoldfastError('SOURCE_KEY_CONFLICT', message, { details: { batchId } });
  }
  return { batchId, head: headOf(seen.context, batchId), seen, contentMatches };
}

/** A payload with its images on disk. */
async function stored(payload: CheckedDraft['payloads'][number], lease: AttachmentLease): Promise<Payload> {
  if (payload.type !== 'turnInput') return payload;
  const { images, ...rest } = payload;
  if (images === undefined) return rest;
  const refs: Record<string, AttachmentRef> = {};
  for (const [name, image] of Object.entries(images)) refs[name] = await storedImage(image, lease);
  return { ...rest, images: refs };
}

async function storedImage(image: ImageDraft, lease: AttachmentLease): Promise<AttachmentRef> {
  if (!('attachment' in image)) {
    const { mime } = image;
    const source = 'bytes' in image ? image.bytes : { path: image.path };
    return lease.put(source, mime === undefined ? {} : { mime });
  }
  if (lease.has(image.attachment)) return image;
  const message = `"images": there is no attachment ${image.attachment}`;
  throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'images' } });
}

/** The batch of that name: the last one, but for work that came in the same commit. */
function newest({ pages }: SessionContext, nonce: string): BatchHead {
  for (const { heads } of pages.toReversed()) {
    const head = heads.findLast((one) => one.nonce === nonce);
    if (head !== undefined) return head;
  }
  throw new Error('what was enqueued is in the queue');
}

/** What is left to say of a batch whose source key outlived it. */
function settledBatch(batchId: string): Batch {
  return {
    ...{ batchId, seq: Number(batchId.split('_')[1]), kind: 'mixed', state: 'settled', items: [] },
    ...{ deliver: 'afterCurrentTurnCommit', slot: 'exclusive', merge: 'never' },
    ...{ availableAt: 0, enqueuedAt: 0, attempts: 0, claims: 0 },
  };
}
