/**
 * What comes through a façade's door, checked once.
 *
 * Pure. Callers: the façades. Throws INVALID_INPUT naming the field.
 */
import { z } from 'zod';
import { HoldfastError } from '../errors.js';
import { firstNonJson } from '../json.js';

/** A text that can be stored, and stand in a row's name: 1 to `charsMax` characters. */
export function text(charsMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(charsMax)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'holds NUL or a lone surrogate');
}

/** Parses or throws INVALID_INPUT naming the first field that is wrong. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  const where = field === '' ? 'the request' : `"${field}"`;
  const message = `${where}: ${issue?.message ?? 'is not valid'}`;
  throw new HoldfastError('INVALID_INPUT', message, { details: { field } });
}

/** The JSON of a field, and how long it is. Throws for what is not JSON, or more than so many bytes of it. */
export function checkedJson(
  field: string,
  value: unknown,
  bytesMax: number,
): { readonly text: string; readonly bytes: number } {
  const bad = firstNonJson(value);
  if (bad !== undefined) throw invalid(field, `is not JSON at ${bad}`);
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) throw invalid(field, `has ${bytes} bytes as JSON, and ${bytesMax} are the most`);
  return { text, bytes };
}

/** What is wrong with a field, where no schema says it. */
export function invalid(field: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"${field}": ${what}`, { details: { field } });
}
