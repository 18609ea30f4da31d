/**
 * The words that all parts of a script share: providers, spans of time, and the calls a rule is for.
 *
 * Callers: script.ts, webhook-script.ts. Invariant: pure.
 */
import { z } from 'zod';
import { bounds } from './bounds.js';

export const PROVIDERS = [
  'agnes',
  'fal',
  'kling',
  'luma',
  'minimax',
  'openai',
  'openai-responses',
  'replicate',
  'rsclaw',
  'rsclaw_image',
  'runway',
  'seedance',
  'veo',
] as const;
export type ProviderName = (typeof PROVIDERS)[number];

const count = z.int().min(1).max(1_000_000);
export const ms = z.int().min(0).max(bounds.waitMsMax);
export const word = z.string().min(1).max(200);

/**
 * Ends after so many polls of the task, after so many milliseconds, or after a seeded number of milliseconds.
 */
export const span = z.union(
  [
    z.strictObject({ polls: z.int().min(0).max(1_000_000) }),
    z.strictObject({ ms }),
    z.strictObject({ minMs: ms, maxMs: ms }).refine((range) => range.minMs <= range.maxMs, 'minMs > maxMs'),
  ],
  { error: 'is {"polls": n}, {"ms": n} or {"minMs": n, "maxMs": n}, whole numbers of 0 or more' },
);
export type Span = z.output<typeof span>;

/** Which of the matching calls a rule is for. Without any field: all of them. */
export const occasion = {
  /** Only calls about a prompt that contains this text. */
  prompt: word.optional(),
  /** The n-th matching call alone, from 1. */
  nth: count.optional(),
  /** Every k-th matching call. */
  every: count.optional(),
  /** From this matching call on, from 1. */
  from: count.optional(),
  /** Up to and including this matching call. */
  until: count.optional(),
  /** Of the calls left, this share, drawn by the seed. */
  chance: z.number().min(0).max(1).optional(),
  /** What is counted: calls that match the rule (default), or such calls a prompt. */
  countPer: z.enum(['rule', 'prompt']).default('rule'),
};

export interface Occasion {
  readonly prompt?: string | undefined;
  readonly nth?: number | undefined;
  readonly every?: number | undefined;
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly chance?: number | undefined;
  readonly countPer: 'rule' | 'prompt';
}
