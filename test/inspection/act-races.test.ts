/** Acts that meet: two operators at once, an actor that moves meanwhile, a runtime that closes or dies. */
import { expect, onTestFinished, test } from 'vitest';
import type { Runtime } from '../../src/index.js';
import type { Json } from '../../src/json.js';
import { openai } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

const ref = { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' };
const fault = { class: 'server', code: 'PROVIDER_DOWN', message: 'it is down', retryable: false };

type Answers = NonNullable<TestRuntimeOptions<never>['answers']>;

async function opened(answers: Answers = {}, disk?: TestRuntime['disk']) {
  const adapter = openai({ apiKey: 'sk-test' });
  const house = await createTestRuntime({
    ...(disk && { disk }),
    define: (runtime) => ({ orders: runtime.define(orderMachine) }),
    providers: [{ ...adapter, reconcile: { by: 'none' as const } }],
    channels: { chat: () => Promise.resolve() },
    answers: {
      'job.submit': () => ({ type: 'accepted', ref }),
      'job.poll': () => ({ type: 'pending', progress: 0.5 }),
      ...answers,
    },
  });
  onTestFinished(() => house.close());
  return house;
}

interface Deed {
  readonly address: string;
  readonly act: string;
  readonly operator: string;
  readonly id?: string;
  readonly seenSeq?: number;
  readonly input?: Json;
}

/** At once, in that order: what each hears, `done` or the code of its refusal. */
async function atOnce(runtime: Runtime, ...deeds: readonly Deed[]): Promise<readonly string[]> {
  const heard = await Promise.allSettled(deeds.map((deed) => runtime.inspection.act(deed)));
  return heard.map((one) =>
    one.status === 'fulfilled' ? 'done' : String((one.reason as { readonly code?: unknown }).code),
  );
}

/** The steps of an actor that operators have brought about. */
async function acted(runtime: Runtime, address: string): Promise<readonly string[]> {
  const journal = await runtime.inspect.reader.journal(address);
  const by = journal.filter(({ source }) => source.startsWith('operator:'));
  return by.map(({ event, source }) => `${source.slice('operator:'.length)}: ${event.type}`);
}

const both = (address: string, act: string): readonly [Deed, Deed] => [
  { address, act, operator: 'ann' },
  { address, act, operator: 'bob' },
];

const film = { provider: 'openai', prompt: 'a cat' } as const;

const named = async (runtime: Runtime, address: string): Promise<readonly string[]> =>
  (await runtime.inspection.acts(address)).map(({ name }) => name);

test('a job is cancelled by the first of two, and the other hears that it is', async () => {
  const house = await opened();
  const { runtime } = house;
  const job = await runtime.jobs.submit(film);
  await house.settle();
  const address = `job/${job.id}`;
  expect(await atOnce(runtime, ...both(address, 'cancel'))).toEqual(['done', 'JOB_NOT_CANCELLABLE']);
  expect(await acted(runtime, address)).toEqual(['ann: job.cancel']);
});

test('a job whose POST is out is to be cancelled once, whoever says so again', async () => {
  const house = await opened({ 'job.submit': 'wait' });
  const { runtime } = house;
  const job = await runtime.jobs.submit(film);
  await house.settle();
  const address = `job/${job.id}`;
  expect(await atOnce(runtime, ...both(address, 'cancel'))).toEqual(['done', 'done']);
  await job.cancel();
  expect(await acted(runtime, address)).toEqual(['ann: job.cancel']);
  expect(await named(runtime, address)).toEqual([]);
});

test('one in doubt is paid for once more, not twice; a cancel that comes with it is heard', async () => {
  let posts = 0;
  const house = await opened({
    'job.submit': () => {
      posts += 1;
      return { type: 'ambiguous', error: fault };
    },
  });
  const { runtime } = house;
  const [one, two] = [await runtime.jobs.submit(film), await runtime.jobs.submit({ ...film, prompt: 'b' })];
  await house.settle();
  expect(posts).toBe(2);
  expect(await atOnce(runtime, ...both(`job/${one.id}`, 'resubmit'))).toEqual(['done', 'JOB_NOT_IN_DOUBT']);
  expect(await acted(runtime, `job/${one.id}`)).toEqual(['ann: job.resubmit']);
  const address = `job/${two.id}`;
  const [cancels, pays] = [
    { address, act: 'cancel', operator: 'ann' },
    { address, act: 'resubmit', operator: 'bob' },
  ];
  expect(await atOnce(runtime, pays, cancels)).toEqual(['done', 'done']);
  expect(await acted(runtime, address)).toEqual(['bob: job.resubmit', 'ann: job.cancel']);
  await house.settle();
  expect(posts).toBeLessThanOrEqual(4);
  expect(await named(runtime, address)).not.toContain('cancel');
});

test('what could not be fetched is tried again once, and a cancel that comes with it too early', async () => {
  const house = await opened({
    'job.poll': () => ({ type: 'done' }),
    'job.fetch': () => ({ type: 'permanent', error: fault }),
  });
  const { runtime } = house;
  const job = await runtime.jobs.submit(film);
  await house.advance('2 min');
  const address = `job/${job.id}`;
  expect([(await job.view()).status, await named(runtime, address)]).toEqual(['failed', ['retry']]);
  const cancel = { address, act: 'cancel', operator: 'cid' };
  const heard = await atOnce(runtime, ...both(address, 'retry'), cancel);
  expect(heard).toEqual(['done', 'JOB_NOT_RETRYABLE', 'ACT_UNKNOWN']);
  expect(await acted(runtime, address)).toEqual(['ann: job.retry']);
});

test('a dead letter goes out again once, by itself or by its job', async () => {
  const house = await opened({
    'delivery.send': () => ({ type: 'failed', error: { ...fault, permanent: true } }),
    'job.poll': () => ({ type: 'failed', error: fault }),
  });
  const { runtime } = house;
  const job = await runtime.jobs.submit({ ...film, delivery: { channel: 'chat', target: '1' } });
  await house.advance('2 min');
  const [letter] = (await runtime.deliveries.list({ status: 'exhausted' })).items;
  const address = `delivery/${letter?.id}`;
  expect(await atOnce(runtime, ...both(address, 'retry'))).toEqual(['done', 'DELIVERY_NOT_RETRYABLE']);
  expect(await acted(runtime, address)).toEqual(['ann: delivery.retry']);
  await house.settle();
  const byJob = { address: `job/${job.id}`, act: 'retry', operator: 'bob' };
  const heard = await atOnce(runtime, byJob, { address, act: 'retry', operator: 'ann' });
  expect(heard.toSorted()).toEqual(['DELIVERY_NOT_RETRYABLE', 'done']);
  expect(await acted(runtime, address)).toHaveLength(2);
});

test('an item that is retried and cancelled at once is cancelled; a schedule is paused by both', async () => {
  const { runtime } = await opened();
  const { id } = await runtime.work.enqueue('embed', {});
  const claim = await runtime.work.claimNext();
  await runtime.work.fail(claim?.token ?? '', new Error('no'), { retry: false });
  const address = `work/${id}`;
  const retry = { address, act: 'retry', operator: 'ann' };
  expect(await atOnce(runtime, retry, { address, act: 'cancel', operator: 'bob' })).toEqual(['done', 'done']);
  expect(await acted(runtime, address)).toEqual(['ann: work.retry', 'bob: work.cancel']);
  expect((await runtime.work.get(id)).status).toBe('cancelled');
  expect(await atOnce(runtime, retry)).toEqual(['ACT_UNKNOWN']);

  // What can be said twice is said twice, and each is journaled.
  await runtime.work.schedule('nightly', { every: 60_000, kind: 'embed' });
  const schedule = 'schedule/nightly';
  expect(await atOnce(runtime, ...both(schedule, 'pause'))).toEqual(['done', 'done']);
  expect(await acted(runtime, schedule)).toEqual(['ann: schedule.pause', 'bob: schedule.pause']);
});

test('who comes to stand still between look and act takes nothing, and one operator ends that', async () => {
  const house = await opened();
  const { runtime, kinds } = house;
  const address = 'order/1';
  const order = await kinds.orders.create({ id: '1', input: { title: 'x' } });
  const pays = { address, act: 'send:pay', operator: 'ann', input: { amount: 20 } };
  const heard = atOnce(runtime, pays);
  await expect(order.send({ type: 'explode' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
  expect(['ACTOR_QUARANTINED', 'ACT_UNKNOWN']).toContain((await heard)[0]);
  expect(await acted(runtime, address)).toEqual([]);
  expect(await atOnce(runtime, ...both(address, 'skip'))).toEqual(['done', 'ACTOR_NOT_QUARANTINED']);
  expect(await acted(runtime, address)).toEqual(['ann: holdfast.skipped']);
  expect((await order.snapshot())?.context).toMatchObject({ paid: 0 });
});

test('an act that meets the close of its runtime is on disk, or was refused', async () => {
  const house = await opened();
  const { runtime } = house;
  const jobs = [await runtime.jobs.submit(film), await runtime.jobs.submit(film)];
  await house.settle();
  const deeds = jobs.map(({ id }) => ({ address: `job/${id}`, act: 'cancel', operator: 'ann' }));
  const [first, second] = deeds;
  if (first === undefined || second === undefined) throw new Error('two jobs were submitted');
  const before = atOnce(runtime, first);
  const closing = house.close();
  const heard = [...(await before), ...(await atOnce(runtime, second))];
  await closing;
  expect(heard[1]).toBe('RUNTIME_CLOSED');
  const again = await opened({}, house.disk);
  for (const [index, { address }] of deeds.entries()) {
    const done = heard[index] === 'done' ? ['ann: job.cancel'] : [];
    expect(await acted(again.runtime, address)).toEqual(done);
    if (heard[index] !== 'done') expect(heard[index]).toBe('RUNTIME_CLOSED');
  }
});

test.each(['before-commit', 'after-commit'] as const)(
  'a process that dies %s of an act leaves it done once, or not at all',
  async (at) => {
    const house = await opened();
    const job = await house.runtime.jobs.submit(film);
    await house.settle();
    const address = `job/${job.id}`;
    const deed = { address, act: 'cancel', operator: 'ann', id: 'click 1' };
    const { runtime } = house;
    await house.crash({ at, during: () => runtime.inspection.act(deed) });
    const done = at === 'before-commit' ? [] : ['ann: job.cancel'];
    expect(await acted(house.runtime, address)).toEqual(done);
    // Its answer is lost: it is asked for again, by who gave it an id and by who did not.
    const nameless = { address, act: 'cancel', operator: 'ann' };
    expect(await atOnce(house.runtime, deed)).toEqual(['done']);
    expect(await atOnce(house.runtime, deed, nameless)).toEqual(['done', 'ACT_UNKNOWN']);
    expect(await acted(house.runtime, address)).toEqual(['ann: job.cancel']);
  },
);

test('an act with an id is done once, however often and whenever it is asked for again', async () => {
  const house = await opened();
  const { runtime, kinds } = house;
  const order = await kinds.orders.create({ id: '1', input: { title: 'x' } });
  await runtime.work.schedule('nightly', { every: 3_600_000, kind: 'embed' });
  const item = await runtime.work.enqueue('embed', {}, { runAt: house.clock.now() + 60_000 });
  const session = runtime.sessions.get('chat');
  await session.enqueue('hello');
  const [batch] = (await session.list()).items;
  const batchId = batch?.batchId ?? '';
  const account = { provider: 'openai', credential: 'default' };
  await runtime.accounts.report(account, { ...fault, class: 'auth' });
  const deeds: readonly Deed[] = [
    { address: 'order/1', act: 'send:add', input: { line: 'a' }, operator: 'ann', id: 'a' },
    { address: 'schedule/nightly', act: 'trigger', operator: 'ann', id: 'b' },
    { address: `work/${item.id}`, act: 'retry', operator: 'ann', id: 'c' },
    { address: 'session/chat', act: 'cancel', input: { batchId }, operator: 'ann', id: 'd' },
    { address: 'provider/openai:default', act: 'resume', operator: 'ann', id: 'account' },
  ];
  for (const deed of deeds) {
    // Whoever says it again, it is that act.
    const again = { ...deed, operator: 'bob' };
    expect(await atOnce(runtime, deed, again), deed.act).toEqual(['done', 'done']);
    expect(await atOnce(runtime, again), deed.act).toEqual(['done']);
    expect(await acted(runtime, deed.address), deed.act).toHaveLength(1);
  }
  expect(await atOnce(runtime, { ...deeds[0], id: 'e' } as Deed)).toEqual(['done']);
  expect((await order.snapshot())?.context.lines).toEqual(['a', 'a']);
  // It is no name that an event of the actor's own callers could have.
  await order.send({ type: 'add', line: 'b' }, { id: 'f' });
  expect(await atOnce(runtime, { ...deeds[0], id: 'f' } as Deed)).toEqual(['done']);
  expect((await order.snapshot())?.context.lines).toEqual(['a', 'a', 'b', 'a']);
  for (const id of ['', 'x'.repeat(201), '\0', 7 as never])
    expect(['INVALID_INPUT', 'INVALID_ID']).toContain(
      (await atOnce(runtime, { ...deeds[0], id } as Deed))[0],
    );
  expect(await acted(runtime, 'order/1')).toHaveLength(3);
});

/** Where an operator sees the actor at: the step that its report tells. */
async function seqOf(runtime: Runtime, address: string): Promise<number> {
  return (await runtime.inspection.actor(address)).seq ?? 0;
}

test('an act that could not be done meanwhile is refused, though it could be done again', async () => {
  let posts = 0;
  const house = await opened({
    'job.submit': () => {
      posts += 1;
      return { type: 'ambiguous', error: fault };
    },
  });
  const { runtime, kinds } = house;
  const job = await runtime.jobs.submit(film);
  await house.settle();
  const address = `job/${job.id}`;
  const late = { address, act: 'resubmit', operator: 'bob', seenSeq: await seqOf(runtime, address), id: 'b' };
  expect(await atOnce(runtime, { ...late, operator: 'ann', id: 'a' })).toEqual(['done']);
  await house.settle();
  // In doubt again, as it was: but what was meant has been done.
  expect([posts, await named(runtime, address)]).toEqual([2, ['cancel', 'adopt', 'resubmit']]);
  expect(await atOnce(runtime, late, { ...late, act: 'adopt', input: ref })).toEqual([
    'ACT_STALE',
    'ACT_STALE',
  ]);
  await house.settle();
  expect([posts, await acted(runtime, address)]).toEqual([2, ['ann: job.resubmit']]);
  // What was done is done, though the actor has left since; and nothing of one life is meant for another.
  expect(await atOnce(runtime, { ...late, id: 'a' }, { ...late, seenSeq: 999 })).toEqual([
    'done',
    'ACT_STALE',
  ]);
  const again = { ...late, seenSeq: await seqOf(runtime, address) };
  expect(await atOnce(runtime, again, { ...again, id: 'c' })).toEqual(['done', 'ACT_UNKNOWN']);
  await house.settle();
  expect(posts).toBe(3);

  // A machine of a user’s; and what stands still, which goes on and stands still again.
  const order = await kinds.orders.create({ id: '1', input: { title: 'x' } });
  await expect(order.send({ type: 'explode' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
  const skip = { address: 'order/1', act: 'skip', operator: 'ann', seenSeq: 1 };
  expect(await atOnce(runtime, skip)).toEqual(['done']);
  await expect(order.send({ type: 'explode' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
  expect(await atOnce(runtime, skip, { ...skip, seenSeq: 2 })).toEqual(['ACT_STALE', 'done']);
  const adds = { address: 'order/1', act: 'send:add', input: { line: 'a' }, operator: 'ann', seenSeq: 1 };
  expect(await atOnce(runtime, adds, { ...adds, seenSeq: 0 }, { ...adds, seenSeq: 1.5 })).toEqual([
    'done',
    'INVALID_INPUT',
    'INVALID_INPUT',
  ]);
});

test('steps in which an act stays open do not make it stale, those that come with it neither', async () => {
  const house = await opened();
  const { runtime, kinds } = house;
  const job = await runtime.jobs.submit(film);
  await house.settle();
  const address = `job/${job.id}`;
  const cancel = { address, act: 'cancel', operator: 'ann', seenSeq: await seqOf(runtime, address) };
  await house.advance('2 min');
  const polled = (await runtime.inspect.reader.journal(address)).filter(
    ({ seq, value }) => seq > cancel.seenSeq && value === 'polling',
  );
  expect(polled.length).toBeGreaterThan(1);
  expect(await atOnce(runtime, cancel)).toEqual(['done']);

  const order = await kinds.orders.create({ id: '1', input: { title: 'x' } });
  const adds = { address: 'order/1', act: 'send:add', input: { line: 'a' }, operator: 'ann', seenSeq: 1 };
  const others = Array.from({ length: 20 }, () => order.send({ type: 'note', text: 'x' }));
  expect(await atOnce(runtime, adds, adds)).toEqual(['done', 'done']);
  await Promise.all(others);
  expect((await order.snapshot())?.context.lines).toEqual(['a', 'a']);
});

test.each(['before-commit', 'after-commit'] as const)(
  'a process that dies %s of a step away leaves it known whether an act is stale',
  async (at) => {
    const house = await opened({ 'job.submit': () => ({ type: 'ambiguous', error: fault }) });
    const job = await house.runtime.jobs.submit(film);
    await house.settle();
    const address = `job/${job.id}`;
    const late = { address, act: 'resubmit', operator: 'bob', seenSeq: await seqOf(house.runtime, address) };
    const { runtime } = house;
    await house.crash({ at, during: () => runtime.inspection.act({ ...late, operator: 'ann' }) });
    await house.settle();
    expect(await named(house.runtime, address)).toContain('resubmit');
    const [heard] = await atOnce(house.runtime, late);
    expect(heard).toBe(at === 'before-commit' ? 'done' : 'ACT_STALE');
    expect(await acted(house.runtime, address)).toHaveLength(1);
  },
);
