/** One bad actor, key function or file never keeps a runtime from opening, listing or closing. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HoldfastError } from '../../src/errors.js';
import type { Store } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import { buildHouse, NEVER, seenAs, until, video } from './house.js';

type Read = Store['get'];

/** A store with another way to read one row. */
function readingBy(store: Store, get: Read): Store {
  return {
    generation: store.generation,
    get lastCommit() {
      return store.lastCommit;
    },
    get,
    getMany: (asked) => store.getMany(asked),
    scan: (options) => store.scan(options),
    commit: (commit) => store.commit(commit),
    view: () => store.view(),
    close: () => store.close(),
  };
}

function unreadable(store: Store, key: string): Store {
  return readingBy(store, (asked) => {
    if (asked === key) throw new HoldfastError('STORE_CORRUPTED', 'a row fails its checksum');
    return store.get(asked);
  });
}

function quarantined(store: Store, key: string): Store {
  const reason = { code: 'THREW', message: 'a guard threw', at: 0, event: { type: 'x' }, source: 'test' };
  return readingBy(store, async (asked) => {
    const text = await store.get(asked);
    if (asked !== key || text === undefined) return text;
    return JSON.stringify({ ...(JSON.parse(text) as object), quarantine: reason });
  });
}

for (const [what, spoilt] of [
  ['unreadable', unreadable],
  ['quarantined', quarantined],
] as const) {
  test(`a blocked job that is ${what} keeps no runtime from opening, no other from waking`, async () => {
    const house = await buildHouse({ life: NEVER });
    const keyless = { ...house.adapters.openai, credential: () => undefined };
    const first = await house.open({ providers: [keyless] });
    const bad = await first.jobs.submit(video({ prompt: 'bad' }));
    const good = await first.jobs.submit(video({ prompt: 'good' }));
    await seenAs(first, bad, 'blocked');
    await seenAs(first, good, 'blocked');
    await first.close();
    const record = keys.record(`job/${bad.id}`);
    const second = await house.open({ wrapStore: (store) => spoilt(store, record) });
    await seenAs(second, second.jobs.get(good.id), 'pending');
    const listed = await second.jobs.list();
    expect(listed.items.map(({ id }) => id)).toContain(good.id);
  });
}

test('a key function that throws for a blocked job keeps nobody from opening', async () => {
  const house = await buildHouse({ life: NEVER });
  const keyless = { ...house.adapters.openai, credential: () => undefined };
  const first = await house.open({ providers: [keyless] });
  const job = await first.jobs.submit(video());
  await seenAs(first, job, 'blocked');
  await first.close();
  const throwing = {
    ...house.adapters.openai,
    credential: () => {
      throw new Error('the vault is sealed');
    },
  };
  const second = await house.open({ providers: [throwing] });
  expect((await second.jobs.get(job.id).view()).status).toBe('blocked');
});

test('a close whose control file cannot be removed frees the directory all the same', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open({ control: true });
  const socket = join(house.directory, 'control.sock');
  await rm(socket, { force: true });
  await mkdir(socket);
  await writeFile(join(socket, 'full'), '');
  await runtime.close();
  await rm(socket, { recursive: true });
  expect((await house.open()).status).toBe('running');
});

test('nothing is accepted once close was called, however long the control door takes to close', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open({ control: true });
  const closing = runtime.close();
  await expect(runtime.jobs.submit(video())).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
  await closing;
});

test('an async listener that rejects is logged, never felt', async () => {
  const house = await buildHouse({ life: NEVER });
  const errors: string[] = [];
  const nothing = (): void => undefined;
  const log = {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (_fields: unknown, message: string) => void errors.push(message),
    child: () => log,
  };
  const runtime = await house.open({ log });
  // What a user passes may well be an async function.
  runtime.on('step', () => Promise.reject(new Error('a listener')) as unknown as undefined);
  await seenAs(runtime, await runtime.jobs.submit(video()), 'pending');
  await until(runtime, () => errors.includes('listener.failed'));
});
