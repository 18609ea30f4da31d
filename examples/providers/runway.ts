/** A video by Runway: eight seconds, upright. */
import { openRuntime } from 'holdfast';
import { runway } from 'holdfast/providers';

// The key is RUNWAYML_API_SECRET.
const runtime = await openRuntime({ directory: './.holdfast', providers: [runway()] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 8, aspectRatio: '9:16' };
const job = await runtime.jobs.submit({ provider: 'runway', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
