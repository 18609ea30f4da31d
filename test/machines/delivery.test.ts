import { describe, expect, it } from 'vitest';
import { deliveryMachine, holdsLane } from '../../src/machines/index.js';
import type { DeliveryInput } from '../../src/machines/index.js';
import { START_AT, answer, drive, thrown } from './drive.js';

const input: DeliveryInput = {
  deliveryId: 'dlv_1',
  cause: 'job/job_1',
  channel: 'telegram',
  target: '42',
  text: '[video] a cat',
  files: [{ name: 'video.mp4', mime: 'video/mp4', path: 'abc.mp4' }],
};

const newDelivery = (more: Partial<DeliveryInput> = {}) => drive(deliveryMachine, { ...input, ...more });
type Delivery = ReturnType<typeof newDelivery>;

function sendingDelivery(more: Partial<DeliveryInput> = {}): Delivery {
  const delivery = newDelivery(more);
  delivery.send({ type: 'lane.turn' });
  return delivery;
}

const stateOf = (delivery: Delivery) => delivery.now().snapshot.value;
const contextOf = (delivery: Delivery) => delivery.now().snapshot.context;
const told = (delivery: Delivery) => delivery.written().map(({ params }) => params);
const failed = (permanent = false, more: object = {}) =>
  answer('send', { type: 'failed', error: { code: 'E_CHAT', message: 'no route', permanent, ...more } });
const sent = answer('send', { type: 'sent', receipt: { messageId: 9 } });
const settled = (status: string, at: number, attempts: number) => ({
  to: 'job/job_1',
  event: { type: 'delivery.settled', deliveryId: 'dlv_1', status, at, attempts },
});

/** Fails until the delivery is a dead letter; at most 200 attempts. */
function exhaust(delivery: Delivery): Delivery {
  for (let attempt = 1; attempt <= 200 && stateOf(delivery) !== 'exhausted'; attempt += 1) {
    delivery.send(attempt % 2 === 0 ? thrown('send') : failed());
    if (stateOf(delivery) === 'waiting') delivery.fire('retry');
  }
  return delivery;
}

describe('a delivery', () => {
  it('waits for its turn, sends once, and tells its cause', () => {
    const delivery = newDelivery();
    expect([stateOf(delivery), delivery.timers()]).toEqual(['queued', {}]);
    delivery.send({ type: 'lane.turn' });
    expect(delivery.now().snapshot.children['send']?.getSnapshot()).toMatchObject({
      input: { attempt: 1, message: { deliveryId: 'dlv_1' } },
    });
    delivery.send(sent, { afterMs: 50 });
    expect(delivery.now().snapshot.status).toBe('done');
    expect(contextOf(delivery)).toMatchObject({ receipt: { messageId: 9 }, endedAt: START_AT + 50 });
    expect(told(delivery)).toEqual([settled('delivered', START_AT + 50, 1)]);
  });

  it('tries every 30 s, 60 times, and then becomes a dead letter that is told of', () => {
    const delivery = exhaust(sendingDelivery());
    expect(contextOf(delivery)).toMatchObject({ attempts: 60, error: { message: 'no answer' } });
    expect(delivery.now().at).toBe(START_AT + 59 * 30_000);
    expect(told(delivery)).toEqual([settled('exhausted', START_AT + 59 * 30_000, 60)]);
    const notice = delivery.now().asked.find(({ type }) => type === 'xstate.emit');
    expect(notice?.params).toMatchObject({
      event: { type: 'delivery.exhausted', attempts: 60, code: 'Error' },
    });
  });

  it('follows the policy it was given', () => {
    const policy = { kind: 'exponential', delayMs: 1_000, maxMs: 3_000, attemptsMax: 5 } as const;
    const delivery = exhaust(sendingDelivery({ policy }));
    expect([contextOf(delivery).attempts, delivery.now().at - START_AT]).toEqual([
      5,
      1_000 + 2_000 + 3_000 + 3_000,
    ]);
  });

  it('waits as long as the channel asks', () => {
    const delivery = sendingDelivery();
    delivery.send(failed(false, { retryAfterMs: 61_000 }));
    expect(delivery.timers()).toEqual({ retry: 61_000 });
  });

  it('becomes a dead letter at once when the fault is permanent', () => {
    const delivery = sendingDelivery();
    delivery.send(failed(true));
    expect([stateOf(delivery), contextOf(delivery).error?.code]).toEqual(['exhausted', 'E_CHAT']);
  });
});

