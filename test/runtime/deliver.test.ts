/** From the outcome to the chat: order, dead letters, origins, and what is never pushed. */
import { expect, test } from 'vitest';
import { permanent, type ChannelSend } from '../../src/channels/index.js';
import { AT_ONCE, buildHouse, delivered, seen, seenAs, until, video } from './house.js';

test('an exhausted delivery is listed, and sent by hand under the same id', async () => {
  const house = await buildHouse();
  const tried: string[] = [];
  let broken = true;
  const send: ChannelSend = (_message, { deliveryId, attempt }) => {
    tried.push(`${deliveryId} ${attempt}`);
    return broken ? Promise.reject(new Error('the chat is down')) : Promise.resolve();
  };
  const chat = { send, policy: { kind: 'fixed', delayMs: 500, attemptsMax: 3 } } as const;
  const runtime = await house.open({ channels: { chat } });
  const job = await runtime.jobs.submit(video());
  const failed = await seen(runtime, job, ({ deliveryStatus }) => deliveryStatus === 'exhausted');
  expect(failed).toMatchObject({ status: 'done', deliveryAttempts: 3, needsDelivery: false });
  const letters = await runtime.deliveries.list({ status: 'exhausted' });
  expect(letters.items).toMatchObject([
    { jobId: job.id, attempts: 3, error: { message: 'the chat is down' } },
  ]);
  broken = false;
  await job.retry();
  expect((await delivered(runtime, job)).deliveryAttempts).toBe(4);
  expect(tried.map((one) => one.split(' ')[1])).toEqual(['1', '2', '3', '4']);
  expect(new Set(tried.map((one) => one.split(' ')[0])).size).toBe(1);
  const { id } = letters.items[0] ?? { id: '' };
  await expect(runtime.deliveries.retry(id)).rejects.toMatchObject({ code: 'DELIVERY_NOT_RETRYABLE' });
  await expect(runtime.deliveries.retry('dlv_none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

test('a message that is tried in vain is given up by its operator, and its job hears of it', async () => {
  const house = await buildHouse();
  let tries = 0;
  const send: ChannelSend = () => {
    tries += 1;
    return Promise.reject(new Error('the chat is down'));
  };
  const runtime = await house.open({ channels: { chat: send } });
  const job = await runtime.jobs.submit(video());
  await until(runtime, async () => (await runtime.deliveries.list({ status: 'waiting' })).items.length === 1);
  const [letter] = (await runtime.deliveries.list({ status: 'waiting' })).items;
  const id = letter?.id ?? '';
  const act = { address: `delivery/${id}`, act: 'dismiss', operator: 'ann' };
  await runtime.inspection.act(act);
  // To its job a message that was given up is one that never arrived.
  await seen(runtime, job, ({ deliveryStatus }) => deliveryStatus === 'exhausted');
  house.clock.advance(3_600_000);
  expect(tries).toBe(letter?.attempts);
  const ended = { code: 'DELIVERY_NOT_DISMISSABLE' };
  await expect(runtime.deliveries.dismiss(id, { operator: 'ann' })).rejects.toMatchObject(ended);
  await expect(runtime.deliveries.dismiss('dlv_none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  expect((await runtime.deliveries.get(id))?.status).toBe('dismissed');
});

test('a failure marked permanent is a dead letter at once', async () => {
  const house = await buildHouse();
  const runtime = await house.open({
    channels: { chat: () => Promise.reject(permanent(new Error('no such chat'))) },
  });
  const job = await runtime.jobs.submit(video());
  const view = await seen(runtime, job, ({ deliveryStatus }) => deliveryStatus === 'exhausted');
  expect(view.deliveryAttempts).toBe(1);
});

test('a channel that is not registered yet is tried again, and delivered when it is', async () => {
  const house = await buildHouse();
  const runtime = await house.open({ channels: {} });
  const job = await runtime.jobs.submit(video());
  await seen(
    runtime,
    job,
    ({ deliveryAttempts, deliveryStatus }) => deliveryAttempts > 0 && deliveryStatus === 'sending',
  );
  await until(runtime, async () => (await runtime.deliveries.list({ status: 'waiting' })).items.length === 1);
  await runtime.close();
  house.clock.advance(60_000);
  const reopened = await house.open();
  expect((await delivered(reopened, reopened.jobs.get(job.id))).deliveryAttempts).toBe(2);
  expect(house.sent).toHaveLength(1);
});

test('messages to one target go out one at a time, in the order of their outcomes', async () => {
  const house = await buildHouse();
  const sent: string[] = [];
  let inFlight = 0;
  let most = 0;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const chat: ChannelSend = async ({ text }) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    await opened;
    inFlight -= 1;
    sent.push(text);
  };
  const runtime = await house.open({ channels: { chat } });
  const jobs = [];
  for (let n = 0; n < 10; n += 1) {
    const job = await runtime.jobs.submit(video({ prompt: `video ${n}` }));
    await job.settled();
    await until(runtime, async () => {
      const queued = await runtime.deliveries.list({ status: 'queued' });
      const sending = await runtime.deliveries.list({ status: 'sending' });
      return queued.items.length + sending.items.length === n + 1;
    });
    jobs.push(job);
  }
  open();
  for (const job of jobs) await delivered(runtime, job);
  expect(most).toBe(1);
  expect(sent).toEqual(jobs.map((_job, n) => `[video] video ${n}`));
});

test('a target whose head is waiting holds up nobody else, and its own queue stays in order', async () => {
  const house = await buildHouse();
  const sent: string[] = [];
  let stuck = true;
  const send: ChannelSend = ({ target, text }) => {
    if (stuck && target === 'stuck') return Promise.reject(new Error('not now'));
    sent.push(`${target} ${text}`);
    return Promise.resolve();
  };
  const chat = { send, policy: { kind: 'fixed', delayMs: 20_000, attemptsMax: 60 } } as const;
  const runtime = await house.open({ channels: { chat } });
  const to = (target: string, prompt: string) => video({ prompt, delivery: { channel: 'chat', target } });
  const first = await runtime.jobs.submit(to('stuck', 'one'));
  await until(runtime, async () => (await runtime.deliveries.list({ status: 'waiting' })).items.length === 1);
  const second = await runtime.jobs.submit(to('stuck', 'two'));
  const free = await runtime.jobs.submit(to('free', 'three'));
  await delivered(runtime, free);
  await seenAs(runtime, second, 'done');
  expect((await second.view()).deliveryStatus).toBe('queued');
  stuck = false;
  house.clock.advance(20_000);
  await delivered(runtime, first);
  await delivered(runtime, second);
  expect(sent).toEqual(['free [video] three', 'stuck [video] one', 'stuck [video] two']);
});

test('origin decides what is pushed: cron without a reply, userDirect nothing, agent a reply', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const delivery = { channel: 'chat', target: '1', replyTo: 'message 9' };
  const cron = await runtime.jobs.submit(video({ origin: 'cron', delivery, prompt: 'cron' }));
  const direct = await runtime.jobs.submit(video({ origin: 'userDirect', delivery, prompt: 'direct' }));
  const agent = await runtime.jobs.submit(video({ origin: 'agent', delivery, prompt: 'agent' }));
  await delivered(runtime, cron);
  await delivered(runtime, agent);
  expect((await direct.settled()).deliveryStatus).toBe('none');
  const told = new Map(house.sent.map(({ text, replyTo }) => [text, replyTo]));
  expect(told).toEqual(
    new Map([
      ['[video] agent', 'message 9'],
      ['[video] cron', undefined],
    ]),
  );
  // Each of the three has its outcome in the conversation, once.
  const history = await runtime.sessions.get('chat:1').history();
  const jobs = history.items.map(({ cause }) => cause);
  expect(jobs.toSorted()).toEqual([cron, direct, agent].map(({ id }) => `job/${id}`).toSorted());
});

test('a failed video is told as such, with eighty characters of its prompt', async () => {
  const house = await buildHouse({ life: { ...AT_ONCE, outcome: 'failed' } });
  const runtime = await house.open();
  const person = '👩‍👩‍👧‍👦';
  const prompt = person.repeat(100);
  const job = await runtime.jobs.submit(video({ prompt }));
  await delivered(runtime, job);
  expect(house.sent[0]?.text.startsWith(`[video failed] ${person.repeat(80)}: `)).toBe(true);
});
