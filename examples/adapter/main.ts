/** A painting through an adapter of one's own. Needs no key: studio.ts plays the service. */
import { openRuntime } from 'holdfast';
import { brush } from './brush.js';
import { openStudio } from './studio.js';

const studio = await openStudio();
const runtime = await openRuntime({
  directory: './.holdfast',
  providers: [brush({ baseUrl: `${studio.url}/v1`, apiKey: 'any' })],
});

const job = await runtime.jobs.submit({
  provider: 'brush',
  kind: 'image',
  prompt: 'a lighthouse in the fog',
  poll: { everyMs: 1_000 },
});
const { status, artifacts } = await job.settled();
process.stdout.write(`${status}: ${artifacts[0]?.mime}, ${artifacts[0]?.bytes} bytes\n`);
await runtime.close();
studio.close();
