/** One incident, end to end: found in a seeded simulation, exported, made a failing test, mended, passing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { renderMachine } from '../../examples/simulation/render.js';
import { simulate } from '../../examples/simulation/simulate.js';
import { newDirectory } from '../control/world.js';
import { told } from './run-cli.js';
import { makeProject, runVitest } from './run-vitest.js';

const SEED = 1;
const MACHINE = resolve('examples/simulation/render.ts');

/** The defect, and what mends it: bad news of a task that was given up is no news of the present one. */
const DEFECT = `'provider.failed': 'failed',`;
const MENDED = `'provider.failed': { guard: 'ofThisTask', target: 'failed' },`;

test('what went wrong in a simulation becomes a failing test, which passes once it is mended', async () => {
  const wrong = await simulate(renderMachine, SEED);
  expect(wrong?.capsule).toMatchObject({
    address: 'render/2',
    version: '1',
    record: { snapshot: { value: 'failed' } },
  });
  // The same seed is the same incident, to the last byte.
  expect(await simulate(renderMachine, SEED)).toEqual(wrong);

  const folder = await newDirectory();
  await makeProject(folder);
  const source = await readFile(MACHINE, 'utf8');
  expect(source.split(DEFECT)).toHaveLength(2);
  await writeFile(join(folder, 'render.ts'), source);
  await writeFile(join(folder, 'incident.json'), JSON.stringify(wrong?.capsule));
  const written = await told([
    ...['capsule', 'to-test', join(folder, 'incident.json'), '--module', join(folder, 'render.ts')],
    ...['--state', 'rendering'],
  ]);
  expect(written).toMatchObject({ code: 0, err: '' });

  const failing = await runVitest(folder);
  expect(failing.code).toBe(1);
  expect(failing.out).toContain('render/2 ends in rendering, where it ended in failed');
  expect(failing.out).toContain('AssertionError: render/2 ends in "failed", not in "rendering"');

  await writeFile(join(folder, 'render.ts'), source.replace(DEFECT, MENDED));
  const passing = await runVitest(folder);
  expect(passing.out).toContain('1 passed');
  expect(passing.code).toBe(0);
});

test('the mended machine goes wrong for no seed, the defective one for some', async () => {
  const folder = await newDirectory();
  await makeProject(folder);
  await writeFile(join(folder, 'render.ts'), (await readFile(MACHINE, 'utf8')).replace(DEFECT, MENDED));
  const mended = (await import(join(folder, 'render.ts'))) as {
    readonly renderMachine: typeof renderMachine;
  };
  const found: number[] = [];
  for (let seed = 1; seed <= 8; seed += 1) {
    if ((await simulate(renderMachine, seed)) !== undefined) found.push(seed);
    expect(await simulate(mended.renderMachine, seed)).toBe(undefined);
  }
  expect(found).toEqual([1, 5]);
});
