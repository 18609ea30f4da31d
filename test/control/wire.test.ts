/** The names on the wire and the errors that cross it. */
import { expect, test } from 'vitest';
import { errorFromWire, errorToWire, fromWire, toWire } from '../../src/control/wire.js';
import { HoldfastError } from '../../src/errors.js';
import { field } from '../simulator/opened.js';

const OURS = {
  sessionKey: 's',
  delivery: { replyTo: 'r', meta: { threadId: 1, deepDown: { someKey: [{ aB: 1 }] } } },
  artifacts: [{ sourceUrl: 'u', sha256: 'x', durationMs: 5 }],
  request: { extra: { camelCase: true, snake_case: true } },
  late: false,
  progress: null,
};

test('our own names are snake_case on the wire, and what is in extra and meta is left alone', () => {
  expect(toWire(OURS)).toEqual({
    session_key: 's',
    delivery: { reply_to: 'r', meta: { threadId: 1, deepDown: { someKey: [{ aB: 1 }] } } },
    artifacts: [{ source_url: 'u', sha256: 'x', duration_ms: 5 }],
    request: { extra: { camelCase: true, snake_case: true } },
    late: false,
    progress: null,
  });
});

test('what went over the wire comes back as it was', () => {
  expect(fromWire(JSON.parse(JSON.stringify(toWire(OURS))))).toEqual(OURS);
});

test('a camelCase name is refused with the right one', () => {
  expect(() => fromWire({ sessionKey: 's' })).toThrow(/on the wire it is "session_key"/);
});

test('a name that is a trap for objects stays a plain key', () => {
  const body: unknown = JSON.parse('{"__proto__": {"polluted": true}}');
  const read = fromWire(body);
  expect(Object.keys(Object(read) as object)).toEqual(['_Proto__']);
  expect(field(read, 'polluted')).toBeUndefined();
});

test('an error keeps its code, its details and its message, with its advice said once', () => {
  const error = new HoldfastError('JOB_NOT_CANCELLABLE', 'job 1 is done', { details: { status: 'done' } });
  const back = errorFromWire({ error: errorToWire(error) });
  expect(back).toMatchObject({
    code: 'JOB_NOT_CANCELLABLE',
    message: error.message,
    details: { status: 'done' },
  });
});

test('the names of an error’s details are snake_case on the wire too', () => {
  const error = new HoldfastError('BATCH_NOT_FOUND', 'gone', { details: { batchId: 'bat_1_x' } });
  const wire = errorToWire(error);
  expect(wire.details).toEqual({ batch_id: 'bat_1_x' });
  expect(errorFromWire({ error: wire })?.details).toEqual({ batchId: 'bat_1_x' });
});

test('a wrong field is named as it is on the wire', () => {
  const error = new HoldfastError('INVALID_INPUT', '"sessionKey": is too long', {
    details: { field: 'sessionKey' },
  });
  expect(errorToWire(error)).toMatchObject({ details: { field: 'session_key' } });
  expect(errorToWire(error).message).toContain('"session_key": is too long');
});

test('an unexpected error shows nothing of its inside', () => {
  expect(JSON.stringify(errorToWire(new TypeError('secret sk-123')))).not.toContain('sk-123');
});

test.each([[undefined], ['text'], [{ error: 'x' }], [{ error: { code: 'NEWER_CODE', message: 'm' } }]])(
  'a body like %j tells of no error this version knows',
  (body) => {
    expect(errorFromWire(body)).toBeUndefined();
  },
);
