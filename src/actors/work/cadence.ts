/**
 * When a schedule is due: what a cadence may be, and the next moment after another.
 *
 * Pure. Callers: schedules.ts. Invariants:
 *  C1  The next moment is always after the one that was asked for, and depends on nothing else.
 *  C2  Where clocks go forward, what was due in the hour that is left out comes that much later. Where they
 *      go back, what names its hour, minute and second comes once; what has a `*` there, each time.
 */
import { Cron } from 'croner';
import { z } from 'zod';
import { dateOf } from '../../clock.js';
import { limits } from '../../limits.js';
import type { Cadence, PlanAnswer, PlanInput } from '../../machines/index.js';
import { checked, invalid, text } from '../checked.js';

export interface AskedCadence {
  readonly cron?: string | undefined;
  readonly every?: number | undefined;
  readonly timezone?: string | undefined;
}

const CRON_CHARS_MAX = 300;
const TIMEZONE_CHARS_MAX = 100;
/** Clocks go back by two hours at most: so many seconds come twice. */
const REPEATED_MAX = 7_200;
/** Times that are looked at before a change of the clocks. */
const CHANGE_MAX = 100;

const asked = z.object({
  cron: text(CRON_CHARS_MAX).optional(),
  every: z.int().min(limits.scheduleEveryMinMs).max(limits.scheduleEveryMaxMs).optional(),
  timezone: text(TIMEZONE_CHARS_MAX).optional(),
});

/**
 * Throws INVALID_INPUT naming `cron`, `every` or `timezone`. After `now`, in epoch ms, it must come at
 * all.
 */
export function cadenceOf({ cron, every, timezone }: AskedCadence, now: number): Cadence {
  checked(asked, { cron, every, timezone });
  if (every !== undefined) {
    if (cron !== undefined) throw invalid('every', 'goes without cron');
    if (timezone !== undefined) throw invalid('timezone', 'goes with cron alone');
    return { everyMs: every };
  }
  if (cron === undefined) throw invalid('cron', 'name one of cron and every');
  const cadence = { cron: cronOf(cron), timezone: zoneOf(timezone) };
  const first = nextAfter({ cadence, after: now, anchor: now });
  if (first.type === 'never') throw invalid('cron', 'never comes: no day is like that');
  return cadence;
}

function cronOf(cron: string): string {
  const pattern = cron.trim();
  // Croner takes a date too, which would come once.
  if (pattern.includes(':')) throw invalid('cron', 'is a date, not a cron text');
  try {
    timesOf(pattern, 'UTC');
    return pattern;
  } catch (error) {
    throw invalid('cron', error instanceof Error ? error.message.replace(/\.$/, '') : 'is no cron text');
  }
}

function zoneOf(timezone = 'UTC'): string {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: timezone }).resolvedOptions().timeZone;
  } catch {
    throw invalid('timezone', 'no IANA name that is known here, such as Europe/Berlin');
  }
}

/** The first time after `after`; `never` when there is none before the year 3000. */
export function nextAfter({ cadence, after, anchor }: PlanInput): PlanAnswer {
  if ('everyMs' in cadence) {
    const { everyMs } = cadence;
    const passed = Math.max(0, Math.floor((after - anchor) / everyMs));
    return { type: 'next', at: anchor + (passed + 1) * everyMs };
  }
  const { cron, timezone } = cadence;
  const named = nextOf(cron, timezone, after);
  const again = comesAgain(cron) ? nextUnderOffset(cron, timezone, after) : undefined;
  const at = Math.min(named ?? Infinity, again ?? Infinity);
  return at === Infinity ? { type: 'never' } : { type: 'next', at };
}

function timesOf(cron: string, timezone: string): Cron {
  return new Cron(cron, { timezone, mode: '5-or-6-parts', paused: true });
}

/** Where clocks went back, croner names a time before `after`: the first of two that read the same. */
function nextOf(cron: string, timezone: string, after: number): number | undefined {
  const times = timesOf(cron, timezone);
  let next: number | undefined = after;
  for (let asked = 0; next !== undefined && next <= after && asked <= REPEATED_MAX; asked += 1)
    next = times.nextRun(dateOf(next))?.getTime();
  return next;
}

/** True for what has a `*` among its seconds, minutes or hours. */
function comesAgain(cron: string): boolean {
  const parts = cron.split(/\s+/);
  return cron.toLowerCase() === '@hourly' || parts.slice(0, -3).some((part) => part.startsWith('*'));
}

/** As if the clock kept its offset from UTC; where that changes before, with the offset it then has. */
function nextUnderOffset(cron: string, timezone: string, after: number): number | undefined {
  const times = timesOf(cron, 'UTC');
  const under = (offsetMs: number, from: number): number =>
    (times.nextRun(dateOf(from + offsetMs))?.getTime() ?? NaN) - offsetMs;
  const offsetMs = offsetMsAt(timezone, after);
  const first = under(offsetMs, after);
  if (Number.isNaN(first)) return undefined;
  const thenMs = offsetMsAt(timezone, first);
  if (thenMs === offsetMs) return first;
  let at = under(thenMs, after);
  for (let asked = 0; asked < CHANGE_MAX && offsetMsAt(timezone, at) !== thenMs; asked += 1)
    at = under(thenMs, at);
  return offsetMsAt(timezone, at) === thenMs ? at : undefined;
}

const MINUTE_MS = 60_000;

/** How far the clocks of a zone are ahead of UTC. */
function offsetMsAt(timezone: string, at: number): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  const ahead = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
  return sign === '-' ? -ahead : ahead;
}
