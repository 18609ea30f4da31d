/**
 * What callers ask a session beside work: claims, turns, queue modes, checked once, at the door.
 *
 * Pure. Callers: session.ts, turn.ts. Throws INVALID_INPUT naming the field.
 */
import { z } from 'zod';
import { dropPolicies, queueModes } from '../../machines/index.js';
import type { ModeSettings } from '../../machines/index.js';
import { checked, text } from '../checked.js';
import type { CheckedDraft } from './drafts.js';
import type { ClaimReceipt } from './settle.js';

const DAY_MS = 86_400_000;
const name = text(300);

const claimSchema = z.strictObject({
  /** Where its caller stands: between turns, or at a safe place within the running one. */
  boundary: z.enum(['idle', 'activeTurnCheckpoint']).default('idle'),
  /** Batches at most; 0 to 1,000. */
  max: z.number().int().min(0).max(1_000).default(64),
  /** Who is shown to hold it; default: this process. */
  ownerId: name.optional(),
  /** How long it holds without being renewed; 1 s to a day, default 15 min. */
  ttlMs: z.number().int().min(1_000).max(DAY_MS).optional(),
  /** `process`: for as long as this process lives. `lease`: for its time to live, wherever its owner is. */
  hold: z.enum(['process', 'lease']).default('process'),
});

const modeSchema = z.strictObject({
  mode: z.enum(queueModes).optional(),
  /** Messages that may wait; 1 to 10,000, default 20. */
  cap: z.number().int().min(1).max(10_000).optional(),
  drop: z.enum(dropPolicies).optional(),
  /** How long it must be quiet before collected messages run; ms, up to an hour, default 500. */
  debounceMs: z.number().int().min(0).max(3_600_000).optional(),
  /** For messages of this channel alone; default: the session. */
  channel: name.optional(),
});

/** What proves a claim elsewhere. It was kept as JSON, by somebody else: nothing of it is taken on trust. */
const receiptSchema = z.strictObject({
  sessionId: z.string(),
  /** That of an empty claim is ''. */
  claimId: z.string().regex(/^(?:claim_.{1,200})?$/, 'is no claim’s id'),
  leaseToken: z.string().max(300),
  batchIds: z.array(z.string().max(300)).max(1_000),
});
const receiptsSchema = z.array(receiptSchema).max(10_000);

const turnSchema = z.strictObject({
  /** What the turn is known by, and its commit; 1 to 120 characters, default: a new one. */
  turnId: text(120).optional(),
  /** Batches at most, at each claim; 0 to 1,000. */
  max: z.number().int().min(0).max(1_000).default(64),
  /** Who is shown to run it; default: this process. */
  ownerId: name.optional(),
  /** These ride on the turn, for whoever works on it, and are never stored. */
  protocolExtension: z.unknown().optional(),
  turnContext: z.unknown().optional(),
  transientMessages: z.array(z.unknown()).optional(),
});

export type AskTurn = z.input<typeof turnSchema>;
export type CheckedTurn = z.output<typeof turnSchema>;
export type AskClaim = z.input<typeof claimSchema>;
export type ModeChange = z.input<typeof modeSchema>;

export function checkedClaim(asked: unknown): z.output<typeof claimSchema> {
  return checked(claimSchema, asked);
}

export function checkedTurn(asked: unknown): CheckedTurn {
  return checked(turnSchema, asked);
}

/** The settings of a change that are given. */
export function checkedMode(asked: unknown): Partial<ModeSettings> {
  const { channel: _channel, ...settings } = checked(modeSchema, asked);
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** The channel of a message; '' is the session's own door. */
export function checkedChannel(asked: unknown): string {
  return asked === '' ? '' : checked(z.strictObject({ channel: name }), { channel: asked }).channel;
}

/** Those of claims that hold something: whatever is done with an empty one changes nothing. */
export function checkedReceipts(asked: unknown): readonly ClaimReceipt[] {
  return checked(receiptsSchema, asked).filter(({ claimId }) => claimId !== '');
}

const LINE_CHARS_MAX = 160;

/** The first line of a message: what is kept of it when it is dropped. */
export function lineOf(payloads: CheckedDraft['payloads']): string {
  const [first] = payloads;
  const items = first?.type === 'turnInput' ? first.items : [];
  const [said] = items.flatMap((item) => ('text' in item ? [item.text] : []));
  const line = (said ?? '[image]').trim().split('\n', 1)[0] ?? '';
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(
    line.slice(0, LINE_CHARS_MAX * 8),
  );
  return Array.from(graphemes, ({ segment }) => segment)
    .slice(0, LINE_CHARS_MAX)
    .join('')
    .toWellFormed();
}
