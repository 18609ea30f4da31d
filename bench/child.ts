/**
 * One measurement in a process of its own, which prints one JSON object.
 *
 * Callers: the parts. Invariant: a child that fails, or is too slow, fails the bench.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isPlainObject } from '../src/json.js';

const CHILD_TIMEOUT_MS = 300_000;

/** Runs `<name>.js` of this folder with these flags of node's; gives the numbers it printed. */
export async function inChild(
  name: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<Record<string, number>> {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', ...flags, file, ...args], {
    timeout: CHILD_TIMEOUT_MS,
  });
  const printed: unknown = JSON.parse(stdout);
  if (!isPlainObject(printed)) throw new Error(`${name} printed no object: ${stdout}`);
  return printed as Record<string, number>;
}
