/**
 * What a user may ask of the jobs façade, checked once, at the door.
 *
 * Pure. Callers: jobs.ts and the doors that show the schema. Throws INVALID_INPUT naming the field.
 */
import { z } from 'zod';
import { limits } from '../limits.js';
import type { ProviderRequest } from '../providers/index.js';
import { text } from './checked.js';

const durationMs = z.number().int().positive().max(limits.jobTimeMaxMs);
const json = z.json();

/** Who gets a message. */
export const deliveryTarget = z.strictObject({
  channel: text(200),
  target: text(512),
  isGroup: z.boolean().default(false),
  replyTo: text(512).optional(),
  account: text(200).optional(),
  meta: z.record(z.string(), json).optional(),
});

/** Up to 500 bytes, as the key of each session. */
export const sessionKey = text(limits.sessionKeyBytesMax).refine(
  (key) => Buffer.byteLength(key) <= limits.sessionKeyBytesMax,
  'has more than 500 bytes',
);

/**
 * The turn of a session that asks for a thing. A `Turn` is one: what else it has is not kept. It is not
 * looked up: one that is not there is a gap in the story. It is said, and not taken from an async context:
 * what a commit wakes runs in the context of who brought it about, and would be told of somebody else's turn.
 */
export const askingTurn = z.object({ sessionId: sessionKey, turnId: text(120) });

const asked = {
  provider: text(100),
  kind: z.enum(['video', 'image']).default('video'),
  /** Whose key; the adapter's one account unless named. */
  credential: text(100).default('default'),
  sessionKey: sessionKey.optional(),
  /** Whether an outcome is work for the session's next turn, beside its entry in the history. */
  wakeSession: z.boolean().default(true),
  delivery: deliveryTarget.optional(),
  origin: z.enum(['agent', 'cron', 'userDirect']).default('agent'),
  /** The turn that asks for it: what stories are told by. Default: what ran in the session then. */
  turn: askingTurn.optional(),
  /** From acceptance to the last poll. */
  timeoutMs: durationMs.optional(),
  /** From creation to giving up on an acceptance. */
  submitByMs: durationMs.optional(),
  poll: z
    .strictObject({
      everyMs: durationMs.optional(),
      slowMs: durationMs.optional(),
      fastPolls: z.number().int().min(0).max(limits.fastPollsMax).optional(),
    })
    .optional(),
  historyRole: text(50).default('assistant'),
};

export const submitSchema = z.strictObject({
  ...asked,
  prompt: text(limits.payloadBytesMax).refine((value) => value.trim() !== '', 'is blank'),
  model: text(200).optional(),
  image: text(limits.payloadBytesMax).optional(),
  negativePrompt: text(10_000).optional(),
  durationSeconds: z.number().positive().max(3_600).optional(),
  size: text(50).optional(),
  aspectRatio: text(20).optional(),
  seed: z.number().int().nonnegative().optional(),
  extra: z.record(z.string(), json).optional(),
  /**
   * Who is asked next, in this order, when the one before is known not to have accepted. Each has the request
   * with its own `model` and `extra`, or none.
   */
  fallback: z
    .array(
      z.strictObject({
        provider: text(100),
        credential: text(100).default('default'),
        model: text(200).optional(),
        extra: z.record(z.string(), json).optional(),
      }),
    )
    .max(limits.fallbacksMax)
    .default([]),
  /** Given twice, the same job comes back: for as long as it exists and 7 days beyond. */
  idempotencyKey: text(400).optional(),
});

/** A task at a provider, named by hand. */
const refSchema = z.strictObject({
  taskId: text(512),
  endpoint: text(200),
  generation: text(100),
  region: text(100).optional(),
  /** What must not be read, such as a signed URL to ask at; kept sealed. */
  secret: text(8_000).optional(),
});

export const adoptSchema = z.strictObject({ ref: refSchema });
export const cancelSchema = z.strictObject({ reason: text(1_000).optional() });

export const trackSchema = z.strictObject({
  ...asked,
  prompt: text(limits.payloadBytesMax).default('tracked task'),
  ref: refSchema,
});

/** What `jobs.submit` takes. Times are milliseconds. */
export type SubmitRequest = z.input<typeof submitSchema>;
/** What `jobs.track` takes: a task that was submitted elsewhere. */
export type TrackRequest = z.input<typeof trackSchema>;
export type CheckedSubmit = z.output<typeof submitSchema>;
export type CheckedTrack = z.output<typeof trackSchema>;

/** The provider-neutral part of a request: what is stored as its payload. */
export function providerRequest(request: CheckedSubmit): ProviderRequest {
  const { kind, prompt, model, image, negativePrompt, durationSeconds, size, aspectRatio, seed, extra } =
    request;
  const optional = { model, image, negativePrompt, durationSeconds, size, aspectRatio, seed, extra };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { kind, prompt, ...given };
}

const LABEL_GRAPHEMES = 80;

/** The first 80 characters of a prompt, as people count them, on one line. */
export function labelOf(prompt: string): string {
  // 80 graphemes are looked for in a bounded piece, so that a long prompt costs no more than a short one.
  const start = prompt
    .slice(0, LABEL_GRAPHEMES * 32)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(start);
  return Array.from(graphemes, ({ segment }) => segment)
    .slice(0, LABEL_GRAPHEMES)
    .join('')
    .toWellFormed();
}
