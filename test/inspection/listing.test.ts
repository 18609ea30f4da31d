/** Listings of all kinds: what they find, in which order, and where their cursors go on. */
import { expect, onTestFinished, test } from 'vitest';
import type { ListInspected, Runtime } from '../../src/index.js';
import { openai } from '../../src/providers/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

const REF = { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' };

/** Seven orders, one of them standing still and two paid; five jobs in two conversations, one delivered. */
async function town() {
  const home = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test' })],
    channels: { chat: async () => undefined },
    answers: {
      'delivery.send': 'run',
      'job.fetch': () => ({ type: 'done', artifacts: [] }),
    },
    define: (runtime: Runtime) => ({ orders: runtime.define(orderMachine) }),
  });
  onTestFinished(() => home.close());
  const { orders } = home.kinds;
  for (let n = 0; n < 7; n += 1) {
    const order = await orders.create({
      id: `o${n}`,
      input: { title: n === 3 ? 'a Blue lamp' : `order ${n}` },
    });
    if (n < 2) await order.send({ type: 'pay', amount: 20 });
    if (n === 6) await order.send({ type: 'explode' }).catch(() => undefined);
  }
  for (let n = 0; n < 5; n += 1) {
    const prompt = `video ${n}`;
    const delivery = { channel: 'chat', target: String(n) };
    await home.runtime.jobs.submit({ provider: 'openai', prompt, sessionKey: `chat:${n % 2}`, delivery });
  }
  await home.effects.answer('job.submit', { type: 'accepted', ref: REF });
  await home.advance('15 s');
  await home.effects.answer('job.poll', { type: 'done' });
  await home.settle();
  const { inspection } = home.runtime;
  const all = async (filter: ListInspected = {}, limit = 2): Promise<string[]> => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await inspection.list({ ...filter, limit, cursor });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items.map(({ address }) => address));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  };
  return { home, inspection, all };
}

test('every kind comes by name, page by page, each actor once', async () => {
  const { inspection, all } = await town();
  const [byTwo, whole] = [await all(), await inspection.list({ limit: 1_000 })];
  expect(byTwo).toEqual(whole.items.map(({ address }) => address));
  expect(new Set(byTwo).size).toBe(byTwo.length);
  const { kinds } = await inspection.population();
  expect(byTwo).toHaveLength(kinds.reduce((sum, { count }) => sum + count, 0));
  const names = whole.items.map(({ kind }) => kind);
  expect(names).toEqual(names.toSorted());
});

test('what is asked for narrows it: state, status, text, provider, age', async () => {
  const { home, all } = await town();
  expect(await all({ kind: 'order', state: 'paying' })).toEqual(['order/o0', 'order/o1']);
  expect(await all({ state: 'paying.charging' })).toEqual(['order/o0', 'order/o1']);
  expect(await all({ status: 'quarantined' })).toEqual(['order/o6']);
  expect(await all({ text: 'BLUE LAMP' })).toEqual(['order/o3']);
  expect(await all({ kind: 'order', text: 'O5' })).toEqual(['order/o5']);
  expect((await all({ provider: 'openai' })).filter((one) => one.startsWith('job/'))).toHaveLength(5);
  const ageMs = 15_000;
  expect(await all({ kind: 'order', olderMs: ageMs })).toHaveLength(7);
  expect(await all({ kind: 'order', olderMs: ageMs + 1 })).toEqual([]);
  await home.kinds.orders.get('o4').send({ type: 'pay', amount: 20 });
  expect(await all({ kind: 'order', state: 'paying', olderMs: 1 })).toEqual(['order/o0', 'order/o1']);
});

test('jobs come newest first, by conversation, provider and status', async () => {
  const { all } = await town();
  const jobs = await all({ kind: 'job' });
  expect(jobs).toEqual(['job/job_0005', 'job/job_0004', 'job/job_0003', 'job/job_0002', 'job/job_0001']);
  const ofOne = ['job/job_0004', 'job/job_0002'];
  expect(await all({ kind: 'job', session: 'chat:1' })).toEqual(ofOne);
  expect(await all({ kind: 'job', session: 'chat:1', state: 'submitting' })).toEqual(ofOne);
  expect(await all({ kind: 'job', provider: 'openai', state: 'pending' })).toEqual([]);
});

test('a conversation has its jobs, their deliveries and itself', async () => {
  const { inspection, all } = await town();
  const found = await all({ session: 'chat:0' });
  const kinds = found.map((address) => address.split('/')[0]);
  expect(kinds).toEqual(['delivery', 'job', 'job', 'job', 'session']);
  expect(await all({ session: 'chat:9' })).toEqual([]);
  const [delivery = ''] = found;
  const { links } = await inspection.actor(delivery);
  expect(links).toContainEqual({ rel: 'job', address: 'job/job_0001', exists: true });
  const job = await inspection.actor('job/job_0001');
  expect(job.links).toEqual(
    expect.arrayContaining([
      { rel: 'session', address: 'session/chat:0', exists: true },
      { rel: 'delivery', address: delivery, exists: true },
      { rel: 'account', address: 'provider/openai:default', exists: expect.any(Boolean) as boolean },
    ]),
  );
  expect(job.delivery?.status).toBe('delivered');
  expect(job.history).toHaveLength(1);
  expect((await inspection.actor('session/chat:0')).history).toHaveLength(1);
});

test('a cursor of another listing is refused, and what no listing can mean', async () => {
  const { inspection } = await town();
  const { cursor = '' } = await inspection.list({ kind: 'order', limit: 2 });
  const wrong: readonly ListInspected[] = [
    { kind: 'job', cursor },
    { kind: 'order', cursor: 'order/YWJj' },
    { cursor: 'nothing' },
    { limit: 0 },
    { limit: 1_001 },
    { olderMs: -1 },
    { text: '' },
    { status: 'asleep' as never },
  ];
  for (const filter of wrong) {
    const asked = inspection.list(filter);
    await expect(asked, JSON.stringify(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  }
  await expect(inspection.list({ kind: '7' })).rejects.toMatchObject({ code: 'INVALID_ID' });
});
