/** A video by a gateway that speaks the OpenAI-videos protocol. */
import { openRuntime } from 'holdfast';
import { openai } from 'holdfast/providers';

// The key is OPENAI_API_KEY; OPENAI_BASE_URL may stand in for baseUrl.
const gateway = openai({ baseUrl: 'https://gateway.example.com/v1', model: 'wan-2' });
const runtime = await openRuntime({ directory: './.holdfast', providers: [gateway] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 8, size: '1280x720' } as const;
const job = await runtime.jobs.submit({ provider: 'openai', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
