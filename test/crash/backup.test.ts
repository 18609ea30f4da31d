/** A backup of a process at work is one moment of it; a process that dies of it leaves no half store. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { examine, openRuntime, restore, silentLogger, type CopyReport } from '../../src/index.js';
import { looked } from '../backup/place.js';
import { bundled } from '../bundled.js';
import { cli } from '../cli/run-cli.js';
import { auditPairs, giver, taker } from './pairs.js';

const PAIRS = 1_000;
const loaded = bundled('test/crash/children/loaded.ts');

interface Loaded {
  readonly heard: (fact: string) => Promise<string>;
  readonly lines: readonly string[];
  readonly stop: () => void;
  readonly ended: Promise<unknown>;
}

function startLoaded(directory: string, dieAtPage = 0): Loaded {
  const words = [loaded, directory, String(PAIRS), String(dieAtPage)];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const tell = (): void => waiting.forEach((look) => look());
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    tell();
  });
  const heard = (fact: string): Promise<string> =>
    new Promise((resolve, reject) => {
      void ended.then((how) => reject(new Error(`it ended (${String(how)}) without "${fact}"`)));
      const look = (): void => {
        const line = lines.find((each) => each.startsWith(fact));
        if (line !== undefined) resolve(line);
      };
      waiting.add(look);
      look();
    });
  return { heard, lines, ended, stop: () => child.stdin.end() };
}

async function newPlace(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-loaded-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Opens a directory, lets every taker catch up with its giver, steps one, and audits it afterwards. */
async function expectGoesOn(directory: string): Promise<void> {
  const runtime = await openRuntime({ directory, control: false, log: silentLogger });
  const takers = runtime.define(taker);
  const givers = runtime.define(giver);
  await givers.get('0').send({ type: 'give' });
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const gave = await givers.get(String(pair)).waitFor(() => true);
    await takers.get(String(pair)).waitFor(({ context }) => context.n === gave.context.n);
  }
  await runtime.close();
  expect((await looked(directory, (store) => auditPairs(store, PAIRS))).underWay).toBe(0);
}

async function expectHealthy(directory: string): Promise<void> {
  const machines = [{ machine: giver }, { machine: taker }];
  expect(await examine({ directory, machines, deep: true })).toMatchObject({
    verdict: 'healthy',
    findings: [],
  });
}

test('a backup of a process at work is one moment, and goes on where it is restored', async () => {
  const place = await newPlace();
  const [directory, backup, restored] = [join(place, 'live'), join(place, 'backup'), join(place, 'restored')];
  const child = startLoaded(directory);
  await child.heard('working');
  const told = await cli(['backup', backup, '--dir', directory, '--json']);
  expect(told).toMatchObject({ code: 0, err: '' });
  const report = JSON.parse(told.out) as CopyReport;
  child.stop();
  const summary = (await child.heard('summary ')).slice('summary '.length);
  process.stdout.write(`backup of ${report.rows} rows at work: ${summary}\n`);
  await child.ended;
  const commits = child.lines.flatMap(
    (line) => /^page \d+ commit (\d+)$/.exec(line)?.slice(1).map(Number) ?? [],
  );
  expect(commits.length).toBeGreaterThan(5);
  // Steps went on from its first page to its last, and it has none of them.
  expect(commits.at(-1)).toBeGreaterThan((commits[0] ?? 0) + commits.length);
  expect(report.commit).toBeLessThanOrEqual(commits[0] ?? 0);
  const moment = await looked(backup, (store) => auditPairs(store, PAIRS));
  expect(moment.given).toBeGreaterThan(0);
  const live = await looked(directory, (store) => auditPairs(store, PAIRS));
  expect(live.given).toBeGreaterThan(moment.given);
  await restore(backup, restored);
  for (const whole of [backup, restored]) await expectHealthy(whole);
  await expectGoesOn(restored);
  await expectHealthy(restored);
});

test('a process killed in the middle of a backup leaves no store there, and loses nothing', async () => {
  const place = await newPlace();
  const [directory, backup] = [join(place, 'live'), join(place, 'backup')];
  const child = startLoaded(directory, 5);
  await child.heard('working');
  const told = await cli(['backup', backup, '--dir', directory]);
  expect(told).toMatchObject({ code: 4, out: '' });
  expect(told.err).toMatch(/^holdfast: CONTROL_FAILED: /);
  expect(await child.ended).toBe('SIGKILL');
  expect(await readdir(backup)).toContain('db');
  for (const use of [
    () => openRuntime({ directory: backup, control: false, log: silentLogger }),
    () => restore(backup, join(place, 'restored')),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  }
  const again = await cli(['backup', backup, '--dir', directory]);
  expect(again.err).toMatch(/^holdfast: STORE_FOREIGN: /);
  await expectGoesOn(directory);
  const offline = await cli(['backup', join(place, 'second'), '--dir', directory]);
  expect(offline).toMatchObject({ code: 0, err: '' });
});
