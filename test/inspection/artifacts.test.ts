/** Images and videos that actors refer to: under the name of their content, and no other file. */
import { expect, onTestFinished, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { openai } from '../../src/providers/index.js';
import { createTestRuntime } from '../../src/testing/index.js';

const FILE = `${sha256Hex('a video')}.mp4`;
const REF = { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' };

test('a file is shown while an actor refers to it, by its own name alone', async () => {
  const artifact = {
    ...{ path: `/elsewhere/artifacts/${FILE}`, sha256: sha256Hex('a video'), bytes: 7 },
    ...{ mime: 'video/mp4', sourceUrl: 'https://cdn.example/v.mp4' },
  };
  const home = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test' })],
    answers: { 'job.fetch': () => ({ type: 'done', artifacts: [artifact] }) },
    directory: '/tmp/holdfast-nowhere',
  });
  onTestFinished(() => home.close());
  const { inspection, jobs } = home.runtime;
  const { id } = await jobs.submit({ provider: 'openai', prompt: 'a cat' });
  expect(await inspection.artifact(FILE)).toBeUndefined();
  await home.effects.answer('job.submit', { type: 'accepted', ref: REF });
  await home.advance('15 s');
  await home.effects.answer('job.poll', { type: 'done' });
  await home.settle();
  const { artifacts } = await inspection.actor(`job/${id}`);
  expect(artifacts).toEqual([{ file: FILE, mediaType: 'video/mp4', bytes: 7 }]);
  const found = await inspection.artifact(FILE);
  expect(found).toEqual({ path: `/tmp/holdfast-nowhere/artifacts/${FILE}`, mediaType: 'video/mp4' });
  const hex = sha256Hex('a video');
  for (const other of [hex, `${hex}.html`, `${hex}.svg`, `../${FILE}`, `${FILE}/..`, `${sha256Hex('b')}.mp4`])
    expect(await inspection.artifact(other), other).toBeUndefined();
});
