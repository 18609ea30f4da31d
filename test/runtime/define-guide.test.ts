/** What docs/guide-your-own-machine.md says, run: its code is in examples/order. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { look } from '../../examples/order/look.js';
import { orderMachine } from '../../examples/order/order.js';
import * as refused from '../../examples/order/refused.js';
import { defineChecked } from '../../examples/order/schemas.js';
import { openRuntime, silentLogger, systemClock, type Runtime } from '../../src/index.js';
import { bundled } from '../bundled.js';
import { until } from './house.js';

const MAIN = bundled('examples/order/main.ts');

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-guide-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs the guide's program; kills it when it has printed `killAt`. */
async function run(directory: string, killAt?: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [MAIN], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line === killAt) child.kill('SIGKILL');
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  await once(child, 'close');
  expect(complaints).toBe('');
  return lines;
}

async function openIn(directory: string, clock = systemClock): Promise<Runtime> {
  const runtime = await openRuntime({ directory, clock, control: false, log: silentLogger });
  onTestFinished(() => runtime.close({ timeoutMs: 0 }));
  return runtime;
}

const charges = async (directory: string): Promise<number> =>
  (await readFile(join(directory, 'bank.txt'), 'utf8')).trim().split('\n').length;

test('killed while the bank takes its money, and with its parcel under way: one charge', async () => {
  const directory = await newDirectory();
  expect(await run(directory, 'the bank took 42')).toEqual(['a new order', 'the bank took 42']);
  // Whether it is paid first or said to go on is the disk's affair.
  expect(await run(directory, 'paid 42')).toContain('paid 42');
  expect(await run(directory)).toEqual(['the order goes on', 'delivered']);
  expect(await charges(directory)).toBe(1);
  expect(await run(directory)).toEqual(['the order goes on', 'delivered']);
});

test('what is refused is refused with the fix named', async () => {
  const runtime = await openIn(await newDirectory());
  const define = (machine: AnyStateMachine) => (): unknown => runtime.define(machine);
  expect(define(refused.noVersion)).toThrow('the machine has no version; add one to its config');
  expect(define(refused.inlineSource)).toThrow('the source is inline; name it in setup({actors})');
  expect(define(refused.unknownSource)).toThrow('"work" is not in setup({actors})');
  await expect(runtime.define(refused.notJson).create()).rejects.toMatchObject({
    code: 'INVALID_DEFINITION',
    message: expect.stringContaining('the context is not JSON at $.since') as unknown,
  });
  const spawning = await runtime.define(refused.inlineSpawn).create();
  await expect(spawning.send({ type: 'go' })).rejects.toMatchObject({
    code: 'ACTOR_QUARANTINED',
    message: expect.stringContaining('name its source in setup({actors})') as unknown,
  });
});

test('an order is seen from outside: counts, listings, children, journal', async () => {
  const directory = await newDirectory();
  await run(directory, 'paid 42');
  const stillMs = systemClock.now();
  const runtime = await openIn(join(directory, '.holdfast'), { ...systemClock, now: () => stillMs });
  const orders = runtime.define(orderMachine);
  await until(runtime, async () => (await runtime.list('order.parcel')).items.length === 1);
  const lines = await look(runtime, orders);
  expect(lines.slice(0, 3)).toEqual([
    '1 orders, 1 of them shipping',
    expect.stringMatching(/^77 is shipping, after \d+ steps$/),
    expect.stringMatching(/^order\.parcel\/77\/\S+ is under way$/),
  ]);
  expect(lines).toEqual(
    expect.arrayContaining([
      '1 xstate.init from user',
      '2 pay from user',
      expect.stringMatching(/^\d+ xstate\.done\.actor\.\S+ from effect$/),
    ]),
  );
});

test('an order behind schemas is checked at the door', async () => {
  const runtime = await openIn(await newDirectory());
  const orders = defineChecked(runtime);
  const wrong = orders.create({ input: { amount: 0.5, to: 'Ada' } });
  await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field: 'amount' } });
  const order = await orders.create({ input: { amount: 5, to: ' Ada ' } });
  expect((await order.snapshot())?.context).toEqual({ amount: 5, to: 'Ada' });
});
