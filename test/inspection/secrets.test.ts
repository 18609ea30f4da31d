/** No secret leaves in any answer of the inspection, wherever it stands, and whatever else there is stays. */
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { isHoldfastError, type Runtime } from '../../src/index.js';
import { kling } from '../../src/providers/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

const KEY = 'sk-live0123456789abcdef';
const BEARER = 'Bearer abcdefghijkl0123456789';
/** No pattern has it: it is known by the name of its field alone. */
const NAMED = 'hunter2-and-more';
const SECRETS = [KEY, 'abcdefghijkl0123456789', NAMED];

async function place() {
  const test = await createTestRuntime({
    providers: [kling({ apiKey: 'an-access-key', baseUrl: 'http://127.0.0.1:9' })],
    define: (runtime: Runtime) => ({ orders: runtime.define(orderMachine) }),
  });
  const { runtime, kinds } = test;
  const order = await kinds.orders.create({ id: '77', input: { title: `pay with ${KEY}` } });
  await order.send({ type: 'note', token: NAMED, text: `use ${NAMED}, or ${BEARER}` });
  await order.send({ type: 'pay', amount: 20 });
  await test.settle();
  await test.effects.fail('order.charge', new Error(`refused: ${BEARER} and ${NAMED}`));
  const broken = await kinds.orders.create({ id: '78', input: { title: 'sound' } });
  await broken.send({ type: 'note', token: NAMED, text: 'x' });
  await broken.send({ type: 'explode' }).catch(() => undefined);
  const prompt = `a cat, and ${KEY} and ${BEARER}`;
  const job = await runtime.jobs.submit({ provider: 'kling', prompt, sessionKey: 'chat:1' });
  await runtime.sessions.get('chat:1').enqueue({ text: prompt });
  await runtime.jobs.get(job.id).cancel(`said ${KEY}`);
  await runtime.work.enqueue('embed', { token: NAMED }, { dedupeKey: KEY });
  await test.settle();
  return { test, inspection: runtime.inspection, runtime };
}

test('no answer has a secret in it', async () => {
  const { test: home, inspection, runtime } = await place();
  const frames: unknown[] = [];
  const stop = inspection.watch((frame) => frames.push(frame));
  await home.kinds.orders.get('77').send({ type: 'note', token: NAMED, text: `${NAMED} ${KEY}` });
  await home.advance(1_000);
  stop();
  expect(frames).toHaveLength(1);
  const { items } = await inspection.list({ limit: 1_000 });
  expect(items.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['job', 'order', 'session', 'work']));
  const shown: (readonly [what: string, answer: unknown])[] = [
    ['population', await inspection.population()],
    ['list', items],
    ['found', await inspection.list({ text: 'pay with' })],
    ['frames', frames],
  ];
  for (const { address, kind } of items) {
    const steps = await inspection.steps(address);
    shown.push(
      [`actor ${address}`, await inspection.actor(address)],
      [`steps of ${address}`, steps],
      [`chart of ${kind}`, await inspection.chart(kind)],
      [`why ${address}`, await inspection.why(address)],
      [`story of ${address}`, await inspection.story(address)],
      [`acts on ${address}`, await inspection.acts(address)],
    );
    for (const { seq } of steps.items)
      shown.push([`step ${seq} of ${address}`, await inspection.step(address, seq)]);
    const capsule = await runtime.export(address, { redact: false });
    shown.push([`the capsule of ${address}`, await inspection.look(capsule)]);
  }
  const events = [{ type: 'note', token: NAMED, text: NAMED }];
  shown.push(['what if', await inspection.whatIf({ address: 'order/77', seq: 1, events })]);
  const capsule = await runtime.export('order/77', { redact: false });
  shown.push(['what if of a capsule', await inspection.whatIfOf(capsule, { seq: 1, events })]);
  for (const [what, answer] of shown) {
    const text = JSON.stringify(answer);
    for (const secret of SECRETS) expect(text.includes(secret), `${what}: ${secret}`).toBe(false);
  }
  await home.close();
});

