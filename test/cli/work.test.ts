/** `holdfast work`: beside a running runtime, and in a directory nobody holds. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger, type Runtime } from '../../src/index.js';
import { newDirectory, opened } from '../control/world.js';
import { field } from '../simulator/opened.js';
import { told, type CliEnd } from './run-cli.js';

interface Place {
  readonly dir: readonly ['--dir', string];
  readonly runtime: Runtime;
  readonly reopen: () => Promise<Runtime>;
}

async function running(): Promise<Place> {
  const directory = await newDirectory();
  const options = { directory, log: silentLogger, durability: 'process' as const };
  return { dir: ['--dir', directory], runtime: await opened(options), reopen: () => opened(options) };
}

const idOf = ({ out }: CliEnd): string => out.split(' ')[0] ?? '';

test('an item is added, listed, shown and counted through the socket', async () => {
  const { dir, runtime } = await running();
  const payload = { docId: 7, snake_case: 'a\u001b[31mb' };
  const words = [
    'work',
    'add',
    'embed',
    '--payload',
    '-',
    '--key',
    'd:7',
    '--priority',
    '3',
    '--attempts',
    '2',
  ];
  const first = await told([...words, ...dir], JSON.stringify(payload));
  expect(first).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^work_\S+ added\n$/) as string,
  });
  const id = idOf(first);
  expect((await told([...words, ...dir], '1')).out).toBe(`${id} was there already\n`);
  expect(json(await told([...words, '--json', ...dir], '1'))).toEqual({ id, deduplicated: true });
  await told(['work', 'add', 'mail', '--payload', '"b"', ...dir]);
  const later = await told(['work', 'add', 'mail', '--run-at', '2100-01-31T08:00:00Z', ...dir]);

  expect(lines(await told(['work', 'list', ...dir]))).toEqual([
    expect.stringMatching(/^ID +STATUS +AGE +PRIO +TRIES +KIND +NOTE$/) as string,
    expect.stringMatching(/^work_\S+ +scheduled +\d+s +128 +0\/5 +mail +in \d+d$/) as string,
    expect.stringMatching(/^work_\S+ +ready +\d+s +128 +0\/5 +mail$/) as string,
    expect.stringMatching(/^work_\S+ +ready +\d+s +3 +0\/2 +embed +d:7$/) as string,
  ]);
  const ready = await told(['work', 'list', '--status', 'ready', '--limit', '1', '--json', ...dir]);
  expect(json(ready)).toMatchObject({ items: [{ id, priority: 3, attempts_max: 2, dedupe_key: 'd:7' }] });
  const rest = ['work', 'list', '--status', 'ready', '--cursor', String(field(json(ready), 'cursor'))];
  expect(field(json(await told([...rest, '--json', ...dir])), 'items')).toHaveLength(1);
  expect(lines(await told(['work', 'list', '--kind', 'mail', '--status', 'done', ...dir]))).toEqual([
    'no work items',
  ]);

  const claim = await runtime.work.claimNext('embed', { workerId: 'me' });
  expect(claim?.payload).toEqual(payload);
  const shown = await told(['work', 'show', id, ...dir]);
  expect(shown.out).toContain('payload     {"docId":7,"snake_case":"a\\u001b[31mb"}\n');
  expect(shown.out).toMatch(/^claimed by +me, 2/m);
  expect(shown.out).not.toContain(claim?.token ?? 'the token');
  await runtime.work.done(claim?.token ?? '', { madeOf: [1] });
  const done = json(await told(['work', 'show', id, '--json', ...dir]));
  expect(done).toMatchObject({ status: 'done', payload, result: { madeOf: [1] } });

  const counts = await told(['work', 'counts', ...dir]);
  expect(lines(counts)).toEqual([
    expect.stringMatching(/^KIND +SCHEDULED +READY +RUNNING +DONE +FAILED +CANCELLED$/) as string,
    ...[/^embed( +0){3} +1( +0){2}$/, /^mail +1 +1( +0){4}$/, /^all +1 +1 +0 +1( +0){2}$/].map(
      (row) => expect.stringMatching(row) as string,
    ),
    'ready, and no handler in that process: mail',
  ]);
  expect(json(await told(['work', 'counts', '--json', ...dir]))).toMatchObject({
    all: { ready: 1, scheduled: 1, done: 1 },
    unhandled: ['mail'],
  });
  expect((await told(['work', 'cancel', idOf(later), ...dir])).out).toBe(
    `${idOf(later)} cancelled: cancelled\n`,
  );
  const twice = await told(['work', 'cancel', idOf(later), ...dir]);
  expect(twice).toMatchObject({ code: 1, err: expect.stringContaining('WORK_NOT_CANCELLABLE') as string });
});

test('dead letters are tried again by id, or all that a filter finds, and how many is told', async () => {
  const { dir, runtime } = await running();
  const fail = async (kind: string): Promise<string> => {
    await runtime.work.enqueue(kind);
    const claim = await runtime.work.claimNext(kind);
    await runtime.work.fail(claim?.token ?? '', new Error('no disk'), { retry: false });
    return claim?.id ?? '';
  };
  const dead = [await fail('a'), await fail('a'), await fail('a'), await fail('b')];
  const [one = '', two = ''] = dead;
  expect((await told(['work', 'list', '--status', 'failed', ...dir])).out).toMatch(/ a +Error: no disk$/m);
  expect((await told(['work', 'retry', one, ...dir])).out).toBe(`${one} tried again: ready\n`);
  const some = await told(['work', 'retry', one, two, 'work_none', ...dir]);
  expect(some.code).toBe(1);
  expect(lines(some)).toEqual([
    '1 tried again',
    ...[`${one} refused: WORK_NOT_RETRYABLE`, 'work_none refused: ACTOR_NOT_FOUND'],
  ]);
  expect(some.err).toMatch(/^holdfast: WORK_NOT_RETRYABLE: 2 of 3 items were not tried again\./);
  expect((await told(['work', 'retry', '--kind', 'b', ...dir])).out).toBe('1 tried again\n');
  expect(json(await told(['work', 'retry', '--failed', '--json', ...dir]))).toEqual({
    ids: [dead[2]],
    refused: [],
  });
  expect((await told(['work', 'retry', '--failed', ...dir])).out).toBe('0 tried again\n');
  expect((await told(['work', 'cancel', '--status', 'ready', '--kind', 'a', ...dir])).out).toBe(
    '3 cancelled\n',
  );
  expect((await told(['work', 'cancel', '--kind', 'b', ...dir])).out).toBe('1 cancelled\n');
  expect((await runtime.work.counts()).all).toMatchObject({ cancelled: 4, ready: 0, failed: 0 });
});

test('schedules are listed, shown, paused, resumed, triggered and removed', async () => {
  const { dir, runtime } = await running();
  const { work } = runtime;
  await work.schedule('nightly\u0007', {
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    kind: 'compact',
    payload: { aB: 1 },
  });
  await work.schedule('often', { every: 90_000, kind: 'poll', catchUp: 'once' });
  const name = 'nightly\u0007';
  const listed = lines(await told(['work', 'schedules', ...dir]));
  expect(listed).toEqual([
    expect.stringMatching(/^NAME +STATUS +NEXT +RUNS +LAST +WHEN +KIND$/) as string,
    expect.stringMatching(
      /^nightly +active +in \d+[smh] +0 +0 3 \* \* \* Europe\/Berlin +compact$/,
    ) as string,
    expect.stringMatching(/^often +active +in \d+s +0 +every 90 s +poll$/) as string,
  ]);
  const page = json(await told(['work', 'schedules', 'list', '--limit', '1', '--json', ...dir]));
  expect(page).toMatchObject({
    items: [{ name, payload: { aB: 1 }, catch_up: 'skip', next_at_ms: expect.any(Number) as number }],
  });
  expect((await told(['work', 'schedules', 'pause', name, ...dir])).out).toBe('nightly paused: paused\n');
  expect((await told(['work', 'schedules', 'resume', name, ...dir])).out).toMatch(
    /^nightly resumed: active(, next 2\S+Z)?\n$/,
  );
  const run = work.claimWhenReady('poll', { signal: AbortSignal.timeout(30_000) });
  expect((await told(['work', 'schedules', 'trigger', 'often', ...dir])).code).toBe(0);
  expect(await run).toMatchObject({ kind: 'poll' });
  const shown = await told(['work', 'schedules', 'show', 'often', ...dir]);
  expect(shown.out).toMatch(/^when +every 90 s$/m);
  expect(lines(shown).at(-1)).toMatch(/^2\S+Z +hand +enqueued +work_/);
  expect(json(await told(['work', 'schedules', 'show', 'often', '--json', ...dir]))).toMatchObject({
    ...{ every_ms: 90_000, runs: 1 },
    history: [{ trigger: 'hand', outcome: 'enqueued', work_id: expect.stringMatching(/^work_/) as string }],
  });
  await runtime.close();
  expect((await told(['work', 'schedules', 'pause', 'often', ...dir])).out).toBe('often paused: paused\n');
  expect((await told(['work', 'schedules', 'remove', 'often', ...dir])).out).toBe('often removed\n');
  expect((await told(['work', 'schedules', 'remove', name, '--json', ...dir])).out).toBe(
    `${JSON.stringify({ name })}\n`,
  );
  expect((await told(['work', 'schedules', ...dir])).out).toBe('no schedules\n');
});

test('a directory that nobody runs is worked on as it is: claims stay, and what is added waits', async () => {
  const { dir, runtime, reopen } = await running();
  await runtime.work.enqueue('held');
  const held = await runtime.work.claimNext('held', { ttlMs: 3_600_000 });
  await runtime.work.enqueue('free');
  await runtime.close();
  const added = await told(['work', 'add', 'free', '--payload', '{"aB":1}', '--priority', '0', ...dir]);
  expect(added.out).toMatch(/^work_\S+ added\n$/);
  const counts = await told(['work', 'counts', ...dir]);
  expect(lines(counts).slice(1)).toEqual([
    ...[/^free +0 +2 /, /^held +0 +0 +1 /, /^all +0 +2 +1 /].map(
      (row) => expect.stringMatching(row) as string,
    ),
  ]);
  expect((await told(['work', 'show', held?.id ?? '', ...dir])).out).toMatch(/^status +running$/m);
  const again = await reopen();
  expect(await again.work.claimNext('free')).toMatchObject({ id: idOf(added), payload: { aB: 1 } });
  await again.work.done(held?.token ?? '');
});

test('what is not there is exit code 3, a wrong command line 2 before a directory is opened', async () => {
  const { dir, runtime } = await running();
  const none = [
    ['show'],
    ['cancel'],
    ['retry'],
    ...['show', 'pause', 'resume', 'trigger', 'remove'].map((word) => ['schedules', word]),
  ];
  for (const closed of [false, true]) {
    if (closed) await runtime.close();
    for (const words of none) {
      const end = await told(['work', ...words, 'work_none', ...dir]);
      expect(end, words.join(' ')).toMatchObject({ code: 3, out: '' });
      expect(end.err, words.join(' ')).toMatch(/^holdfast: ACTOR_NOT_FOUND: [^\n]+\n$/);
    }
  }
  expect(await told(['work', 'add', 'k', '--priority', '256', ...dir])).toMatchObject({ code: 2, out: '' });
  const nowhere = ['--dir', join(dir[1], 'nowhere')];
  const wrong = [
    ['add'],
    ['add', 'k', '--payload', '{'],
    ['add', 'k', '--priority', 'high'],
    ['add', 'k', '--run-at', 'tomorrow'],
    ['list', '--status', 'pending'],
    ['retry'],
    ['retry', 'work_x', '--failed'],
    ['cancel'],
    ['cancel', '--failed'],
    ['cancel', '--status', 'done'],
    ['cancel', 'work_x', '--kind', 'k'],
    ['schedules', 'pause'],
  ];
  for (const words of wrong) {
    const end = await told(['work', ...words, ...nowhere]);
    expect(end, words.join(' ')).toMatchObject({ code: 2, out: '' });
    expect(end.err).toMatch(/^holdfast: (USAGE|INVALID_INPUT): [^\n]+\n$/);
  }
});

function json({ out }: CliEnd): unknown {
  return JSON.parse(out) as unknown;
}

function lines({ out }: CliEnd): readonly string[] {
  return out.trimEnd().split('\n');
}
