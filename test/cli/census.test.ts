/** `holdfast census` in its own process: beside a running runtime, and in a directory nobody holds. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { orderMachine as first } from '../../examples/change-a-machine/version-1.js';
import { openRuntime, silentLogger, type Runtime } from '../../src/index.js';
import { bundled } from '../bundled.js';
import { newDirectory, opened } from '../control/world.js';
import { filesIn } from '../store/place.js';
import { cli, told } from './run-cli.js';

/** With an XState of its own, as any build has. */
const BUILD = bundled('examples/change-a-machine/machines.ts');
/** The same chart without its migration. */
const UNPREPARED = bundled('examples/change-a-machine/version-2.ts');

const INVOICES = bundled('test/cli/children/invoices.ts');

/** Two open orders and one that is packed. */
async function trading(runtime: Runtime): Promise<void> {
  const orders = runtime.define(first);
  for (const id of ['1', '2']) await orders.create({ id, input: { amount: 5 } });
  const third = await orders.create({ id: '3', input: { amount: 5 } });
  await third.send({ type: 'paid' });
  await third.waitFor(({ value }) => value === 'packing');
}

async function closedDirectory(): Promise<string> {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, log: silentLogger });
  await trading(runtime);
  await runtime.close();
  return directory;
}

test('a build whose migrations cover every stored version may be deployed: exit code 0', async () => {
  const directory = await closedDirectory();
  const end = await cli(['census', '--module', BUILD, '--dir', directory, '--deep']);
  expect(end).toMatchObject({ code: 0, err: '' });
  const [head, ...rows] = end.out.trimEnd().split('\n');
  expect(head).toMatch(/^KIND +VERSION +COUNT +VERDICT +STATE$/);
  expect(rows[0]).toMatch(/^order +1 +2 +migrates +open$/);
  expect(rows[1]).toMatch(/^order +1 +1 +migrates +packing$/);
  expect(rows.slice(2)).toEqual([
    'order of version 2: 0 safe, 3 migrate, 0 blocked',
    'order: 3 migrations tried, 0 failed',
  ]);
});

test('a build that would block stored actors may not: exit code 1, with what to do', async () => {
  const directory = await closedDirectory();
  const before = await filesIn(join(directory, 'artifacts'));
  const [text, json] = await Promise.all([
    cli(['census', '--module', UNPREPARED, '--dir', directory]),
    told(['census', '--module', UNPREPARED, '--dir', await closedDirectory(), '--json']),
  ]);
  expect(text.code).toBe(1);
  expect(text.out).toContain('order of version 1: nothing leads from "1" to "2"; add it to migrate.from\n');
  expect(text.out).toContain('order of version 2: 0 safe, 0 migrate, 3 blocked\n');
  expect(text.err).toMatch(/^holdfast: CENSUS_BLOCKED: 3 actors would be blocked[^\n]+\n$/);
  expect(await filesIn(join(directory, 'artifacts'))).toEqual(before);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({
    items: [{ kind: 'order', version: '2', blocked: 3, rows: [{ state: 'open', count: 2 }, { count: 1 }] }],
    parked: [],
  });
  expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'CENSUS_BLOCKED', details: { blocked: 3 } } });
});

test('a running process is asked through its control door, for everything but --deep', async () => {
  const directory = await newDirectory();
  await trading(await opened({ directory, log: silentLogger }));
  const [good, bad, deep] = await Promise.all([
    cli(['census', '--module', BUILD, '--dir', directory, '--json']),
    told(['census', '--module', UNPREPARED, '--dir', directory]),
    told(['census', '--module', BUILD, '--dir', directory, '--deep']),
  ]);
  expect(good).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(good.out)).toMatchObject({ items: [{ migrates: 3, blocked: 0 }] });
  const nobody = await cli(['census', '--module', BUILD, '--dir', await closedDirectory(), '--json']);
  expect(good.out, 'who answers makes no difference').toBe(nobody.out);
  expect(bad.code).toBe(1);
  expect(deep).toMatchObject({ code: 4, out: '' });
  expect(deep.err).toMatch(/^holdfast: STORE_LOCKED: --deep reads every actor[^\n]+\n$/);
});

test('stored kinds that the module has no machine for are named, and block nothing', async () => {
  const directory = await closedDirectory();
  const [text, json] = [
    await told(['census', '--module', INVOICES, '--dir', directory]),
    await told(['census', '--module', INVOICES, '--dir', directory, '--json']),
  ];
  expect(text).toMatchObject({ code: 0, err: '' });
  expect(text.out).toContain('order: 3 stored, and no machine in the module; they would wait, parked\n');
  const { items, parked } = JSON.parse(json.out) as { items: { kind: string }[]; parked: unknown };
  expect(items.map(({ kind }) => kind)).toEqual(['invoice', 'reminder']);
  expect(parked).toEqual([{ kind: 'order', count: 3 }]);
});

test('a module that cannot be used is a wrong command line: exit code 2', async () => {
  const directory = await closedDirectory();
  const refused = async (module: string): Promise<string> => {
    const end = await told(['census', '--module', module, '--dir', directory]);
    expect(end).toMatchObject({ code: 2, out: '' });
    return end.err;
  };
  expect(await refused(join(directory, 'nothing.js'))).toContain('cannot be loaded');
  expect(await refused(join(directory, 'nothing.ts'))).toContain('NODE_OPTIONS="--import tsx"');
  expect(await refused(await written('throw new Error("no key")'))).toContain('no key');
  expect(await refused(await written('export const n = 1'))).toContain('exports no machine');
  expect((await told(['census', '--dir', directory])).code).toBe(2);
  const empty = await told(['census', '--module', BUILD, '--dir', await newDirectory()]);
  expect(empty).toMatchObject({ code: 2, out: '' });
});

async function written(code: string): Promise<string> {
  const path = join(await newDirectory(), 'module.mjs');
  await writeFile(path, code);
  return path;
}
