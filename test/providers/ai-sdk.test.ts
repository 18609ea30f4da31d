/**
 * The guards around an AI SDK model, each with a small fake; the real models are in ai-sdk-models.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { fromAiSdkVideoModel } from '../../src/providers/index.js';
import type {
  AiSdkOptions,
  AiSdkStart,
  AiSdkStatus,
  AiSdkVideoModel,
  PollOutcome,
  SubmitOutcome,
} from '../../src/providers/index.js';
import { accepted, call, handClock, poll, request, submit, typesOf } from './ai-sdk-calls.js';

const KEY = 'AIza-ai-sdk-0123456789';

/** A model that answers as it is told. */
interface Puppet {
  readonly model: AiSdkVideoModel;
  readonly starts: AiSdkStart[];
  readonly asked: AiSdkStatus[];
}

function puppet(answers: {
  readonly start?: () => unknown;
  readonly status?: () => unknown;
  readonly provider?: string;
  readonly modelId?: string;
}): Puppet {
  const [starts, asked]: [AiSdkStart[], AiSdkStatus[]] = [[], []];
  const { start = () => ({ operation: { id: 'o1' } }), status = () => ({ status: 'pending' }) } = answers;
  const model: AiSdkVideoModel = {
    provider: answers.provider ?? 'puppet.video',
    modelId: answers.modelId ?? 'p-1',
    doStart: async (options) => {
      starts.push(options);
      return start();
    },
    doStatus: async (options) => {
      asked.push(options);
      return status();
    },
  };
  return { model, starts, asked };
}

function thrown(name: string, fields: object = {}): () => never {
  return () => {
    throw Object.assign(new Error('it went wrong'), { name, ...fields });
  };
}

async function startOf(answer: () => unknown): Promise<SubmitOutcome> {
  return submit(fromAiSdkVideoModel(puppet({ start: answer }).model));
}

async function statusOf(answer: () => unknown, options: AiSdkOptions = {}): Promise<PollOutcome> {
  const adapter = fromAiSdkVideoModel(puppet({ status: answer }).model, options);
  return poll(adapter, await accepted(adapter));
}

