/**
 * Child programs of the tests as one file each: such a child starts in a quarter of the time that a loader of
 * TypeScript takes, and half of what unbundled JavaScript does (measured, CPU: 1.47 s, 0.62 s, 0.27 s), and a
 * hundred of them are started. The built package itself is tested in test/package.
 *
 * Callers: test files, while they are collected. Owns a directory below node_modules, so that the packages
 * with a native addon are found from it; it goes when the file has ended.
 * A helper may call it while it is imported only for files of projects that are not `isolate: false`: there
 * it is imported once, and what it bundled is gone with the first file.
 */
import { buildSync } from 'esbuild';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages in CommonJS ask for node's modules by `require`. */
const REQUIRE =
  "import { createRequire as requiring } from 'node:module'; const require = requiring(import.meta.url);";

/** The path of the bundled program; `entry` is its source, from the root of the repository. */
export function bundled(entry: string): string {
  const name = `${process.pid}-${entry.replaceAll(/\W+/g, '-')}`;
  const directory = join(root, 'node_modules', '.cache', 'holdfast-tests', name);
  rmSync(directory, { recursive: true, force: true });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  // At the same depth as its source: the command line reads the package.json two folders above src/cli.
  const outfile = join(directory, entry.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(outfile), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(directory, 'package.json'));
  buildSync({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['level', '@node-rs/crc32'],
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
  return outfile;
}
