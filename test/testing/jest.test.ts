/**
 * The guide's tests under jest, in the realm of its own that jest gives them: the third of three runners.
 * Runs with HOLDFAST_DEEP=1 alone: `npx` brings jest from npm's cache, or its registry.
 */
import { buildSync } from 'esbuild';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root, run } from '../package/project.js';

const JEST = 'jest@30.5.2';
/** No transform: ESM as it is. Below node_modules jest looks for no tests by itself. */
const SETTINGS = {
  transform: {},
  testEnvironment: 'node',
  testPathIgnorePatterns: [],
  haste: { retainAllFiles: true },
  watchman: false,
};
/** Packages in CommonJS ask for node's modules by `require`. */
const REQUIRE =
  "import { createRequire as requiring } from 'node:module'; const require = requiring(import.meta.url);";

/** A project of its own below node_modules, where `level`, which brings a native addon, is found from it. */
async function project(entry: string): Promise<string> {
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'holdfast-jest-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const manifest = { type: 'module', private: true, jest: SETTINGS };
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  buildSync({
    entryPoints: [join(root, entry)],
    outfile: join(directory, 'film.test.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { vitest: '@jest/globals' },
    external: ['level', '@node-rs/crc32', '@jest/globals'],
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
  return directory;
}

test('the tests of the guide pass under jest', async () => {
  const directory = await project('examples/testing/film.vitest.ts');
  const words = ['NODE_OPTIONS=--experimental-vm-modules', 'npx', '-y', '--prefer-offline', JEST];
  const { output, status } = await run('env', words, directory);
  expect(output).toContain('Tests:       4 passed, 4 total');
  expect(status).toBe(0);
}, 180_000);
