/** Tasks are called off before they are over, and never erased after: what was made is paid for. */
import { expect, test } from 'vitest';
import type { Runtime } from '../../src/index.js';
import { minimax, runway, seedance, type ProviderAdapter } from '../../src/providers/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { AT_ONCE, buildHouse, entries, NEVER, seenAs, until, video, type House } from './house.js';

const env = () => ({});
const adapters = ({ simulator, clock }: House): readonly ProviderAdapter[] => {
  const place = { apiKey: 'sk-call-off', clock, env };
  return [
    runway({ ...place, baseUrl: `${simulator.url}/runway` }),
    seedance({ ...place, baseUrl: `${simulator.url}/seedance/api/v3` }),
    minimax({ ...place, generation: 'v2', baseUrl: `${simulator.url}/minimax` }),
  ];
};
const names = ['runway', 'seedance', 'minimax'] as const;

/** A job whose task is at the provider, and that does not poll by itself for an hour. */
async function accepted(
  name: (typeof names)[number],
  life: NonNullable<SimulatorScript['life']>,
  faults: NonNullable<SimulatorScript['faults']> = [],
) {
  const house = await buildHouse({ life, faults });
  const runtime = await house.open({ providers: adapters(house) });
  const poll = { everyMs: 3_600_000 };
  const job = await runtime.jobs.submit(video({ provider: name, kind: 'video', poll }));
  await seenAs(runtime, job, 'pending');
  return { house, runtime, job };
}

const withdrawn = (runtime: Runtime, id: string): Promise<void> =>
  until(runtime, async () => {
    const actor = await runtime.inspect.snapshot(`job/${id}`);
    return JSON.stringify(actor?.snapshot.value).includes('"withdrawal":"over"');
  });

test.each(names)('%s: a task that was over by then is asked for, and left as it is', async (name) => {
  const { house, runtime, job } = await accepted(name, AT_ONCE);
  await job.cancel();
  await withdrawn(runtime, job.id);
  expect([entries(house, 'poll').length, entries(house, 'cancel').length]).toEqual([1, 0]);
});

test.each(names)('%s: a task that is not over is called off', async (name) => {
  const { house, runtime, job } = await accepted(name, NEVER);
  await job.cancel();
  await withdrawn(runtime, job.id);
  expect([entries(house, 'poll').length, entries(house, 'cancel').length]).toEqual([1, 1]);
});

test.each(names)('%s: a task of which nobody can say whether it is over is left as it is', async (name) => {
  const fault = { type: 'status', status: 503 } as const;
  const { house, runtime, job } = await accepted(name, NEVER, [{ route: 'poll', fault }]);
  await job.cancel();
  await withdrawn(runtime, job.id);
  expect([entries(house, 'poll').length, entries(house, 'cancel').length]).toEqual([1, 0]);
});
