/** `holdfast capsule`, and an incident from its export to a test that passes. */
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { format, type FormatConfig } from 'oxfmt';
import { describe, expect, test } from 'vitest';
import { orderMachine } from '../../examples/incident/order.js';
import { keepIncidents } from '../../examples/incident/keep.js';
import { goOn } from '../../examples/incident/look.js';
import { openOffline, silentLogger } from '../../src/index.js';
import { ask, codeOf, newDirectory, newWorld } from '../control/world.js';
import { told } from './run-cli.js';
import { makeProject, runVitest } from './run-vitest.js';

const EXAMPLE = resolve('examples/incident');
const MODULE = join(EXAMPLE, 'order.ts');
const MENDED = join(EXAMPLE, 'mended.ts');

/** A directory in which an order stands still, and the folder of what was kept of it. */
async function incident() {
  const folder = await newDirectory();
  const world = await newWorld();
  const kept = new Promise<string>((resolve) => keepIncidents(world.runtime, folder, resolve));
  const orders = world.runtime.define(orderMachine);
  const order = await orders.create({ id: '77', input: { cents: 1_000 } });
  await order.send({ type: 'discount', rule: { percent: 10 } });
  await order.send({ type: 'discount' } as never).catch(() => undefined);
  return { ...world, folder, file: await kept, dir: ['--dir', world.directory] };
}

describe('holdfast capsule', () => {
  test('an actor is exported through the socket or from the directory, the same', async () => {
    const { runtime, folder, dir } = await incident();
    const out = join(folder, 'exported.json');
    const wrote = await told(['capsule', 'export', 'order/77', ...dir, '--out', out]);
    expect(wrote).toMatchObject({ code: 0, err: '' });
    expect(wrote.out).toMatch(
      /^wrote .+exported\.json\nactor +order\/77\nmachine +order, version 1 \(\w+\)\n/,
    );
    const again = await told(['capsule', 'export', 'order/77', ...dir, '--out', out]);
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toContain('is there already; --force overwrites it');
    expect(await told(['capsule', 'export', 'order/77', ...dir, '--out', out, '--force'])).toMatchObject({
      code: 0,
    });
    const live = JSON.parse((await told(['capsule', 'export', 'order/77', ...dir, '--json'])).out) as object;
    await runtime.close();
    const offline = JSON.parse((await told(['capsule', 'export', 'order/77', ...dir])).out) as object;
    const { capsule } = live as { capsule: object };
    expect(offline).toEqual({ ...capsule, exportedAt: expect.any(Number), seal: expect.any(String) });
    expect(await told(['capsule', 'export', 'order/9', ...dir])).toMatchObject({ code: 3 });
  });

  test('it is shown, verified and replayed; what was changed is refused', async () => {
    const { file, folder } = await incident();
    const shown = await told(['capsule', 'show', file]);
    expect(shown.out).toMatch(/reason +THREW: Cannot read prop.+\nevent +\{"type":"discount"\}/);
    expect(shown.out).toMatch(/journal +steps 1 to 2, as they were exported/);
    expect(shown.out).toMatch(/\nSEQ +AT +EVENT +STATE +FROM/);
    expect(shown.out).toMatch(/\n2 +2\d{3}-\S+Z +discount +open +user/);
    expect((await told(['capsule', 'verify', file])).out).toBe('order/77: 2 steps, as they were exported\n');
    const replayed = await told(['capsule', 'replay', file, '--module', MODULE]);
    expect(replayed).toMatchObject({ code: 0, out: 'order/77: 2 steps, as the journal says\n', err: '' });
    const altered = join(folder, 'altered.json');
    await writeFile(altered, (await readFile(file, 'utf8')).replace('"percent": 10', '"percent": 20'));
    const refused = await told(['capsule', 'verify', altered]);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('CAPSULE_ALTERED: order/77: entry 2 of its journal does not fit');
    expect(await told(['capsule', 'show', join(folder, 'none.json')])).toMatchObject({ code: 2 });
  });

  test('a replay that differs ends with 1 and says where; --to stops before it', async () => {
    const { file, folder } = await incident();
    const other = join(folder, 'other.mjs');
    await symlink(resolve('node_modules'), join(folder, 'node_modules'));
    await writeFile(
      other,
      `import { setup } from 'xstate';
const states = { open: { on: { discount: 'sold' } }, sold: {} };
const context = ({ input }) => input;
const whole = { id: 'order', version: '1', context, initial: 'open', states };
export const order = setup({}).createMachine(whole);\n`,
    );
    const end = await told(['capsule', 'replay', file, '--module', other]);
    expect(end.code).toBe(1);
    expect(end.out).toBe(
      'order/77 differs at step 2, discount: value\njournal    "open"\nmachine    "sold"\n',
    );
    expect(end.err).toMatch(/^holdfast: REPLAY_DIVERGED: order\/77 differs at step 2: value/);
    const before = await told(['capsule', 'replay', file, '--module', other, '--to', '1', '--json']);
    expect(JSON.parse(before.out)).toMatchObject({ steps: 1, same_structure: false });
    expect(await told(['capsule', 'replay', file, '--module', other, '--export', 'x'])).toMatchObject({
      code: 2,
    });
  });

  test('it is imported into a directory that nobody holds, once', async () => {
    const { file, directory, dir } = await incident();
    expect((await told(['capsule', 'import', file, ...dir])).err).toContain('STORE_LOCKED');
    const { options, runtime } = await newWorld();
    await runtime.close();
    const own = ['--dir', options.directory];
    const wrote = await told(['capsule', 'import', file, ...own, '--id', 'copy']);
    expect(wrote).toMatchObject({ code: 0, out: 'order/copy was imported and stands still\n' });
    expect(await told(['capsule', 'import', file, ...own, '--id', 'copy'])).toMatchObject({ code: 1 });
    const offline = await openOffline({ directory: options.directory, log: silentLogger });
    expect(await offline.quarantine.get('order/copy')).toMatchObject({ code: 'CAPSULE_IMPORTED' });
    await offline.close();
    expect(await told(['doctor', ...own])).toMatchObject({ code: 0 });
    expect(directory).not.toBe(options.directory);
  });

  test('the route refuses what is wrong', async () => {
    const { directory } = await incident();
    const wrong = await Promise.all([
      ask(directory, 'GET', '/v1/actors/capsule'),
      ask(directory, 'GET', '/v1/actors/capsule?address=order'),
      ask(directory, 'GET', '/v1/actors/capsule?address=order%2F77&redact=maybe'),
    ]);
    expect(wrong.map(({ status }) => status)).toEqual([400, 400, 400]);
    const nobody = await ask(directory, 'GET', '/v1/actors/capsule?address=order%2F9');
    expect([nobody.status, codeOf(nobody)]).toEqual([404, 'ACTOR_NOT_FOUND']);
  });
});

