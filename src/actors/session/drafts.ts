/**
 * Work for a session as callers ask for it, checked once, at the door, and as the chart is told of it.
 *
 * Pure. Callers: session.ts, put.ts, batch.ts. Throws INVALID_INPUT naming the field; words that are
 * unknown are refused with those that are known.
 */
import { z } from 'zod';
import { sha256Hex } from '../../ids.js';
import { canonicalJson } from '../../json.js';
import { limits } from '../../limits.js';
import type { BatchKind, Deliver, DraftHead, MergeRule, Slot, WakeMark } from '../../machines/index.js';
import type { AttachmentRef } from '../attachments.js';
import { checked, invalid, text } from '../checked.js';

const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const record = z.record(z.string(), z.json());

/** An image: bytes, a file's path, or the name of an attachment that is stored already. */
const image = z.union([
  z.strictObject({
    bytes: z.custom<Uint8Array>((bytes) => bytes instanceof Uint8Array, 'not bytes'),
    mime: text(100).optional(),
  }),
  z.strictObject({ path: text(4_096), mime: text(100).optional() }),
  z.strictObject({ attachment: text(100), mime: text(100), bytes: whole }),
]);

const item = z.union([
  z.strictObject({ text: text(limits.payloadBytesMax) }),
  z.strictObject({ imageRef: text(200) }),
]);

const turnInput = z.strictObject({
  type: z.literal('turnInput'),
  /** Texts and images in their order; texts are joined by newlines within this input alone. */
  items: z.array(item).min(1).max(1_000),
  /** What `imageRef`s name. */
  images: z.record(z.string(), image).optional(),
  turnOptions: record.optional(),
  traceTurnId: text(200).optional(),
});

const wake = {
  processId: text(300),
  /** Rises with every wake of a process: one at or below the highest that was settled is refused. */
  sequence: whole,
  eventType: text(200),
  input: z.json(),
  /** What made the process: a job's or a task's id. */
  causedBy: text(300).optional(),
};

const processWake = z.strictObject({ type: z.literal('processWake'), ...wake, targetSessionId: text(512) });

const refresh = z.strictObject({
  kind: z.literal('refreshToolSurface'),
  reason: text(1_000),
  expectedGeneration: whole.optional(),
});
const reset = z.strictObject({ kind: z.literal('resetSession'), reason: text(1_000) });
export const commandSchema = z.discriminatedUnion('kind', [refresh, reset]);

const sessionCommand = z.strictObject({ type: z.literal('sessionCommand'), command: commandSchema });

const payload = z.discriminatedUnion('type', [turnInput, processWake, sessionCommand]);

const policies = {
  /** When it may enter: at the next safe boundary of a running turn, or once that is committed. */
  deliver: z.enum(['earliestSafeBoundary', 'afterCurrentTurnCommit']).default('afterCurrentTurnCommit'),
  /** With its like, or alone. */
  slot: z.enum(['join', 'exclusive']).default('exclusive'),
  merge: z
    .union([z.enum(['never', 'payloadDefault']), z.strictObject({ group: text(200) })])
    .default('never'),
  /** What it is known by: repeated while the batch is in the queue, it changes nothing. */
  sourceKey: text(512).optional(),
  /** Not before this time; epoch ms, 0: at once. */
  availableAt: whole.default(0),
  /** How long the source key stays taken after the batch is settled or cancelled; ms. */
  dedupeRetentionMs: whole.max(366 * 86_400_000).default(0),
  /** What to do when the source key is taken by other content: say so (default), or refuse. */
  onConflict: z.enum(['report', 'reject']).default('report'),
};

export const policiesSchema = z.strictObject(policies);
export const draftSchema = z.strictObject({ payloads: z.array(payload).min(1).max(64), ...policies });
export const wakeSchema = z.strictObject({ ...wake, targetSessionId: text(512).optional() });

/** What a user says, in short: a text, or items with images. */
export const inputSchema = z.strictObject({
  /** What the source key is made of; default: a new one, so that nothing is deduplicated. */
  id: text(400).optional(),
  text: text(limits.payloadBytesMax).optional(),
  items: z.array(item).min(1).max(1_000).optional(),
  images: z.record(z.string(), image).optional(),
  turnOptions: record.optional(),
  traceTurnId: text(200).optional(),
});

export type WorkDraft = z.input<typeof draftSchema>;
export type EnqueuePolicies = z.input<typeof policiesSchema>;
export type SessionInputDraft = z.input<typeof inputSchema>;
export type ProcessWakeDraft = z.input<typeof wakeSchema>;
export type SessionCommand = z.output<typeof commandSchema>;
export type ImageDraft = z.output<typeof image>;
export type CheckedDraft = z.output<typeof draftSchema>;
type CheckedPayload = CheckedDraft['payloads'][number];

/** A payload as it is stored: its images are attachments. */
export type Payload =
  | (Omit<Extract<CheckedPayload, { type: 'turnInput' }>, 'images'> & {
      readonly images?: Readonly<Record<string, AttachmentRef>>;
    })
  | Extract<CheckedPayload, { type: 'processWake' | 'sessionCommand' }>
  /** What is left of messages that a queue's cap dropped: a line of each, and how many have none. */
  | { readonly type: 'droppedMessages'; readonly lines: readonly string[]; readonly more: number };