describe('a start', () => {
  it('maps the request, with `extra` under the name of the provider', async () => {
    const { model, starts } = puppet({});
    await accepted(fromAiSdkVideoModel(model), {
      kind: 'video',
      prompt: 'a cat',
      image: 'data:image/png;base64,AAAA',
      durationSeconds: 5,
      size: '1280x720',
      aspectRatio: '16:9',
      seed: 7,
      negativePrompt: 'dogs',
      extra: { loop: true },
    });
    expect(starts).toHaveLength(1);
    expect(starts[0]).toMatchObject({
      prompt: 'a cat',
      n: 1,
      image: { type: 'file', mediaType: 'image/png', data: 'AAAA' },
      duration: 5,
      resolution: '1280x720',
      aspectRatio: '16:9',
      seed: 7,
      providerOptions: { puppet: { loop: true, negativePrompt: 'dogs' } },
      headers: { 'idempotency-key': 'job_1' },
    });
    await accepted(fromAiSdkVideoModel(model, { optionsName: 'other' }), {
      ...request,
      image: 'https://example.com/a.png',
      extra: { loop: true },
    });
    expect(starts[1]).toMatchObject({
      image: { type: 'url', url: 'https://example.com/a.png' },
      providerOptions: { other: { loop: true } },
    });
  });

  it('keeps the operation as it came, sealed, under its hash', async () => {
    const operation = { b: [1, { signed: 'https://x/y?sig=1' }], a: null };
    const { model, asked } = puppet({ start: () => ({ operation, warnings: [] }) });
    const adapter = fromAiSdkVideoModel(model);
    const ref = await accepted(adapter);
    expect(ref).toMatchObject({ endpoint: 'puppet.video', generation: 'p-1', credential: 'default' });
    expect(ref.taskId).toMatch(/^op_[\da-f]{40}$/);
    expect(JSON.stringify({ ...ref, secret: undefined })).not.toContain('sig=1');
    await poll(adapter, ref);
    expect(asked[0]?.operation).toEqual(operation);
    expect(JSON.stringify(asked[0]?.operation)).toBe(JSON.stringify(operation));
  });

  it.each([
    ['no operation', {}],
    ['an operation that is no JSON', { operation: { made: new Date(0) } }],
    ['nothing', undefined],
  ])('that gives %s is billed: it cannot be asked again', async (_what, answer) => {
    expect(await startOf(() => answer)).toMatchObject({ type: 'billed', error: { class: 'unusable' } });
  });

  const apiError = (statusCode?: number, more: object = {}) =>
    thrown('AI_APICallError', { statusCode, ...more });

  it.each([
    [400, 'rejected', 'validation'],
    [401, 'rejected', 'auth'],
    [402, 'rejected', 'billing'],
    [404, 'rejected', 'validation'],
    [408, 'ambiguous', 'network'],
    [409, 'ambiguous', 'validation'],
    [422, 'rejected', 'validation'],
    [429, 'rejected', 'rate'],
    [500, 'ambiguous', 'server'],
    [503, 'ambiguous', 'server'],
    [200, 'ambiguous', 'unusable'],
    [undefined, 'ambiguous', 'network'],
  ])('that throws an API error with status %s is %s (%s)', async (status, type, errorClass) => {
    expect(await startOf(apiError(status))).toMatchObject({ type, error: { class: errorClass } });
  });

  it('that throws over a whole answer is billed', async () => {
    const outcome = await startOf(apiError(201, { responseBody: '{"id":7}' }));
    expect(outcome).toMatchObject({ type: 'billed', error: { class: 'unusable' } });
  });

  it('heeds the Retry-After of what it throws', async () => {
    const outcome = await startOf(apiError(429, { responseHeaders: { 'Retry-After': '7' } }));
    expect(outcome).toMatchObject({ error: { retryAfterMs: 7_000 } });
  });

  it.each([
    ['AI_LoadAPIKeyError', 'rejected', 'auth'],
    ['AI_InvalidArgumentError', 'rejected', 'validation'],
    ['AI_UnsupportedFunctionalityError', 'rejected', 'validation'],
    ['FAL_VIDEO_GENERATION_ERROR', 'ambiguous', 'network'],
    ['AbortError', 'ambiguous', 'network'],
    ['TypeError', 'ambiguous', 'network'],
  ])('that throws %s is %s (%s)', async (name, type, errorClass) => {
    expect(await startOf(thrown(name))).toMatchObject({ type, error: { class: errorClass } });
  });

  it('that throws what is no error is ambiguous', async () => {
    const refusing = (): never => {
      throw 'nothing';
    };
    expect(await startOf(refusing)).toMatchObject({ type: 'ambiguous' });
  });

  it('that never ends is ambiguous when it is aborted, whatever the model heeds', async () => {
    const never = new Promise<never>(() => undefined);
    const adapter = fromAiSdkVideoModel(puppet({ start: () => never }).model);
    const controller = new AbortController();
    const outcome = adapter.direct?.submit(request, { ...call, signal: controller.signal });
    controller.abort();
    expect(await outcome).toMatchObject({ type: 'ambiguous' });
  });

  it('that is aborted before it began was not made', async () => {
    const { model, starts } = puppet({});
    const outcome = fromAiSdkVideoModel(model).direct?.submit(request, {
      ...call,
      signal: AbortSignal.abort(),
    });
    expect(await outcome).toMatchObject({ type: 'rejected', error: { class: 'network', retryable: true } });
    expect(starts).toEqual([]);
  });

  it('for an account that the model does not have is refused', async () => {
    const { model, starts } = puppet({});
    const outcome = await fromAiSdkVideoModel(model).direct?.submit(request, { ...call, credential: 'b' });
    expect(outcome).toMatchObject({ type: 'rejected', error: { class: 'validation' } });
    expect(starts).toEqual([]);
  });
});

