/** Why an actor is where it is, in words that an operator understands: every kind, wait and fault. */
import { expect, test } from 'vitest';
import { permanent } from '../../src/channels/index.js';
import { openOffline, silentLogger, type JobHandle, type Runtime } from '../../src/index.js';
import { openai } from '../../src/providers/index.js';
import { keys, openLevelStore } from '../../src/store/index.js';
import { buildHouse, NEVER, seen, seenAs, until, video } from '../runtime/house.js';
import { openSessions } from '../runtime/session-place.js';
import { gate, openTasks, seenAs as taskSeenAs, stage } from '../runtime/task-place.js';
import { orderMachine } from './orders.js';

const SPAN = /\d+(?:\.\d+)? (?:ms|s|min|h|d)(?: \d+ (?:s|min|h))?\b/g;
const MOMENT = /(?:\d{4}-\d\d-\d\d )?\d\d:\d\d UTC/g;
const ID = /\b(?:job|task|work|delivery|turn|dlv)_[\w-]+/g;
const URL = /http:\/\/127\.0\.0\.1:\d+/g;

/** With spans, times and made-up names replaced: they are others at each run. */
async function told(runtime: Pick<Runtime, 'inspection'>, address: string): Promise<string> {
  const { words } = await runtime.inspection.why(address);
  const lasting = words.replaceAll(SPAN, 'SPAN').replaceAll(MOMENT, 'TIME');
  return lasting.replaceAll(ID, 'ID').replaceAll(URL, 'URL');
}

/** Resolves once an actor is in a state of that name. */
function isIn(runtime: Runtime, address: string, state: string): Promise<void> {
  return until(runtime, async () => {
    const { states } = await runtime.inspection.why(address);
    return states.some(({ path }) => path.split('.').includes(state));
  });
}

const addressOf = ({ id }: JobHandle): string => `job/${id}`;

test('a job in doubt, one refused for now, one that is followed, one that was cancelled', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [
      { route: 'openai.submit', nth: 1, fault: { type: 'resetAfterBody', billed: false } },
      { route: 'openai.submit', nth: 2, fault: { type: 'rateLimit', waitMs: 600_000 } },
    ],
  });
  const runtime = await house.open({ jobs: { reconcileAfterMs: 3_600_000 } });
  const doubtful = await runtime.jobs.submit(video());
  // The first pauses are short: it may look again while it is looked at.
  const between =
    'job/ID has been in submitting.doubting.pausing for SPAN. Between two looks. Whether openai has ' +
    'it is being looked up; some looks so far. Last error, SPAN ago: POST URL/openai/v1/videos: read ' +
    'ECONNRESET. Next: the timer retry, in SPAN, which leads to submitting.doubting.looking. You may: ' +
    'cancel, adopt.';
  await until(runtime, async () => {
    const doubt = await told(runtime, addressOf(doubtful));
    return doubt.replace(/ \(others[^)]*\)/, '').replace(/\d+ looks?/, 'some looks') === between;
  });
  const resting = await runtime.jobs.submit(video({ prompt: 'a dog' }));
  await isIn(runtime, addressOf(resting), 'resting');
  expect(await told(runtime, addressOf(resting))).toBe(
    'job/ID has been in submitting.resting for SPAN. Refused for now and known not to be accepted: ' +
      'the next POST waits. openai refused it for now, and has not got it; 1 POST so far. Last error, ' +
      'SPAN ago: HTTP 429: Too many requests (rate_limit_exceeded). Next: the timer retry, in SPAN, ' +
      'which leads to submitting.posting. You may: cancel.',
  );
  expect(await told(runtime, 'provider/openai:default')).toBe(
    'provider/openai:default has been in limited for SPAN. The provider asked for a pause: calls wait in ' +
      'their pools until it is over. Its calls wait until TIME, as the provider asked. Next: the timer ' +
      'limited, in SPAN, which leads to open. You may: resume.',
  );
  const followed = await runtime.jobs.submit(video({ provider: 'kling' }));
  await seenAs(runtime, followed, 'pending');
  expect(await told(runtime, addressOf(followed))).toBe(
    'job/ID has been in pending for SPAN. Accepted; waits for the next poll. kling has had it for ' +
      'SPAN, and was asked 0 times. Next: the timer nextPoll, in SPAN, which leads to polling. You ' +
      'may: cancel.',
  );
  await followed.cancel('tired of it');
  await isIn(runtime, addressOf(followed), 'over');
  expect(await told(runtime, addressOf(followed))).toBe(
    'job/ID has been in settled.outcome.cancelled for SPAN. Cancelled on request: written to ' +
      'history, never pushed. The reason given: tired of it. Next: the timer keep, in SPAN, which ' +
      'leads to closed. There is nothing to be done to it by hand.',
  );
});

