/**
 * The package as users get it: packed, unpacked into an empty project beside its declared dependencies alone,
 * type checked and run there. Needs `npm run build` to have run; `npm test` does that.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

async function manifestIn(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest;
}

interface Project {
  readonly directory: string;
  readonly installed: string;
  readonly files: readonly string[];
}

/**
 * Packs the repository and installs the tarball by hand: unpacked, with links to what its manifest declares.
 */
async function installInto(directory: string): Promise<Project> {
  const pack = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', directory], {
    cwd: root,
  });
  const [packed] = JSON.parse(pack.stdout) as readonly {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (packed === undefined) throw new Error('npm pack said nothing');
  const installed = join(directory, 'node_modules', 'holdfast');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(directory, packed.filename), '-C', installed, '--strip-components=1']);
  const { dependencies, peerDependencies } = await manifestIn(installed);
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), '@types/node']) {
    const link = join(directory, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link);
  }
  return { directory, installed, files: packed.files.map(({ path }) => path) };
}

describe('the packed package', () => {
  let project: Project;

  beforeAll(async () => {
    project = await installInto(await mkdtemp(join(tmpdir(), 'holdfast-package-')));
    const settings = {
      compilerOptions: {
        target: 'ES2023',
        lib: ['ES2023', 'ESNext.Disposable'],
        types: ['node'],
        module: 'NodeNext',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
        noEmit: true,
      },
      include: ['*.ts'],
    };
    await writeFile(join(project.directory, 'package.json'), '{"type":"module","private":true}');
    await writeFile(join(project.directory, 'tsconfig.json'), JSON.stringify(settings));
    await cp(join(root, 'examples', 'embed.ts'), join(project.directory, 'embed.ts'));
  });

  afterAll(async () => {
    await rm(project.directory, { recursive: true, force: true });
  });

  test('holds the build and the documents, and neither sources nor tests', () => {
    expect(project.files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/index.js']),
    );
    expect(project.files.filter((path) => /^(src|test|bench|scripts|node_modules)\//.test(path))).toEqual([]);
  });

  test('every entry of exports can be imported and has types', async () => {
    const { exports } = await manifestIn(project.installed);
    const entries = Object.entries(exports).flatMap(([path, target]) =>
      typeof target === 'string' ? [] : [{ path, types: target['types'] ?? '' }],
    );
    expect(entries.length).toBeGreaterThanOrEqual(6);
    const specifiers = entries.map(({ path }) => path.replace(/^\./, 'holdfast'));
    const script = specifiers
      .map((name) => `console.log(Object.keys(await import('${name}')).length)`)
      .join('\n');
    await writeFile(join(project.directory, 'entries.mjs'), script);
    const { stdout } = await run(process.execPath, ['entries.mjs'], { cwd: project.directory });
    const counts = stdout.trim().split('\n').map(Number);
    expect(counts).toHaveLength(entries.length);
    expect(counts.every((count) => count > 0)).toBe(true);
    for (const { types } of entries) expect(project.files).toContain(types.replace('./', ''));
  });

  test('a short program type-checks against it', () => {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', '.'], {
      cwd: project.directory,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  test('the same program runs, renders and delivers', async () => {
    const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
    const { stdout } = await run(process.execPath, [tsx, 'embed.ts'], {
      cwd: project.directory,
      timeout: 120_000,
    });
    expect(stdout).toMatch(/^done: 1 artifact$/m);
  });

  test('its command answers --help and --version', async () => {
    const { bin } = await manifestIn(project.installed);
    const command = join(project.installed, bin['holdfast'] ?? '');
    const help = await run(process.execPath, [command, '--help'], { cwd: project.directory });
    expect(help.stdout).toContain('Usage: holdfast');
    const version = await run(process.execPath, [command, '--version'], { cwd: project.directory });
    expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('publint has nothing to complain about', async () => {
    const { messages, pkg } = await publint({ pkgDir: project.installed, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });
});