test('what the kernel wrote stays, and so does what only looks like a name', async () => {
  const { test: home, inspection } = await place();
  const actor = await inspection.actor('order/77');
  expect(actor).toMatchObject({
    address: 'order/77',
    value: { paying: 'failed' },
    title: expect.stringMatching(/^pay with /),
  });
  const { items } = await inspection.steps('order/77');
  expect(items.map(({ event }) => event.type)).toEqual([
    'xstate.init',
    'note',
    'pay',
    'xstate.error.actor.charge',
  ]);
  const step = await inspection.step('order/77', 2);
  const context = step.context as { readonly noted: { readonly token: string; readonly text: string } };
  expect(context.noted.token).toMatch(/^\[redacted:\d+\]$/);
  expect(context.noted.text).toContain(context.noted.token);
  expect(step.event['token']).toBe(context.noted.token);
  expect((await inspection.actor('order/78')).fault?.message).toContain('the guard is broken');
  await home.close();
});

/** It takes what it is given, until it does so no more: then it says what it knows. */
function fickleMachine(mood: { isWell: boolean }) {
  return setup({
    types: { context: {} as { readonly noted?: { readonly token: string } } },
    actions: {
      note: assign(({ event }) => ({ noted: event as unknown as { readonly token: string } })),
      look: assign(({ context, event }) => {
        if (mood.isWell) return {};
        throw new Error(`${context.noted?.token} and ${KEY} on ${event.type}: ${BEARER}`);
      }),
    },
  }).createMachine({
    id: 'fickle',
    version: '1',
    context: {},
    on: { note: { actions: 'note' }, look: { actions: 'look' } },
  });
}

test('what a machine throws when it is asked again, or by an act, is told without its secrets', async () => {
  const mood = { isWell: true };
  const home = await createTestRuntime({
    define: (runtime: Runtime) => ({ fickle: runtime.define(fickleMachine(mood)) }),
  });
  const { inspection, quarantine } = home.runtime;
  const one = await home.kinds.fickle.create({ id: '1' });
  await one.send({ type: 'note', token: NAMED });
  await one.send({ type: 'look' });
  await one.send({ type: 'look' });
  mood.isWell = false;
  const address = 'fickle/1';
  const events = [{ type: 'look' }];
  const capsule = await home.runtime.export(address, { redact: false });
  const told: string[] = [];
  const hear = async (asked: Promise<unknown>): Promise<string> => {
    const answer = await asked.catch((error: unknown) => {
      if (!isHoldfastError(error)) throw error;
      return `${error.code} ${error.message} ${JSON.stringify(error.details)}`;
    });
    told.push(JSON.stringify(answer));
    return told.at(-1) ?? '';
  };
  expect(await hear(inspection.step(address, 3))).toContain('"unknown":"[redacted:');
  expect(await hear(inspection.whatIf({ address, seq: 3, events }))).toContain('REPLAY_DIVERGED fickle/1: ');
  expect(await hear(inspection.whatIf({ address, events }))).toContain('"error":"[redacted:');
  expect(await hear(inspection.whatIfOf(capsule, { seq: 3, events }))).toContain('REPLAY_DIVERGED');
  expect(await hear(inspection.look(capsule))).toContain('"unknown":"[redacted:');
  const act = (name: string): Promise<void> => inspection.act({ address, act: name, operator: 'ann' });
  expect(await hear(act('send:look'))).toContain('ACTOR_QUARANTINED fickle/1: ');
  expect(await hear(act('resume'))).toContain('ACTOR_QUARANTINED fickle/1: ');
  await hear(inspection.actor(address));
  await hear(inspection.why(address));
  for (const text of told) for (const secret of SECRETS) expect(text).not.toContain(secret);
  // Whoever lists it does not know its context: what looks like a secret is gone all the same.
  const listed = JSON.stringify([await quarantine.list(), await one.send({ type: 'note' }).catch(String)]);
  for (const secret of [KEY, 'abcdefghijkl0123456789']) expect(listed).not.toContain(secret);
  expect(listed).toContain('[redacted] on look: Bearer [redacted]');
  await home.close();
});
