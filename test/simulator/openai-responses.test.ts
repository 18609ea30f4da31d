import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, KEY, opened, post } from './opened.js';

const asked = {
  model: 'gpt-5.4',
  input: 'a cat',
  background: true,
  store: true,
  tools: [{ type: 'image_generation' }],
} as const;

function clientOf(simulator: Simulator): OpenAI {
  return new OpenAI({ apiKey: 'sk-test', baseURL: `${simulator.url}/openai-responses/v1`, maxRetries: 0 });
}

function submit(simulator: Simulator, body: object): Promise<Response> {
  return post(`${simulator.url}/openai-responses/v1/responses`, { ...asked, ...body });
}

describe('the official client', () => {
  test('asks for an image in the background and polls until it has it', async () => {
    const simulator = await opened();
    const { responses } = clientOf(simulator);
    const metadata = { holdfast_job: 'job_1' };
    const { id, status } = await responses.create({ ...asked, tools: [...asked.tools], metadata });
    expect(status).toBe('queued');
    const seen: unknown[] = [];
    let last = await responses.retrieve(id);
    for (let poll = 1; poll < 4; poll += 1) {
      seen.push(last.status);
      last = await responses.retrieve(id);
    }
    expect([...seen, last.status]).toEqual(['queued', 'in_progress', 'in_progress', 'completed']);
    expect(last.metadata).toEqual(metadata);
    const image = last.output.find((item) => item.type === 'image_generation_call');
    const bytes = Buffer.from(image?.result ?? '', 'base64');
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(await entry(simulator, 'submit.billed')).toMatchObject({ kind: 'image' });
  });

  test('cancels, as often as it likes', async () => {
    const simulator = await opened();
    const { responses } = clientOf(simulator);
    const { id } = await responses.create({ ...asked, tools: [...asked.tools] });
    expect((await responses.cancel(id)).status).toBe('cancelled');
    expect((await responses.cancel(id)).status).toBe('cancelled');
    expect((await responses.retrieve(id)).status).toBe('cancelled');
    await expect(responses.cancel('resp_none')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('a response', () => {
  test('without the tool ends with words', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const over = await json(await submit(simulator, { tools: [] }));
    expect(field(over, 'status')).toBe('completed');
    expect(field(over, 'output.0.content.0')).toMatchObject({ type: 'output_text' });
  });

  test.each([
    ['server_error', 'failed', { error: { code: 'server_error', message: 'lost' } }],
    ['content_filter', 'incomplete', { error: null, incomplete_details: { reason: 'content_filter' } }],
  ])('that fails by %s is %s', async (code, status, fields) => {
    const failure = { code, message: 'lost' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(await json(await submit(simulator, {}))).toMatchObject({ status, output: [], ...fields });
  });

  test('is read from messages too', async () => {
    const simulator = await opened();
    const content = [
      { type: 'input_text', text: 'a cat' },
      { type: 'input_image', image_url: 'https://example.com/a.png' },
    ];
    expect((await submit(simulator, { input: [{ role: 'user', content }] })).status).toBe(200);
    expect((await submit(simulator, { input: [{ role: 'user', content: 'a dog' }] })).status).toBe(200);
  });

  test.each([
    [{ input: '' }],
    [{ input: [{ role: 'user', content: [] }] }],
    [{ model: '' }],
    [{ background: false }],
    [{ store: false }],
    [{ tools: 'image_generation' }],
    [{ tools: ['image_generation'] }],
    [{ metadata: { job: 7 } }],
    [{ metadata: { job: 'x'.repeat(513) } }],
    [{ metadata: 'job' }],
  ])('of %j is refused, and nothing is billed', async (body) => {
    const simulator = await opened();
    const response = await submit(simulator, body);
    expect(response.status).toBe(400);
    expect(field(await json(response), 'error.type')).toBe('invalid_request_error');
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test('needs a key: a Bearer token, or what Azure calls api-key', async () => {
    const simulator = await opened({ script: { keys: ['sk-test'] } });
    const url = `${simulator.url}/openai-responses/v1/responses`;
    expect((await post(url, asked, {})).status).toBe(401);
    expect((await post(url, asked, { 'api-key': 'sk-bad' })).status).toBe(401);
    expect((await post(url, asked, { 'api-key': 'sk-test' })).status).toBe(200);
    expect((await get(`${url}/none`, KEY)).status).toBe(404);
  });
});
