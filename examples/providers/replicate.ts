/** A video by one of Replicate's models; `extra` is the model's own input. */
import { openRuntime } from 'holdfast';
import { replicate } from 'holdfast/providers';

// The key is REPLICATE_API_TOKEN.
const runtime = await openRuntime({ directory: './.holdfast', providers: [replicate()] });
const request = { prompt: 'a paper boat in the rain', model: 'wan-video/wan-2.2-t2v-fast' };
const extra = { go_fast: true };
const job = await runtime.jobs.submit({ provider: 'replicate', kind: 'video', ...request, extra });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
