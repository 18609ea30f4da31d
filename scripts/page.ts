/**
 * Builds the inspector's page into `dist/inspector/page/`, where the built inspector looks for it.
 *
 * Owns: that folder. Called by scripts/build.ts, after the compiler; `npx tsx scripts/page.ts` builds it
 * alone. Invariants:
 *  1  Everything it needs is in the folder, under relative addresses: it works offline, below any path.
 *  2  Nothing runs from within the HTML: the server's Content-Security-Policy allows files alone.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** A file smaller than this would become a `data:` address; none is to. */
const INLINED_BYTES_MAX = 0;

export async function buildPage(): Promise<void> {
  await build({
    configFile: false,
    root: join(root, 'src', 'inspector', 'page'),
    base: './',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: join(root, 'dist', 'inspector', 'page'),
      emptyOutDir: true,
      target: 'es2023',
      sourcemap: false,
      assetsInlineLimit: INLINED_BYTES_MAX,
      modulePreload: { polyfill: false },
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
