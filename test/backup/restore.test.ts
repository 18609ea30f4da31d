/** What is restored is a moment of a life that went on: nothing paid is repeated, nothing broken is begun. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { HoldfastError } from '../../src/errors.js';
import { openOffline, restore, silentLogger, type DefineOptions, type Runtime } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { keys, openLevelStore, ordOf, rangeOf, type Commit } from '../../src/store/index.js';
import { faultyStore } from '../../src/testing/index.js';
import { auditStore } from '../crash/audit.js';
import { deferred } from '../kernel/fixtures.js';
import { AT_ONCE, buildHouse, delivered, entries, video, type House } from '../runtime/house.js';
import { pagedBy } from './paged.js';
import { looked, newTarget, rowsIn } from './place.js';

async function backedUp(directory: string): Promise<string> {
  const target = await newTarget();
  const offline = await openOffline({ directory, log: silentLogger });
  await offline.backup(target);
  await offline.close();
  return target;
}

/** An effect of that kind that nobody has begun. */
function intends(kind: string): (commit: Commit) => boolean {
  return ({ rows }) =>
    rows.some(({ key, value }) => key.startsWith(`o\0${kind}\0`) && value?.includes('"started"') === false);
}

/** Opens a house that backs itself up the first time it commits what `is` true of, before it goes on. */
async function openBackingUp(
  house: House,
  target: string,
  is: (commit: Commit) => boolean,
): Promise<Runtime> {
  let taken = false;
  const runtime: Runtime = await house.open({
    wrapStore: (store) =>
      faultyStore(store, {
        onCommit: async (_number, phase, commit) => {
          if (taken || phase !== 'after' || !is(commit)) return;
          taken = true;
          await runtime.backup(target);
        },
      }),
  });
  return runtime;
}

test.each(['openai', 'kling'] as const)(
  'a job of %s, backed up before its POST and billed after it, is found again and billed once',
  async (provider) => {
    const house = await buildHouse({ life: AT_ONCE });
    const backup = await newTarget();
    const runtime = await openBackingUp(house, backup, intends('job'));
    const job = await runtime.jobs.submit(video({ provider }));
    const original = await delivered(runtime, job);
    await runtime.close({ timeoutMs: 0 });
    const directory = await newTarget('restored');
    expect(await restore(backup, directory)).toMatchObject({ directory, effects: 1, actors: 1 });
    const again = await house.open({ directory });
    const restored = await delivered(again, again.jobs.get(job.id));
    expect(restored).toMatchObject({ status: 'done', ref: original.ref });
    expect(entries(house, 'submit.received')).toHaveLength(1);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
    expect(new Set(house.sent.map(({ deliveryId }) => deliveryId)).size).toBe(1);
    await again.close({ timeoutMs: 0 });
    await auditStore(directory);
  },
);

test('a message that was on its way comes again under its id', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const backup = await newTarget();
  const runtime = await openBackingUp(house, backup, intends('delivery'));
  await delivered(runtime, await runtime.jobs.submit(video()));
  await runtime.close({ timeoutMs: 0 });
  const directory = await newTarget('restored');
  await restore(backup, directory);
  const again = await house.open({ directory });
  const [job] = (await again.jobs.list()).items;
  await delivered(again, again.jobs.get(job?.id ?? ''));
  expect(house.sent).toHaveLength(2);
  expect(house.sent[0]?.deliveryId).toBe(house.sent[1]?.deliveryId);
  const paths = house.sent.map(({ files }) => dirname(files[0]?.path ?? ''));
  expect(paths).toEqual([house.directory, directory].map((each) => join(each, 'artifacts')));
});

test('manual effects are told, probes are asked, and rerun counts no failure', async () => {
  const house = await buildHouse();
  const held = deferred<void>();
  const runs: string[] = [];
  const machine = errands(async (name) => {
    runs.push(name);
    await held.promise;
  });
  const options: DefineOptions<typeof machine> = {
    effects: {
      paid: { recovery: 'manual' },
      asked: {
        recovery: 'probe',
        probe: async () => {
          runs.push('probe');
          return { type: 'done', output: 'found' };
        },
      },
      free: { recovery: 'rerun', restart: { failuresMax: 1, periodMs: 1_000_000 } },
    },
  };
  const runtime = await house.open();
  await runtime.define(machine, options).create({ id: '1' });
  await expect.poll(() => runs.toSorted()).toEqual(['asked', 'free', 'paid']);
  const backup = await newTarget();
  await runtime.backup(backup);
  await runtime.close({ timeoutMs: 0 });
  const directory = await newTarget('restored');
  expect(await restore(backup, directory)).toMatchObject({ effects: 3 });
  runs.length = 0;
  held.resolve(undefined);
  const again = await house.open({ directory });
  const ref = again.define(machine, options).get('1');
  const end = await ref.waitFor(({ status }) => status === 'done');
  expect(end.output).toEqual({ paid: 'interrupted', asked: 'found', free: 'ran' });
  expect(runs.toSorted()).toEqual(['free', 'probe']);
});

