/** `holdfast providers`: beside a running runtime, and with a module where nobody runs. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, codeOf, ENDLESS, newDirectory, newWorld } from '../control/world.js';
import { field } from '../simulator/opened.js';
import { cli, told } from './run-cli.js';

const CAT = { provider: 'openai', prompt: 'a cat' } as const;
const KEY = 'sk-test';
const TROUBLE = { class: 'auth', code: 'http401', message: 'the key was revoked', retryable: false } as const;

test('shows what is registered, whether keys are there, how accounts are and what jobs do', async () => {
  const { directory, runtime } = await newWorld(ENDLESS);
  await runtime.jobs.submit(CAT);
  const cancelled = await runtime.jobs.submit(CAT);
  await cancelled.cancel();
  await cancelled.settled();
  await runtime.accounts.report({ provider: 'openai', credential: 'second' }, TROUBLE);
  const [text, json] = await Promise.all([
    cli(['providers', '--dir', directory], { columns: 200 }),
    told(['providers', 'list', '--dir', directory, '--json']),
  ]);
  expect(text).toMatchObject({ code: 0, err: '' });
  const lines = text.out.trimEnd().split('\n');
  expect(lines[0]).toMatch(
    /^PROVIDER +ACCOUNT +KEY +HEALTH +LIMITS +RECONCILE +WEBHOOK +CANCEL +KINDS +URL$/,
  );
  expect(lines[1]).toMatch(/^openai +default +present +open +8 at once +list +signed +none +video +http/);
  expect(lines[2]).toMatch(/^ +second +missing +paused \(auth\)$/);
  expect(lines.slice(3)).toEqual([
    'openai:second: the key was revoked',
    expect.stringMatching(/^openai: 1 (submitting|pending|polling), 1 cancelled$/),
  ]);
  expect(JSON.parse(json.out)).toMatchObject({
    items: [
      {
        id: 'openai',
        reconcile: 'list',
        checkable: true,
        limits: { concurrent: 8 },
        poll_min_ms: 1,
        accounts: [
          { credential: 'default', status: 'open', has_key: true },
          { credential: 'second', status: 'paused', reason: 'auth', has_key: false },
        ],
        jobs: { cancelled: 1 },
      },
    ],
  });
  expect(text.out + json.out).not.toContain(KEY);
});

test('a check asks the provider once, and tells a key that is refused from none at all', async () => {
  const { directory, simulator, runtime } = await newWorld(ENDLESS);
  const good = await told(['providers', 'check', 'openai', '--dir', directory]);
  expect(good).toEqual({ code: 0, out: 'openai:default is known to its provider\n', err: '' });
  const calls = simulator.ledger();
  expect(calls.filter(({ event }) => event.startsWith('submit'))).toEqual([]);
  const keyless = await told(['providers', 'check', 'openai', '--credential', 'x', '--dir', directory]);
  expect(keyless).toMatchObject({ code: 1, out: '' });
  expect(keyless.err).toMatch(/^holdfast: PROVIDER_CHECK_FAILED: openai:x has no key here\. /);
  simulator.setScript({ faults: [{ route: 'any', fault: { type: 'unauthorized' } }] });
  const refused = await told(['providers', 'check', 'openai', '--dir', directory, '--json']);
  expect(JSON.parse(refused.err)).toMatchObject({
    error: { code: 'PROVIDER_CHECK_FAILED', details: { outcome: 'failed', class: 'auth' } },
  });
  expect(refused.err).not.toContain(KEY);
  // It is a look: the account is as it was.
  expect(await runtime.accounts.list()).toEqual([]);
  const unknown = await told(['providers', 'check', 'nobody', '--dir', directory]);
  expect(unknown.err).toMatch(/^holdfast: PROVIDER_UNKNOWN: /);
});

test('a paused account is resumed, and is open then', async () => {
  const { directory, runtime } = await newWorld(ENDLESS);
  await runtime.accounts.report({ provider: 'openai', credential: 'default' }, TROUBLE);
  const resumed = await told(['providers', 'resume', 'openai', '--dir', directory]);
  expect(resumed).toEqual({ code: 0, out: 'openai:default is open\n', err: '' });
  expect(await runtime.accounts.list()).toMatchObject([{ status: 'open' }]);
});

test('where nobody runs, a module says who is registered; without one the answer says so', async () => {
  const { directory, runtime } = await newWorld(ENDLESS);
  await runtime.jobs.submit(CAT);
  await runtime.close();
  const nobody = await told(['providers', '--dir', directory]);
  expect(nobody).toMatchObject({ code: 2, out: '' });
  expect(nobody.err).toMatch(/^holdfast: INVALID_INPUT: no runtime runs in .+ start it, or name the module/);
  const module = join(await newDirectory(), 'options.mjs');
  const index = new URL('../../src/providers/index.ts', import.meta.url).href;
  await writeFile(
    module,
    `import { kling, openai } from ${JSON.stringify(index)};
    const env = () => ({});
    export default {
      directory: ${JSON.stringify(directory)},
      providers: [openai({ apiKey: '${KEY}', limits: { concurrent: 2, perMinute: 20 } }), kling({ env })],
    };\n`,
  );
  const listed = await told(['providers', '--module', module, '--json']);
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(listed.out)).toMatchObject({
    items: [
      { id: 'openai', limits: { concurrent: 2, per_minute: 20 }, accounts: [{ has_key: true }] },
      { id: 'kling', accounts: [{ has_key: false }], jobs: {} },
    ],
  });
  const checked = await told(['providers', 'check', 'kling', '--module', module]);
  expect(checked.err).toContain('kling:default has no key here');
  const resume = await told(['providers', 'resume', 'openai', '--dir', directory]);
  expect(resume.err).toContain('resumed by the process that runs its jobs');
});

test('keys are looked at before a directory was ever run, and nothing is made there', async () => {
  const { simulator } = await newWorld(ENDLESS);
  const home = await newDirectory();
  const directory = join(home, 'not-there-yet');
  const module = join(home, 'options.mjs');
  const index = new URL('../../src/providers/index.ts', import.meta.url).href;
  const baseUrl = simulator.baseUrls['openai'] ?? '';
  await writeFile(
    module,
    `import { openai } from ${JSON.stringify(index)};
    const key = ${JSON.stringify(KEY)};
    const apiKey = { default: key, broken: key + String.fromCharCode(10) + key };
    const providers = [openai({ baseUrl: ${JSON.stringify(baseUrl)}, apiKey })];
    export default { directory: ${JSON.stringify(directory)}, providers };\n`,
  );
  const checked = await told(['providers', 'check', 'openai', '--module', module]);
  expect(checked).toEqual({ code: 0, out: 'openai:default is known to its provider\n', err: '' });
  const listed = await told(['providers', '--module', module]);
  expect(listed.out).toMatch(/openai +default +present +open [^]*openai: no jobs\n$/);
  const broken = await told(['providers', 'check', 'openai', '--credential', 'broken', '--module', module]);
  expect(broken).toMatchObject({ code: 1, out: '' });
  expect(broken.err).toContain(
    'auth unusableKey: the key of "broken" has characters that no header can carry',
  );
  expect(broken.err).not.toContain(KEY);
  expect(await readdir(home)).toEqual(['options.mjs']);
});

test('the door takes the same, and resumes an account that was never held back', async () => {
  const { directory } = await newWorld(ENDLESS);
  const listed = await ask(directory, 'GET', '/v1/providers');
  expect([listed.status, field(listed.body, 'items.0.id')]).toEqual([200, 'openai']);
  const checked = await ask(directory, 'POST', '/v1/providers/openai/check', {});
  expect(checked).toEqual({
    status: 200,
    body: { provider: 'openai', credential: 'default', outcome: 'ok' },
  });
  const wrong = await ask(directory, 'POST', '/v1/providers/openai/check', { key: 'x' });
  expect([wrong.status, codeOf(wrong)]).toEqual([400, 'INVALID_INPUT']);
  const unknown = await ask(directory, 'POST', '/v1/providers/nobody/check', {});
  expect([unknown.status, codeOf(unknown)]).toEqual([400, 'PROVIDER_UNKNOWN']);
  const resumed = await ask(directory, 'POST', '/v1/accounts/resume', { provider: 'openai' });
  expect([resumed.status, field(resumed.body, 'status')]).toEqual([200, 'open']);
});
