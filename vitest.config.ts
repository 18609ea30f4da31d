/**
 * Projects by what they cost: `unit` answers at once and goes first, `shared` talks to disks and loopback
 * sockets, or takes seconds, `package` installs the built tarball, `crash` kills processes, or has a long
 * form for HOLDFAST_DEEP, `browser` looks at the built page and comes by itself at the end, for one worker is
 * cheapest there, and `mutants`, with HOLDFAST_DEEP alone, runs tests of all kinds again on sources with a
 * mistake in them. Sized for 2 cores. The files of a project are run in the same few processes, one after the
 * other: to start a process for each of them and to read all sources there was a third to two thirds of their
 * cost (CPU: 54 files of four rooms 68 s, 23 s; 65 of eight others 223 s, 160 s). They can, for no source and
 * no helper of theirs keeps anything in a module. Timeouts are for what hangs: a test of seconds is given
 * minutes, for a slow machine is not a failure.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { closingLine } from './test/reporter.js';

const heavy = 'memory outbox quarantine restart standing step streams timers version-change';
/**
 * Seconds each: properties, thousands of actors, long lives. They would keep `unit` from answering at
 * once.
 */
const thorough = heavy.split(' ').map((name) => `test/kernel/${name}.test.ts`);
const rooms = [
  ...['backup', 'capsule', 'cli', 'client', 'control', 'doctor', 'drawing', 'examination', 'full-disk'],
  ...[
    'inspection',
    'inspector',
    'providers',
    'referees',
    'runners',
    'runtime',
    'simulator',
    'store',
    'telemetry',
  ],
];
const shared = [
  ...rooms.map((room) => `test/${room}/**/*.test.ts`),
  ...thorough,
  'test/machines/properties.test.ts',
  'test/testing/test-runtime*.test.ts',
  'test/reporter.test.ts',
];
/** Runs of other tests, over and over: only where minutes do not matter. */
const mutants = ['test/mutants/kill.test.ts'];
/** Asks npm for a test runner that is not ours: with HOLDFAST_DEEP alone, beside the crashes. */
const guests = ['test/testing/jest.test.ts'];
const deep = process.env['HOLDFAST_DEEP'] === '1';
/** They wait for disks, children and browsers a fifth of their time: two of them left two cores idle. */
const AT_A_TIME = 3;
/**
 * A real browser, one for all of them: test/browser/chromium.ts. One process for the files, too: it waits for
 * the browser most of its time, and a second one reads all sources once more (10 s of CPU).
 */
const browser = ['test/browser/**/*.test.ts'];
const packaged = ['test/package/**/*.test.ts'];
/** Bytes flipped and files cut: all of them with HOLDFAST_DEEP. */
const sweep = 'test/doctor/sweep.test.ts';
const crash = [
  ...['crash', 'crash-points', 'differential', 'simulation', 'sessions', 'demo'].map(
    (room) => `test/${room}/**/*.test.ts`,
  ),
  sweep,
];

/**
 * The package's own name leads to its sources, as tsconfig.json's `paths` say, so that examples run
 * unbuilt.
 */
const alias = [
  { find: /^holdfast$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
  { find: /^holdfast\/(.+)$/, replacement: fileURLToPath(new URL('src/$1/index.ts', import.meta.url)) },
];

export default defineConfig({
  test: {
    reporters: ['default', closingLine()],
    allowOnly: false,
    globalSetup: 'test/bundles.ts',
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...shared, ...packaged, ...browser, ...crash, ...mutants, ...guests],
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'shared',
          include: shared,
          exclude: [sweep],
          isolate: false,
          maxWorkers: AT_A_TIME,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'package',
          include: packaged,
          maxWorkers: AT_A_TIME,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'browser',
          include: browser,
          globalSetup: 'test/browser/chromium.ts',
          isolate: false,
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'crash',
          include: deep ? [...crash, ...guests] : crash,
          pool: 'forks',
          isolate: false,
          maxWorkers: AT_A_TIME,
          testTimeout: deep ? 1_200_000 : 300_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      ...(deep
        ? [
            {
              test: {
                name: 'mutants',
                include: mutants,
                testTimeout: 1_200_000,
                sequence: { groupOrder: 3 },
              },
            },
          ]
        : []),
    ],
  },
});
