/** What may become of a tag between a submit and the look for its task. */
import { expect, test } from 'vitest';
import { replicate } from '../../src/providers/index.js';
import { buildHouse, entries, NEVER, seenAs, until, video } from './house.js';

test('a lost submit is found by its callback URL, though the next process has no public URL', async () => {
  const lost = { type: 'resetAfterBody', billed: true } as const;
  const house = await buildHouse({
    life: NEVER,
    faults: [
      { route: 'submit', nth: 1, fault: lost },
      { route: 'list', fault: { type: 'status', status: 503 } },
    ],
  });
  const baseUrl = `${house.simulator.url}/replicate/v1`;
  const adapter = replicate({ apiKey: 'r8-0001', baseUrl, clock: house.clock, env: () => ({}) });
  const publicUrl = 'https://agent.example.com';
  const first = await house.open({ providers: [adapter], webhooks: { publicUrl } });
  const { id } = await first.jobs.submit(video({ provider: 'replicate', kind: 'video' }));
  await until(first, () => entries(house, 'list').length > 0);
  await first.close();
  house.simulator.setScript({ life: NEVER });
  const second = await house.open({ providers: [adapter] });
  await seenAs(second, second.jobs.get(id), 'pending');
  expect(entries(house, 'submit.received')).toHaveLength(1);
});
