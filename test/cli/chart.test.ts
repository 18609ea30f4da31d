/** `holdfast chart`: of a house machine, a module, a kind that a directory keeps, and one actor. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { orderMachine as first } from '../../examples/change-a-machine/version-1.js';
import { structureHash } from '../../src/actors/kernel/index.js';
import { chartModel, mermaidOf } from '../../src/drawing/index.js';
import { openRuntime, silentLogger } from '../../src/index.js';
import type { JsonObject } from '../../src/json.js';
import { jobMachine } from '../../src/machines/index.js';
import { openLevelStore } from '../../src/store/index.js';
import { bundled } from '../bundled.js';
import { newDirectory, opened } from '../control/world.js';
import { rowsOf } from '../kernel/fixtures.js';
import { told } from './run-cli.js';

const BUILD = bundled('examples/change-a-machine/machines.ts');

test('a house chart as JSON is a config that makes the same machine again', async () => {
  const { code, out, err } = await told(['chart', 'job', '--format', 'json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const config = JSON.parse(out) as JsonObject;
  expect(structureHash(createMachine(config as Parameters<typeof createMachine>[0]))).toBe(
    structureHash(jobMachine),
  );
  const json = await told(['chart', 'job', '--format', 'json', '--json']);
  expect(json.out.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(json.out)).toEqual({
    ...{ kind: 'job', version: '2', hash: structureHash(jobMachine), format: 'json', config },
  });
});

test('the default is a text for Mermaid, and a picture can be written into a file, once', async () => {
  const { out } = await told(['chart', 'delivery']);
  expect(out).toMatch(/^stateDiagram-v2\n {2}state "queued" as queued\n/);
  const file = join(await newDirectory(), 'delivery.svg');
  const words = ['chart', 'delivery', '--format', 'svg', '--out', file];
  expect(await told(words)).toMatchObject({ code: 0, out: `${file} written\n` });
  expect(await readFile(file, 'utf8')).toMatch(/^<svg [^]*data-state="queued"[^]*<\/svg>\n$/);
  const again = await told(words);
  expect(again.code).not.toBe(0);
  expect(again.err).toMatch(/^holdfast: INVALID_INPUT: "out": /);
  expect(await told([...words, '--force', '--json'])).toMatchObject({ code: 0, err: '' });
});

test('a directory has charts of kinds that no code here knows: by kind, and by an actor of it', async () => {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, log: silentLogger });
  await runtime.define(first).create({ id: '1', input: { amount: 5 } });
  await runtime.close();
  const byKind = await told(['chart', 'order', '--dir', directory]);
  expect(byKind).toMatchObject({ code: 0, err: '' });
  expect(byKind.out).toContain('state "packing" as packing');
  for (const words of [['--kind', 'order'], ['order/1']])
    expect(await told(['chart', ...words, '--dir', directory])).toEqual(byKind);
  const newest = await told(['chart', 'order', '--module', BUILD]);
  expect(newest).toMatchObject({ code: 0, err: '' });
  expect(newest.out).not.toBe(byKind.out);
});

test('a running process is asked for the charts it has', async () => {
  const directory = await newDirectory();
  const runtime = await opened({ directory, log: silentLogger });
  runtime.define(first);
  const { code, out } = await told(['chart', 'order', '--dir', directory, '--format', 'json']);
  expect(code).toBe(0);
  expect(mermaidOf(chartModel(JSON.parse(out) as JsonObject))).toContain('packing');
});

test('what there is no chart of is told with the names there are', async () => {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, log: silentLogger });
  await runtime.close();
  const house = 'delivery, job, parked, provider, schedule, session, supervisor, task, work';
  const near = await told(['chart', 'jobb', '--dir', directory]);
  expect(near.err).toContain(
    `CHART_UNKNOWN: there is no chart "jobb"; did you mean job?; there are ${house}`,
  );
  expect(near.code).not.toBe(0);
  expect((await told(['chart'])).err).toContain(
    `CHART_UNKNOWN: name the machine to draw; there are ${house}`,
  );
  const nowhere = await told(['chart', 'order', '--dir', join(directory, 'none')]);
  expect(nowhere.err).toMatch(/CHART_UNKNOWN: there is no chart "order"; .* holds no store/);
  const module = await told(['chart', 'other', '--module', BUILD]);
  expect(module.err).toContain(
    'CHART_UNKNOWN: there is no chart "other"; did you mean order?; there are order',
  );
  const both = await told(['chart', 'job', '--kind', 'job']);
  expect(both.err).toMatch(/^holdfast: INVALID_INPUT: "kind": /);
});

test('a kind that is there without its chart, as an older holdfast left it, is told as that', async () => {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, log: silentLogger });
  await runtime.define(first).create({ id: '77', input: { amount: 20 } });
  await runtime.close();
  const store = await openLevelStore({ directory, durability: 'process' });
  const rows = (await rowsOf(store, 'v')).map(([key, text]) => {
    const { chart: _chart, ...shape } = JSON.parse(text) as JsonObject;
    return { key, value: JSON.stringify(shape) };
  });
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
  const { code, err } = await told(['chart', 'order', '--dir', directory]);
  expect(err).toMatch(/^holdfast: CHART_UNKNOWN: no chart of order is defined here, or stored with an actor/);
  expect(code).not.toBe(0);
});
