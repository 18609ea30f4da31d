/** Families in a process that is killed at one commit after the other: their stories end all the same. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Kernel, type ActorRecord } from '../../src/actors/kernel/index.js';
import { checkReplay } from '../../src/actors/kernel/index.js';
import { silentLogger } from '../../src/log.js';
import { openLevelStore, type Store } from '../../src/store/index.js';
import { partsOf, rangeOf, type RowLetter } from '../../src/store/keys.js';
import { createSimulatedClock } from '../../src/testing/index.js';
import { bundled } from '../bundled.js';
import { clan } from './clan.js';
import { chance, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const KILLS = isDeep ? 150 : 14;
const CLANS = 5;
/** Of a process that opens what an earlier one left: most have as many commits left. */
const COMMITS = 16;

const program = bundled('test/crash/children/clan.ts');

interface Plan {
  readonly directory: string;
  readonly clans: number;
  readonly kill?: { readonly commit: number; readonly phase: 'before' | 'after' };
}

/** Runs it to its end: `SIGKILL`, or its exit code. */
async function run(plan: Plan): Promise<string> {
  const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'close');
  return String(child.signalCode ?? child.exitCode);
}

async function rows(store: Store, letter: RowLetter): Promise<(readonly [key: string, text: string])[]> {
  return store.scan({ ...rangeOf(letter), limit: 100_000 });
}

/** Holds the store against what each clan must have come to. */
async function audit(directory: string, clans: number): Promise<void> {
  const store = await openLevelStore({ directory });
  const kernel = await Kernel.open({ store, clock: createSimulatedClock(Date.now()), log: silentLogger });
  kernel.define({ kind: 'clan', machine: clan });
  const found = new Map<string, number>();
  for (const [key, text] of await rows(store, 's')) {
    const [address = ''] = partsOf(key);
    const record = JSON.parse(text) as ActorRecord;
    const kind = address.slice(0, address.indexOf('/'));
    const definition = kernel.definitionOf(kind);
    if (definition === undefined) throw new Error(`${address} is of no kind`);
    checkReplay({ definition, address, entries: await kernel.reader.journal(address) }, record.snapshot);
    found.set(`${kind} ${record.status}`, (found.get(`${kind} ${record.status}`) ?? 0) + 1);
    if (kind !== 'clan') continue;
    expect(record.snapshot).toMatchObject({
      output: [
        [1, 2, 3],
        [1, 2, 3],
      ],
    });
  }
  expect(Object.fromEntries(found)).toEqual({
    'clan done': clans,
    'clan.elder done': 2 * clans,
    'clan.elder.scribe done': 2 * clans,
    'clan.runner stopped': 3 * clans,
  });
  for (const letter of ['i', 'o', 'y', 'q'] as const) expect(await rows(store, letter), letter).toEqual([]);
  await kernel.close();
  await store.close();
}

test(`killed ${KILLS} times, families tell the same stories to their ends`, async ({ onTestFinished }) => {
  const seed = seedOf('crash/children');
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-clan-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  let killed = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    // New ones come all along, so that every kill hits some of them.
    const commit = 1 + Math.floor(chance(seed, 2 * kill) * COMMITS);
    const phase = chance(seed, 2 * kill + 1) < 0.5 ? 'before' : 'after';
    const ended = await run({ directory, clans: CLANS * (kill + 1), kill: { commit, phase } });
    expect(ended).toMatch(/^SIGKILL$|^0$/);
    if (ended === 'SIGKILL') killed += 1;
  }
  expect(killed, 'most of them hit').toBeGreaterThan(KILLS / 2);
  expect(await run({ directory, clans: CLANS * KILLS })).toBe('0');
  await audit(directory, CLANS * KILLS);
});
