/** The closing line of `npm test`, as a run of vitest itself writes it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs vitest over one file with this body, inside the repository so that vitest is found. */
function closingLineOf(body: string): {
  readonly line: string | undefined;
  readonly exitCode: number | null;
} {
  const directory = mkdtempSync(join(root, 'node_modules', '.reporter-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'a.test.mjs'), `import { expect, test } from 'vitest';\n${body}`);
  writeFileSync(
    join(directory, 'vitest.config.mjs'),
    `import { closingLine } from ${JSON.stringify(join(root, 'test', 'reporter.ts'))};
     const reporters = ['default', closingLine()];
     export default { test: { include: ['a.test.mjs'], exclude: [], reporters } };`,
  );
  const result = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--root', directory],
    { encoding: 'utf8', cwd: directory, env: { ...process.env, VITEST: undefined, NO_COLOR: '1' } },
  );
  return { line: result.stdout.trimEnd().split('\n').at(-1), exitCode: result.status };
}

test('counts passed, failed and skipped tests on the last line', () => {
  const body = `const { skip } = test;
    test('a', () => {}); test('b', () => expect(1).toBe(2)); skip('c', () => {});`;
  expect(closingLineOf(body)).toEqual({ line: '1 passed, 1 failed, 1 skipped', exitCode: 1 });
});

test('counts an error outside of any test as failed', () => {
  const body = `test('a', () => { void Promise.reject(new Error('nobody waits for this')); });`;
  expect(closingLineOf(body)).toEqual({ line: '1 passed, 1 failed, 0 skipped', exitCode: 1 });
  expect(closingLineOf(`throw new Error('does not load');`)).toEqual({
    line: '0 passed, 1 failed, 0 skipped',
    exitCode: 1,
  });
});
