/**
 * News that go to the URL a submit gave: every stage of it, in order or not, and the challenge before
 * them.
 */
import { describe, expect, test } from 'vitest';
import type { LedgerEntry, Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';
import { AT_ONCE, field, opened, post } from './opened.js';
import { receiver, type Receiver } from './receiver.js';

type Webhooks = NonNullable<SimulatorScript['webhooks']>;

const WAIT_MS = 50_000;

function submitToArk(simulator: Simulator, to: Receiver, prompt = 'a cat'): Promise<Response> {
  return post(`${simulator.url}/seedance/api/v3/contents/generations/tasks`, {
    model: 'doubao-seedance-2-0-260128',
    content: [{ type: 'text', text: prompt }],
    callback_url: `${to.url}/${encodeURIComponent(prompt)}`,
  });
}

function submitToMinimax(simulator: Simulator, to: Receiver): Promise<Response> {
  return post(`${simulator.url}/minimax/v1/video_generation`, {
    model: 'MiniMax-Hailuo-2.3',
    prompt: 'a cat',
    callback_url: `${to.url}/news`,
  });
}

function nth(simulator: Simulator, event: LedgerEntry['event'], n: number): Promise<unknown> {
  let seen = 0;
  return simulator.waitForEntry((one) => {
    if (one.event === event) seen += 1;
    return seen === n;
  }, AbortSignal.timeout(WAIT_MS));
}

const words = ({ received }: Receiver): readonly unknown[] =>
  received.map(({ body }) => field(JSON.parse(body), 'status'));

describe('a task’s own URL', () => {
  /** What arrives of one task that is done at once. */
  async function arrived(webhooks: Webhooks, count: number): Promise<readonly unknown[]> {
    const to = await receiver();
    const simulator = await opened({ script: { life: AT_ONCE, webhooks } });
    expect((await submitToArk(simulator, to)).status).toBe(200);
    await nth(simulator, 'webhook.sent', count);
    return words(to);
  }

  test('hears of each stage, in order', async () => {
    expect(await arrived({}, 3)).toEqual(['queued', 'running', 'succeeded']);
  });

  test('hears of a stage after the next, where the script reorders it', async () => {
    const faults = [{ stage: 'running', fault: { type: 'reorder' } } as const];
    expect(await arrived({ faults }, 3)).toEqual(['queued', 'succeeded', 'running']);
  });

  test('hears of what was held back although the next are dropped, and of the last at once', async () => {
    const faults: Webhooks['faults'] = [
      { stage: 'succeeded', fault: { type: 'reorder' } },
      { stage: 'queued', fault: { type: 'reorder' } },
      { stage: 'running', fault: { type: 'drop' } },
    ];
    expect(await arrived({ faults }, 2)).toEqual(['queued', 'succeeded']);
  });

  test('of one task does not hear of another', async () => {
    const to = await receiver();
    const simulator = await opened({ script: { life: AT_ONCE } });
    await Promise.all([submitToArk(simulator, to, 'a cat'), submitToArk(simulator, to, 'a dog')]);
    await nth(simulator, 'webhook.sent', 6);
    const told = to.received.map(({ path, body }) => `${path} ${String(field(JSON.parse(body), 'id'))}`);
    expect(new Set(told).size).toBe(2);
  });
});

describe('a challenge', () => {
  const repeating = (): Promise<Receiver> => receiver(({ body }) => ({ status: 200, body }));

  test('comes once, before the first news, and its answer lets them through', async () => {
    const to = await repeating();
    const simulator = await opened({ script: { life: AT_ONCE } });
    await submitToMinimax(simulator, to);
    await submitToMinimax(simulator, to);
    await simulator.waitForEntry(
      ({ event, stage }) => event === 'webhook.sent' && stage === 'succeeded',
      AbortSignal.timeout(WAIT_MS),
    );
    const [first, ...news] = to.received.map(({ body }): unknown => JSON.parse(body));
    expect(field(first, 'challenge')).toMatch(/^challenge_/);
    expect(news.map((one) => field(one, 'challenge')).filter((one) => one !== undefined)).toEqual([]);
  });

  test.each([
    ['is not repeated', { status: 200, body: '{"challenge":"another"}' }],
    ['meets an error', { status: 500 }],
  ])('that %s is asked again with every attempt, and no news are sent', async (_, answer) => {
    const to = await receiver(() => answer);
    const script = { life: AT_ONCE, webhooks: { attemptsMax: 2, retryMs: 1 } };
    const simulator = await opened({ script });
    await submitToMinimax(simulator, to);
    await nth(simulator, 'webhook.dropped', 1);
    expect(simulator.ledger().map(({ event }) => event)).not.toContain('webhook.sent');
    expect(to.received.every(({ body }) => body.startsWith('{"challenge":'))).toBe(true);
  });

  test('is waited for three seconds', async () => {
    const to = await receiver(() => 'never');
    const clock = createSimulatedClock();
    const simulator = await opened({
      clock,
      script: { life: AT_ONCE, webhooks: { attemptsMax: 1 } },
    });
    await submitToMinimax(simulator, to);
    await to.nth(1);
    await clock.advance(2_999);
    expect(simulator.ledger().map(({ event }) => event)).not.toContain('webhook.challenged');
    await clock.advance(1);
    await nth(simulator, 'webhook.challenged', 1);
  });
});
