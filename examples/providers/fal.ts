/** A video by one of fal's models: the model is a path. */
import { openRuntime } from 'holdfast';
import { fal } from 'holdfast/providers';

// The key is FAL_KEY.
const runtime = await openRuntime({ directory: './.holdfast', providers: [fal()] });
const request = { prompt: 'a paper boat in the rain', model: 'fal-ai/veo3.1/fast' };
const job = await runtime.jobs.submit({ provider: 'fal', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
