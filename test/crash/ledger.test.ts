/** Killed from outside at the moment another party writes something down: the worst moments there are. */
import { expect, test } from 'vitest';
import type { LedgerEntry, SimulatorScript } from '../../src/simulator/index.js';
import { bundled } from '../bundled.js';
import type { Work } from './plan.js';
import { openWorld } from './world.js';

const LIFE = { queued: { polls: 0 }, running: { polls: 1 } } as const;

interface Moment {
  readonly event: LedgerEntry['event'];
  /** Makes the moment long enough to die in. */
  readonly script: SimulatorScript;
}

const moments: readonly Moment[] = [
  {
    event: 'submit.received',
    script: {
      faults: [
        { route: 'submit', until: 2, fault: { type: 'latency', before: 'task', wait: { ms: 5_000 } } },
      ],
    },
  },
  {
    event: 'submit.billed',
    script: {
      faults: [
        { route: 'submit', until: 2, fault: { type: 'latency', before: 'answer', wait: { ms: 5_000 } } },
      ],
    },
  },
  { event: 'download.started', script: { artifacts: { bytesPerSecond: 100_000, chunkBytes: 4_096 } } },
];

const agent = bundled('test/crash/children/agent.ts');
const jobs: readonly Work[] = [
  { key: 'a video by list', provider: 'openai', kind: 'video' },
  { key: 'a video by key', provider: 'kling', kind: 'video' },
];

for (const { event, script } of moments) {
  test.concurrent(`killed at ${event}, each job is billed once and delivered`, async ({ onTestFinished }) => {
    const world = await openWorld(agent, onTestFinished, { life: LIFE, ...script });
    const child = world.start({ jobs });
    const patience = new AbortController();
    void child.ended.then(() => patience.abort(new Error(`the agent ended before ${event}`)));
    await world.simulator.waitForEntry((entry) => entry.event === event, patience.signal);
    child.kill();
    expect(await child.ended).toBe('SIGKILL');
    await world.finish(jobs);
    await world.audit(jobs);
  });
}

test.concurrent('killed while a message is on its way, it is sent again under the same id', async ({
  onTestFinished,
}) => {
  const world = await openWorld(agent, onTestFinished, { life: LIFE });
  const [job] = jobs;
  if (job === undefined) throw new Error('there is a job');
  const { arrived, release } = world.receiver.holdNext();
  const child = world.start({ jobs: [job] });
  const first = await Promise.race([arrived, child.ended.then(() => undefined)]);
  if (first === undefined) throw new Error('the agent ended before it sent anything');
  child.kill();
  expect(await child.ended).toBe('SIGKILL');
  release();
  await world.finish([job]);
  await world.audit([job]);
  expect(world.receiver.receipts.map(({ deliveryId, attempt }) => ({ deliveryId, attempt }))).toEqual([
    { deliveryId: first.deliveryId, attempt: 1 },
    { deliveryId: first.deliveryId, attempt: 2 },
  ]);
  // Every receipt is signed, or the receiver would not have taken it; the second one by its own time.
  const [one, two] = world.receiver.receipts;
  expect(two?.signedAt).toBeGreaterThan(one?.signedAt ?? Infinity);
});
