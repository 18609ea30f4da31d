/** Capsules that are looked at: with the machine and without; and the test that a what-if is saved as. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createTestRuntime } from '../../src/testing/index.js';
import { house } from './house.js';

const ORDERS = fileURLToPath(new URL('orders.ts', import.meta.url));

/** In place of vitest's `test`: keeps what it is given. */
const RUNNER = `export { expect } from 'vitest';
export const tests = [];
export const test = (title, run) => tests.push({ title, run });
`;

interface Saved {
  readonly title: string;
  readonly run: () => Promise<void>;
}

test('a capsule is shown as its actor is, step by step', async () => {
  await using home = await house();
  const { inspection, runtime } = home;
  const { actor, steps, chart } = await inspection.look(await runtime.export('order/77'));
  const live = await inspection.actor('order/77');
  expect(actor).toMatchObject({
    address: live.address,
    value: live.value,
    context: live.context,
    title: live.title,
  });
  expect(actor.effects).toMatchObject([{ id: '3:1', state: 'parked' }]);
  const own = await Promise.all([1, 2, 3].map((seq) => inspection.step('order/77', seq)));
  // A capsule has no commits: they are of the store it came from.
  expect(steps).toEqual(own.map(({ committedAt: _written, ...step }) => step));
  expect(chart).toEqual(await inspection.chart('order'));
});

test('without its machine it has its journal and its chart, and says why it has no contexts', async () => {
  await using home = await house();
  const capsule = await home.runtime.export('order/77');
  const elsewhere = await createTestRuntime();
  onTestFinished(() => elsewhere.close());
  const { inspection } = elsewhere.runtime;
  const { actor, steps, chart } = await inspection.look(capsule);
  expect(actor).toMatchObject({ defined: false, context: { lines: ['bell'] } });
  expect(steps.map(({ context }) => context)).toEqual([undefined, undefined, undefined]);
  expect(steps[0]?.unknown).toBe('no machine of its version is defined here');
  expect(chart?.config).toMatchObject({ id: 'order', initial: 'cart' });
  const events = [{ type: 'add', line: 'lamp' }];
  await expect(inspection.whatIfOf(capsule, { events })).rejects.toMatchObject({ code: 'KIND_UNKNOWN' });
  const altered = { ...capsule, exportedAt: 1 };
  await expect(inspection.look(altered)).rejects.toMatchObject({ code: 'CAPSULE_ALTERED' });
  await expect(inspection.look({})).rejects.toMatchObject({ code: 'CAPSULE_INVALID' });
});

test('a what-if that is saved is a test that runs, and fails when the machine goes another way', async () => {
  await using home = await house();
  const events = [
    { type: 'pay', amount: 50 },
    { type: 'xstate.done.actor.charge', output: {} },
    { type: 'drop' },
  ];
  const { test: text } = await home.inspection.whatIf({ address: 'order/77', seq: 2, events });
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-what-if-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'machine.ts'), `export { orderMachine as machine } from '${ORDERS}';\n`);
  await writeFile(join(folder, '77.capsule.json'), JSON.stringify(await home.runtime.export('order/77')));
  await writeFile(join(folder, 'runner.ts'), RUNNER);
  // No test can be within a test, and a vitest of its own would take seconds: cli/capsule.test.ts has one.
  const saved = text.replace("from 'vitest'", "from './runner.js'");
  await writeFile(join(folder, 'right.ts'), saved);
  await writeFile(join(folder, 'wrong.ts'), saved.replace('"gone",', '"sent",'));
  const { tests } = (await import(join(folder, 'runner.ts'))) as { readonly tests: readonly Saved[] };
  for (const name of ['right.ts', 'wrong.ts']) await import(join(folder, name));
  const [right, wrong] = tests;
  expect(right?.title).toContain('from step 2: pay, xstate.done.actor.charge, drop');
  await right?.run();
  await expect(wrong?.run()).rejects.toThrow('to deeply equal');
  expect(tests).toHaveLength(2);
});
