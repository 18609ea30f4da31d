/**
 * The storm: a process that opens the store of sleepers in the directory given a month from now, when many of
 * them are due at once. Prints how the event loop fared until all were awake. Started by storm.ts.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { systemClock, type Clock } from '../src/clock.js';
import { openLevelStore } from '../src/store/index.js';
import { openKernel } from './kernel.js';
import { DAY_MS, sleeperDefinition } from './sleeper.js';

const MIB = 1_048_576;
const NS_A_MS = 1_000_000;
const KIB_A_MIB = 1_024;

const [directory = '', expected = '0'] = process.argv.slice(2);
const clock: Clock = { ...systemClock, now: () => systemClock.now() + 31 * DAY_MS };
const store = await openLevelStore({ directory });
const delay = monitorEventLoopDelay({ resolution: 1 });
const cpu = process.cpuUsage();
delay.enable();
const startedAt = performance.now();
let awake = 0;
let allAwake = (): void => undefined;
const drained = new Promise<void>((resolve) => {
  allAwake = resolve;
});
const kernel = await openKernel(store, { definitions: [sleeperDefinition], clock });
kernel.onStep(({ entry }) => {
  if (entry.value === 'awake') awake += 1;
  if (awake === Number(expected)) allAwake();
});
await drained;
const ms = performance.now() - startedAt;
delay.disable();
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    timersPerSecond: (awake / ms) * 1_000,
    cpuUsPerTimer: (user + system) / awake,
    p50Ms: delay.percentile(50) / NS_A_MS,
    p99Ms: delay.percentile(99) / NS_A_MS,
    maxMs: delay.max / NS_A_MS,
    rssMiB: process.resourceUsage().maxRSS / KIB_A_MIB,
    endRssMiB: process.memoryUsage().rss / MIB,
  }),
);
await kernel.close();
await store.close();
