/**
 * Retry-After, in every form providers write it.
 *
 * Callers: the classifier, the download. Invariant: the answer is undefined or within 1 s .. 15 min, so
 * that neither a zero makes a storm nor a mistake parks a job for a day.
 */
import { parseHttpDate } from '../clock.js';
import { limits } from '../limits.js';
import { asList, asNumber, asText, at, readObject } from './wire.js';

/**
 * Milliseconds from `now` (epoch ms) that the reply asks to wait. `text` is read for Google's `retryDelay`
 * alone.
 */
export function retryAfterMs(
  headers: Readonly<Record<string, string>>,
  text: string,
  now: number,
): number | undefined {
  const asked = inMilliseconds(headers) ?? inSecondsOrDate(headers, now) ?? inErrorDetails(text);
  if (asked === undefined) return undefined;
  return Math.min(limits.retryAfterMaxMs, Math.max(limits.retryAfterMinMs, Math.ceil(asked)));
}

function inMilliseconds(headers: Readonly<Record<string, string>>): number | undefined {
  return asNumber(headers['retry-after-ms']);
}

function inSecondsOrDate(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') return undefined;
  const seconds = asNumber(value);
  if (seconds !== undefined) return seconds * 1_000;
  const date = parseHttpDate(value);
  return date === undefined ? undefined : date - now;
}

function inErrorDetails(text: string): number | undefined {
  if (!text.includes('retryDelay')) return undefined;
  for (const detail of asList(at(readObject(text), 'error', 'details'))) {
    const delay = asText(at(detail, 'retryDelay'));
    const seconds = delay?.endsWith('s') ? asNumber(delay.slice(0, -1)) : undefined;
    if (seconds !== undefined) return seconds * 1_000;
  }
  return undefined;
}
