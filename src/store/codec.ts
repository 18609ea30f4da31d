/**
 * How a value lies in the database: one digit for the codec's version, the CRC-32 of the text, the JSON text.
 *
 * LevelDB (opened as we open it) does not check the blocks it reads, so every value carries its own check.
 *
 * Callers: the store room. Invariants:
 *  - `decodeValue(encodeValue(text), key)` is `text`, or the encoding was refused;
 *  - a value that does not match its checksum is never returned (S4).
 */
import { strict as assert } from 'node:assert';
import { crc32 } from 'node:zlib';
import { HoldfastError } from '../errors.js';
import type { Row } from './store.js';

const VERSION = '1';
const HEADER_LENGTH = 9;

/**
 * The stored form of JSON text. A lone surrogate would silently become U+FFFD on disk: it is a caller's bug.
 */
export function encodeValue(text: string): string {
  if (!text.isWellFormed()) assert.fail('a stored value holds no lone surrogates');
  return VERSION + checksumOf(text) + text;
}

/** The JSON text of a stored value. Throws `STORE_CORRUPTED`, or `STORE_FORMAT_NEWER` for a later codec. */
export function decodeValue(stored: string, key: string): string {
  const version = stored.slice(0, 1);
  if (version > VERSION && version <= '9') {
    throw new HoldfastError(
      'STORE_FORMAT_NEWER',
      `the value of ${JSON.stringify(key)} is in codec ${version}, this holdfast reads up to ${VERSION}`,
    );
  }
  const text = stored.slice(HEADER_LENGTH);
  if (version !== VERSION || stored.slice(1, HEADER_LENGTH) !== checksumOf(text)) {
    throw new HoldfastError('STORE_CORRUPTED', `the value of ${JSON.stringify(key)} fails its checksum`, {
      details: { key },
    });
  }
  return text;
}

/** A row with its value in stored form. An empty or ill-formed key is a caller's bug. */
export function encodeRow({ key, value }: Row): Row {
  // `assert.ok` with its arguments costs more than the look itself, twice a row.
  if (key.length === 0 || !key.isWellFormed()) assert.fail('a key is text without lone surrogates');
  return { key, value: value === undefined ? undefined : encodeValue(value) };
}

/** The checksum that a stored value carries, without reading its text again. */
export function carriedChecksum(stored: string): string {
  return stored.slice(1, HEADER_LENGTH);
}

/** A CRC-32 as 8 hex digits. */
export function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