describe('a status', () => {
  const url = 'https://cdn.example/v.mp4?sig=1';
  const completed = (...videos: readonly unknown[]) => ({ status: 'completed', videos });

  it.each([
    [{ status: 'pending' }, { type: 'pending' }],
    [{ status: 'pondering' }, { type: 'pending', unknownStatus: 'pondering' }],
    [completed({ type: 'url', url }), { type: 'done', artifacts: [{ url, authenticated: false }] }],
    [
      completed({ type: 'base64', data: 'AAAA', mediaType: 'video/mp4' }),
      { type: 'done', artifacts: [{ base64: 'AAAA' }] },
    ],
    [
      completed({ type: 'binary', data: new Uint8Array([0, 0, 0]), mediaType: 'video/mp4' }),
      { type: 'done', artifacts: [{ base64: 'AAAA' }] },
    ],
  ])('%j', async (answer, expected) => {
    expect(await statusOf(() => answer)).toEqual(expected);
  });

  it.each([[completed()], [completed({ type: 'url', url: 'nowhere' })], [{}], [undefined], ['completed']])(
    '%j keeps the job alive',
    async (answer) => {
      expect(await statusOf(() => answer)).toMatchObject({ type: 'transient', error: { class: 'unusable' } });
    },
  );

  it.each([
    [401, 'auth'],
    [402, 'billing'],
    [404, 'server'],
    [422, 'validation'],
    [429, 'rate'],
    [500, 'server'],
    [200, 'unusable'],
    [undefined, 'network'],
  ])('that throws an API error with status %s keeps the job alive as %s', async (statusCode, errorClass) => {
    const outcome = await statusOf(thrown('AI_APICallError', { statusCode }));
    expect(outcome).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });

  it('of an operation of another model, or of none, is not asked', async () => {
    const { model, asked } = puppet({});
    const ref = await accepted(fromAiSdkVideoModel(puppet({ modelId: 'p-2' }).model));
    const adapter = fromAiSdkVideoModel(model);
    expect(await poll(adapter, ref)).toMatchObject({ type: 'transient' });
    const { secret: _secret, ...bare } = ref;
    expect(await poll(adapter, bare)).toMatchObject({ type: 'transient' });
    expect(asked).toEqual([]);
  });
});

describe('an error that a model says of a task', () => {
  const error = () => ({ status: 'error', error: 'Video generation failed: the oven is cold' });

  it('is believed after five in a row over ten minutes, and not before', async () => {
    const hand = handClock();
    const adapter = fromAiSdkVideoModel(puppet({ status: error }).model, { clock: hand.clock });
    const ref = await accepted(adapter);
    const seen: PollOutcome[] = [];
    for (let polls = 0; polls < 8; polls += 1) {
      seen.push(await poll(adapter, ref));
      hand.advance(100_000);
    }
    expect(typesOf(seen)).toEqual([...Array.from({ length: 6 }, () => 'transient'), 'failed', 'transient']);
    expect(seen[6]).toMatchObject({ error: { class: 'failed', message: error().error, retryable: false } });
  });

  it('is forgotten when the task is well again', async () => {
    const answers = [error(), { status: 'pending' }, error(), error()];
    const options = { suspect: { errorsMin: 2, forMs: 0 } };
    const adapter = fromAiSdkVideoModel(puppet({ status: () => answers.shift() }).model, options);
    const ref = await accepted(adapter);
    const seen: PollOutcome[] = [];
    for (let polls = 0; polls < 4; polls += 1) seen.push(await poll(adapter, ref));
    expect(typesOf(seen)).toEqual(['transient', 'pending', 'transient', 'failed']);
  });

  it('is counted for each task by itself, and anew by another instance', async () => {
    let count = 0;
    const start = () => ({ operation: { id: (count += 1) } });
    const make = () =>
      fromAiSdkVideoModel(puppet({ start, status: error }).model, { suspect: { errorsMin: 2, forMs: 0 } });
    const [one, other] = [make(), make()];
    const [first, second] = [await accepted(one), await accepted(one)];
    const said = [await poll(one, first), await poll(one, second), await poll(other, first)];
    expect(typesOf(said)).toEqual(['transient', 'transient', 'transient']);
    expect((await poll(one, first)).type).toBe('failed');
  });

  it('that speaks of content rules says so', async () => {
    const outcome = await statusOf(() => ({ status: 'error', error: 'NSFW content' }), {
      suspect: { errorsMin: 1, forMs: 0 },
    });
    expect(outcome).toMatchObject({ type: 'failed', error: { class: 'safety' } });
  });
});