test('a job without a key, one of which nobody knows, one behind an account that is paused', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [
      { route: 'kling.submit', nth: 1, fault: { type: 'unauthorized' } },
      { route: 'openai.submit', nth: 1, fault: { type: 'resetAfterBody', billed: false } },
    ],
  });
  const baseUrl = `${house.simulator.url}/openai/v1`;
  const unlisted = {
    ...openai({ apiKey: 'k', clock: house.clock, baseUrl }),
    reconcile: { by: 'none' as const },
  };
  const runtime = await house.open({ providers: [unlisted, house.adapters.kling] });
  const unknown = await runtime.jobs.submit(video());
  await seenAs(runtime, unknown, 'submitUnknown');
  expect(await told(runtime, addressOf(unknown))).toBe(
    'job/ID has been in submitUnknown for SPAN. Perhaps accepted, and nobody to ask: waits for a ' +
      'webhook or an operator. openai may have taken it, and may be paid for: look there for the ' +
      'task. Adopt it if it is there, submit again if it is not. Last error, SPAN ago: POST ' +
      'URL/openai/v1/videos: read ECONNRESET. Next: the timer unknownBy, in SPAN, which leads to ' +
      'settled.outcome.timedOut. You may: cancel, adopt, resubmit.',
  );
  const blocked = await runtime.jobs.submit(video({ provider: 'kling', credential: 'nobody' }));
  await seenAs(runtime, blocked, 'blocked');
  expect(await told(runtime, addressOf(blocked))).toContain(
    'kling cannot be asked here: it goes on by itself once its adapter, its key and its account are there. ' +
      'Last error, SPAN ago: no credential for account "nobody" of kling (noCredential). Next: the timer ' +
      'submitBy, in SPAN, which leads to settled.outcome.failed. You may: cancel.',
  );
  const held = await runtime.jobs.submit(video({ provider: 'kling' }));
  const account = 'provider/kling:default';
  await until(runtime, async () => (await runtime.inspection.list({ kind: 'provider' })).items.length > 0);
  await isIn(runtime, account, 'paused');
  const heldBack =
    'The answer is awaited. It waits for its effect submit, which waits behind the account kling:default, ' +
    'paused since TIME because of auth: HTTP 401: Authorization is invalid. You may: cancel.';
  await until(runtime, async () => (await told(runtime, addressOf(held))).endsWith(heldBack));
  // Two jobs have left the state before.
  expect(await told(runtime, addressOf(held))).toContain(
    'wanted for SPAN (others leave it within SPAN, p95).',
  );
  expect(await runtime.inspection.why(addressOf(held))).toMatchObject({
    status: 'active',
    value: { submitting: { posting: 'wanted' } },
    states: [{ path: 'submitting.posting.wanted', description: 'The answer is awaited.' }],
    effects: [{ src: 'submit', state: 'waiting' }],
  });
  expect(await told(runtime, account)).toBe(
    'provider/kling:default has been in paused.auth for SPAN. The key is missing, wrong or expired. ' +
      'All its calls wait: HTTP 401: Authorization is invalid. Mend its key or its credit, then ' +
      'resume it. You may: resume.',
  );
  await runtime.close({ timeoutMs: 0 });
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  expect(await told(offline, addressOf(held))).toContain(
    'Nobody runs its directory: nothing goes on until somebody does. It waits for its effect submit, which ',
  );
  await offline.close();
});