describe('a delivery that was interrupted by a crash', () => {
  const interrupted = { type: 'effect.interrupted', effect: 'send', src: 'send' };

  it('asks the channel, and is delivered when the message went out', () => {
    const delivery = sendingDelivery();
    delivery.send(interrupted);
    expect([stateOf(delivery), contextOf(delivery).attempts]).toEqual(['reconciling', 1]);
    delivery.send(answer('reconcile', { type: 'sent' }));
    expect(delivery.now().snapshot.status).toBe('done');
  });

  it.each([
    answer('reconcile', { type: 'notSent' }),
    answer('reconcile', { type: 'unknown' }),
    answer('reconcile', { type: 'unsupported' }),
    thrown('reconcile'),
  ])('is sent again under the same id when it did not, or nobody knows (%#)', (event) => {
    const delivery = sendingDelivery();
    delivery.send(interrupted);
    delivery.send(event);
    expect(delivery.now().snapshot.children['send']?.getSnapshot()).toMatchObject({
      input: { attempt: 2, message: { deliveryId: 'dlv_1' } },
    });
  });

  it('is not sent for ever when every attempt kills the process', () => {
    const delivery = sendingDelivery();
    let crashes = 0;
    while (stateOf(delivery) === 'sending' && crashes < 200) {
      delivery.send(interrupted);
      delivery.send(answer('reconcile', { type: 'unknown' }));
      crashes += 1;
    }
    expect([crashes, stateOf(delivery)]).toEqual([60, 'exhausted']);
  });
});

describe('a dead letter', () => {
  it('goes back to its lane with a full budget when it is retried', () => {
    const delivery = exhaust(sendingDelivery());
    delivery.send({ type: 'delivery.retry' });
    expect([stateOf(delivery), contextOf(delivery).failures]).toEqual(['queued', 0]);
    delivery.send({ type: 'lane.turn' });
    delivery.send(sent);
    expect(contextOf(delivery).attempts).toBe(61);
    expect(told(delivery)).toMatchObject([
      { event: { status: 'exhausted' } },
      { event: { status: 'delivered' } },
    ]);
  });

  it('is let go after 30 days, and says so', () => {
    const delivery = exhaust(sendingDelivery());
    expect(delivery.timers()).toEqual({ deadLetter: 30 * 86_400_000 });
    delivery.fire('deadLetter');
    expect(delivery.now().snapshot.status).toBe('done');
    expect(delivery.now().asked).toContainEqual(
      expect.objectContaining({
        type: 'xstate.emit',
        params: { event: expect.objectContaining({ type: 'delivery.dismissed' }) },
      }),
    );
    expect(told(delivery)).toMatchObject([
      { event: { status: 'exhausted' } },
      { event: { status: 'dismissed' } },
    ]);
  });
});

describe('the lane', () => {
  it('is held until the delivery has ended or is a dead letter', () => {
    const delivery = sendingDelivery();
    expect(holdsLane(newDelivery().now().snapshot)).toBe(true);
    expect(holdsLane(delivery.now().snapshot)).toBe(true);
    delivery.send(failed());
    expect([stateOf(delivery), holdsLane(delivery.now().snapshot)]).toEqual(['waiting', true]);
    delivery.fire('retry');
    delivery.send(failed(true));
    expect([stateOf(delivery), holdsLane(delivery.now().snapshot)]).toEqual(['exhausted', false]);
  });

  it('is given up by a delivery dismissed in any state', () => {
    const waiting = sendingDelivery();
    waiting.send(failed());
    const reconciling = sendingDelivery();
    reconciling.send({ type: 'effect.interrupted', effect: 'send', src: 'send' });
    for (const delivery of [
      newDelivery(),
      sendingDelivery(),
      waiting,
      reconciling,
      exhaust(sendingDelivery()),
    ]) {
      delivery.send({ type: 'delivery.dismiss' });
      expect([stateOf(delivery), holdsLane(delivery.now().snapshot)]).toEqual(['dismissed', false]);
    }
  });
});
