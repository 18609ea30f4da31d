/**
 * The providers of the crowd: a simulator whose tasks do not end while it is looked at. Prints its URL, and
 * ends with its standard input. Callers: crowd.ts.
 */
import { once } from 'node:events';
import { startSimulator } from '../src/simulator/index.js';

const FOREVER_MS = 86_400_000;

const simulator = await startSimulator({
  script: { life: { queued: { polls: 1 }, running: { ms: FOREVER_MS } } },
});
process.stdout.write(`${simulator.url}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
await simulator.close();
