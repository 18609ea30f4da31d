/**
 * Four projects, by what they cost: `unit` answers at once, `contract` talks to disks and loopback sockets, `package`
 * installs the built tarball, `crash` kills child processes. Sized for 2 cores; `crash` runs alone, so that its
 * processes are killed by us and not by a busy machine's timeouts.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { closingLine } from './test/reporter.js';

const contract = ['store', 'simulator', 'providers', 'control', 'cli', 'runtime'].map(
  (room) => `test/${room}/**/*.test.ts`,
);
const packaged = ['test/package/**/*.test.ts'];
const crash = ['test/crash/**/*.test.ts', 'test/demo/**/*.test.ts'];

/** The package's own name leads to its sources, as tsconfig.json's `paths` say, so that examples run unbuilt. */
const alias = [
  { find: /^holdfast$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
  { find: /^holdfast\/(.+)$/, replacement: fileURLToPath(new URL('src/$1/index.ts', import.meta.url)) },
];

export default defineConfig({
  test: {
    reporters: ['default', closingLine()],
    allowOnly: false,
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...contract, ...packaged, ...crash],
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'contract',
          include: contract,
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'package',
          include: packaged,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'crash',
          include: crash,
          pool: 'forks',
          testTimeout: process.env['HOLDFAST_DEEP'] === '1' ? 1_200_000 : 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
