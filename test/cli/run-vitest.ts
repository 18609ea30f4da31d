/**
 * The tests of a folder, in a vitest of their own, as the user has it who was given them.
 *
 * Callers: test/cli. Invariant: the process has ended when the call resolves.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bundledPackage } from '../bundled.js';

/** Makes a project of a folder: packages are found from it, and `.ts` files are modules. */
export async function makeProject(folder: string): Promise<void> {
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
}

export async function runVitest(
  folder: string,
): Promise<{ readonly code: number | null; readonly out: string }> {
  const config = join(folder, 'vitest.config.mjs');
  const built = bundledPackage();
  const alias = [
    { find: 'holdfast/testing', replacement: join(built, 'testing', 'index.js') },
    { find: 'holdfast', replacement: join(built, 'index.js') },
  ];
  await writeFile(
    config,
    `export default ${JSON.stringify({ resolve: { alias }, test: { reporters: ['default'] } })};\n`,
  );
  const words = [resolve('node_modules/vitest/vitest.mjs'), 'run', '--root', folder, '--config', config];
  const env = { ...process.env, NO_COLOR: '1', VITEST: undefined, NODE_ENV: undefined };
  const child = spawn(process.execPath, words, { env, cwd: folder });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
  await once(child, 'close');
  return { code: child.exitCode, out };
}
