/**
 * Numbers on a command line, read once for all commands. Callers: serve.ts, sessions.ts, simulator.ts.
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
