/**
 * What users give as a text, as JSON, or at standard input under the name `-`.
 *
 * Callers: the commands. Invariants: it is read whole before a directory is opened; what is too large, or no
 * such thing, is INVALID_INPUT naming the option.
 */
import { HoldfastError } from '../errors.js';
import type { Json } from '../json.js';
import { limits } from '../limits.js';
import type { Terminal } from './terminal.js';

/** The text, or standard input for `-`: 1 MiB of UTF-8 at most. */
export async function givenText(field: string, text: string, { input }: Terminal): Promise<string> {
  if (text !== '-') return text;
  const max = limits.controlBodyBytesMax;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of input) {
    bytes += piece.byteLength;
    if (bytes > max) throw wrong(field, `standard input is larger than ${max} bytes`);
    pieces.push(piece);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch (error) {
    throw wrong(field, 'standard input is not UTF-8', error);
  }
}

export async function givenJson(field: string, text: string, terminal: Terminal): Promise<Json> {
  try {
    return JSON.parse(await givenText(field, text, terminal)) as Json;
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw wrong(field, 'is not JSON', error);
  }
}

export function wrong(field: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"${field}": ${why}`, { details: { field }, cause });
}
