/**
 * The answer to a submit is lost: the provider's own ledger says how often the video was paid for.
 *
 * Run by test/simulator/guide.test.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime } from 'holdfast';
import { kling } from 'holdfast/providers';
import { startSimulator } from 'holdfast/simulator';

/** How often it was billed, and what became of the job. */
export async function billedOnce(): Promise<{ readonly billed: number; readonly status: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-billed-'));
  const simulator = await startSimulator({
    script: {
      life: { queued: { polls: 0 }, running: { polls: 1 } },
      faults: [{ route: 'kling.submit', nth: 1, fault: { type: 'resetAfterBody', billed: true } }],
    },
  });
  const runtime = await openRuntime({
    directory,
    providers: [kling({ baseUrl: `${simulator.url}/kling`, apiKey: 'any' })],
    jobs: { reconcileAfterMs: 0 },
    control: false,
  });
  try {
    const job = await runtime.jobs.submit({ provider: 'kling', prompt: 'a heron', poll: { everyMs: 200 } });
    const { status } = await job.settled();
    const billed = simulator.ledger().filter(({ event }) => event === 'submit.billed').length;
    return { billed, status };
  } finally {
    await runtime.close();
    await simulator.close();
    await rm(directory, { recursive: true });
  }
}
