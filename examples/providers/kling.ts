/** A video by Kling's 2026 API, and an image by its older one, of one account. */
import { openRuntime } from 'holdfast';
import { kling } from 'holdfast/providers';

// The key is KLING_API_KEY, or the pair KLING_ACCESS_KEY and KLING_SECRET_KEY.
const runtime = await openRuntime({ directory: './.holdfast', providers: [kling()] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 5, aspectRatio: '16:9' } as const;
const video = await runtime.jobs.submit({ provider: 'kling', kind: 'video', ...request });
const image = await runtime.jobs.submit({ provider: 'kling', kind: 'image', prompt: request.prompt });
process.stdout.write(`${(await video.settled()).status} ${(await image.settled()).status}\n`);
await runtime.close();
