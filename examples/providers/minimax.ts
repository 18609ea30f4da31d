/** A video by MiniMax: Hailuo, and with another model name H3. */
import { openRuntime } from 'holdfast';
import { minimax } from 'holdfast/providers';

// The key is MINIMAX_API_KEY; one of api.minimaxi.com needs `region: 'cn'`.
const runtime = await openRuntime({ directory: './.holdfast', providers: [minimax()] });
const request = { prompt: 'a paper boat in the rain', durationSeconds: 6, size: '1280x720' } as const;
const job = await runtime.jobs.submit({ provider: 'minimax', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
