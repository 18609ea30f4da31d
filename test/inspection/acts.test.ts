/** What an operator may do: what is legal now and nothing else, once, under the operator's name. */
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { permanent } from '../../src/channels/index.js';
import { openOffline, silentLogger, type InspectionFace, type Runtime } from '../../src/index.js';
import type { Json } from '../../src/json.js';
import { openai } from '../../src/providers/index.js';
import { buildHouse, NEVER, seen, seenAs, video } from '../runtime/house.js';
import { openSessions } from '../runtime/session-place.js';
import { gate, openTasks, seenAs as taskSeenAs, stage } from '../runtime/task-place.js';
import { orderMachine } from './orders.js';

interface Looking {
  readonly inspection: InspectionFace;
}

async function names({ inspection }: Looking, address: string): Promise<readonly string[]> {
  return (await inspection.acts(address)).map(({ name }) => name);
}

function act({ inspection }: Looking, address: string, name: string, input?: Json): Promise<void> {
  return inspection.act({ address, act: name, input, operator: 'ann' });
}

/** Who sent the newest event of a type. */
async function senderOf(runtime: Pick<Runtime, 'inspect'>, address: string, type: string): Promise<unknown> {
  const entries = await runtime.inspect.reader.journal(address);
  return entries.findLast(({ event }) => event.type === type)?.source;
}

/** Too short, too long, in two lines; with what turns the text around it, or is not seen at all. */
const NO_NAMES = [
  ...['', ' ', 'ann ', 'a\nb', 'a\u2028b', 'x'.repeat(101), '\ud800', '\u3164'],
  ...['\u202eann', 'ann\u2066', 'a\u200en', 'a\u061cn', 'a\u200bn', 'a\u00adn', 'a\ufe0fn', 'a\u{e0041}n'],
];