test('effects are marked in commits of a page each, and the chain holds', async () => {
  const directory = await newTarget('many');
  const count = limits.scanPageRows * 2 + 1;
  const store = await openLevelStore({ directory, durability: 'process' });
  const row = { address: 'job/1', id: '1:0', child: 'x', src: 'x' };
  const rows = Array.from({ length: count }, (_unused, index) => ({
    key: keys.effect('job', 'x', ordOf(2, index)),
    value: JSON.stringify(index === 0 ? { ...row, started: { at: 1, epoch: 1, attempt: 1 } } : row),
  }));
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  const commit = store.lastCommit;
  await store.close();
  const place = await newTarget('restored');
  const report = await restore(await backedUp(directory), place);
  expect(report).toMatchObject({ effects: count, commit, generation: 1 });
  await looked(place, async (restored) => {
    expect(restored.lastCommit).toBe(commit + 3);
    const found = await restored.scan({ ...rangeOf('o'), limit: count + 1 });
    const epochs = found.map(([, text]) => /"started":\{"at":\d+,"epoch":(\d)/.exec(text)?.[1]);
    expect(epochs).toEqual(['1', ...Array.from({ length: count - 1 }, () => '2')]);
  });
});

test('a restored directory is run like any other, and the backup is as it was', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  await delivered(runtime, job);
  await runtime.close({ timeoutMs: 0 });
  const backup = await backedUp(house.directory);
  const before = await rowsIn(backup);
  const directory = await newTarget('restored');
  await restore(backup, directory);
  expect(await rowsIn(directory)).toEqual(before);
  const again = await house.open({ directory });
  const [artifact] = (await again.jobs.view(job.id)).artifacts;
  expect(existsSync(artifact?.path ?? '')).toBe(true);
  expect(artifact?.path.startsWith(join(directory, 'artifacts'))).toBe(true);
  await delivered(again, await again.jobs.submit(video({ prompt: 'more' })));
  await again.close({ timeoutMs: 0 });
  expect(await auditStore(directory)).toHaveLength(2);
  expect(await rowsIn(backup)).toEqual(before);
  const marker: unknown = JSON.parse(readFileSync(join(directory, 'holdfast.json'), 'utf8'));
  expect(marker).toMatchObject({ state: 'ready', copied: { commit: expect.any(Number) } });
});

test('an artifact whose content is not what its name says is left out and named', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const runtime = await house.open();
  await delivered(runtime, await runtime.jobs.submit(video()));
  await runtime.close({ timeoutMs: 0 });
  const backup = await backedUp(house.directory);
  const [file = ''] = readdirSync(join(backup, 'artifacts'));
  await writeFile(join(backup, 'artifacts', file), 'something else');
  const directory = await newTarget('restored');
  const report = await restore(backup, directory);
  expect(report).toMatchObject({ artifacts: 0, missingFiles: 1, missingArtifacts: [file] });
  expect(readdirSync(join(directory, 'artifacts'))).toEqual([]);
});

test('a restore from nothing, from what runs, or to where something is makes nothing', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const place = await newTarget('restored');
  await expect(restore(house.directory, place)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await runtime.close({ timeoutMs: 0 });
  const backup = await backedUp(house.directory);
  const nowhere = await newTarget('nowhere');
  await expect(restore(nowhere, place)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  await expect(restore(backup, join(place, 'child'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(restore(backup, join(backup, 'child'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  const aborted = restore(backup, place, { signal: AbortSignal.abort(new Error('enough')) });
  await expect(aborted).rejects.toThrow('enough');
  expect(existsSync(place)).toBe(false);
  await mkdir(place);
  await writeFile(join(place, 'letter.txt'), 'dear');
  await expect(restore(backup, place)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  await expect(restore(backup, house.directory)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  expect(readdirSync(place)).toEqual(['letter.txt']);
});

test('a range that cannot be read ends a copy, which leaves nothing', async () => {
  const house = await buildHouse();
  const wrapStore = pagedBy((page) => {
    if (page === 2) throw new HoldfastError('STORE_CORRUPTED', 'a block cannot be unpacked');
  });
  const runtime = await house.open({ wrapStore });
  const target = await newTarget();
  await expect(runtime.backup(target)).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  expect(existsSync(target)).toBe(false);
});

/** Three effects at once, and what became of each. */
function errands(run: (name: string) => Promise<void>) {
  const effect = (name: string) =>
    fromPromise<string>(async () => {
      await run(name);
      return 'ran';
    });
  const branch = (name: 'paid' | 'asked' | 'free') =>
    ({
      initial: 'going',
      states: {
        going: {
          invoke: {
            id: name,
            src: name,
            onDone: { target: 'over', actions: { type: 'note', params: { name } } },
          },
          on: {
            'effect.interrupted': {
              target: 'over',
              guard: { type: 'isOf', params: { name } },
              actions: { type: 'note', params: { name } },
            },
          },
        },
        over: { type: 'final' },
      },
    }) as const;
  return setup({
    types: {
      context: {} as Record<string, unknown>,
      output: {} as Record<string, unknown>,
      events: {} as { type: 'effect.interrupted'; effect: string; src: string },
    },
    actors: { paid: effect('paid'), asked: effect('asked'), free: effect('free') },
    guards: { isOf: ({ event }, { name }: { name: string }) => event.src === name },
    actions: {
      note: assign(({ event }, { name }: { name: string }) => ({
        [name]: 'output' in event ? event.output : 'interrupted',
      })),
    },
  }).createMachine({
    id: 'errands',
    version: '1',
    context: {},
    output: ({ context }) => context,
    type: 'parallel',
    states: { paid: branch('paid'), asked: branch('asked'), free: branch('free') },
  });
}
