/**
 * One open of the store of sleepers in the directory given: prints how long until its timer is armed, how
 * much resident memory that took, and how many sleep. Started by recovery.ts and jobs.ts.
 */
import { performance } from 'node:perf_hooks';
import { systemClock, type Clock } from '../src/clock.js';
import { openLevelStore } from '../src/store/index.js';
import { openKernel } from './kernel.js';
import { sleeperDefinition, sleeperKind } from './sleeper.js';

const MIB = 1_048_576;

const [directory = ''] = process.argv.slice(2);
globalThis.gc?.();
const rssBefore = process.memoryUsage().rss;
const startedAt = performance.now();
let armed = (): void => undefined;
const isArmed = new Promise<void>((resolve) => {
  armed = resolve;
});
/** Armed is when the one real timer waits for the earliest sleeper. */
const clock: Clock = {
  ...systemClock,
  schedule: (delayMs, run) => {
    armed();
    return systemClock.schedule(delayMs, run);
  },
};
const store = await openLevelStore({ directory });
const openMs = performance.now() - startedAt;
const kernel = await openKernel(store, { definitions: [sleeperDefinition], clock });
await isArmed;
const armedMs = performance.now() - startedAt;
const { rss } = process.memoryUsage();
const asleep = kernel
  .counts(sleeperKind)
  .filter(({ state }) => state === '"asleep"')
  .reduce((sum, { count }) => sum + count, 0);
const grownMiB = (rss - rssBefore) / MIB;
console.log(JSON.stringify({ openMs, armedMs, rssMiB: rss / MIB, grownMiB, asleep }));
await kernel.close();
await store.close();
