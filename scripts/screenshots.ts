/**
 * Makes the pictures of docs/inspector.md anew: `npm run screenshots`. The browser tests take them, and write
 * them where they are told to.
 *
 * Owns: nothing; docs/images is written by test/browser/pictures.ts.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './page.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
await buildPage();
const vitest = join(root, 'node_modules', '.bin', 'vitest');
const words = ['run', '--project', 'browser'];
const env = { ...process.env, HOLDFAST_SCREENSHOTS: '1' };
process.exitCode = spawnSync(vitest, words, { cwd: root, stdio: 'inherit', env }).status ?? 1;
