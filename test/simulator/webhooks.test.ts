import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { LedgerEntry, Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';
import { AT_ONCE, entry, field, get, json, opened, submitVideo, videoId } from './opened.js';
import { receiver, type Received, type Receiver } from './receiver.js';

type Webhooks = NonNullable<SimulatorScript['webhooks']>;
type Fault = NonNullable<Webhooks['faults']>[number]['fault'];

const SECRET = `whsec_${Buffer.from('a secret of the tests').toString('base64')}`;
const OLDER = `whsec_${Buffer.from('the secret before it').toString('base64')}`;
const WAIT_MS = 50_000;

/** Tasks that are done at once, and news of them that go to `to`. */
function telling(to: Receiver, webhooks: Webhooks = {}, more: SimulatorScript = {}): SimulatorScript {
  const projectUrls = { openai: `${to.url}/hooks/openai` };
  return { life: AT_ONCE, ...more, webhooks: { secrets: [SECRET], projectUrls, retryMs: 1, ...webhooks } };
}

function faulty(to: Receiver, fault: Fault, webhooks: Webhooks = {}): Promise<Simulator> {
  return opened({ script: telling(to, { faults: [{ fault }], ...webhooks }) });
}

function verified({ headers, body }: Received, secret = SECRET): unknown {
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return new Webhook(secret).verify(body, named);
}

function webhookEntry(
  simulator: Simulator,
  event: LedgerEntry['event'],
  attempt?: number,
): Promise<LedgerEntry> {
  return simulator.waitForEntry(
    (one) => one.event === event && (attempt === undefined || one.attempt === attempt),
    AbortSignal.timeout(WAIT_MS),
  );
}

describe('news of a task', () => {
  test('are signed, thin, and told once, to the project’s URL', async () => {
    const to = await receiver();
    const simulator = await opened({ script: telling(to) });
    const id = await videoId(simulator);
    const news = await to.nth(1);
    expect(news.path).toBe('/hooks/openai');
    expect(verified(news)).toMatchObject({ object: 'event', type: 'video.completed', data: { id } });
    expect(() => verified(news, OLDER)).toThrow('No matching signature');
    expect(await webhookEntry(simulator, 'webhook.sent')).toMatchObject({
      provider: 'openai',
      taskId: id,
      stage: 'succeeded',
      attempt: 1,
      status: 204,
      host: new URL(to.url).host,
      authorized: true,
      exchange: 0,
    });
    await get(`${simulator.url}/openai/v1/videos/${id}`);
    expect(to.received).toHaveLength(1);
  });

  test('are signed with every secret while one is changed for another', async () => {
    const to = await receiver();
    const simulator = await opened({ script: telling(to, { secrets: [SECRET, OLDER] }) });
    await videoId(simulator);
    const news = await to.nth(1);
    expect(verified(news)).toEqual(verified(news, OLDER));
  });

  test('go without a signature where there is no secret', async () => {
    const to = await receiver();
    const simulator = await opened({ script: telling(to, { secrets: [] }) });
    await videoId(simulator);
    expect((await to.nth(1)).headers).not.toHaveProperty('webhook-signature');
    expect(await webhookEntry(simulator, 'webhook.sent')).toMatchObject({ authorized: false });
  });

  test('come when the clock moves the task, and nobody polls', async () => {
    const to = await receiver();
    const clock = createSimulatedClock();
    const life = { queued: { ms: 60_000 }, running: { ms: 240_000 } };
    const simulator = await opened({ clock, script: telling(to, {}, { life }) });
    const id = await videoId(simulator);
    await clock.advance(299_999);
    expect(field(await json(await get(`${simulator.url}/openai/v1/videos/${id}`)), 'status')).toBe(
      'in_progress',
    );
    expect(to.received).toEqual([]);
    await clock.advance(1);
    expect(JSON.parse((await to.nth(1)).body)).toMatchObject({ type: 'video.completed', created_at: 1_300 });
  });

  test('come with the poll that moves the task', async () => {
    const to = await receiver();
    const life = { queued: { polls: 1 }, running: { polls: 1 }, outcome: 'failed' } as const;
    const simulator = await opened({ script: telling(to, {}, { life }) });
    const id = await videoId(simulator);
    for (const word of ['queued', 'in_progress']) {
      expect(to.received).toEqual([]);
      expect(field(await json(await get(`${simulator.url}/openai/v1/videos/${id}`)), 'status')).toBe(word);
    }
    expect(JSON.parse((await to.nth(1)).body)).toMatchObject({ type: 'video.failed', data: { id } });
  });

  test('wait for the answer to the submit, and come although its client is gone', async () => {
    const to = await receiver();
    const faults = [{ route: 'submit', fault: { type: 'resetAfterBody', billed: true } } as const];
    const simulator = await opened({ script: telling(to, {}, { faults }) });
    await expect(submitVideo(simulator)).rejects.toThrow('fetch failed');
    await to.nth(1);
    await webhookEntry(simulator, 'webhook.sent');
    const told = simulator.ledger().map(({ event }) => event);
    expect(told.slice(-2)).toEqual(['submit.dropped', 'webhook.sent']);
  });
});

describe('a receiver that does not take them', () => {
  test('is asked again, under the same id, until it does', async () => {
    const to = await receiver((_, n) => ({ status: n < 3 ? 503 : 200 }));
    const simulator = await opened({ script: telling(to) });
    await videoId(simulator);
    await webhookEntry(simulator, 'webhook.sent', 3);
    expect(new Set(to.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const sent = simulator.ledger().filter(({ event }) => event === 'webhook.sent');
    expect(sent.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 503],
      [2, 503],
      [3, 200],
    ]);
  });

  test('is given up after so many attempts; a redirect and a silence are no answer', async () => {
    const to = await receiver((_, n) => (n === 1 ? { status: 302 } : 'never'));
    const simulator = await opened({ script: telling(to, { attemptsMax: 2, timeoutMs: 20 }) });
    await videoId(simulator);
    expect(await webhookEntry(simulator, 'webhook.dropped')).toMatchObject({ attempt: 2 });
    expect(await webhookEntry(simulator, 'webhook.sent', 2)).not.toHaveProperty('status');
  });

  test('does not keep the simulator from closing', async () => {
    const to = await receiver(() => 'never');
    const simulator = await opened({ script: telling(to, { timeoutMs: 60_000 }) });
    await videoId(simulator);
    await to.nth(1);
    await simulator.close();
  });
});

describe('the script', () => {
  test('drops news', async () => {
    const to = await receiver();
    const simulator = await faulty(to, { type: 'drop' });
    await videoId(simulator);
    expect(await webhookEntry(simulator, 'webhook.dropped')).toMatchObject({ fault: 'drop' });
    expect(to.received).toEqual([]);
  });

  test('delays them by its clock', async () => {
    const to = await receiver();
    const clock = createSimulatedClock();
    const script = telling(to, { faults: [{ fault: { type: 'delay', ms: 5_000 } }] });
    const simulator = await opened({ clock, script });
    await videoId(simulator);
    await entry(simulator, 'submit.answered');
    await clock.advance(4_999);
    expect(to.received).toEqual([]);
    await clock.advance(1);
    await to.nth(1);
  });

  test('repeats them after they were taken, with one id', async () => {
    const to = await receiver();
    const simulator = await faulty(to, { type: 'duplicate', times: 2 });
    await videoId(simulator);
    await webhookEntry(simulator, 'webhook.sent', 3);
    expect(
      new Set(to.received.map(({ headers, body }) => `${String(headers['webhook-id'])} ${body}`)).size,
    ).toBe(1);
    for (const one of to.received) verified(one);
  });

  test('forges them, and lets them lie', async () => {
    const to = await receiver();
    const simulator = await faulty(to, { type: 'forge', claims: 'failed' });
    await videoId(simulator);
    const news = await to.nth(1);
    expect(() => verified(news)).toThrow('No matching signature');
    expect(JSON.parse(news.body)).toMatchObject({ type: 'video.failed' });
    expect(await webhookEntry(simulator, 'webhook.sent')).toMatchObject({
      fault: 'forge',
      stage: 'succeeded',
      authorized: false,
    });
  });

  test('signs them well and too long ago', async () => {
    const to = await receiver();
    const simulator = await faulty(to, { type: 'stale', ageMs: 301_000 });
    await videoId(simulator);
    const news = await to.nth(1);
    expect(() => verified(news)).toThrow('Message timestamp too old');
    const aged = Math.floor(systemClock.now() / 1_000) - Number(news.headers['webhook-timestamp']);
    expect(aged).toBeGreaterThanOrEqual(301);
  });

  test('leaves the signature away', async () => {
    const to = await receiver();
    const simulator = await faulty(to, { type: 'unsigned' });
    await videoId(simulator);
    expect((await to.nth(1)).headers).not.toHaveProperty('webhook-signature');
  });

  test('sends them before the submit is answered, and waits for what the receiver says', async () => {
    const to = await receiver();
    const simulator = await faulty(to, { type: 'early' });
    await videoId(simulator);
    expect(to.received).toHaveLength(1);
    await entry(simulator, 'submit.answered');
    const told = simulator.ledger().map(({ event }) => event);
    expect(told).toEqual(['submit.received', 'submit.billed', 'webhook.sent', 'submit.answered']);
  });

  test('has rules for a provider, a stage and the n-th news', async () => {
    const to = await receiver();
    const simulator = await opened({
      script: telling(to, {
        faults: [
          { provider: 'kling', fault: { type: 'drop' } },
          { stage: 'failed', fault: { type: 'drop' } },
          { provider: 'openai', stage: 'succeeded', nth: 2, fault: { type: 'drop' } },
        ],
      }),
    });
    await videoId(simulator, 'a');
    await to.nth(1);
    await videoId(simulator, 'b');
    expect(await webhookEntry(simulator, 'webhook.dropped')).toMatchObject({ fault: 'drop' });
    expect(to.received).toHaveLength(1);
  });
});
