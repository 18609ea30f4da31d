/** A video by Agnes: five seconds in a wide frame. */
import { openRuntime } from 'holdfast';
import { agnes } from 'holdfast/providers';

// The key is AGNES_API_KEY. A free account may submit one video a minute.
const runtime = await openRuntime({ directory: './.holdfast', providers: [agnes()] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 5, aspectRatio: '16:9' } as const;
const job = await runtime.jobs.submit({ provider: 'agnes', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
