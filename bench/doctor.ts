/**
 * The doctor on a million sleepers: how long a whole examination takes, files and rows, and how much memory.
 *
 * The number comes from a process of its own (doctor-child.ts), which does nothing else. Every index of the
 * sleepers is compared, too: their machine is given. Callers: run.ts, as a process of its own.
 */
import { inChild } from './child.js';
import { atMost, report } from './gates.js';
import { MILLION, millionSleepers } from './million.js';

const directory = await millionSleepers();
const figures = await inChild('doctor-child', [directory]);
const { seconds = Number.NaN, peakMiB = Number.NaN, actors, rows, findings } = figures;
if (actors !== MILLION) throw new Error(`${actors} of ${MILLION} sleepers were examined`);
if (findings !== 0) throw new Error(`${findings} findings in a store that nobody harmed`);
console.log(`${actors} actors, ${rows} rows: ${seconds.toFixed(0)} s, at most ${peakMiB.toFixed(0)} MiB`);
report(
  'doctor',
  [
    atMost(200, 'resident memory of the whole process at its most', peakMiB, 'MiB'),
    atMost(120, 'time to examine a million actors', seconds, 's'),
  ],
  figures,
);