test('a message that waits for its next attempt is on its way, for all that its job knows', async () => {
  const house = await buildHouse();
  const runtime = await house.open({
    channels: { chat: () => Promise.reject(new Error('gateway said 503')) },
  });
  const job = await runtime.jobs.submit(video());
  await seen(runtime, job, ({ status }) => status === 'done');
  expect(await told(runtime, addressOf(job))).toBe(
    'job/ID has been in settled.outcome.done for SPAN. The artifacts are on disk. Its message ' +
      'delivery/ID is on its way. Next: the timer keep, in SPAN, which leads to closed. There is ' +
      'nothing to be done to it by hand.',
  );
});

test('a dead letter, and the job and the session that it is of', async () => {
  const house = await buildHouse();
  const runtime = await house.open({
    channels: { chat: () => Promise.reject(permanent(new Error('no such chat'))) },
  });
  const job = await runtime.jobs.submit(video());
  await seen(runtime, job, ({ deliveryStatus }) => deliveryStatus === 'exhausted');
  expect(await told(runtime, addressOf(job))).toBe(
    'job/ID has been in settled.outcome.done for SPAN. The artifacts are on disk. Its message ' +
      'delivery/ID is exhausted. Next: the timer keep, in SPAN, which leads to closed. You may: retry.',
  );
  const { items } = await runtime.deliveries.list({ status: 'exhausted' });
  expect(await told(runtime, `delivery/${items[0]?.id}`)).toBe(
    'delivery/ID has been in exhausted for SPAN. A dead letter: listed, out of its lane, can be ' +
      'retried by hand. 1 attempt to reach chat: 1 failed. Last error, SPAN ago: no such chat ' +
      '(channel). Next: the timer deadLetter, in SPAN, which leads to dismissed. You may: retry, dismiss.',
  );
  expect(await told(runtime, 'session/chat:1')).toBe(
    'session/chat:1 has been in turn.idle.ready for SPAN. A turn can begin. Nobody has begun a turn: who ' +
      'serves it is busy, or not there. In its queue is 1 batch. You may: cancel.',
  );
});

test('a task that runs, one whose tool was cut off, one that failed, one without a runner', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const { context } = await next();
  const begun = gate();
  void context.tool('pay', { idempotent: false, name: 'transfer' }, () => {
    begun.open();
    return new Promise<never>(() => undefined);
  });
  await begun.opened;
  expect(await told(place.runtime, `task/${id}`)).toBe(
    'task/ID has been in active.running for SPAN. A runner works on it. With the runner "agent" it ' +
      'has made 0 of 10 iterations, no checkpoint yet; it waits for transfer. Its effect run runs for ' +
      'SPAN. Next: the timer deadline, in SPAN, which leads to settled.failed. You may: cancel.',
  );
  const after = await place.crash();
  await taskSeenAs(after, id, 'interruptedTool');
  expect(await told(after.runtime, `task/${id}`)).toBe(
    'task/ID has been in interruptedTool for SPAN. A tool that must not run twice was cut off: ' +
      'somebody has to say what became of it. Cut off: transfer (pay). Say what it returned, or that ' +
      'it is to run again. Next: the timer patience, in SPAN, which leads to settled.failed. You may: ' +
      'cancel, resume.',
  );
  const failed = await after.tasks.submit({ prompt: 'a dog' });
  (await next()).fail(new Error('the model is down'));
  await after.tasks.get(failed.id).settled();
  expect(await told(after.runtime, `task/${failed.id}`)).toBe(
    'task/ID has been in settled.failed for SPAN. The runner gave up, or was given up. Last error, ' +
      'SPAN ago: the model is down (runner). Next: the timer keep, in SPAN, which leads to closed. ' +
      'You may: retry.',
  );
  const waiting = await after.tasks.submit({ prompt: 'a bird' });
  const alone = await after.crash({ runners: {} });
  await taskSeenAs(alone, waiting.id, 'blocked');
  expect(await told(alone.runtime, `task/${waiting.id}`)).toContain(
    'No runner of that name is registered here: it waits for one. The runner "agent" is to be registered.',
  );
});

