/** What the pages of docs/providers show, run: every program of examples/providers, against the simulator. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, test } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { AT_ONCE } from '../simulator/opened.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const names = (await readdir(join(root, 'examples', 'providers'))).map((file) => file.replace(/\.ts$/, ''));
/** A child that hangs is killed before its test is given up. */
const HANGS_MS = 100_000;
/** Below node_modules, so that packages with a native addon are found from it. */
const directory = join(root, 'node_modules', '.cache', 'holdfast-tests', `${process.pid}-pages`);
const REQUIRE =
  "import { createRequire as requiring } from 'node:module'; const require = requiring(import.meta.url);";

/** What an example imports by the name of a package, and what it gets. */
const LOCAL: Readonly<Record<string, string>> = {
  holdfast: 'src/index.ts',
  'holdfast/providers': 'test/providers/children/local-providers.ts',
  '@ai-sdk/google': 'test/providers/children/local-google.ts',
};

const local: Plugin = {
  name: 'local',
  setup: ({ onResolve }) => {
    onResolve({ filter: /./ }, ({ path, importer }) => {
      const found = importer.startsWith(join(root, 'examples')) ? LOCAL[path] : undefined;
      return found === undefined ? undefined : { path: join(root, found) };
    });
  },
};

beforeAll(async () => {
  await build({
    entryPoints: names.map((name) => join(root, 'examples', 'providers', `${name}.ts`)),
    outdir: directory,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['level', '@node-rs/crc32'],
    plugins: [local],
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test.concurrent.for(names)(
  'the example of %s is done, and every task is paid for once',
  async (name, context) => {
    const { expect, onTestFinished } = context;
    const cwd = await mkdtemp(join(tmpdir(), 'holdfast-page-'));
    onTestFinished(() => rm(cwd, { recursive: true, force: true }));
    const simulator = await startSimulator({ script: { life: AT_ONCE } });
    onTestFinished(() => simulator.close());
    // The AI SDK's model has its key from the example itself; all others have one by local-providers.ts.
    const env = { PATH: process.env['PATH'], SIMULATOR: simulator.url, GEMINI_API_KEY: 'any' };
    const program = join(directory, `${name}.js`);
    const run = promisify(execFile)(process.execPath, [program], { cwd, env, timeout: HANGS_MS });
    const { stdout } = await run;
    expect(stdout).toMatch(/^done( done)?\n$/);
    const billed = simulator.ledger().filter(({ event }) => event === 'submit.billed');
    expect(billed).toHaveLength(stdout.split(' ').length);
  },
);
