/** The channel port: what counts as a fault, a receipt and a usable registration. */
import { describe, expect, test } from 'vitest';
import type { Channel, RetryPolicy } from '../../src/channels/index.js';
import { channelOf, DeliveryError, faultOf, permanent, receiptOf } from '../../src/channels/index.js';
import { HoldfastError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';

describe('a fault', () => {
  test('of an ordinary error is retryable and keeps its message and code', () => {
    const error = Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' });
    expect(faultOf(error)).toEqual({ code: 'EHOSTUNREACH', message: 'no route', permanent: false });
  });

  test('is permanent when the error was marked so, and the mark keeps the cause', () => {
    const cause = new Error('chat was deleted');
    expect(faultOf(permanent(cause))).toEqual({
      code: 'channel',
      message: 'chat was deleted',
      permanent: true,
    });
    expect(permanent(cause).cause).toBe(cause);
  });

  test('carries a wait only when it is a positive number', () => {
    expect(faultOf(new DeliveryError('slow down', { code: 'rate', retryAfterMs: 2_000 })).retryAfterMs).toBe(
      2_000,
    );
    expect(faultOf({ retryAfterMs: -1 })).not.toHaveProperty('retryAfterMs');
    expect(faultOf({ retryAfterMs: NaN })).not.toHaveProperty('retryAfterMs');
  });

  test.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ a: 1 }, '{"a":1}'],
    [new Error(''), 'Error'],
  ])('of a thrown %j has the message %j', (thrown, message) => {
    expect(faultOf(thrown).message).toBe(message);
  });

  test('never has a longer message than the limit, nor half a character at its end', () => {
    const { message } = faultOf(new Error('x' + '😀'.repeat(limits.deliveryFaultCharsMax)));
    expect(message.length).toBe(limits.deliveryFaultCharsMax);
    expect(message.isWellFormed()).toBe(true);
  });
});

describe('a receipt', () => {
  test('is kept as plain JSON', () => {
    expect(receiptOf({ id: 7, gone: undefined })).toEqual({ id: 7 });
  });

  test('that is not JSON, or too large, is dropped', () => {
    expect(receiptOf(undefined)).toBeUndefined();
    expect(receiptOf(new Map())).toBeUndefined();
    expect(receiptOf('x'.repeat(limits.receiptBytesMax))).toBeUndefined();
  });
});

describe('a registration', () => {
  const send = (): Promise<void> => Promise.resolve();
  const policy: RetryPolicy = { kind: 'exponential', delayMs: 10, factor: 2, maxMs: 100, attemptsMax: 3 };

  test('is a function, or an object with one', () => {
    expect(channelOf('a', send)).toEqual({ send });
    expect(channelOf('a', { send, policy })).toEqual({ send, policy });
  });

  test.each([null, 'http://127.0.0.1', {}, { send: 'no' }])(
    '%j is refused with INVALID_OPTIONS',
    (given: unknown) => {
      expect(() => channelOf('telegram', given as Channel)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringContaining('"telegram"') }),
      );
    },
  );

  test.each<[string, Partial<RetryPolicy>]>([
    ['kind', { kind: 'often' as 'fixed' }],
    ['delayMs', { delayMs: 0 }],
    ['delayMs', { delayMs: NaN }],
    ['factor', { factor: 0.5 }],
    ['maxMs', { maxMs: 9 }],
    ['attemptsMax', { attemptsMax: 0 }],
    ['attemptsMax', { attemptsMax: 1.5 }],
  ])('with a wrong policy.%s is refused by name', (name, wrong) => {
    expect(() => channelOf('a', { send, policy: { ...policy, ...wrong } })).toThrow(HoldfastError);
    expect(() => channelOf('a', { send, policy: { ...policy, ...wrong } })).toThrow(`policy.${name}`);
  });
});
