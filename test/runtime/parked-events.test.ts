/** News of a task and the job that takes it, at once: whichever comes second finds the other. */
import { expect, test } from 'vitest';
import { ParkedEvents } from '../../src/actors/hooks/parked-events.js';
import { jobDefinition } from '../../src/actors/house-machines.js';
import type { Json } from '../../src/json.js';
import { silentLogger } from '../../src/log.js';
import { jobStatus, type JobRef } from '../../src/machines/index.js';
import { openWorld, settled } from '../kernel/fixtures.js';
import { jobInput, REF } from '../machines/job-fixture.js';

const NEWS = {
  provider: 'openai',
  credential: 'main',
  outcome: {
    type: 'failed',
    error: { class: 'failed', code: 'bad', message: 'it went wrong', retryable: false },
  },
} as const;
/** In turns of the microtask queue; so far apart, the first is on disk before the second begins. */
const TURNS_MAX = 60;

/** The input of a job that tracks a task, without a conversation and a message. */
function tracking(jobId: string, ref: JobRef): Json {
  const { delivery: _delivery, sessionKey: _session, ...input } = jobInput({ jobId, ref });
  return input as unknown as Json;
}

test('news and a job that come at once meet, however their steps lie', async () => {
  const world = await openWorld([jobDefinition]);
  const { kernel } = world;
  const parked = new ParkedEvents(kernel, silentLogger);
  const missed: string[] = [];
  for (let apart = -TURNS_MAX; apart <= TURNS_MAX; apart += 1) {
    const ref = { ...REF, taskId: `task_${apart}` };
    const park = (): Promise<unknown> => parked.park(`msg_${apart}`, { ...NEWS, ref });
    const track = (): Promise<unknown> => kernel.create('job', `job_${apart}`, tracking(`job_${apart}`, ref));
    const [first, second] = apart < 0 ? [park, track] : [track, park];
    const begun = first();
    for (let turn = 0; turn < Math.abs(apart); turn += 1) await Promise.resolve();
    if (Math.abs(apart) === TURNS_MAX) await begun;
    await Promise.all([begun, second()]);
    await settled(world);
    const job = await kernel.snapshot(`job/job_${apart}`);
    const status = job === undefined ? 'gone' : jobStatus(job.snapshot);
    if (status !== 'failed') missed.push(`${apart}: ${status ?? 'nowhere'}`);
  }
  expect(missed).toEqual([]);
  expect(kernel.counts('parked').filter(({ finished }) => !finished)).toEqual([]);
});
