/** A video by rsclaw's jobs, which are never billed twice, and an image. */
import { openRuntime } from 'holdfast';
import { rsclaw, rsclawImage } from 'holdfast/providers';

// The key of both is RSCLAW_API_KEY.
const providers = [rsclaw({ protocol: 'jobs' }), rsclawImage()];
const runtime = await openRuntime({ directory: './.holdfast', providers });
const video = await runtime.jobs.submit({ provider: 'rsclaw', kind: 'video', prompt: 'a paper boat' });
const image = await runtime.jobs.submit({ provider: 'rsclaw_image', kind: 'image', prompt: 'a paper boat' });
process.stdout.write(`${(await video.settled()).status} ${(await image.settled()).status}\n`);
await runtime.close();
