/** Options as a module in JavaScript gives them: a name that is misspelt is told, not left out. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openRuntime } from '../../src/index.js';

test.each([
  [{ providrs: [] }, 'providrs: no such option; there are directory, providers, channels, '],
  [
    { webhooks: { publicURL: 'https://a.example' } },
    'webhooks.publicURL: no such option; there are publicUrl',
  ],
  [{ webhooks: 'https://a.example' }, 'webhooks: not an object'],
  [{ jobs: { timoutMs: 1 } }, 'jobs.timoutMs: no such option; there are timeoutMs, '],
  [{ jobs: { poll: { every_ms: 1 } } }, 'jobs.poll.every_ms: no such option; there are everyMs, '],
])('%j is refused before anything is made', async (given, message) => {
  const home = await mkdtemp(join(tmpdir(), 'options-'));
  onTestFinished(() => rm(home, { recursive: true }));
  const opened: unknown = Reflect.apply(openRuntime, undefined, [{ directory: join(home, 'a'), ...given }]);
  await expect(opened).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining(message) as unknown,
  });
  expect(await readdir(home)).toEqual([]);
});

test('no options at all are refused as such', async () => {
  const opened: unknown = Reflect.apply(openRuntime, undefined, []);
  await expect(opened).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
});