describe('from an incident to a test', () => {
  test('the example is what the command writes: clean, short, and named after what happened', async () => {
    const folder = await newDirectory();
    const out = join(EXAMPLE, 'order-77.test.ts');
    const file = join(EXAMPLE, 'order-77.capsule.json');
    const written = join(folder, 'order-77.test.ts');
    await cp(file, join(folder, 'order-77.capsule.json'));
    await cp(MODULE, join(folder, 'order.ts'));
    const words = [
      'capsule',
      'to-test',
      join(folder, 'order-77.capsule.json'),
      '--module',
      join(folder, 'order.ts'),
    ];
    await symlink(resolve('node_modules'), join(folder, 'node_modules'));
    expect(await told(words)).toMatchObject({ code: 0, err: '' });
    const text = await readFile(written, 'utf8');
    expect(text).toBe(await readFile(out, 'utf8'));
    const style = JSON.parse(await readFile('.oxfmtrc.json', 'utf8')) as FormatConfig;
    expect(await format('a.test.ts', text, style)).toMatchObject({ code: text, errors: [] });
    expect(await told(words)).toMatchObject({ code: 2 });
  });

  test('a machine that takes the incident well needs a state to miss', async () => {
    const { file, folder } = await incident();
    const mended = ['capsule', 'to-test', file, '--module', MENDED, '--out', join(folder, 'a.test.ts')];
    const end = await told(mended);
    expect(end).toMatchObject({ code: 2, out: '' });
    expect(end.err).toContain('name the state it should have ended in');
    expect((await told([...mended, '--state', 'open'])).err).toContain('there is nothing to reproduce');
    expect((await told([...mended, '--state', '{"a":1}'])).err).toContain('neither the name of a state');
    expect(await told([...mended, '--state', 'paid'])).toMatchObject({ code: 0 });
    const text = await readFile(join(folder, 'a.test.ts'), 'utf8');
    expect(text).toContain(`test('order/77 ends in paid, where it ended in open', () => {`);
    expect(text).toContain(`{ state: 'paid' }`);
  });

  test('its test fails on the machine as it is, and passes once that is mended', async () => {
    const { file, folder } = await incident();
    await cp(MODULE, join(folder, 'order.ts'));
    await makeProject(folder);
    expect(await told(['capsule', 'to-test', file, '--module', join(folder, 'order.ts')])).toMatchObject({
      code: 0,
    });
    const failing = await runVitest(folder);
    expect(failing.code).toBe(1);
    expect(failing.out).toContain('order/77 throws at step 3 (discount): TypeError: Cannot read');
    await cp(MENDED, join(folder, 'order.ts'));
    const passing = await runVitest(folder);
    expect(passing.out).toContain('1 passed');
    expect(passing.code).toBe(0);
  });

  test('and the actor itself goes on, in a directory of its own', async () => {
    const { file } = await incident();
    expect(await goOn(file, join(await newDirectory(), '.holdfast'))).toBe('order/77 is open, at 900 cents');
  });
});
