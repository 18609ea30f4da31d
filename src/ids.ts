/**
 * Identifiers: random ids, actor addresses and the hashes ids are made from.
 *
 * Owns: the only use of chance (nanoid). Callers: every room.
 * Invariants: an id is 1 to 512 UTF-8 bytes without NUL or lone surrogates; an address is `kind/id`, split at
 * its first slash, so that ids may contain slashes and kinds may not.
 */
import { hash } from 'node:crypto';
import { nanoid } from 'nanoid';
import { HoldfastError } from './errors.js';
import { limits } from './limits.js';

/** The address of an actor: `kind/id`. */
export type Address = `${string}/${string}`;

/** A fresh unguessable id: `prefix_` and 21 characters (126 bits). */
export function newId(prefix: string): string {
  return `${prefix}_${nanoid()}`;
}

/**
 * SHA-256 of `text`, as 64 hex digits. One call of `hash` costs half of a `createHash` for texts as short as
 * ours.
 */
export function sha256Hex(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex');
}

/** A short stable id made from `text`: 32 hex digits (128 bits) of its SHA-256. */
export function stableId(prefix: string, text: string): string {
  return `${prefix}_${sha256Hex(text).slice(0, 32)}`;
}

const KIND = /^[A-Za-z][\w.-]*$/;

/** Joins a kind and an id. Throws `INVALID_ID` when either cannot be stored. */
export function addressOf(kind: string, id: string): Address {
  if (!KIND.test(kind)) {
    throw new HoldfastError(
      'INVALID_ID',
      `kind ${JSON.stringify(kind)} is not a letter, then letters, digits, "_", "." and "-"`,
    );
  }
  checkId(id);
  return `${kind}/${id}`;
}

/** Throws `INVALID_ID` unless `id` is 1 to 512 UTF-8 bytes without NUL or lone surrogates. */
export function checkId(id: string): void {
  // JavaScript hands numbers over for texts.
  if (typeof id !== 'string') throw new HoldfastError('INVALID_ID', `an id is a text, not ${String(id)}`);
  const bytes = Buffer.byteLength(id);
  if (bytes === 0 || bytes > limits.idBytesMax) {
    throw new HoldfastError(
      'INVALID_ID',
      `an id has 1 to ${limits.idBytesMax} UTF-8 bytes, this one has ${bytes}`,
    );
  }
  if (id.includes('\0') || !id.isWellFormed()) {
    throw new HoldfastError('INVALID_ID', 'an id holds neither NUL nor lone surrogates');
  }
}

/** Splits an address at its first slash. */
export function splitAddress(address: string): { readonly kind: string; readonly id: string } {
  const slash = address.indexOf('/');
  if (slash < 1)
    throw new HoldfastError('INVALID_ID', `${JSON.stringify(address)} is not an address like "job/job_1"`);
  return { kind: address.slice(0, slash), id: address.slice(slash + 1) };
}
