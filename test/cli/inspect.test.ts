/** `holdfast inspect` and `serve --inspect`: what they print, what answers there, and how they end. */
import { watch } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { defineMachines } from '../../src/cli/module-machines.js';
import { openOffline, openRuntime, silentLogger } from '../../src/index.js';
import { newDirectory, opened } from '../control/world.js';
import { orderMachine } from '../inspection/orders.js';
import { startCli, told } from './run-cli.js';

interface Facts {
  readonly url: string;
  readonly live: boolean;
  readonly allow_actions: boolean;
}

/** What the data of an inspector says, to who has its URL. */
async function asked(url: string, path: string): Promise<unknown> {
  const { origin, pathname, searchParams } = new URL(url);
  const headers = { authorization: `Bearer ${searchParams.get('token') ?? ''}` };
  return (await (await fetch(`${origin}${pathname}${path}`, { headers })).json()) as unknown;
}

/** Somebody's order, made by a process that has ended. */
async function leftBehind(): Promise<string> {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, durability: 'process', control: false, log: silentLogger });
  await runtime.define(orderMachine).create({ id: '77', input: { title: 'a cat' } });
  await runtime.close();
  return directory;
}

test('a directory that nobody runs is shown, and given back at the end', async () => {
  const directory = await leftBehind();
  const { child, firstLine, ended } = startCli(['inspect', directory, '--json']);
  const facts = JSON.parse(await firstLine) as Facts;
  expect(facts).toMatchObject({ directory, live: false, allow_actions: false });
  expect(facts.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{21,}$/);
  expect(await asked(facts.url, 'config.json')).toMatchObject({ live: false, allowActions: false });
  expect(await asked(facts.url, 'v1/actors/actor?address=order/77')).toMatchObject({ defined: false });
  expect(await told(['inspect', facts.url, '--json'])).toMatchObject({
    code: 0,
    out: expect.stringContaining(facts.url),
  });
  const wrong = await told(['inspect', facts.url.replace(/token=.*/, 'token=wrong')]);
  expect([wrong.code, wrong.err.split(':')[1]]).toEqual([1, ' INSPECTOR_REFUSED']);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 0, err: '' });
  const again = await opened({ directory, durability: 'process', control: false });
  expect(again.status).toBe('running');
});

test('what a process runs is shown as it says it, on the port that was asked for', async () => {
  const directory = await newDirectory();
  const runtime = await opened({ directory, durability: 'process' });
  await runtime.define(orderMachine).create({ id: '1', input: { title: 'a cat' } });
  const words = ['inspect', directory, '--allow-actions', '--operator', 'ada', '--json'];
  const { child, firstLine, ended } = startCli(words);
  const { url, ...facts } = JSON.parse(await firstLine) as Facts;
  expect(facts).toMatchObject({ live: true, allow_actions: true });
  expect(await asked(url, 'v1/actors/actor?address=order/1')).toMatchObject({ defined: true });
  const taken = await told(['inspect', directory, '--port', new URL(url).port]);
  expect([taken.code, taken.err.split(':')[1]]).toEqual([2, ' INVALID_OPTIONS']);
  await runtime.close();
  expect(await asked(url, 'v1/population')).toMatchObject({ error: { code: 'RUNTIME_CLOSED' } });
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, err: '' });
});

test('the machines of a module make the steps of a closed directory known', async () => {
  const offline = await openOffline({ directory: await leftBehind(), log: silentLogger });
  onTestFinished(() => offline.close());
  const { defined } = await offline.inspection.actor('order/77');
  await defineMachines(offline, fileURLToPath(new URL('../inspection/orders.ts', import.meta.url)));
  expect(await offline.inspection.step('order/77', 1)).toMatchObject({ context: { title: 'a cat' } });
  expect([defined, (await offline.inspection.actor('order/77')).defined]).toEqual([false, true]);
});

test('--open gives the URL to the browser', async () => {
  const here = await newDirectory();
  const browser = join(here, 'browser.cjs');
  const seen = join(here, 'opened');
  // Renamed into place, so that it is whole when it is there.
  const program = `const { renameSync, writeFileSync } = require('node:fs');
    writeFileSync(${JSON.stringify(`${seen}.part`)}, process.argv[2]);
    renameSync(${JSON.stringify(`${seen}.part`)}, ${JSON.stringify(seen)});`;
  await writeFile(browser, `#!${process.execPath}\n${program}\n`);
  await chmod(browser, 0o755);
  const watcher = watch(here);
  onTestFinished(() => watcher.close());
  const opens = new Promise<void>((resolve) =>
    watcher.on('change', (_type, name) => {
      if (name === 'opened') resolve();
    }),
  );
  const { child, firstLine, ended } = startCli(['inspect', await leftBehind(), '--open', '--json'], {
    env: { BROWSER: browser },
  });
  const { url } = JSON.parse(await firstLine) as Facts;
  await opens;
  expect(await readFile(seen, 'utf8')).toBe(url);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, err: '' });
});

test.each([
  [['inspect', 'http://127.0.0.1:9/'], 2, 'INVALID_INPUT'],
  [['inspect', 'http://127.0.0.1:9/?token=x'], 4, 'CONTROL_FAILED'],
  [['inspect', '/nowhere/at-all'], 2, 'INVALID_OPTIONS'],
  [['inspect', '--port', 'x'], 2, 'USAGE'],
])('%j is refused', async (words, code, name) => {
  const end = await told(words);
  expect([end.code, end.err.split(':')[1]]).toEqual([code, ` ${name}`]);
});

test('beside what serve runs its inspector is open, on a port of its own', async () => {
  const directory = await newDirectory();
  const module = join(directory, 'agent.config.mjs');
  const options = { directory: join(directory, 'house'), control: false };
  await writeFile(module, `export default ${JSON.stringify(options)};\n`);
  const { child, firstLine, ended } = startCli(['serve', module, '--port', '0', '--inspect', '--json']);
  const { url, inspector } = JSON.parse(await firstLine) as {
    readonly url: string;
    readonly inspector: string;
  };
  expect(new URL(inspector).port).not.toBe(new URL(url).port);
  expect(await asked(inspector, 'config.json')).toMatchObject({
    live: true,
    allowActions: false,
    name: 'house',
  });
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, err: '' });
});