test('work that waits, is worked on, is a dead letter; a schedule, and one that is paused', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const { id } = await runtime.work.enqueue('embed', { a: 1 });
  expect(await told(runtime, `work/${id}`)).toBe(
    'work/ID has been in ready for SPAN. Waits for a worker that claims it. Its kind is "embed". It ' +
      'goes on with work.claim (a worker that asks for the next item). You may: cancel.',
  );
  const claim = await runtime.work.claimNext(undefined, { workerId: 'gpu-3' });
  expect(await told(runtime, `work/${id}`)).toBe(
    'work/ID has been in running for SPAN. A worker has it, for as long as its claim lasts. gpu-3 ' +
      'has it for SPAN more, unless it says otherwise. Next: the timer claim, in SPAN, which leads to ' +
      'failed or ready. You may: cancel.',
  );
  await runtime.work.fail(claim?.token ?? '', new Error('no model'), { retry: false });
  expect(await told(runtime, `work/${id}`)).toBe(
    'work/ID has been in failed for SPAN. A dead letter: listed, its key is free, can be retried by hand. ' +
      '1 attempt of 5 failed. Last error, SPAN ago: no model (Error). Next: the timer deadLetter, in SPAN, ' +
      'which leads to closed. You may: cancel, retry.',
  );
  await runtime.work.schedule('nightly', { every: 60_000, kind: 'embed' });
  await runtime.work.triggerSchedule('nightly');
  await until(runtime, async () => (await runtime.work.scheduleHistory('nightly')).length === 1);
  await isIn(runtime, 'schedule/nightly', 'waiting');
  expect(await told(runtime, 'schedule/nightly')).toBe(
    'schedule/nightly has been in active.cadence.waiting for SPAN. For the next time. It is due ' +
      'next at TIME. Its last run, due at TIME, is enqueued. Next: the timer due, in SPAN, which ' +
      'leads to active.cadence.planning. You may: pause, trigger, remove.',
  );
  await runtime.work.pauseSchedule('nightly');
  expect(await told(runtime, 'schedule/nightly')).toBe(
    'schedule/nightly has been in active.cadence.paused for SPAN. Nothing comes until it is ' +
      'resumed; by hand all the same. Its last run, due at TIME, is enqueued. You may: resume, ' +
      'trigger, remove.',
  );
});

test('a session that nobody serves, one whose turn runs, one whose turn failed', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const session = runtime.sessions.get('s');
  await session.enqueue('hello');
  expect(await told(runtime, 'session/s')).toBe(
    'session/s has been in turn.idle.ready for SPAN. A turn can begin. Nobody has begun a turn: who ' +
      'serves it is busy, or not there. In its queue is 1 batch. You may: cancel.',
  );
  const turn = await session.turn();
  expect(await told(runtime, 'session/s')).toBe(
    'session/s has been in turn.running.working for SPAN. Inputs and wakes. The turn ID of ' +
      'process:1 has run for SPAN. In its queue is 1 batch. There is nothing to be done to it by hand.',
  );
  await turn.abandon({ reason: 'the model is down', retryInMs: 60_000 });
  expect(await told(runtime, 'session/s')).toBe(
    'session/s has been in turn.pausing for SPAN. A turn failed: the session rests, so that nothing ' +
      'later overtakes what it held. It rests until TIME. In its queue is 1 batch. Last error, SPAN ' +
      'ago: the model is down. Next: the timer rest, in SPAN, which leads to turn.idle. You may: ' +
      'resume, cancel.',
  );
  expect((await runtime.inspection.why('session/s')).errors).toMatchObject([
    { message: 'the model is down' },
  ]);
});

