import { describe, expect, it } from 'vitest';
import { minimax } from '../../src/providers/index.js';
import type { HttpResponse, TaskRef } from '../../src/providers/index.js';

const adapter = minimax({ apiKey: 'mm-test-0001', env: () => ({}) });
const refOf = (generation: string): TaskRef => ({
  taskId: '1069',
  endpoint: 'video_generation',
  generation,
  region: 'intl',
  credential: 'default',
});
const url = 'https://cdn.example.com/v.mp4?Signature=1';
const more = { type: 'more', request: { method: 'GET', path: '/v1/files/retrieve?file_id=2052' } };
const done = { type: 'done', artifacts: [{ url, authenticated: false }] };

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const baseResp = (status_code: number, status_msg = 'words') => ({ base_resp: { status_code, status_msg } });
const OK = baseResp(0, 'success');
const refusal = (status: number, type: string) =>
  reply(status, { type: 'error', error: { type, message: 'words', http_code: String(status) } });

/** Both envelopes are read on both paths. */
describe.each(['v1', 'v2'])('minimax poll replies on the path of %s', (generation) => {
  const ref = refOf(generation);
  const polled = (body: unknown) => adapter.parsePoll(reply(200, body), ref);

  it.each([
    ['Preparing', { type: 'pending' }],
    ['Queueing', { type: 'pending' }],
    ['Processing', { type: 'pending' }],
    ['processing', { type: 'pending' }],
    ['Dreaming', { type: 'pending', unknownStatus: 'dreaming' }],
    ['Success', more],
    ['success', more],
    ['Fail', { type: 'failed', error: { class: 'failed', code: 'fail', message: 'the provider says fail' } }],
    ['Failed', { type: 'failed', error: { class: 'failed', code: 'failed' } }],
  ])('flat, with %s', (status, expected) => {
    const file_id = status.toLowerCase() === 'success' ? '2052' : '';
    expect(polled({ task_id: '1069', status, file_id, ...OK })).toMatchObject(expected);
  });

  it.each([
    [{ status: 'queued' }, { type: 'pending' }],
    [{ status: 'running' }, { type: 'pending' }],
    [{ status: 'dreaming' }, { type: 'pending', unknownStatus: 'dreaming' }],
    [{ status: 'succeeded', content: { url } }, done],
    [{ status: 'cancelled' }, { type: 'failed', error: { class: 'failed', code: 'cancelled' } }],
    [
      { status: 'failed', error: { code: 'internal', message: 'gpu lost' } },
      { type: 'failed', error: { class: 'failed', code: 'internal', message: 'gpu lost' } },
    ],
    [
      { status: 'failed', error: { code: 1027, message: 'no' } },
      { type: 'failed', error: { class: 'safety', code: '1027', message: 'no' } },
    ],
    [
      { status: 'failed', error: { code: 'x', message: 'a sensitive picture' } },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [
      { status: 'succeeded', content: {} },
      { type: 'transient', error: { class: 'unusable' } },
    ],
    [{}, { type: 'transient', error: { class: 'unusable' } }],
  ])('wrapped, with %j', (task, expected) => {
    expect(polled({ task: { id: '1069', ...task } })).toMatchObject(expected);
  });

  it('take numbers for ids, and a link for a file', () => {
    expect(polled({ task_id: 1069, status: 'Success', file_id: 2052, ...OK })).toEqual(more);
    expect(polled({ task_id: '1069', status: 'Success', video_url: url, ...OK })).toEqual(done);
  });

  it('that refuse the output are its failure, with or without a status', () => {
    const unsafe = { type: 'failed', error: { class: 'safety', code: '1027', message: 'words' } };
    expect(polled({ task_id: '1069', status: 'Fail', ...baseResp(1027) })).toMatchObject(unsafe);
    expect(polled({ task_id: '', status: '', ...baseResp(1027) })).toMatchObject(unsafe);
  });

  it.each([
    [reply(200, baseResp(1000)), 'server'],
    [reply(200, baseResp(1001)), 'server'],
    [reply(200, baseResp(1002)), 'rate'],
    [reply(200, { task_id: '1069', status: 'Processing', ...baseResp(1039) }), 'rate'],
    [reply(200, baseResp(1004)), 'auth'],
    [reply(200, baseResp(2049)), 'auth'],
    [reply(200, baseResp(1008)), 'billing'],
    [reply(200, baseResp(2013, 'invalid params')), 'validation'],
    [reply(200, baseResp(2013, 'the task does not exist')), 'notFound'],
    [reply(200, baseResp(7777)), 'unusable'],
    [reply(200, { task_id: '1069', status: 'Success', file_id: '', ...OK }), 'unusable'],
    [reply(200, { task_id: '1070', status: 'Fail', ...OK }), 'unusable'],
    [reply(200, 'torn {'), 'unusable'],
    [refusal(401, 'authentication_error'), 'auth'],
    [refusal(402, 'insufficient_balance_error'), 'billing'],
    [refusal(404, 'not_found_error'), 'notFound'],
    [refusal(422, 'invalid_request_error'), 'safety'],
    [refusal(429, 'rate_limit_error'), 'rate'],
    [refusal(529, 'overloaded_error'), 'rate'],
    [refusal(500, 'api_error'), 'server'],
    [reply(404, '<html>'), 'server'],
    [reply(503, '<html>'), 'server'],
  ])('%j keeps the job alive as %s', (response, errorClass) => {
    expect(adapter.parsePoll(response, ref)).toMatchObject({
      type: 'transient',
      error: { class: errorClass },
    });
  });
});

describe('the file of a finished task', () => {
  const read = (response: HttpResponse) => adapter.parseMore?.(response, refOf('v1'));
  const file = { file_id: 2_052, bytes: 0, created_at: 1_700_469_398, purpose: 'video_generation' };

  it('has the link', () => {
    expect(read(reply(200, { file: { ...file, download_url: url }, ...OK }))).toEqual(done);
  });

  it.each([
    [reply(200, { file, ...OK }), 'unusable'],
    [reply(200, { file: { ...file, download_url: 'www.downloadurl.com' }, ...OK }), 'unusable'],
    [reply(200, baseResp(1002)), 'rate'],
    [reply(200, baseResp(1004)), 'auth'],
    [reply(200, baseResp(2013, 'file not found')), 'validation'],
    [reply(404, { base_resp: {} }), 'server'],
    [reply(500, ''), 'server'],
    [reply(200, '<html>'), 'unusable'],
  ])('%j is asked for again (%s)', (response, errorClass) => {
    expect(read(response)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});
