/** `holdfast serve` in its own process. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Vault } from '../../src/actors/vault.js';
import { newDirectory } from '../control/world.js';
import { startCli, told } from './run-cli.js';

const SECRET = 'a secret of thirty-two characters, or more';

/** An adapter whose hook nobody signs, and that never gets as far as a call. */
const ADAPTER = `{
  id: 'paper', aliases: [], baseUrl: 'http://127.0.0.1:9', trustedOrigins: ['http://127.0.0.1:9'],
  capabilities: { kinds: ['video'], webhook: 'unsigned', cancel: 'none', pollMinMs: 1_000 },
  reconcile: { by: 'none' },
  webhook: { schemes: [{ type: 'unsigned' }], parse: () => undefined },
  credential: () => undefined, refuse: () => undefined,
}`;

async function moduleIn(directory: string, made: (options: string) => string): Promise<string> {
  const file = join(directory, 'agent.config.mjs');
  const options = `{ directory: ${JSON.stringify(join(directory, 'house'))}, secret: '${SECRET}',
    control: false, webhooks: { publicUrl: 'https://agent.example' }, providers: [${ADAPTER}] }`;
  await writeFile(file, `export default ${made(options)};\n`);
  return file;
}

test.each([
  ['options', 'SIGTERM', (options: string) => options],
  ['a function that makes them', 'SIGINT', (options: string) => `async () => (${options})`],
] as const)(
  'a module with %s is run, its hooks are served, and %s ends it well',
  async (_what, signal, made) => {
    const directory = await newDirectory();
    const module = await moduleIn(directory, made);
    const { child, firstLine, ended } = startCli(['serve', module, '--port', '0', '--json']);
    const facts = Object(JSON.parse(await firstLine)) as Readonly<Record<string, string>>;
    expect(facts['public_url']).toBe('https://agent.example');
    const token = await new Vault(() => Promise.resolve(SECRET)).token('paper', 'job_1');
    const post = async (path: string): Promise<number> =>
      (await fetch(`${facts['url']}${path}`, { method: 'POST', body: '{}' })).status;
    expect(await post(`/hooks/paper/${token}`)).toBe(200);
    expect(await post('/hooks/paper/job_1.forged')).toBe(404);
    expect((await fetch(`${facts['url']}/hooks/paper/${token}`)).status).toBe(405);
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, err: '' });
  },
);

test('says at which doors it serves: that for workers elsewhere is there with a token alone', async () => {
  const directory = await newDirectory();
  const work = `{ token: '${'w'.repeat(32)}' }`;
  const module = await moduleIn(directory, (options) => `{ ...${options}, work: ${work} }`);
  const { child, firstLine, ended } = startCli(['serve', module, '--port', '0']);
  expect(await firstLine).toMatch(/^holdfast serves http:\S+\/hooks and http:\S+\/v1\/work$/);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0 });
});

test('a module without options, and a port that is none, are refused before anything is opened', async () => {
  const directory = await newDirectory();
  const file = join(directory, 'nothing.mjs');
  await writeFile(file, 'export default 7;\n');
  const [none, missing, port] = await Promise.all([
    told(['serve', file]),
    told(['serve', join(directory, 'is-not-there.mjs')]),
    told(['serve', file, '--port', '70000']),
  ]);
  expect(none).toMatchObject({ code: 2, out: '' });
  expect(none.err).toMatch(/^holdfast: INVALID_INPUT: [^\n]+\n$/);
  expect(missing.err).toMatch(/^holdfast: INVALID_INPUT: [^\n]+\n$/);
  expect(port.err).toMatch(/^holdfast: USAGE: [^\n]+\n$/);
});

test('a module that throws is a wrong module, and what an adapter refuses is told as it is', async () => {
  const file = join(await newDirectory(), 'throws.mjs');
  await writeFile(file, 'export default () => { throw new Error("no vault"); };\n');
  const threw = await told(['serve', file]);
  expect(threw).toMatchObject({ code: 2, out: '' });
  expect(threw.err).toMatch(
    /^holdfast: INVALID_INPUT: "module": [^\n]+: its function threw \(no vault\)[^\n]+\n$/,
  );
  const index = new URL('../../src/providers/index.ts', import.meta.url).href;
  const make = `import { fal } from ${JSON.stringify(index)};
    const providers = () => [fal({ baseURL: 'x' })];`;
  for (const made of ['{ providers: providers() }', '() => ({ providers: providers() })']) {
    await writeFile(file.replace('throws', String(made.length)), `${make}\nexport default ${made};\n`);
    const refused = await told(['serve', file.replace('throws', String(made.length))]);
    expect(refused.err).toMatch(/^holdfast: INVALID_OPTIONS: fal: baseURL is no option; there are [^\n]+\n$/);
  }
});

test('a port that is taken is refused, and the directory is free again', async () => {
  const directory = await newDirectory();
  const module = await moduleIn(directory, (options) => options);
  const first = startCli(['serve', module, '--port', '0', '--json']);
  const { url } = Object(JSON.parse(await first.firstLine)) as { readonly url: string };
  const other = await newDirectory();
  const second = await moduleIn(other, (options) => options);
  const taken = await told(['serve', second, '--port', new URL(url).port]);
  expect([taken.code, taken.err.split(':')[1]]).toEqual([2, ' INVALID_OPTIONS']);
  first.child.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
});
