/** After the close nothing is shown any more: every method says that the runtime is closed. */
import { expect, test } from 'vitest';
import { house } from './house.js';

test('what is closed is not looked at', async () => {
  const { test: home, inspection, runtime } = await house();
  const capsule = await runtime.export('order/77');
  await home.close();
  const asked: Readonly<Record<string, () => Promise<unknown>>> = {
    population: () => inspection.population(),
    list: () => inspection.list(),
    actor: () => inspection.actor('order/77'),
    steps: () => inspection.steps('order/77'),
    step: () => inspection.step('order/77', 1),
    why: () => inspection.why('order/77'),
    whatIf: () => inspection.whatIf({ address: 'order/77', events: [] }),
    story: () => inspection.story('order/77'),
    acts: () => inspection.acts('order/77'),
    artifact: () => inspection.artifact(`${'0'.repeat(64)}.mp4`),
  };
  for (const [name, ask] of Object.entries(asked))
    await expect(ask(), name).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
  // What was given is shown without the store.
  expect((await inspection.look(capsule)).steps).toHaveLength(3);
});
