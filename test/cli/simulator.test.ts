/** `holdfast simulator` in its own process. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newDirectory } from '../control/world.js';
import { opened } from '../simulator/opened.js';
import { startCli, told } from './run-cli.js';

test.each(['SIGINT', 'SIGTERM'] as const)(
  'it tells its URLs once it listens, bills to its ledger, and ends well at %s',
  async (signal) => {
    const directory = await newDirectory();
    const ledger = join(directory, 'ledger.ndjson');
    const script = join(directory, 'script.json');
    await writeFile(script, '{"life": {"queued": {"polls": 0}}}');
    const { child, firstLine, ended } = startCli([
      'simulator',
      '--json',
      '--ledger',
      ledger,
      '--script',
      script,
      '--seed',
      '7',
    ]);
    const { openai, url, foreignUrl, ...others } = Object(JSON.parse(await firstLine));
    expect(openai).toBe(`${url}/openai/v1`);
    expect(others).toMatchObject({ kling: `${url}/kling`, veo: `${url}/veo/v1beta` });
    expect(foreignUrl).not.toBe(url);
    const response = await fetch(`${openai}/videos`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
      body: '{"prompt":"a cat"}',
    });
    expect(response.status).toBe(200);
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, err: '' });
    expect(await readFile(ledger, 'utf8')).toContain('billed');
  },
);

test('without --json it tells where each provider is, in a table', async () => {
  const { child, firstLine, ended } = startCli(['simulator']);
  expect(await firstLine).toMatch(/^simulator listens on http:\/\/127\.0\.0\.1:\d+$/);
  child.kill('SIGTERM');
  const { out } = await ended;
  expect(out).toMatch(/^PROVIDER +BASE URL\nagnes +http.*\/agnes\nfal +http/m);
});

test('a script that is wrong and a port that is taken are refused before anything is served', async () => {
  const directory = await newDirectory();
  const script = join(directory, 'script.json');
  await writeFile(script, '{"live": {}}');
  const { port } = await opened();
  const [wrong, taken, none] = await Promise.all([
    told(['simulator', '--script', script]),
    told(['simulator', '--port', String(port)]),
    told(['simulator', '--port', '70000']),
  ]);
  expect(wrong).toMatchObject({ code: 2, out: '' });
  expect(wrong.err).toMatch(/^holdfast: INVALID_INPUT: [^\n]+\n$/);
  expect(taken).toMatchObject({ code: 2, out: '' });
  expect(taken.err).toMatch(/^holdfast: INVALID_OPTIONS: [^\n]+\n$/);
  expect(none).toMatchObject({ code: 2, out: '' });
  expect(none.err).toMatch(/^holdfast: USAGE: [^\n]+\n$/);
});
