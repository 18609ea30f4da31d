/**
 * What docs/guide-test-your-agent.md says, run: its tests, under vitest here and under node:test in a
 * child.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import '../../examples/testing/chat.vitest.js';
import '../../examples/testing/film.vitest.js';
import { bundled } from '../bundled.js';

test('the same tests pass under node:test', async () => {
  const file = bundled('examples/testing/film.node.ts');
  const arguments_ = ['--test', '--test-reporter=tap', file];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, { timeout: 60_000 });
  expect(stdout).toContain('# pass 4');
  expect(stdout).toContain('# fail 0');
});
