/**
 * One open of the store in the directory given as the argument: prints milliseconds until ready, resident
 * MiB and how many errands sleep. Started by recovery.ts.
 */
import { performance } from 'node:perf_hooks';
import { openLevelStore } from '../src/store/index.js';
import { errandKind } from './errand.js';
import { openKernel } from './kernel.js';

const MIB = 1_048_576;

const [directory = ''] = process.argv.slice(2);
const startedAt = performance.now();
const store = await openLevelStore({ directory });
const kernel = await openKernel(store);
const readyMs = performance.now() - startedAt;
const sleeping = kernel.counts(errandKind).reduce((sum, { count }) => sum + count, 0);
console.log(`${readyMs.toFixed(1)} ${(process.memoryUsage().rss / MIB).toFixed(1)} ${sleeping}`);
await kernel.close();
await store.close();
