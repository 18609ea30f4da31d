/**
 * Starts the bundled script that lies beside it (bundled.ts), with what V8 made of it at its first start.
 *
 * Built to where a program is expected. Invariant: the kept code is whole before it is there, and of no
 * consequence: V8 compiles anew what it did not compile itself.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

type Program = (require: NodeJS.Require, url: string, load: (module: string) => Promise<unknown>) => void;

const filename = `${fileURLToPath(import.meta.url)}.cjs`;
const kept = `${filename}.code`;
const isKept = existsSync(kept);
const script = new Script(`(function (require, __url, __import) {${readFileSync(filename, 'utf8')}\n})`, {
  filename,
  ...(isKept && { cachedData: readFileSync(kept) }),
});
const program = script.runInThisContext() as Program;
program(createRequire(import.meta.url), import.meta.url, (module) => import(module));
if (!isKept) keep(script.createCachedData());

function keep(code: Buffer): void {
  const own = `${kept}.${process.pid}`;
  try {
    writeFileSync(own, code);
    renameSync(own, kept);
  } catch (error) {
    // Who may not write there compiles for itself.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
}
