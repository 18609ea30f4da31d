/** Sessions in docs/guide-test-your-agent.md, for vitest. For jest, import from '@jest/globals' instead. */
import type { Runtime } from 'holdfast';
import { createTestRuntime } from 'holdfast/testing';
import { expect, test } from 'vitest';

/** An agent whose model says what the test says, when the test says it. */
function agent() {
  const model = {
    answer: (_text: string): void => undefined,
    fail: (_error: Error): void => undefined,
  };
  const think = (): Promise<string> =>
    new Promise((resolve, reject) => Object.assign(model, { answer: resolve, fail: reject }));
  const define = (runtime: Runtime): void => {
    runtime.sessions.serve(async (turn) => turn.commit(await think()));
  };
  return { model, define };
}

test('killed while it thinks, an agent answers once', async () => {
  const { model, define } = agent();
  const place = await createTestRuntime({ define });
  await place.runtime.sessions.get('chat:42').enqueue({ id: '1', text: 'hello' });
  await place.settle();

  await place.crash();
  model.answer('Good day.');
  await place.settle();

  const { items } = await place.runtime.sessions.get('chat:42').history();
  expect(items.map(({ entry }) => entry)).toEqual([
    { role: 'user', content: 'hello', inputId: '1' },
    { role: 'assistant', content: 'Good day.' },
  ]);
  await place.close();
});

test('a model that fails is asked again once its session has rested', async () => {
  const { model, define } = agent();
  const place = await createTestRuntime({ define });
  const chat = place.runtime.sessions.get('chat:42');
  await chat.enqueue('hello');
  await place.settle();

  model.fail(new Error('the model says 529'));
  await place.settle();
  expect(await chat.view()).toMatchObject({
    state: 'pausing',
    lastAbandon: { reason: 'Error: the model says 529' },
  });
  await place.advance('2 s');
  expect(await chat.view()).toMatchObject({ state: 'working' });
  await place.close();
});
