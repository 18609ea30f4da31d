/**
 * Child programs of the tests as one file each: such a child starts in a quarter of the time that a loader
 * of TypeScript takes, and a third of what unbundled JavaScript does (measured, CPU: 1.47 s, 0.62 s, 0.20
 * s), and a hundred of them are started. Blanks are left out: to read them was a third of a start. The
 * built package itself is tested in test/package.
 *
 * Callers: tests and their helpers, at any time. Invariants:
 *  1  A program is bundled once in a run, by who needs it first (half a second each); one file tells another
 *     nothing, for it is the same program.
 *  2  It is whole before it is there: it is bundled beside its place, and renamed.
 */
import { buildSync } from 'esbuild';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages in CommonJS ask for node's modules by `require`. */
const REQUIRE =
  "import { createRequire as requiring } from 'node:module'; const require = requiring(import.meta.url);";

/** The path of the bundled program; `entry` is its source, from the root of the repository. */
export function bundled(entry: string): string {
  const place = join(inject('bundles'), entry.replaceAll(/\W+/g, '-'));
  // At the same depth as its source: the command line reads the package.json two folders above src/cli.
  const program = entry.replace(/\.ts$/, '.js');
  if (existsSync(place)) return join(place, program);
  const made = `${place}.${process.pid}`;
  mkdirSync(dirname(join(made, program)), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(made, 'package.json'));
  buildSync({
    entryPoints: [join(root, entry)],
    outfile: join(made, program),
    bundle: true,
    minifyWhitespace: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['level', '@node-rs/crc32'],
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
  try {
    renameSync(made, place);
  } catch (error) {
    // Another process was quicker: a directory that holds something is not replaced.
    if (!existsSync(place)) throw error;
    rmSync(made, { recursive: true });
  }
  return join(place, program);
}
