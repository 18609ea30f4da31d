/** An image by OpenAI, made in the background. */
import { openRuntime } from 'holdfast';
import { openaiResponses } from 'holdfast/providers';

// The key is OPENAI_API_KEY.
const runtime = await openRuntime({ directory: './.holdfast', providers: [openaiResponses()] });
const request = { prompt: 'a paper boat in the rain', size: '1536x1024' } as const;
const job = await runtime.jobs.submit({ provider: 'openai-responses', kind: 'image', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
