/**
 * Going on in the middle of a file: what must be asked, and whether an answer is about the same file.
 *
 * Callers: the download. Invariant: bytes are put together only when one strong validator stands for both
 * halves and the answer begins where the first half ends.
 */
import { parseHttpDate } from '../clock.js';
import { asNumber } from './wire.js';

/** What names one content of a file, byte for byte. */
export interface Validator {
  readonly header: 'etag' | 'last-modified';
  readonly value: string;
}

/** What is known of the file that bytes come from. */
export interface PartSource {
  readonly validator: Validator;
  /** Of the whole file. */
  readonly totalBytes?: number;
}

type Headers = Readonly<Record<string, string>>;

const VALIDATOR_CHARS_MAX = 500;
/** A file that was written within the minute before the answer may have been written twice in one second. */
const MODIFIED_BEFORE_MS = 60_000;

/** The headers that ask for what follows; none from the beginning. */
export function rangeHeaders(source: PartSource | undefined, bytes: number): Headers {
  if (source === undefined || bytes === 0) return {};
  return { range: `bytes=${bytes}-`, 'if-range': source.validator.value };
}

/** What a reply with a whole body says of it; undefined when it could not be gone on with. */
export function sourceOf(headers: Headers): PartSource | undefined {
  const validator = strongEtag(headers) ?? strongDate(headers);
  if (validator === undefined || validator.value.length > VALIDATOR_CHARS_MAX) return undefined;
  const totalBytes = asNumber(headers['content-length']);
  return { validator, ...(totalBytes === undefined ? {} : { totalBytes }) };
}

/**
 * The length of the whole file when a 206 goes on after so many bytes of it; undefined when it is about
 * another file, another place in it, or does not say.
 */
export function goesOn(headers: Headers, source: PartSource, bytes: number): number | undefined {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  const totalBytes = Number(total);
  if (first === undefined || Number(first) !== bytes || !Number.isSafeInteger(totalBytes)) return undefined;
  if (Number(last) >= totalBytes) return undefined;
  if (source.totalBytes !== undefined && source.totalBytes !== totalBytes) return undefined;
  // A server that does not know If-Range sends the middle of whatever it has: it must say of what.
  const { header, value } = source.validator;
  return headers[header] === value ? totalBytes : undefined;
}

function strongEtag(headers: Headers): Validator | undefined {
  const { etag } = headers;
  return etag !== undefined && /^"[^"]*"$/.test(etag) ? { header: 'etag', value: etag } : undefined;
}

function strongDate(headers: Headers): Validator | undefined {
  const value = headers['last-modified'] ?? '';
  const [modifiedMs, sentMs] = [parseHttpDate(value), parseHttpDate(headers['date'] ?? '')];
  if (modifiedMs === undefined || sentMs === undefined) return undefined;
  return sentMs - modifiedMs >= MODIFIED_BEFORE_MS ? { header: 'last-modified', value } : undefined;
}
