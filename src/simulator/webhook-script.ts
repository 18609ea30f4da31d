/**
 * The script's part about webhooks: who signs with what, where news go, and what becomes of them on the way.
 *
 * Callers: script.ts. Invariant: pure; every field is optional.
 */
import { z } from 'zod';
import { bounds } from './bounds.js';
import { ms, occasion, PROVIDERS } from './script-words.js';

/** How far a task is; the words a rule and the ledger use, whatever the provider calls them. */
export const STAGES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

const fault = z.discriminatedUnion('type', [
  /** Never sent. */
  z.strictObject({ type: z.literal('drop') }),
  /** Sent so much later, after whatever comes meanwhile. */
  z.strictObject({ type: z.literal('delay'), ms }),
  /** Sent so many times more once it was taken, with the same id and a fresh signature. */
  z.strictObject({ type: z.literal('duplicate'), times: z.int().min(1).max(100).default(1) }),
  /** Sent after the next news of its task. The last news of a task are sent at once. */
  z.strictObject({ type: z.literal('reorder') }),
  /** Signed with a key that is not the provider's; `claims` says what it lies. */
  z.strictObject({ type: z.literal('forge'), claims: z.enum(STAGES).optional() }),
  /** Signed well, and that long ago. */
  z.strictObject({ type: z.literal('stale'), ageMs: ms.default(600_000) }),
  /** Sent, and its answer awaited, before the submit that made the task is answered. */
  z.strictObject({ type: z.literal('early') }),
  /** Sent without a signature. */
  z.strictObject({ type: z.literal('unsigned') }),
]);

export type WebhookFault = z.output<typeof fault>;

const rule = z.strictObject({
  provider: z.enum(PROVIDERS).optional(),
  /** Only news of this stage. */
  stage: z.enum(STAGES).optional(),
  ...occasion,
  fault,
});

export const webhookScript = z.strictObject({
  /**
   * `whsec_...`: the secrets of Standard Webhooks, the newest first. Several give several signatures, as
   * while a secret is changed. Default none: what would be signed with them is sent unsigned.
   */
  secrets: z
    .array(z.string().regex(/^whsec_[A-Za-z0-9+/]+=*$/, 'is not "whsec_" and base64'))
    .max(10)
    .readonly()
    .default([]),
  /** Where a provider sends news of every task, beside the URL that a submit gave. */
  projectUrls: z.partialRecord(z.enum(PROVIDERS), z.url({ protocol: /^https?$/ })).default({}),
  /** How often news are sent until a 2xx, the first time included. */
  attemptsMax: z.int().min(1).max(20).default(5),
  /** The wait before the second attempt; it doubles up to a minute. */
  retryMs: ms.default(1_000),
  /** An attempt without an answer ends after so long. */
  timeoutMs: z.int().min(1).max(60_000).default(10_000),
  /** The first that matches wins; all that match are counted. */
  faults: z.array(rule).max(bounds.rulesMax).readonly().default([]),
});

export type WebhookScript = z.output<typeof webhookScript>;