test('a user’s machine: on its way, standing still, imported, ended, damaged, unknown', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const orders = runtime.define(orderMachine);
  const order = await orders.create({ id: '77', input: { title: 'x' } });
  expect(await told(runtime, 'order/77')).toBe(
    'order/77 has been in cart for SPAN. Lines are put in. Next: the timer patience, in SPAN, which ' +
      'leads to gone. You may: send:add, send:pay, send:explode, send:note.',
  );
  await expect(order.send({ type: 'explode' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
  const broken =
    "order/77 has stood still for SPAN: Unable to evaluate guard 'isSound' in transition for event " +
    "'explode' in state node 'order.cart': the guard is broken: null (THREW). It could " +
    'not take "explode" ' +
    'from user. It is in cart. ';
  const later = 'Next: the timer patience, in SPAN, once it goes on. ';
  expect(await told(runtime, 'order/77')).toBe(`${broken}${later}You may: resume, skip, dismiss.`);
  expect((await runtime.inspection.why('order/77')).legal).toEqual([]);

  const other = await orders.create({ id: '78', input: { title: 'x' } });
  await other.send({ type: 'pay', amount: 20 });
  await isIn(runtime, 'order/78', 'charged');
  expect(await told(runtime, 'order/78')).toBe(
    'order/78 has been in paying.charged for SPAN. It goes on with drop (your code, or another actor). You ' +
      'may: send:drop, send:note.',
  );
  await runtime.import(await runtime.export({ address: 'order/78' }), { id: '79' });
  expect(await told(runtime, 'order/79')).toMatch(
    /^order\/79 has stood still for SPAN: .* It came in a capsule and has not gone on here\. /,
  );
  await other.send({ type: 'drop' });
  expect(await told(runtime, 'order/78')).toBe(
    'order/78 has ended in gone SPAN ago. Next: it is removed, in SPAN. There is nothing to be done ' +
      'to it by hand.',
  );
  await orders.create({ id: '80', input: { title: 'x' } });
  await runtime.close();

  const store = await openLevelStore({ directory: house.directory, purpose: 'look' });
  const rows = [{ key: keys.record('order/78'), value: '[]' }];
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  expect(await told(offline, 'order/77')).toBe(
    `${broken}No machine is defined for "order" here: it is parked until one is. Nobody runs its ` +
      `directory: nothing goes on until somebody does. ${later}There is nothing to be done to it by ` +
      `hand.`,
  );
  expect(await told(offline, 'order/80')).toBe(
    'order/80 has been in cart for SPAN (others leave it within SPAN, p95). Lines are put in. ' +
      'No machine is defined for "order" here: ' +
      'it is parked until one is. Nobody runs its directory: nothing goes on until somebody does. ' +
      'Next: the timer patience, in SPAN, once it goes on, which leads to gone. There is nothing to ' +
      'be done to it by hand.',
  );
  // From the chart that is stored with it.
  const { legal } = await offline.inspection.why('order/80');
  expect(legal.map(({ type }) => type)).toEqual([
    'add',
    'pay',
    'explode',
    'xstate.after.patience.order.cart',
    'note',
  ]);
  expect(await told(offline, 'order/78')).toBe(
    'order/78 cannot be read (STORE_CORRUPTED): its record is damaged, and nothing of it goes on. ' +
      'Run holdfast doctor on the directory, or restore a backup. There is nothing to be done to it ' +
      'by hand.',
  );
  expect(await offline.inspection.why('order/78')).toMatchObject({
    status: 'unreadable',
    errors: [{ code: 'STORE_CORRUPTED' }],
  });
  await expect(offline.inspection.why('order/none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  await expect(offline.inspection.why('order')).rejects.toMatchObject({ code: 'INVALID_ID' });
  await offline.close();
});

test('news of a task that nobody has yet', async () => {
  const { kernel, inspection } = (await openSessions()).parts;
  const input = {
    provider: 'openai',
    credential: 'default',
    ref: { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' },
  };
  await kernel.create('parked', 'news', input);
  expect(await told({ inspection }, 'parked/news')).toBe(
    'parked/news has been in waiting for SPAN. No job has the task. It is news of the task video_1, ' +
      'which no job has taken yet. Next: the timer patience, in SPAN, which leads to expired. There ' +
      'is nothing to be done to it by hand.',
  );
});
