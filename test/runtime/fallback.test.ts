/** A job of several providers in a whole runtime: who is asked, who is paid, and what an account is told. */
import { expect, test } from 'vitest';
import { openai } from '../../src/providers/index.js';
import { AT_ONCE, buildHouse, delivered, entries, seenAs, until, video } from './house.js';

const BOTH = video({ provider: 'kling', fallback: [{ provider: 'openai', model: 'sora-2' }] });
const billedBy = (house: Awaited<ReturnType<typeof buildHouse>>) =>
  entries(house, 'submit.billed').map(({ provider }) => provider);

test('the second provider makes what the first refuses, with its own model and for one bill', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'kling.submit', fault: { type: 'status', status: 400 } }],
  });
  const requests: unknown[] = [];
  const { buildSubmit } = house.adapters.openai;
  const second = {
    ...house.adapters.openai,
    buildSubmit: (...call: Parameters<typeof buildSubmit>) => {
      requests.push(call[0]);
      return buildSubmit(...call);
    },
  };
  const runtime = await house.open({ providers: [house.adapters.kling, second] });
  const job = await runtime.jobs.submit({ ...BOTH, model: 'kling-v3', extra: { mode: 'pro' } });
  expect((await job.settled()).status).toBe('done');
  const view = await delivered(runtime, job);
  expect(view).toMatchObject({
    provider: 'openai',
    fallback: [
      { provider: 'kling', credential: 'default', present: false, refusal: { until: 'never' } },
      { provider: 'openai', credential: 'default', present: true },
    ],
    request: { model: 'kling-v3', extra: { mode: 'pro' } },
  });
  expect(requests).toEqual([{ kind: 'video', prompt: 'a cat on a bicycle', model: 'sora-2' }]);
  expect(billedBy(house)).toEqual(['openai']);
  expect((await runtime.jobs.list({ provider: 'openai' })).items.map(({ id }) => id)).toEqual([job.id]);
  expect((await runtime.jobs.list({ provider: 'kling' })).items).toEqual([]);
});

test('a lost answer of the first is looked up there, and the second is never asked', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'kling.submit', fault: { type: 'resetAfterBody', billed: true } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(BOTH);
  const view = await job.settled();
  expect([view.status, view.provider]).toEqual(['done', 'kling']);
  expect(billedBy(house)).toEqual(['kling']);
});

test('a wrong key pauses the account of the first, and its jobs go to the second at once', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'kling.submit', fault: { type: 'unauthorized' } }],
  });
  const runtime = await house.open();
  const first = await runtime.jobs.submit(BOTH);
  expect((await first.settled()).provider).toBe('openai');
  const account = { provider: 'kling', credential: 'default' };
  expect(await runtime.accounts.list()).toMatchObject([{ ...account, status: 'paused', reason: 'auth' }]);
  // From now on it is not even asked, and nobody waits at its closed gate.
  const second = await runtime.jobs.submit({ ...BOTH, prompt: 'another' });
  const view = await second.settled();
  expect([view.status, view.fallback?.[0]?.refusal]).toMatchObject(['done', { code: 'accountPaused' }]);
  const asked = entries(house, 'submit.received').map(({ provider }) => provider);
  expect(asked.filter((provider) => provider === 'kling')).toHaveLength(1);
  expect(billedBy(house)).toEqual(['openai', 'openai']);
});

test('held by all its accounts it is blocked, through a restart, until one is resumed', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'submit', fault: { type: 'unauthorized' } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(BOTH);
  await seenAs(runtime, job, 'blocked');
  await runtime.close();
  const again = await house.open();
  expect((await again.jobs.get(job.id).view()).status).toBe('blocked');
  expect(entries(house, 'submit.received')).toHaveLength(2);
  house.simulator.setScript({ life: AT_ONCE });
  await again.accounts.resume({ provider: 'openai', credential: 'default' });
  const view = await again.jobs.get(job.id).settled();
  expect([view.status, view.provider]).toEqual(['done', 'openai']);
  expect(billedBy(house)).toEqual(['openai']);
});

test('a chain is checked at the door: its providers, and what each of them would be asked', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const submit = (fallback: readonly object[]) =>
    runtime.jobs.submit({ ...BOTH, fallback } as never).catch((error: unknown) => error);
  expect(await submit([{ provider: 'nobody' }])).toMatchObject({ code: 'PROVIDER_UNKNOWN' });
  expect(await submit([{ provider: 'openai', key: 'x' }])).toMatchObject({ code: 'INVALID_INPUT' });
  expect(await submit(Array.from({ length: 9 }, () => ({ provider: 'openai' })))).toMatchObject({
    code: 'INVALID_INPUT',
  });
  const picky = { ...house.adapters.openai, id: 'picky', refuse: () => 'nothing suits me' };
  const other = await buildHouse();
  const strict = await other.open({ providers: [other.adapters.kling, picky] });
  await expect(strict.jobs.submit({ ...BOTH, fallback: [{ provider: 'picky' }] })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('fallback.0: picky: nothing suits me') as string,
  });
  expect((await strict.jobs.list()).items).toEqual([]);
});

test('a key that appears later wakes a blocked job when its account is resumed', async () => {
  const house = await buildHouse();
  let key: string | undefined;
  const adapter = openai({
    apiKey: () => key,
    env: () => ({}),
    baseUrl: `${house.simulator.url}/openai/v1`,
    clock: house.clock,
  });
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video());
  await seenAs(runtime, job, 'blocked');
  const account = { provider: 'openai', credential: 'default' };
  await runtime.accounts.resume(account);
  expect((await job.view()).status).toBe('blocked');
  key = 'sk-test';
  await runtime.accounts.resume(account);
  expect((await job.settled()).status).toBe('done');
  await until(runtime, () => entries(house, 'submit.billed').length === 1);
});