test('a job is cancelled once, by name; twice is refused, and says what there is', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const address = `job/${job.id}`;
  await seenAs(runtime, job, 'pending');
  expect(await names(runtime, address)).toEqual(['cancel']);
  await expect(act(runtime, address, 'retry')).rejects.toMatchObject({
    code: 'ACT_UNKNOWN',
    details: { address, act: 'retry', acts: 'cancel' },
  });
  // A house kind takes no event as it is.
  await expect(act(runtime, address, 'send:provider.evidence')).rejects.toMatchObject({
    code: 'ACT_UNKNOWN',
  });
  await expect(act(runtime, address, 'cancel', 5)).rejects.toMatchObject({ details: { field: 'input' } });
  await expect(act(runtime, address, 'cancel', { reason: 7 })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
  for (const operator of NO_NAMES)
    await expect(runtime.inspection.act({ address, act: 'cancel', operator })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { field: 'operator' },
    });
  expect((await job.view()).status).toBe('pending');
  // At once: one of them comes first, and the other changes nothing.
  const both = await Promise.allSettled([act(runtime, address, 'cancel'), act(runtime, address, 'cancel')]);
  expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
  expect(await senderOf(runtime, address, 'job.cancel')).toBe('operator:ann');
  expect((await job.view()).status).toBe('cancelled');
  expect(await names(runtime, address)).toEqual([]);
  await expect(act(runtime, address, 'cancel')).rejects.toMatchObject({ details: { acts: '' } });
  await expect(act(runtime, 'job/none', 'cancel')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

test('a job in doubt is adopted, or submitted again; an account is resumed', async () => {
  const lost = { type: 'resetAfterBody', billed: false } as const;
  const house = await buildHouse({
    life: NEVER,
    faults: [
      { route: 'openai.submit', nth: 1, fault: lost },
      { route: 'openai.submit', nth: 2, fault: lost },
      { route: 'kling.submit', nth: 1, fault: { type: 'unauthorized' } },
    ],
  });
  const baseUrl = `${house.simulator.url}/openai/v1`;
  const adapter = openai({ apiKey: 'k', clock: house.clock, baseUrl });
  const unlisted = { ...adapter, reconcile: { by: 'none' as const } };
  const runtime = await house.open({ providers: [unlisted, house.adapters.kling] });
  const [one, two] = [await runtime.jobs.submit(video()), await runtime.jobs.submit(video({ prompt: 'b' }))];
  for (const job of [one, two]) await seenAs(runtime, job, 'submitUnknown');
  expect(await names(runtime, `job/${one.id}`)).toEqual(['cancel', 'adopt', 'resubmit']);
  await expect(act(runtime, `job/${one.id}`, 'adopt', { taskId: 'x' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
  await act(runtime, `job/${one.id}`, 'adopt', { taskId: 'x', endpoint: 'videos', generation: 'videos-v1' });
  expect((await one.view()).ref?.taskId).toBe('x');
  await expect(one.resubmit()).rejects.toMatchObject({ code: 'JOB_NOT_IN_DOUBT' });
  await act(runtime, `job/${two.id}`, 'resubmit');
  expect(await senderOf(runtime, `job/${two.id}`, 'job.resubmit')).toBe('operator:ann');
  await seenAs(runtime, two, 'pending');

  const held = await runtime.jobs.submit(video({ provider: 'kling' }));
  const account = 'provider/kling:default';
  await seen(runtime, held, () =>
    runtime.inspect.counts('provider').some(({ state }) => state.includes('auth')),
  );
  expect(await names(runtime, account)).toEqual(['resume']);
  await act(runtime, account, 'resume');
  expect(await senderOf(runtime, account, 'account.resume')).toBe('operator:ann');
  expect(await names(runtime, account)).toEqual([]);
  await seenAs(runtime, held, 'pending');
});

test('a dead letter goes out again, by its job or by itself', async () => {
  const house = await buildHouse();
  let isOpen = false;
  const chat = () => (isOpen ? Promise.resolve() : Promise.reject(permanent(new Error('no such chat'))));
  const runtime = await house.open({ channels: { chat } });
  const [one, two] = [await runtime.jobs.submit(video()), await runtime.jobs.submit(video({ prompt: 'b' }))];
  for (const job of [one, two])
    await seen(runtime, job, ({ deliveryStatus }) => deliveryStatus === 'exhausted');
  isOpen = true;
  await act(runtime, `job/${one.id}`, 'retry');
  await seen(runtime, one, ({ deliveryStatus }) => deliveryStatus === 'delivered');
  expect(await names(runtime, `job/${one.id}`)).toEqual([]);
  const [letter] = (await runtime.deliveries.list({ status: 'exhausted' })).items;
  const address = `delivery/${letter?.id}`;
  expect(await names(runtime, address)).toEqual(['retry', 'dismiss']);
  await act(runtime, address, 'retry');
  expect(await senderOf(runtime, address, 'delivery.retry')).toBe('operator:ann');
  await expect(act(runtime, address, 'retry')).rejects.toMatchObject({ code: 'ACT_UNKNOWN' });
  await seen(runtime, two, ({ deliveryStatus }) => deliveryStatus === 'delivered');
});

test('a task’s tool call is decided about, it is cancelled, it is tried again', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const address = `task/${id}`;
  const { context } = await next();
  const begun = gate();
  void context.tool('pay', { idempotent: false, name: 'transfer' }, () => {
    begun.open();
    return new Promise<never>(() => undefined);
  });
  await begun.opened;
  const after = await place.crash();
  await taskSeenAs(after, id, 'interruptedTool');
  const acts = await after.runtime.inspection.acts(address);
  expect(acts.map(({ name }) => name)).toEqual(['cancel', 'resume']);
  expect(acts.at(-1)?.input).toMatchObject({
    properties: { callId: { enum: ['pay'] } },
    required: ['callId'],
  });
  await expect(act(after.runtime, address, 'resume', { callId: 'pay' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
  // As a form sends it, with a box that is not ticked.
  const decided = { callId: 'pay', rerun: false, result: { receipt: 7 } };
  await act(after.runtime, address, 'resume', decided);
  expect(await senderOf(after.runtime, address, 'tool.resolve')).toBe('operator:ann');
  const again = await next();
  await act(after.runtime, address, 'cancel', { reason: 'tired' });
  again.finish();
  await taskSeenAs(after, id, 'cancelled');
  expect(await names(after.runtime, address)).toEqual(['retry']);
  await act(after.runtime, address, 'retry', { fromStart: true });
  expect(await senderOf(after.runtime, address, 'task.retry')).toBe('operator:ann');
  (await next()).finish();
  await after.tasks.get(id).settled();
  expect(await names(after.runtime, address)).toEqual([]);
});

test('work is cancelled and retried, schedules are paused, resumed, run and removed', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const { id } = await runtime.work.enqueue('embed', {});
  const address = `work/${id}`;
  expect(await names(runtime, address)).toEqual(['cancel']);
  const claim = await runtime.work.claimNext();
  await runtime.work.fail(claim?.token ?? '', new Error('no'), { retry: false });
  expect(await names(runtime, address)).toEqual(['cancel', 'retry']);
  await act(runtime, address, 'retry');
  expect(await senderOf(runtime, address, 'work.retry')).toBe('operator:ann');
  await act(runtime, address, 'cancel');
  expect((await runtime.work.get(id)).status).toBe('cancelled');
  expect(await names(runtime, address)).toEqual([]);

  await runtime.work.schedule('nightly', { every: 60_000, kind: 'embed' });
  const schedule = 'schedule/nightly';
  expect(await names(runtime, schedule)).toEqual(['pause', 'trigger', 'remove']);
  await act(runtime, schedule, 'pause');
  expect(await senderOf(runtime, schedule, 'schedule.pause')).toBe('operator:ann');
  await expect(act(runtime, schedule, 'pause')).rejects.toMatchObject({ code: 'ACT_UNKNOWN' });
  expect(await names(runtime, schedule)).toEqual(['resume', 'trigger', 'remove']);
  await act(runtime, schedule, 'resume');
  await act(runtime, schedule, 'trigger');
  expect(await senderOf(runtime, schedule, 'schedule.trigger')).toBe('operator:ann');
  await act(runtime, schedule, 'remove');
  await expect(runtime.work.scheduleView('nightly')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

test('a session’s rest is ended, its batches are cancelled, its dead letters retried', async () => {
  const place = await openSessions({ sessions: { attemptsMax: 1 } });
  const { inspection, kernel } = place.parts;
  const session = place.sessions.get('s');
  await session.enqueue('hello');
  const turn = await session.turn();
  const [claimed] = (await session.list()).items;
  expect(await names({ inspection }, 'session/s')).toEqual([]);
  await turn.abandon({ reason: 'down', retryInMs: 60_000 });
  expect(await names({ inspection }, 'session/s')).toEqual(['resume', 'cancel', 'retry']);
  const acts = await inspection.acts('session/s');
  expect(acts.at(-1)?.input).toMatchObject({ properties: { batchId: { enum: [claimed?.batchId] } } });
  await act({ inspection }, 'session/s', 'resume');
  expect(await names({ inspection }, 'session/s')).toEqual(['cancel', 'retry']);
  await expect(act({ inspection }, 'session/s', 'retry')).rejects.toMatchObject({
    details: { field: 'batchId' },
  });
  await act({ inspection }, 'session/s', 'retry', { batchId: claimed?.batchId ?? '' });
  await act({ inspection }, 'session/s', 'cancel', { batchId: claimed?.batchId ?? '' });
  expect((await session.list()).items).toEqual([]);
  const sources = (await kernel.reader.journal('session/s')).flatMap(({ event, source }) =>
    source.startsWith('operator:') ? [event.type] : [],
  );
  expect(sources).toEqual(['session.resume', 'batch.retry', 'batch.cancel']);
  await session.enqueue('again');
  const gone = act({ inspection }, 'session/s', 'cancel', { batchId: claimed?.batchId ?? '' });
  await expect(gone).rejects.toMatchObject({ code: 'BATCH_NOT_CANCELLABLE' });
});

const shop = setup({
  types: {
    context: {} as { readonly n: number },
    events: {} as
      | { readonly type: 'pay'; readonly amount: number }
      | { readonly type: 'close' }
      | { readonly type: 'x.any' }
      | { readonly type: 'odd'; readonly on: Date },
  },
  actions: { count: assign(({ context }) => ({ n: context.n + 1 })) },
  guards: { isFirst: ({ context }) => context.n === 0 },
}).createMachine({
  id: 'shop',
  version: '1',
  context: { n: 0 },
  initial: 'open',
  states: {
    open: {
      on: {
        pay: { guard: 'isFirst', actions: 'count' },
        close: 'closed',
        'x.*': { actions: 'count' },
        odd: { actions: 'count' },
      },
    },
    closed: { type: 'final' },
  },
});

test('a user’s machine takes what is legal, described and checked by its own schemas', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const pay = z.object({ type: z.literal('pay'), amount: z.number().min(1) });
  const odd = z.object({ type: z.literal('odd'), on: z.date() });
  const shops = runtime.define(shop, { schemas: { events: { pay, odd } } });
  const one = await shops.create({ id: '1' });
  const acts = await runtime.inspection.acts('shop/1');
  expect(acts.map(({ name, input }) => [name, input])).toEqual([
    [
      'send:pay',
      { type: 'object', properties: { amount: { type: 'number', minimum: 1 } }, required: ['amount'] },
    ],
    ['send:close', { type: 'object', additionalProperties: true }],
    ['send:x.*', expect.objectContaining({ required: ['type'], additionalProperties: true })],
    // A date has no words in JSON Schema.
    ['send:odd', { type: 'object', additionalProperties: true }],
  ]);
  expect(acts[0]?.description).toBe('Sends it the event "pay", which leads to open, if isFirst says so.');
  await expect(act(runtime, 'shop/1', 'send:pay', { amount: 0 })).rejects.toMatchObject({
    code: 'INVALID_EVENT',
  });
  // What is sent is what the act says, whatever type the input names.
  await act(runtime, 'shop/1', 'send:pay', { amount: 2, type: 'close' });
  expect((await one.snapshot())?.context).toEqual({ n: 1 });
  expect(await senderOf(runtime, 'shop/1', 'pay')).toBe('operator:ann');
  const steps = (await one.journal()).length;
  // The guard refuses it now: in the turn of the step, so that nothing is written.
  await expect(act(runtime, 'shop/1', 'send:pay', { amount: 2 })).rejects.toMatchObject({
    code: 'ACT_UNKNOWN',
  });
  for (const none of ['send:x', 'send:', 'send:*', 'pay'])
    await expect(act(runtime, 'shop/1', none)).rejects.toMatchObject({ code: 'ACT_UNKNOWN' });
  expect((await one.journal()).length).toBe(steps);
  await expect(act(runtime, 'shop/1', 'send:x.*', { type: 'close' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    details: { field: 'type' },
  });
  await act(runtime, 'shop/1', 'send:x.*', { type: 'x.one' });
  expect(await senderOf(runtime, 'shop/1', 'x.one')).toBe('operator:ann');
  await act(runtime, 'shop/1', 'send:x.two');
  expect(await senderOf(runtime, 'shop/1', 'x.two')).toBe('operator:ann');
  const both = await Promise.allSettled([
    act(runtime, 'shop/1', 'send:close'),
    act(runtime, 'shop/1', 'send:close'),
  ]);
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ACT_UNKNOWN' } });
  expect(await names(runtime, 'shop/1')).toEqual([]);
});

test('who stands still is resumed, skipped, dismissed; offline it is house kinds alone', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const orders = runtime.define(orderMachine);
  for (const id of ['1', '2', '3']) {
    const order = await orders.create({ id, input: { title: 'x' } });
    await expect(order.send({ type: 'explode' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    expect(await names(runtime, `order/${id}`)).toEqual(['resume', 'skip', 'dismiss']);
  }
  await expect(act(runtime, 'order/1', 'resume')).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
  await act(runtime, 'order/1', 'skip');
  expect(await names(runtime, 'order/1')).toEqual(['send:add', 'send:pay', 'send:explode', 'send:note']);
  await expect(act(runtime, 'order/1', 'skip')).rejects.toMatchObject({ code: 'ACT_UNKNOWN' });
  await act(runtime, 'order/2', 'dismiss');
  const { source } = (await runtime.inspect.reader.journal('order/1')).at(-1) ?? {};
  expect(source).toBe('operator:ann');
  const job = await runtime.jobs.submit(video());
  await seenAs(runtime, job, 'pending');
  await runtime.close();

  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  expect(await names(offline, 'order/3')).toEqual([]);
  await expect(act(offline, 'order/3', 'skip')).rejects.toMatchObject({ code: 'KIND_UNKNOWN' });
  await act(offline, `job/${job.id}`, 'cancel', { reason: 'from outside' });
  expect(await names(offline, `job/${job.id}`)).toEqual([]);
  await offline.close();
});
