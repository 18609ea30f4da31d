/** `holdfast quarantine` and its routes: beside a running runtime, and in a directory nobody holds. */
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { ask, codeOf, newWorld, opened } from '../control/world.js';
import { cli, told } from './run-cli.js';

const KEY = 'sk-live0123456789abcdef';
const PASSWORD = 'hunter2-and-more';

const machine = setup({
  actions: {
    boom: assign(() => {
      throw new Error(`a bug\u001b[31m in red, for ${KEY}`);
    }),
  },
}).createMachine({ id: 'order', version: '1', context: {}, on: { boom: { actions: 'boom' } } });

async function standing(...ids: readonly string[]) {
  const world = await newWorld();
  const orders = world.runtime.define(machine);
  for (const id of ids) {
    await orders.create({ id });
    await orders
      .get(id)
      .send({ type: 'boom', camelCase: 1, token: PASSWORD })
      .catch(() => undefined);
  }
  return world;
}

test('actors of a running process are listed, shown, skipped and dismissed through its socket', async () => {
  const { directory, runtime } = await standing('1', '2 %/é');
  const dir = ['--dir', directory];
  const [table, json, shown] = await Promise.all([
    cli(['quarantine', 'list', ...dir]),
    told(['quarantine', 'list', ...dir, '--kind', 'order', '--limit', '1', '--json']),
    told(['quarantine', 'show', 'order/2 %/é', ...dir]),
  ]);
  expect(table).toMatchObject({ code: 0, err: '' });
  const [head, row, ...rest] = table.out.trimEnd().split('\n');
  expect(head).toMatch(/^ADDRESS +SINCE +CODE +EVENT +REASON$/);
  expect(row).toMatch(/^order\/1 +2\d{3}-.+Z +THREW +boom +a bug \[31m in red/);
  expect(rest).toHaveLength(1);
  expect(JSON.parse(json.out)).toMatchObject({
    items: [{ address: 'order/1', event: { type: 'boom', camelCase: 1 } }],
    cursor: expect.any(String) as string,
  });
  expect(shown.out).toContain('address    order/2 %/é\n');
  expect(shown.out).toContain('"camelCase":1');
  for (const text of [table.out, json.out, shown.out]) expect(text).not.toMatch(/sk-live|hunter2/);

  expect((await told(['quarantine', 'show', '1', ...dir])).out).toContain('address    order/1\n');
  const still = await told(['quarantine', 'resume', 'order/1', ...dir]);
  expect(still).toMatchObject({ code: 1, out: '' });
  expect(still.err).toMatch(/^holdfast: ACTOR_QUARANTINED: [^\n]+\n$/);
  const skipped = await told(['quarantine', 'skip', 'order/1', '--operator', 'ann', ...dir]);
  expect(skipped).toMatchObject({ code: 0, out: 'order/1 goes on without it\n', err: '' });
  expect((await runtime.inspect.reader.journal('order/1')).at(-1)).toMatchObject({ source: 'operator:ann' });
  const twice = await told(['quarantine', 'skip', '1', ...dir]);
  expect(twice).toMatchObject({ code: 1 });
  expect(twice.err).toMatch(/^holdfast: ACTOR_NOT_QUARANTINED: /);
  const dismissed = await told(['quarantine', 'dismiss', 'order/2 %/é', '--json', ...dir]);
  expect(JSON.parse(dismissed.out)).toEqual({ address: 'order/2 %/é' });
  const gone = await told(['quarantine', 'show', 'order/nobody', ...dir]);
  expect(gone).toMatchObject({ code: 3, out: '' });
  expect((await told(['quarantine', 'list', ...dir])).out).toBe('no actor stands still\n');
});

test('in a directory nobody holds they are listed, and left to who has their machine', async () => {
  const { directory, runtime, options } = await standing('1');
  await runtime.close();
  const dir = ['--dir', directory];
  const listed = await told(['quarantine', 'list', ...dir, '--json']);
  expect(JSON.parse(listed.out)).toMatchObject({ items: [{ address: 'order/1' }] });
  expect(listed.out + (await told(['quarantine', 'show', '1', ...dir])).out).not.toMatch(/sk-live|hunter2/);
  for (const what of ['resume', 'skip', 'dismiss']) {
    const end = await told(['quarantine', what, 'order/1', ...dir]);
    expect(end, what).toMatchObject({ code: 1, out: '' });
    expect(end.err).toMatch(/^holdfast: KIND_UNKNOWN: .*"order".*in the process that does/);
  }
  const again = await opened(options);
  expect(await again.quarantine.get('order/1')).toMatchObject({
    message: 'a bug\u001b[31m in red, for [redacted]',
  });
});

test('the routes refuse what is wrong before anything is done', async () => {
  const { directory, runtime } = await standing('1');
  const post = (what: string, body: object) => ask(directory, 'POST', `/v1/quarantine/${what}`, body);
  const wrong = [
    await post('skip', {}),
    await post('skip', { address: 'order/1', operator: '' }),
    await post('skip', { address: 'order' }),
    await ask(directory, 'GET', '/v1/quarantine?status=x'),
    await ask(directory, 'GET', '/v1/quarantine/actor'),
  ];
  expect(wrong.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
  const found = await ask(directory, 'GET', '/v1/quarantine/actor?address=order%2F9');
  expect([found.status, codeOf(found)]).toEqual([404, 'ACTOR_NOT_FOUND']);
  const unknown = await post('skip', { address: 'other/1' });
  expect([unknown.status, codeOf(unknown)]).toEqual([409, 'KIND_UNKNOWN']);
  expect(await post('skip', { address: 'order/1' })).toMatchObject({
    status: 200,
    body: { address: 'order/1' },
  });
  expect((await runtime.inspect.reader.journal('order/1')).at(-1)).toMatchObject({
    source: 'operator:control',
  });
  const twice = await post('skip', { address: 'order/1' });
  expect([twice.status, codeOf(twice)]).toEqual([409, 'ACTOR_NOT_QUARANTINED']);
});
