/**
 * What a runtime is told of work, checked when it is opened.
 *
 * Pure. Callers: runtime-options.ts. Throws INVALID_OPTIONS naming the option.
 */
import { z } from 'zod';
import { HoldfastError } from '../../errors.js';
import { isStandardSchema } from '../schema.js';
import { ATTEMPTS_MAX, kindName, PRIORITY_MAX } from './asked.js';

const TOKEN_CHARS_MIN = 32;
const TOKEN_CHARS_MAX = 1_000;

const kind = z.strictObject({
  schema: z.custom(isStandardSchema, 'is no Standard Schema').optional(),
  dedupeKey: z.custom((value) => typeof value === 'function', 'is no function').optional(),
  priority: z.number().int().min(0).max(PRIORITY_MAX).optional(),
  attemptsMax: z.number().int().min(1).max(ATTEMPTS_MAX).optional(),
  retentionMs: z.number().int().min(0).optional(),
});

const options = z.strictObject({
  kinds: z.record(kindName, kind).optional(),
  token: z
    .string()
    .min(TOKEN_CHARS_MIN)
    .max(TOKEN_CHARS_MAX)
    .regex(/^[\x21-\x7e]*$/, 'holds what no header can')
    .optional(),
});

export function checkWorkOptions(given: unknown): void {
  if (given === undefined) return;
  const { error } = options.safeParse(given);
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return;
  const path = ['work', ...issue.path.map(String)].join('.');
  throw new HoldfastError('INVALID_OPTIONS', `${path}: ${issue.message}`);
}
