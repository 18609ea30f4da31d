/**
 * The official clients judge the simulator: what they send it takes, and what it answers they understand,
 * from the submit to the bytes and the cancel.
 */
import { expect, test } from 'vitest';
import { renderArtifact } from '../../src/simulator/index.js';
import type { LedgerEntry, Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { entry, get, opened } from '../simulator/opened.js';
import {
  falClient,
  googleClient,
  lumaClient,
  openaiClient,
  replicateClient,
  responsesClient,
  runwayClient,
} from './clients.js';

const PROMPT = 'a heron at dawn';
/** Two polls that find it under way, and a third that finds it done. */
const SCRIPT: SimulatorScript = { life: { queued: { polls: 1 }, running: { polls: 1 } } };

const simulated = (): Promise<Simulator> => opened({ script: SCRIPT });

function rendered(kind: 'video' | 'image' = 'video'): Buffer {
  const bytesMin = kind === 'video' ? 262_144 : 65_536;
  return Buffer.from(renderArtifact({ kind, prompt: PROMPT, seed: 1, index: 0, bytesMin }).bytes);
}

/** What is at a link that needs no key. */
async function bytesAt(url: string | null | undefined): Promise<Buffer> {
  const response = await get(String(url), {});
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

/** What the words of three polls are. */
async function thrice<Value>(poll: () => Promise<Value>): Promise<readonly [Value, Value, Value]> {
  return [await poll(), await poll(), await poll()];
}

const billed = (simulator: Simulator): readonly LedgerEntry[] =>
  simulator.ledger().filter(({ event }) => event === 'submit.billed');

test('openai makes a video, polls it, downloads it and deletes it', async () => {
  const simulator = await simulated();
  const { videos } = openaiClient(simulator);
  const { id, status } = await videos.create({ model: 'sora-2', prompt: PROMPT, seconds: '4' });
  expect(status).toBe('queued');
  const words = (await thrice(() => videos.retrieve(id))).map((video) => video.status);
  expect(words).toEqual(['queued', 'in_progress', 'completed']);
  const content = await videos.downloadContent(id);
  expect(Buffer.from(await content.arrayBuffer())).toEqual(rendered());
  const listed = await videos.list();
  expect(listed.data.map((video) => video.id)).toEqual([id]);
  expect(await videos.delete(id)).toMatchObject({ id, deleted: true });
  expect(billed(simulator)).toHaveLength(1);
});

test('openai runs a response in the background, polls it, and cancels another', async () => {
  const simulator = await simulated();
  const { responses } = responsesClient(simulator);
  const body = {
    model: 'gpt-5.1',
    input: PROMPT,
    background: true,
    store: true,
    tools: [{ type: 'image_generation' }],
  } as const;
  const create = () => responses.create({ ...body, tools: [...body.tools] });
  const { id } = await create();
  const words = await thrice(() => responses.retrieve(id));
  expect(words.map(({ status }) => status)).toEqual(['queued', 'in_progress', 'completed']);
  const image = words[2].output.find((item) => item.type === 'image_generation_call');
  expect(Buffer.from(image?.result ?? '', 'base64')).toEqual(rendered('image'));
  const other = await create();
  expect((await responses.cancel(other.id)).status).toBe('cancelled');
  await entry(simulator, 'cancel');
});

test('replicate makes a prediction, polls it, downloads its output, and cancels another', async () => {
  const simulator = await simulated();
  const { predictions } = replicateClient(simulator);
  const request = { model: 'wan-video/wan-2.2-t2v-fast', input: { prompt: PROMPT } };
  const { id, status } = await predictions.create(request);
  expect(status).toBe('starting');
  const polled = await thrice(() => predictions.get(id));
  expect(polled.map((one) => one.status)).toEqual(['starting', 'processing', 'succeeded']);
  const output: unknown = polled[2].output;
  expect(await bytesAt(String(Array.isArray(output) ? output[0] : output))).toEqual(rendered());
  const other = await predictions.create(request);
  expect((await predictions.cancel(other.id)).status).toBe('canceled');
  expect(billed(simulator)).toHaveLength(2);
});

test('fal submits to its queue, asks for status and result, and cancels another', async () => {
  const simulator = await simulated();
  const { queue } = falClient(simulator);
  const model = 'fal-ai/veo3/fast';
  const { request_id: requestId } = await queue.submit(model, { input: { prompt: PROMPT } });
  const words = await thrice(() => queue.status(model, { requestId }));
  expect(words.map(({ status }) => status)).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
  const { data } = await queue.result(model, { requestId });
  expect(await bytesAt(data.video.url)).toEqual(rendered());
  const other = await queue.submit(model, { input: { prompt: PROMPT } });
  await queue.cancel(model, { requestId: other.request_id });
  expect(await entry(simulator, 'cancel')).toMatchObject({ status: 202 });
});

test('runway makes a task, polls it, downloads its output, and deletes another', async () => {
  const simulator = await simulated();
  const { textToVideo, tasks } = runwayClient(simulator);
  const request = { model: 'veo3.1', promptText: PROMPT, ratio: '1280:720', duration: 8 } as const;
  const { id } = await textToVideo.create(request);
  const polled = await thrice(() => tasks.retrieve(id));
  expect(polled.map(({ status }) => status)).toEqual(['PENDING', 'RUNNING', 'SUCCEEDED']);
  const [, , done] = polled;
  expect(await bytesAt(done.status === 'SUCCEEDED' ? done.output[0] : '')).toEqual(rendered());
  const other = await textToVideo.create(request);
  await tasks.delete(other.id);
  expect(await entry(simulator, 'cancel')).toMatchObject({ status: 204, taskId: other.id });
});

test('luma makes a generation, polls it, lists it, downloads its video and deletes it', async () => {
  const simulator = await simulated();
  const { generations } = lumaClient(simulator);
  const { id = '', state } = await generations.create({ model: 'ray-2', prompt: PROMPT });
  expect(state).toBe('queued');
  const polled = await thrice(() => generations.get(id));
  expect(polled.map((one) => one.state)).toEqual(['queued', 'dreaming', 'completed']);
  expect(await bytesAt(polled[2].assets?.video)).toEqual(rendered());
  expect((await generations.list()).generations.map((one) => one.id)).toEqual([id]);
  await generations.delete(id);
  await entry(simulator, 'cancel');
});

test('google generates a video, asks for its operation, and downloads it with the key', async () => {
  const simulator = await simulated();
  const client = googleClient(simulator);
  const source = { prompt: PROMPT };
  let operation = await client.models.generateVideos({ model: 'veo-3.1-generate-preview', source });
  const done: unknown[] = [];
  for (let poll = 0; poll < 3; poll += 1) {
    operation = await client.operations.getVideosOperation({ operation });
    done.push(operation.done ?? false);
  }
  expect(done).toEqual([false, false, true]);
  const [video] = operation.response?.generatedVideos ?? [];
  const file = await get(video?.video?.uri ?? '', { 'x-goog-api-key': 'AIza-test' });
  expect(Buffer.from(await file.arrayBuffer())).toEqual(rendered());
  expect(await entry(simulator, 'download.finished')).toMatchObject({
    credentialHeaders: ['x-goog-api-key'],
  });
});
