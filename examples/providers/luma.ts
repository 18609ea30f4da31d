/** A video by Luma's Ray, from a picture. */
import { openRuntime } from 'holdfast';
import { luma } from 'holdfast/providers';

// The key is LUMAAI_API_KEY.
const runtime = await openRuntime({ directory: './.holdfast', providers: [luma()] });
const request = { prompt: 'the boat sails off', image: 'https://example.com/boat.png', durationSeconds: 5 };
const job = await runtime.jobs.submit({ provider: 'luma', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
