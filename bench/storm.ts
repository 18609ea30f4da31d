/**
 * The storm: a hundred thousand timers due at once, among a million actors. Callers: run.ts, as a process of
 * its own. Invariant: it comes last, since it wakes the sleepers that the other parts want asleep.
 */
import { inChild } from './child.js';
import { atMost, report } from './gates.js';
import { DUE_TOGETHER, millionSleepers } from './million.js';

const directory = await millionSleepers();
const storm = await inChild('storm-child', [directory, String(DUE_TOGETHER)]);
const { timersPerSecond, cpuUsPerTimer, p50Ms, p99Ms, maxMs, rssMiB } = storm;
const perSecond = `${timersPerSecond?.toFixed(0)} a second, ${cpuUsPerTimer?.toFixed(0)} us of CPU each`;
console.log(`${DUE_TOGETHER} timers: ${perSecond}; event-loop delay p50 ${p50Ms?.toFixed(1)} ms`);
report(
  'storm',
  [
    atMost(512, 'resident memory, highest', rssMiB ?? Number.NaN, 'MiB'),
    atMost(20, 'event-loop delay, p99', p99Ms ?? Number.NaN, 'ms'),
    atMost(100, 'event-loop delay, max', maxMs ?? Number.NaN, 'ms'),
  ],
  storm,
);
