/**
 * Builds `dist/` from `src/`: the old one is removed first, so that nothing stale is ever packed.
 *
 * Owns: `dist/`; the inspector's page in it is page.ts's. Called by `npm run build`, by `npm start` and
 * `npm pack` before they need it, and by `npm test` with `--noCheck`, which checks the types in a stage of
 * its own: words go to the compiler.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './page.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);

rmSync(join(root, 'dist'), { recursive: true, force: true });
const result = spawnSync(
  process.execPath,
  [compiler, '-p', 'tsconfig.build.json', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
const commandLine = join(root, 'dist', 'cli', 'main.js');
// tsc keeps the hash-bang line but not the mode, and the shell wants both.
if (existsSync(commandLine)) chmodSync(commandLine, 0o755);
if (result.status === 0) await buildPage();
process.exitCode = result.status ?? 1;
