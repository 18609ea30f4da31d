/**
 * Child programs of the tests as one file each, and hundreds of them are started. Such a child starts in a
 * quarter of the time that a loader of TypeScript takes, and a third of what unbundled JavaScript does
 * (measured, CPU: 1.47 s, 0.62 s, 0.20 s); with what V8 compiled kept from the first start, in half of that
 * (0.44 s, 0.22 s, once the sources had grown). Blanks are left out: to read them was a third of a start. The
 * built package itself is tested in test/package.
 *
 * Callers: tests and their helpers, at any time. Invariants:
 *  1  A program is bundled once in a run, by who needs it first (half a second each); one file tells another
 *     nothing, for it is the same program.
 *  2  It is whole before it is there: it is bundled beside its place, and renamed.
 *  3  What has exports is a module, for others to import; all else is a script that children/start.ts runs.
 */
import { buildSync, type BuildOptions } from 'esbuild';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages in CommonJS ask for node's modules by `require`. */
const REQUIRE =
  "import { createRequire as requiring } from 'node:module'; const require = requiring(import.meta.url);";

const common = {
  bundle: true,
  minifyWhitespace: true,
  platform: 'node',
  target: 'node20',
  external: ['level', '@node-rs/crc32'],
  logLevel: 'error',
} as const satisfies BuildOptions;

/** The path of the bundled program; `entry` is its source, from the root of the repository. */
export function bundled(entry: string): string {
  // At the same depth as its source: the command line reads the package.json two folders above src/cli.
  const program = entry.replace(/\.ts$/, '.js');
  return join(
    madeOnce(entry, (place) => build(entry, join(place, program))),
    program,
  );
}

/** The folder of the package's own entries, of which all share one copy of what they share. */
export function bundledPackage(): string {
  return madeOnce('package', (outdir) => {
    const entryPoints = ['src/index.ts', 'src/testing/index.ts'].map((entry) => join(root, entry));
    buildSync({ ...common, entryPoints, outdir, splitting: true, format: 'esm', packages: 'external' });
  });
}

function madeOnce(name: string, make: (directory: string) => void): string {
  const place = join(inject('bundles'), name.replaceAll(/\W+/g, '-'));
  if (existsSync(place)) return place;
  const made = `${place}.${process.pid}`;
  mkdirSync(made, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(made, 'package.json'));
  make(made);
  try {
    renameSync(made, place);
  } catch (error) {
    // Another process was quicker: a directory that holds something is not replaced.
    if (!existsSync(place)) throw error;
    rmSync(made, { recursive: true });
  }
  return place;
}

function build(entry: string, outfile: string): void {
  const file = join(root, entry);
  mkdirSync(dirname(outfile), { recursive: true });
  const source = readFileSync(file, 'utf8').replace(/^#!.*/, '');
  if (/^export /m.test(source)) {
    buildSync({ ...common, entryPoints: [file], outfile, format: 'esm', banner: { js: REQUIRE } });
    return;
  }
  const { outputFiles } = buildSync({
    ...common,
    stdin: { contents: asScript(source), resolveDir: dirname(file), sourcefile: file, loader: 'ts' },
    outfile: `${outfile}.cjs`,
    format: 'cjs',
    define: { 'import.meta.url': '__url' },
    write: false,
  });
  // Code that is kept has forgotten who imports for it.
  const text = outputFiles.map((output) => output.text).join('');
  writeFileSync(`${outfile}.cjs`, text.replaceAll('await import(', 'await __import('));
  buildSync({ entryPoints: [join(root, 'test', 'children', 'start.ts')], outfile, format: 'esm' });
}

/** A script has no `await` of its own: what follows the imports becomes a function. */
function asScript(source: string): string {
  const imports = [...source.matchAll(/^(?:import\b|\}) .*'\.?[^']*';$/gm)];
  const last = imports.at(-1);
  const end = last === undefined ? 0 : last.index + last[0].length;
  return `${source.slice(0, end)}\nvoid (async () => {${source.slice(end)}\n})();`;
}
