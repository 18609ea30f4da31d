/** The line that says how far long work is. */
import { Readable } from 'node:stream';
import pc from 'picocolors';
import { expect, test } from 'vitest';
import { withProgress } from '../../src/cli/progress.js';
import { runCommandLine } from '../../src/cli/run.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { openOffline, restore, silentLogger } from '../../src/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';
import { newTarget } from '../backup/place.js';
import { newWorld } from '../control/world.js';
import { told } from './run-cli.js';

interface Watched extends Terminal {
  /** What was written, in order; lines that are written over begin with `~`. */
  readonly seen: readonly string[];
}

function watched(columns = 40): Watched {
  const seen: string[] = [];
  return {
    ...{ columns, colours: pc.createColors(false), input: Readable.from([]), seen },
    out: (text) => void seen.push(text),
    err: (text) => void seen.push(text),
    line: (text) => void seen.push(`~${text}`),
  };
}

test('it is written over as the work goes on, within the terminal, and gone at its end', async () => {
  const clock = createSimulatedClock();
  const terminal = watched();
  const done = await withProgress(
    {},
    terminal,
    'copying',
    async (tell) => {
      await clock.advance(500);
      tell('5 rows');
      await clock.advance(500);
      return 'done';
    },
    clock,
  );
  await clock.advance(10_000);
  expect(done).toBe('done');
  expect(terminal.seen).toEqual(['~copying, 1s', '~copying, 5 rows, 1s', '~']);

  const long = watched(12);
  const failing = async (): Promise<never> => {
    await clock.advance(500);
    throw new Error('the disk is full');
  };
  await expect(withProgress({}, long, 'copying \u001b[31m', failing, clock)).rejects.toThrow('is full');
  expect(long.seen).toEqual(['~copying  […', '~']);
});

test('nothing is shown of work that ends at once, under --json, or where there is no terminal', async () => {
  const clock = createSimulatedClock();
  const terminal = watched();
  await withProgress({}, terminal, 'copying', () => Promise.resolve(), clock);
  expect(terminal.seen).toEqual(['~']);
  const json = watched();
  const { line: _none, ...piped } = watched();
  for (const work of [
    withProgress({ json: true }, json, 'copying', () => clock.advance(5_000), clock),
    withProgress({}, piped, 'copying', () => clock.advance(5_000), clock),
  ])
    await work;
  expect([...json.seen, ...piped.seen]).toEqual([]);
});

test('the commands whose work is long have it, and it is gone before their answer', async () => {
  const { directory, runtime } = await newWorld();
  await runtime.close();
  const target = await newTarget();
  for (const words of [
    ['backup', target, '--dir', directory],
    ['restore', target, '--dir', await newTarget('restored')],
    ['doctor', '--dir', directory],
    ['list', '--dir', directory],
  ]) {
    const terminal = watched();
    expect(await runCommandLine(words, terminal)).toBeUndefined();
    expect(terminal.seen.filter((text) => text === '~').length, words[0]).toBe(1);
    expect(terminal.seen.indexOf('~'), words[0]).toBe(terminal.seen.length - 2);
  }
  expect(await told(['doctor', '--dir', directory])).toMatchObject({ code: 0, err: '' });
});

test('a backup and a restore tell how many rows are copied', async () => {
  const { directory, runtime } = await newWorld();
  await (await runtime.jobs.submit({ provider: 'openai', prompt: 'a cat' })).settled();
  await runtime.close();
  const offline = await openOffline({ directory, log: silentLogger });
  const [backup, back] = [await newTarget('backup'), await newTarget('back')];
  const rows: number[] = [];
  const onProgress = (copied: number): void => void rows.push(copied);
  const report = await offline.backup(backup, { onProgress });
  await offline.close();
  await restore(backup, back, { onProgress });
  expect(rows).toEqual([report.rows, report.rows]);
});
