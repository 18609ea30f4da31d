/**
 * The real AI SDK models of fal, Replicate and Google as adapters, against the simulator.
 */
import { createFal } from '@ai-sdk/fal';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createReplicate } from '@ai-sdk/replicate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromAiSdkVideoModel } from '../../src/providers/index.js';
import type { AiSdkVideoModel, PollOutcome, ProviderAdapter, TaskRef } from '../../src/providers/index.js';
import { startSimulator } from '../../src/simulator/index.js';
import type { Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { accepted, handClock, poll, request, submit, typesOf } from './ai-sdk-calls.js';

const KEY = 'AIza-ai-sdk-0123456789';

async function played(script: SimulatorScript = {}): Promise<Simulator> {
  const simulator = await startSimulator({ script });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** The outcomes of polls, each by an adapter of its own, up to the first that ends the task. */
async function followed(make: () => ProviderAdapter, ref: TaskRef): Promise<readonly PollOutcome[]> {
  const seen: PollOutcome[] = [];
  for (let polls = 0; polls < 10; polls += 1) {
    const outcome = await poll(make(), ref);
    seen.push(outcome);
    if (outcome.type === 'done' || outcome.type === 'failed') break;
  }
  return seen;
}

function addressOf(input: string | URL | Request): string {
  if (typeof input === 'string') return input;
  return input instanceof URL ? input.href : input.url;
}

function operationOf(ref: TaskRef): string {
  return (JSON.parse(ref.secret ?? '') as { readonly operation: string }).operation;
}

/** fal's package has its host written in. */
function falModel(simulator: Simulator, headers: Headers[] = []): AiSdkVideoModel {
  const rerouted: typeof fetch = (input, init) => {
    headers.push(new Headers(init?.headers));
    return fetch(addressOf(input).replace('https://queue.fal.run', `${simulator.url}/fal`), init);
  };
  return createFal({ apiKey: 'id:secret', fetch: rerouted }).video('wan/v2.2/text-to-video');
}

function replicateModel(simulator: Simulator): AiSdkVideoModel {
  const house = createReplicate({ apiToken: 'r8_test', baseURL: `${simulator.url}/replicate/v1` });
  return house.video('minimax/video-01');
}

function googleModel(simulator: Simulator): AiSdkVideoModel {
  const house = createGoogleGenerativeAI({ apiKey: KEY, baseURL: `${simulator.url}/veo/v1beta` });
  return house.video('veo-3.1-generate-preview');
}

describe('the real models', () => {
  it.each([
    ['fal', falModel],
    ['replicate', replicateModel],
    ['google', googleModel],
  ])('of %s are started once, and asked by instances that never saw the start', async (_name, modelOf) => {
    const simulator = await played();
    const make = () => fromAiSdkVideoModel(modelOf(simulator));
    const ref = await accepted(make());
    const outcomes = await followed(make, ref);
    expect(typesOf(outcomes)).toEqual(['pending', 'pending', 'pending', 'done']);
    const billed = simulator.ledger().filter(({ event }) => event === 'submit.billed');
    expect(billed).toHaveLength(1);
    expect(outcomes.at(-1)).toMatchObject({ artifacts: [{ authenticated: false }] });
  });

  it('send the id of the job as the idempotency key, and nothing twice', async () => {
    const simulator = await played({ faults: [{ route: 'submit', fault: { type: 'status', status: 503 } }] });
    const headers: Headers[] = [];
    const outcome = await submit(fromAiSdkVideoModel(falModel(simulator, headers)));
    expect(outcome).toMatchObject({ type: 'ambiguous', error: { class: 'server', code: 'http503' } });
    expect(headers.map((one) => one.get('idempotency-key'))).toEqual(['job_1']);
    expect(simulator.ledger().filter(({ event }) => event === 'submit.received')).toHaveLength(1);
  });

  it.each([
    [{ type: 'resetAfterBody', billed: true } as const, 'ambiguous'],
    [{ type: 'halfResponse' } as const, 'ambiguous'],
    [{ type: 'invalidJson' } as const, 'billed'],
    [{ type: 'status', status: 422 } as const, 'rejected'],
    [{ type: 'unauthorized' } as const, 'rejected'],
    [{ type: 'rateLimit' } as const, 'rejected'],
  ])('whose start meets %j are %s', async (fault, type) => {
    const simulator = await played({ faults: [{ route: 'submit', fault }] });
    const outcome = await submit(fromAiSdkVideoModel(replicateModel(simulator)));
    expect(outcome.type).toBe(type);
  });

  it('without a key pause the account: nothing was sent', async () => {
    const simulator = await played();
    const house = createReplicate({ apiToken: '', baseURL: `${simulator.url}/replicate/v1` });
    const outcome = await submit(fromAiSdkVideoModel(house.video('minimax/video-01')));
    expect(outcome).toMatchObject({ type: 'rejected', error: { class: 'auth' } });
  });
});

describe('what was measured of the real models', () => {
  it('fal: a 429 and a gateway page are said to be errors, and the paid video is not lost', async () => {
    const simulator = await played({
      faults: [
        { route: 'poll', nth: 1, fault: { type: 'rateLimit' } },
        { route: 'poll', nth: 2, fault: { type: 'status', status: 503, body: 'html' } },
      ],
    });
    const model = falModel(simulator);
    const ref = await accepted(fromAiSdkVideoModel(model));
    const raw = await model.doStatus?.({ operation: operationOf(ref) });
    expect(raw).toMatchObject({ status: 'error' });
    const outcomes = await followed(() => fromAiSdkVideoModel(model), ref);
    expect(typesOf(outcomes)).toEqual(['transient', 'pending', 'pending', 'pending', 'done']);
    expect(outcomes[0]).toMatchObject({ error: { code: 'suspect', retryable: true } });
  });

  it('replicate: a list of outputs cannot be read by the model, and is read all the same', async () => {
    const simulator = await played({ life: { queued: { polls: 1 }, running: { polls: 0 } } });
    const model = replicateModel(simulator);
    const adapter = fromAiSdkVideoModel(model);
    const ref = await accepted(adapter, { ...request, extra: { num_outputs: 2 } });
    expect(await poll(adapter, ref)).toEqual({ type: 'pending' });
    await expect(model.doStatus?.({ operation: operationOf(ref) })).rejects.toThrow('Invalid JSON response');
    const outcome = await poll(adapter, ref);
    expect(outcome).toMatchObject({
      type: 'done',
      artifacts: [{ authenticated: false }, { authenticated: false }],
    });
  });

  it('replicate: `aborted` is thrown for ever, and ends the task once it is believed', async () => {
    const fault = { type: 'unknownStatus', word: 'aborted' } as const;
    const simulator = await played({ faults: [{ route: 'poll', fault }] });
    const model = replicateModel(simulator);
    const hand = handClock();
    const adapter = fromAiSdkVideoModel(model, { clock: hand.clock });
    const ref = await accepted(adapter);
    await expect(model.doStatus?.({ operation: operationOf(ref) })).rejects.toThrow('Invalid JSON response');
    const outcomes: PollOutcome[] = [];
    for (let polls = 0; polls < 5; polls += 1) {
      outcomes.push(await poll(adapter, ref));
      hand.advance(150_000);
    }
    expect(typesOf(outcomes)).toEqual(['transient', 'transient', 'transient', 'transient', 'failed']);
    expect(outcomes.at(-1)).toMatchObject({ error: { message: 'the provider says aborted' } });
  });

  it('google: the key comes back in the URL, and goes no further than a header', async () => {
    const simulator = await played({ life: { queued: { polls: 0 }, running: { polls: 0 } } });
    const model = googleModel(simulator);
    const adapter = fromAiSdkVideoModel(model, {
      baseUrl: `${simulator.url}/veo/v1beta`,
      credentialHeaders: () => ({ 'x-goog-api-key': KEY }),
    });
    const ref = await accepted(adapter);
    const raw = JSON.stringify(await model.doStatus?.({ operation: operationOf(ref) }));
    expect(raw).toContain(`key=${KEY}`);
    const outcome = await poll(adapter, ref);
    expect(JSON.stringify(outcome)).not.toContain(KEY);
    if (outcome.type !== 'done') throw new Error(outcome.type);
    const [source] = outcome.artifacts;
    if (source === undefined || !('url' in source)) throw new Error('it has a URL');
    expect(source.authenticated).toBe(true);
    const headers = (await adapter.credential('default'))?.headers ?? {};
    const fetched = await fetch(source.url, { headers });
    expect([fetched.status, fetched.headers.get('content-type')]).toEqual([200, 'video/mp4']);
    await fetched.arrayBuffer();
  });
});
