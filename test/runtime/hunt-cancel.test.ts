/** A job that is cancelled in the middle of what makes it wait. */
import { expect, test } from 'vitest';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { AT_ONCE, buildHouse, entries, entry, seen, video } from './house.js';

test.each([1, 2, 3])(
  'cancelled at commit %i of what pauses its account, a job goes at once',
  async (commit) => {
    const house = await buildHouse({
      life: AT_ONCE,
      faults: [
        { route: 'openai.submit', nth: 1, fault: { type: 'latency', wait: { ms: 1_000 } } },
        { route: 'openai.submit', fault: { type: 'unauthorized' } },
      ],
    });
    const stores: FaultyStore[] = [];
    const runtime = await house.open({
      wrapStore: (store) => {
        const faulty = faultyStore(store);
        stores.push(faulty);
        return faulty;
      },
    });
    const job = await runtime.jobs.submit(video());
    await entry(house, 'submit.received');
    for (let n = 1; n < commit; n += 1) {
      const passed = stores[0]?.hold();
      await passed?.reached;
      passed?.release();
    }
    const held = stores[0]?.hold();
    await held?.reached;
    const cancelling = job.cancel('not wanted any more');
    held?.release();
    await cancelling;
    const view = await seen(runtime, job, ({ status }) => status === 'cancelled');
    expect(view.error?.message).toBe('not wanted any more');
    expect(entries(house, 'submit.received')).toHaveLength(1);
  },
);
