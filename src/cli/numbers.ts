/**
 * Numbers and times on a command line, read once for all commands. Callers: the commands.
 * Invariant: what is no such number is a usage error that says what it may be.
 */
import { InvalidArgumentError } from 'commander';

const PORT_MAX = 65_535;

/** A port; 0 asks for any free one. */
export function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= PORT_MAX) return port;
  throw new InvalidArgumentError('It is 0 to 65535.');
}

export function wholeNumber(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It is a whole number of 0 or more.');
}

/** Of a step of an actor. */
export function wholeSeq(text: string): number {
  const seq = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (seq >= 1) return seq;
  throw new InvalidArgumentError('It is the number of a step, from 1.');
}

/** Milliseconds since 1970, of a time with its zone or of themselves. */
export function timeOf(text: string): number {
  const isIso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = isIso ? Date.parse(text) : Number(/^\d{1,16}$/.test(text) ? text : Number.NaN);
  if (Number.isSafeInteger(at) && at >= 0) return at;
  throw new InvalidArgumentError('It is a time like 2026-01-31T08:00:00Z, or milliseconds since 1970.');
}
