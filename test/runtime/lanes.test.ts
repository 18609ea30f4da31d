import { expect, test } from 'vitest';
import type { ActorRecord } from '../../src/actors/kernel/index.js';
import { keys, openLevelStore } from '../../src/store/index.js';
import type { ChannelSend } from '../../src/channels/index.js';
import { AT_ONCE, buildHouse, delivered, entries, entry, seenAs, until, video } from './house.js';

test('a clock that is set back does not turn a lane round', async () => {
  const house = await buildHouse();
  const sent: string[] = [];
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const chat: ChannelSend = async ({ text }) => {
    await opened;
    sent.push(text);
  };
  const runtime = await house.open({ channels: { chat } });
  const jobs = [];
  for (const prompt of ['one', 'two', 'three', 'four']) {
    const job = await runtime.jobs.submit(video({ prompt }));
    await job.settled();
    jobs.push(job);
    await until(runtime, async () => (await job.view()).deliveryStatus !== 'none');
    house.clock.jump(-3_600_000);
  }
  const listed = await runtime.jobs.list();
  expect(listed.items.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id).toReversed());
  open();
  for (const job of jobs) await delivered(runtime, job);
  expect(sent).toEqual(['one', 'two', 'three', 'four'].map((prompt) => `[video] ${prompt}`));
});

test('a quarantined delivery holds up no other message to its target', async () => {
  const house = await buildHouse();
  const stuck: ChannelSend = () => new Promise(() => undefined);
  const first = await house.open({ channels: { chat: stuck } });
  const job = await first.jobs.submit(video({ prompt: 'one' }));
  await job.settled();
  await until(first, async () => (await first.deliveries.list({ status: 'sending' })).items.length === 1);
  const [delivery] = (await first.deliveries.list({ status: 'sending' })).items;
  await first.close({ timeoutMs: 0 });
  await quarantine(house.directory, `delivery/${delivery?.id ?? ''}`);
  const second = await house.open();
  const other = await second.jobs.submit(video({ prompt: 'two' }));
  await delivered(second, other);
  expect(house.sent.map(({ text }) => text)).toEqual(['[video] two']);
});

test('a job cancelled behind a paused account is cancelled at once, and is not said to be paid', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'openai.submit', fault: { type: 'unauthorized' } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const [paused] = await waitForPause(runtime);
  expect(paused).toMatchObject({ status: 'paused', reason: 'auth' });
  await job.cancel('not wanted any more');
  const view = await seenAs(runtime, job, 'cancelled');
  expect(view.error?.message).toBe('not wanted any more');
  expect(entries(house, 'submit.received')).toHaveLength(1);
});

async function waitForPause(runtime: Awaited<ReturnType<Awaited<ReturnType<typeof buildHouse>>['open']>>) {
  await until(runtime, async () => (await runtime.accounts.list()).some(({ status }) => status === 'paused'));
  return runtime.accounts.list();
}

/** Marks a stored actor as quarantined, as a step that threw would have done. */
async function quarantine(directory: string, address: string): Promise<void> {
  const store = await openLevelStore({ directory, purpose: 'look' });
  const text = await store.get(keys.record(address));
  const record = JSON.parse(text ?? '') as ActorRecord;
  const reason = { code: 'THREW', message: 'a bug', at: record.at };
  const value = JSON.stringify({ ...record, quarantine: reason });
  await store.commit({
    number: store.lastCommit + 1,
    rows: [{ key: keys.record(address), value }],
    expect: [{ address, expectedSeq: record.seq, epoch: 0 }],
  });
  await store.close();
}

test('a job cancelled while its POST is out, then refused for its key, goes at once', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [
      { route: 'openai.submit', fault: { type: 'latency', wait: { ms: 3_000 } } },
      { route: 'openai.submit', fault: { type: 'unauthorized' } },
    ],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  await entry(house, 'submit.received');
  await job.cancel('not wanted any more');
  const view = await seenAs(runtime, job, 'cancelled');
  expect(view.error?.message).toBe('not wanted any more');
  expect(entries(house, 'submit.received')).toHaveLength(1);
  expect(await runtime.accounts.list()).toEqual([]);
});
