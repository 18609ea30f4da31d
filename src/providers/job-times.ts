/**
 * Times of a provider's jobs that a user may set: what of them can be kept.
 *
 * Pure. Callers: account.ts, for the options of adapters; the book of providers, for adapters of somebody's
 * own. Invariant: what passes is a whole number within what a job may have.
 */
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import type { JobTimes } from './port.js';

const BOUNDS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  timeoutMs: [1, limits.jobTimeMaxMs],
  'poll.everyMs': [1, limits.jobTimeMaxMs],
  'poll.slowMs': [1, limits.jobTimeMaxMs],
  'poll.fastPolls': [0, limits.fastPollsMax],
};

/** Throws `INVALID_OPTIONS` that names the option. */
export function checkJobTimes(provider: string, { poll = {}, ...times }: JobTimes = {}): void {
  if (!isPlainObject(poll)) throw refused(provider, 'poll', 'must be an object');
  const polls = Object.entries(poll).map(([name, value]) => [`poll.${name}`, value] as const);
  for (const [name, value] of [...Object.entries(times), ...polls]) {
    const bounds = BOUNDS[name];
    if (bounds === undefined) {
      throw refused(provider, name, `is no time; there are ${Object.keys(BOUNDS).join(', ')}`);
    }
    const [min, max] = bounds;
    if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) continue;
    throw refused(provider, name, `must be a whole number from ${min} to ${max}`);
  }
}

function refused(provider: string, name: string, message: string): HoldfastError {
  const option = `jobs.${name}`;
  return new HoldfastError('INVALID_OPTIONS', `${provider}: ${option} ${message}`, { details: { option } });
}
