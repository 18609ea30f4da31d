/** A video by Veo: eight seconds, upright. */
import { openRuntime } from 'holdfast';
import { veo } from 'holdfast/providers';

// The key is GEMINI_API_KEY.
const runtime = await openRuntime({ directory: './.holdfast', providers: [veo()] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 8, size: '1080x1920' } as const;
const job = await runtime.jobs.submit({ provider: 'veo', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
