/** `holdfast backup` and `holdfast restore`, beside a running runtime and in a directory nobody holds. */
import { existsSync, mkdirSync } from 'node:fs';
import { chmod, chown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { expect, test } from 'vitest';
import { newTarget } from '../backup/place.js';
import { ask, codeOf, newDirectory, newWorld, opened } from '../control/world.js';
import { cli, told } from './run-cli.js';

/** A user that is nobody in particular. */
const NOBODY = 65_534;

test('a running directory is backed up through its process, restored elsewhere, and run there', async () => {
  const { directory, runtime, options } = await newWorld();
  const job = await runtime.jobs.submit({ provider: 'openai', prompt: 'a cat' });
  await job.settled();
  const [backup, restored] = [await newTarget('backup'), await newTarget('restored')];
  const taken = await told(['backup', backup, '--dir', directory]);
  expect(taken).toMatchObject({ code: 0, err: '' });
  expect(taken.out).toMatch(
    /^backed up .+\nmoment +commit \d+, gen\w+ 1\nactors +1\nrows +\d+\nartifacts +1\nattached +0\nsize +\d/,
  );
  const back = await told(['restore', backup, '--dir', restored, '--json']);
  expect(back).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(back.out)).toMatchObject({ directory: restored, actors: 1, effects: 0 });
  const again = await opened({ ...options, directory: restored });
  expect((await again.jobs.view(job.id)).status).toBe('done');
});

test('a path is the one of the shell that named it, and JSON is the wire’s', async () => {
  const { directory, runtime } = await newWorld();
  const place = await newDirectory();
  const online = await cli(['backup', join(place, 'one'), '--dir', directory, '--json']);
  await runtime.close();
  const offline = await told(['backup', join(place, 'two'), '--dir', directory, '--json']);
  const [first, second] = [online, offline].map(({ out }) => JSON.parse(out) as Record<string, unknown>);
  expect(first).toEqual({ ...second, directory: join(place, 'one') });
  expect(first).toMatchObject({ damaged_rows: 0, missing_artifacts: [] });
});

test('what cannot be backed up or restored is refused by its code, and leaves nothing', async () => {
  const { directory } = await newWorld();
  const target = await newTarget();
  for (const [words, code, exit] of [
    [['backup', directory, '--dir', directory], 'INVALID_INPUT', 2],
    [['backup', join(target, 'below'), '--dir', directory], 'INVALID_INPUT', 2],
    [['backup', target, '--dir', join(target, 'nothing')], 'INVALID_OPTIONS', 2],
    [['restore', directory, '--dir', target], 'STORE_LOCKED', 4],
    [['restore', join(target, 'nothing'), '--dir', target], 'INVALID_OPTIONS', 2],
  ] as const) {
    const end = await told(words);
    expect(end, words.join(' ')).toMatchObject({ code: exit, out: '' });
    expect(end.err).toContain(`holdfast: ${code}: `);
  }
  mkdirSync(target);
  await told(['backup', target, '--dir', directory]);
  const twice = await told(['backup', target, '--dir', directory, '--json']);
  expect(twice).toMatchObject({ code: 4, out: '' });
  expect(JSON.parse(twice.err)).toMatchObject({ error: { code: 'STORE_FOREIGN' } });
});

test('a target that this user may not write is STORE_UNWRITABLE, and nothing is made', async () => {
  const { directory, runtime } = await newWorld();
  await runtime.close();
  const place = await newDirectory();
  const uid = getuid?.() === 0 ? NOBODY : (getuid?.() ?? 0);
  const files = await readdir(directory, { recursive: true });
  for (const file of ['', ...files]) await chown(join(directory, file), uid, -1);
  await chmod(place, 0o555);
  const end = await cli(['backup', join(place, 'backup'), '--dir', directory], { uid });
  await chmod(place, 0o755);
  expect(end).toMatchObject({ code: 4, out: '' });
  expect(end.err).toMatch(/^holdfast: STORE_UNWRITABLE: [^ ]+backup /);
  expect(existsSync(join(place, 'backup'))).toBe(false);
});

test('over the wire the directory is an absolute path, and nothing else is taken', async () => {
  const { directory } = await newWorld();
  for (const body of [
    {},
    { directory: 'relative' },
    { directory: 7 },
    { directory: '/tmp/x', force: true },
  ]) {
    const answer = await ask(directory, 'POST', '/v1/backup', body);
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('INVALID_INPUT');
  }
  const target = await newTarget();
  const answer = await ask(directory, 'POST', '/v1/backup', { directory: target });
  expect(answer).toMatchObject({ status: 200, body: { directory: target, generation: 1 } });
  const again = await ask(directory, 'POST', '/v1/backup', { directory: target });
  expect([again.status, codeOf(again)]).toEqual([409, 'STORE_FOREIGN']);
});
