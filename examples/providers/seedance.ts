/** A video by Seedance, whose rendering Ark gives up after an hour. */
import { openRuntime } from 'holdfast';
import { seedance } from 'holdfast/providers';

// The key is ARK_API_KEY; one of Volcengine Ark needs `region: 'cn'`.
const runtime = await openRuntime({ directory: './.holdfast', providers: [seedance()] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 5, aspectRatio: '9:16' } as const;
const extra = { execution_expires_after: 3_600 };
const job = await runtime.jobs.submit({ provider: 'seedance', kind: 'video', ...request, extra });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