/** The payload row of a batch. */
export interface PayloadRow {
  readonly payloads: readonly Payload[];
  readonly sourceKey?: string;
}

const DELIVER = { earliestSafeBoundary: 'E', afterCurrentTurnCommit: 'A' } as const;
const SLOT = { join: 'J', exclusive: 'X' } as const;

/** A draft as one is enqueued. Throws INVALID_INPUT. */
export function checkedDraft(draft: unknown): CheckedDraft {
  const asked = checked(draftSchema, draft);
  const commands = asked.payloads.filter(({ type }) => type === 'sessionCommand').length;
  if (commands > 0 && asked.payloads.length > 1)
    throw invalid('payloads', 'a session command is alone in its batch');
  for (const one of asked.payloads) {
    if (one.type !== 'turnInput') continue;
    const names = one.items.flatMap((part) => ('imageRef' in part ? [part.imageRef] : []));
    const missing = names.find((name) => !Object.hasOwn(one.images ?? {}, name));
    if (missing !== undefined)
      throw invalid('imageRef', `${JSON.stringify(missing)} is not among the images of its input`);
  }
  return asked;
}

/** What is said in short, as a draft of one input. */
export function inputDraft(said: unknown, prefix: 'host' | 'injection', newId: () => string): CheckedDraft {
  const {
    id,
    text: words,
    items,
    ...rest
  } = checked(inputSchema, typeof said === 'string' ? { text: said } : said);
  if ((words === undefined) === (items === undefined)) throw invalid('text', 'give either text or items');
  const parts = items ?? [{ text: words ?? '' }];
  return checkedDraft({
    payloads: [{ type: 'turnInput', items: parts, ...rest }],
    sourceKey: `${prefix}:${id ?? newId()}`,
    ...(prefix === 'injection' ? { deliver: 'earliestSafeBoundary', slot: 'join' } : {}),
  });
}

/** What the chart is told of a draft whose images are stored. */
export function draftHead(draft: Omit<CheckedDraft, 'payloads'>, row: PayloadRow, nonce: string): DraftHead {
  const { availableAt, dedupeRetentionMs } = draft;
  const { payloads, sourceKey } = row;
  const merge = mergeOf(draft.merge);
  const deliver: Deliver = DELIVER[draft.deliver];
  const slot: Slot = SLOT[draft.slot];
  const wakes = payloads.flatMap((one) => (one.type === 'processWake' ? [markOf(one)] : []));
  const files = [...new Set(payloads.flatMap(filesOf))];
  const content = canonicalJson({ deliver, slot, merge, payloads });
  return {
    ...{ nonce, deliver, slot, merge, availableAt, kind: kindOf(payloads), items: payloads.length },
    digest: sha256Hex(content).slice(0, 16),
    ...(sourceKey === undefined ? {} : { key: rowNameOf(sourceKey) }),
    ...(dedupeRetentionMs === 0 ? {} : { keyRetentionMs: dedupeRetentionMs }),
    ...(wakes.length === 0 ? {} : { wakes }),
    ...(files.length === 0 ? {} : { files }),
  };
}

const NAME_CHARS_MAX = 120;

/**
 * What rows are named by, for a source key or a process: itself when it is short, else its hash. Charts name
 * rows of their own ids by the same rule, without hashing.
 */
function rowNameOf(name: string): string {
  const isPlain = name.length <= NAME_CHARS_MAX && !name.startsWith('#');
  return isPlain ? name : `#${sha256Hex(name).slice(0, 32)}`;
}

export function policiesOf({ deliver, slot, merge }: Pick<DraftHead, 'deliver' | 'slot' | 'merge'>): {
  readonly deliver: keyof typeof DELIVER;
  readonly slot: keyof typeof SLOT;
  readonly merge: 'never' | 'payloadDefault' | { readonly group: string };
} {
  return {
    deliver: deliver === 'E' ? 'earliestSafeBoundary' : 'afterCurrentTurnCommit',
    slot: slot === 'J' ? 'join' : 'exclusive',
    merge: mergeWord(merge),
  };
}

function mergeWord(merge: MergeRule): ReturnType<typeof policiesOf>['merge'] {
  if (merge === 'N') return 'never';
  return merge === 'P' ? 'payloadDefault' : { group: merge.slice(1) };
}

function mergeOf(merge: CheckedDraft['merge']): MergeRule {
  if (typeof merge === 'object') return `G${merge.group}`;
  return merge === 'never' ? 'N' : 'P';
}

function kindOf(payloads: readonly Payload[]): BatchKind {
  const kinds = new Set(payloads.map(({ type }) => KINDS[type]));
  const [kind = 'mixed'] = kinds;
  return kinds.size === 1 ? kind : 'mixed';
}

const KINDS = {
  turnInput: 'input',
  droppedMessages: 'input',
  processWake: 'wake',
  sessionCommand: 'command',
} as const;

function markOf({ processId, sequence }: { processId: string; sequence: number }): WakeMark {
  return { process: rowNameOf(processId), sequence };
}

function filesOf(payload: Payload): readonly string[] {
  if (payload.type !== 'turnInput') return [];
  return Object.values(payload.images ?? {}).map(({ attachment }) => attachment);
}
