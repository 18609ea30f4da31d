/** The journals of real jobs, deliveries and accounts, replayed through the charts that wrote them. */
import { expect, test } from 'vitest';
import { deliveryMachine, jobMachine, providerAccountMachine } from '../../src/machines/index.js';
import { expectReplay } from '../../src/testing/index.js';
import { AT_ONCE, buildHouse, delivered, until, video } from '../runtime/house.js';
import { reread } from './places.js';

const charts = { job: jobMachine, delivery: deliveryMachine, provider: providerAccountMachine };

test('every journal of a house replays: jobs that ended well and badly, deliveries, accounts', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const runtime = await house.open();
  const good = await runtime.jobs.submit(video());
  await delivered(runtime, good);
  const cancelled = await runtime.jobs.submit(video({ prompt: 'another' }));
  await cancelled.cancel('not wanted').catch(() => undefined);
  await until(runtime, async () => (await cancelled.view()).settledAt !== undefined);
  const seen: string[] = [];
  for (const [kind, machine] of Object.entries(charts)) {
    for (const { address } of (await runtime.list(kind)).items) {
      const capsule = reread(await runtime.export(address));
      expect(capsule.gaps).toEqual([]);
      expectReplay(machine, capsule);
      seen.push(kind);
    }
  }
  expect(seen.filter((kind) => kind === 'job')).toHaveLength(2);
  expect(seen).toContain('delivery');
});