describe('a key in the URL of an artifact', () => {
  const google = 'https://generativelanguage.googleapis.com';
  const keyed = `${google}/v1beta/files/a:download?alt=media&key=${KEY}`;
  const answer = (url: string) => () => ({ status: 'completed', videos: [{ type: 'url', url }] });
  const options = { baseUrl: `${google}/v1beta`, credentialHeaders: () => ({ 'x-goog-api-key': KEY }) };

  it('is taken out where headers take its place', async () => {
    expect(await statusOf(answer(keyed), options)).toEqual({
      type: 'done',
      artifacts: [{ url: `${google}/v1beta/files/a:download?alt=media`, authenticated: true }],
    });
    expect(await statusOf(answer(`${google}/f?key=${KEY}`), options)).toEqual({
      type: 'done',
      artifacts: [{ url: `${google}/f`, authenticated: true }],
    });
  });

  it('of Google, with no headers to take its place, pauses the account and does not show', async () => {
    const outcome = await statusOf(answer(keyed));
    expect(outcome).toMatchObject({ type: 'transient', error: { class: 'auth', code: 'keyInUrl' } });
    expect(JSON.stringify(outcome)).not.toContain(KEY);
  });

  it('is left alone where it may be a signature, and headers go nowhere but to their origin', async () => {
    const signed = 'https://cdn.example/v.mp4?key=signature';
    const open = { type: 'done', artifacts: [{ url: signed, authenticated: false }] };
    expect(await statusOf(answer(signed), options)).toEqual(open);
    expect(await statusOf(answer(signed))).toEqual(open);
  });
});

describe('the adapter of a model', () => {
  it('is named after its provider, or as it is told', () => {
    const { model } = puppet({ provider: 'google.generative-ai' });
    expect(fromAiSdkVideoModel(model).id).toBe('ai-sdk-google-generative-ai');
    expect(fromAiSdkVideoModel(model, { id: 'veo-fast' }).id).toBe('veo-fast');
  });

  it('is not made of a model that cannot be asked again', () => {
    const model = { provider: 'minimax', modelId: 'h3', doGenerate: () => undefined };
    expect(() => fromAiSdkVideoModel(model)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('is for one model and for videos', () => {
    const adapter = fromAiSdkVideoModel(puppet({}).model);
    expect(adapter.refuse(request)).toBeUndefined();
    expect(adapter.refuse({ ...request, model: 'p-1' })).toBeUndefined();
    expect(adapter.refuse({ ...request, model: 'p-2' })).toMatch(/p-1/);
    expect(adapter.refuse({ ...request, kind: 'image' })).toMatch(/kind/);
  });

  it('builds and reads no requests of its own', () => {
    const adapter = fromAiSdkVideoModel(puppet({}).model);
    expect(() => adapter.buildSubmit(request, { key: 'k' })).toThrow(TypeError);
    expect(adapter.capabilities).toMatchObject({ webhook: 'none', cancel: 'none' });
  });
});
