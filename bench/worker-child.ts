/**
 * A process at work in the store of sleepers in the directory given, until it is killed: it pokes them,
 * synced, a hundred at a time. Says `working` once. Started by recovery.ts.
 */
import { openLevelStore } from '../src/store/index.js';
import { openKernel } from './kernel.js';
import { sleeperDefinition, sleeperId, sleeperKind } from './sleeper.js';

const [directory = '', actors = '1'] = process.argv.slice(2);
const store = await openLevelStore({ directory });
const kernel = await openKernel(store, { definitions: [sleeperDefinition] });
let poked = 0;
const lane = async (): Promise<never> => {
  for (;;) {
    const sleeper = (poked++ * 7_919) % Number(actors);
    await kernel.send(`${sleeperKind}/${sleeperId(sleeper)}`, { type: 'poke' });
  }
};
console.log('working');
await Promise.all(Array.from({ length: 100 }, lane));
