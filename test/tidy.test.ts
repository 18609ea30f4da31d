/**
 * The house rules that a linter cannot keep: arrows between rooms, sizes, names, error codes, limits,
 * documents.
 *
 * Each test lists the offences it found, so that a failure reads as a list of things to mend.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorAdvice } from '../src/errors.js';
import { findingKinds } from '../src/findings.js';
import { limits } from '../src/limits.js';
import {
  assemblyFiles,
  castingFiles,
  concreteNames,
  entryFiles,
  leafFiles,
  page,
  rooms,
  sharedWords,
} from './tidy/rooms.js';
import type { Import, Source } from './tidy/sources.js';
import { codeOf, importsOf, linesMatching, root, rootFiles, sourceOf, sourcesIn } from './tidy/sources.js';

const src = sourcesIn('src');
const tests = sourcesIn('test');
const around = ['scripts', 'bench', 'examples'].flatMap((folder) => sourcesIn(folder));
const code: readonly Source[] = [...src, ...tests, ...around];
const documents: readonly Source[] = [...sourcesIn('docs', ['.md']), ...rootFiles('.md')];

const isLeaf = (path: string): boolean => leafFiles.some((name) => path === `src/${name}.ts`);
const isAssembly = (path: string): boolean => assemblyFiles.some((name) => path === `src/${name}`);
const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];
const isEntry = (path: string): boolean => entryFiles.some((name) => path === `src/${roomOf(path)}/${name}`);
const where = (one: Import): string => `${one.from}:${one.line}: ${one.target}`;

describe('rooms', () => {
  test('every folder of src has a row in the table, and every row has files', () => {
    const folders = readdirSync(join(root, 'src')).filter((name) =>
      statSync(join(root, 'src', name)).isDirectory(),
    );
    expect(folders.sort()).toEqual(Object.keys(rooms).sort());
    for (const room of Object.keys(rooms)) {
      expect(
        src.filter(({ path }) => roomOf(path) === room),
        room,
      ).not.toEqual([]);
    }
  });

  test('files directly in src are leaves or the assembly', () => {
    const loose = src.map(({ path }) => path).filter((path) => roomOf(path) === undefined);
    expect(loose.filter((path) => !isLeaf(path) && !isAssembly(path))).toEqual([]);
    expect(loose.sort()).toEqual([...leafFiles.map((name) => `src/${name}.ts`), ...assemblyPaths()].sort());
  });

  test('imports follow the arrows', () => {
    const all = src.flatMap(importsOf);
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter((one) => !followsArrows(one)).map(where)).toEqual([]);
  });

  test.each([
    ['src/machines/job.ts', 'node:crypto'],
    ['src/machines/job.ts', 'src/limits.ts'],
    ['src/store/chain.ts', 'src/actors/kernel/step.ts'],
    ['src/providers/adapters/kling.ts', 'src/channels/index.ts'],
    ['src/simulator/server.ts', 'src/providers/index.ts'],
    ['src/actors/jobs.ts', 'src/store/store.ts'],
    ['src/actors/jobs.ts', 'src/machines/job-rules.ts'],
    ['src/actors/jobs.ts', 'src/runtime.ts'],
    ['src/clock.ts', 'src/store/store.ts'],
    ['src/runtime.ts', 'src/cli/main.ts'],
    ['src/elsewhere/x.ts', 'src/limits.ts'],
    ['src/inspector/page/api.ts', 'src/actors/inspection/face.ts'],
    ['src/inspector/page/api.ts', 'undici'],
    ['src/inspector/inspector.ts', 'src/inspector/page/api.ts'],
  ])('%s may not import %s', (from, target) => {
    expect(followsArrows({ from, target, line: 1, typeOnly: false })).toBe(false);
  });

  test('every imported file exists', () => {
    const missing = src.flatMap(importsOf).filter(({ target }) => target.startsWith('src/'));
    expect(missing.filter(({ target }) => !existsSync(join(root, target))).map(where)).toEqual([]);
  });

  test('every imported package is declared in package.json', () => {
    const manifest = JSON.parse(sourceOf('package.json').text) as Record<string, object>;
    const declared = { ...manifest['dependencies'], ...manifest['peerDependencies'] };
    const undeclared = src
      .flatMap(importsOf)
      .filter(({ target }) => !target.startsWith('src/') && !target.startsWith('node:'))
      .filter(({ from, target }) => !isPage(from) && !Object.hasOwn(declared, packageOf(target)));
    expect(undeclared.map(where)).toEqual([]);
  });

  test('only the assembly, the doors and its own room name a concrete implementation', () => {
    const names = new RegExp(`\\b(${concreteNames.join('|')})\\(`);
    const own = ['store', 'providers', 'channels', 'simulator', 'testing', 'cli'];
    const others = src.filter(({ path }) => !isAssembly(path) && !own.includes(roomOf(path) ?? ''));
    expect(others.flatMap((source) => linesMatching(source, names, codeOf(source)))).toEqual([]);
  });
});

function assemblyPaths(): readonly string[] {
  return assemblyFiles.map((name) => `src/${name}`);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The one rule: what a file may import, from the room it is in. */
function followsArrows(one: Import): boolean {
  if (isPage(one.from)) return isPage(one.target) || isOfPage(one);
  if (isPage(one.target)) return false;
  const name = roomOf(one.from);
  const inside = one.target.startsWith('src/');
  if (name === undefined)
    return !inside || isLeaf(one.target) || (isAssembly(one.from) && !isDoor(one.target));
  const room = rooms[name];
  if (room === undefined) return false;
  if (!inside) {
    const allowed = room.packages;
    if (allowed === undefined) return true;
    return one.target.startsWith('node:')
      ? allowed.includes('node:')
      : allowed.includes(packageOf(one.target));
  }
  if (isLeaf(one.target)) return room.leaves ?? true;
  if (isAssembly(one.target)) return room.face ?? false;
  const target = roomOf(one.target) ?? '';
  if (target === name) return true;
  if (!isEntry(one.target)) return false;
  if (room.typesOf?.includes(target) === true) return one.typeOnly || isShared(one.target);
  return room.rooms.includes(target);
}

function isShared(path: string): boolean {
  return sharedWords.some((shared) => shared === path);
}

function isPage(path: string): boolean {
  return path.startsWith(page.folder);
}

/** Whether the page may have it. */
function isOfPage({ target, typeOnly }: Import): boolean {
  const [whole, types]: readonly (readonly string[])[] = target.startsWith('src/')
    ? [page.files, page.typesOf]
    : [page.packages, page.packageTypes];
  const named = target.startsWith('src/') ? target : packageOf(target);
  return whole?.includes(named) === true || (typeOnly && types?.includes(named) === true);
}

function isDoor(path: string): boolean {
  return ['cli', 'simulator', 'testing'].includes(roomOf(path) ?? '');
}

describe('shape', () => {
  test('files have at most 400 lines and lines at most 110 columns', () => {
    const long = code
      .filter(({ lines }) => lines.length > 401)
      .map(({ path, lines }) => `${path} ${lines.length}`);
    expect(long).toEqual([]);
    // Prettier breaks code at 110; comments and strings are ours to break, except a word that has no space in
    // it.
    const wide = /^(?=.{111})(?!\s*(\*|\/\/)?\s*\S{100,}$)/;
    expect(code.flatMap((source) => linesMatching(source, wide))).toEqual([]);
  });

  test('every file but a test opens with a header that says what it is', () => {
    const bare = [...src, ...around].filter(({ text }) => !/^(#![^\n]*\n)?\/\*\*/.test(text));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  test('file and folder names are kebab-case, and none is a drawer', () => {
    const drawers = /^(utils?|helpers?|common|types?|lib|misc|shared|tools)$/;
    const parts = src.flatMap(({ path }) =>
      path
        .replace(/\.tsx?$/, '')
        .split('/')
        .map((part) => ({ path, part })),
    );
    const wrong = parts.filter(({ part }) => drawers.test(part) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test('modules hold no mutable state', () => {
    const emptied = String.raw`(new (Map|Set|WeakMap|WeakSet)(<[^(]*>)?\(\)|\[\]);`;
    const mutable = new RegExp(
      String.raw`^(export )?(let|var) |^(export )?const \w+(: (?!readonly)[^=]+)? = ${emptied}`,
    );
    expect(src.flatMap((source) => linesMatching(source, mutable, codeOf(source)))).toEqual([]);
  });

  test('nothing is exported by default but what a tool demands', () => {
    expect(code.flatMap((source) => linesMatching(source, /^export default /, codeOf(source)))).toEqual([]);
  });

  test('types are not forced, and twice-cast at listed boundaries alone', () => {
    const forced = /\bas any\b|@ts-(ignore|nocheck|expect-error)|(oxlint|eslint)-disable/;
    expect(src.flatMap((source) => linesMatching(source, forced))).toEqual([]);
    const casting = src.filter(({ path }) => !castingFiles.some((allowed) => allowed === path));
    expect(casting.flatMap((source) => linesMatching(source, /\bas unknown as\b/))).toEqual([]);
  });

  test('clocks, chance and the process are not reached by a side door', () => {
    const aside = /\bglobalThis\b|['"]node:(timers|process|console|perf_hooks)/;
    // process-claim keeps one register of open directories a process, even when the package is loaded twice.
    const allowed = /^src\/(clock|ids|log|options|runtime|store\/process-claim)\.ts$|^src\/(cli|simulator)\//;
    const others = src.filter(({ path }) => !allowed.test(path));
    expect(others.flatMap((source) => linesMatching(source, aside, codeOf(source)))).toEqual([]);
  });
});

describe('habits', () => {
  test('nothing is put off, skipped or run alone', () => {
    const putOff = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
    expect([...code, ...documents].flatMap((source) => linesMatching(source, putOff))).toEqual([]);
    const partial = new RegExp(
      '\\b(test|it|describe)\\.(' + ['skip', 'only', 'todo', 'fails'].join('|') + ')\\b',
    );
    expect(tests.flatMap((source) => linesMatching(source, partial))).toEqual([]);
  });

  test('no path of a particular machine is written down', () => {
    const machine = new RegExp(`(^|[\\s"'\`(=])(/${['home', 'Users', 'work', 'root'].join('|/')})/\\w`);
    expect([...code, ...documents].flatMap((source) => linesMatching(source, machine))).toEqual([]);
  });
});

describe('errors and limits', () => {
  const codes = Object.keys(errorAdvice);
  const headings = [...sourceOf('docs/errors.md').text.matchAll(/^## (\S+)$/gm)].map((match) => match[1]);
  const naming = (sources: readonly Source[], wanted: string): boolean =>
    sources.some(({ text }) => text.includes(`'${wanted}'`));

  test('every error code has a heading in docs/errors.md, in order, and no other heading is there', () => {
    expect(headings).toEqual(codes.toSorted());
  });

  test('every error code is thrown somewhere in src', () => {
    const others = src.filter(({ path }) => path !== 'src/errors.ts');
    expect(codes.filter((wanted) => !naming(others, wanted))).toEqual([]);
  });

  test('every error code is asserted somewhere in the tests', () => {
    const asserted = (wanted: string): boolean =>
      tests.some(({ path, text }) => !path.startsWith('test/tidy') && text.includes(wanted)) ||
      src.some(({ path, text }) => path.startsWith('src/testing/') && text.includes(`'${wanted}'`));
    expect(codes.filter((wanted) => !asserted(wanted))).toEqual([]);
  });

  test('every finding has a heading in docs/doctor.md, in order, is found in src and seen in a test', () => {
    const found = Object.keys(findingKinds);
    expect(found).toEqual(found.toSorted());
    const told = [...sourceOf('docs/doctor.md').text.matchAll(/^## (\S+)$/gm)].map((match) => match[1]);
    expect(told).toEqual(found);
    const finders = src.filter(({ path }) => path !== 'src/findings.ts');
    expect(found.filter((wanted) => !naming(finders, wanted))).toEqual([]);
    const seen = tests.filter(({ path }) => !path.startsWith('test/tidy'));
    expect(found.filter((wanted) => !seen.some(({ text }) => text.includes(wanted)))).toEqual([]);
  });

  test('every limit is used', () => {
    const readers = src.filter(({ path, text }) => path !== 'src/limits.ts' && /\blimits\b/.test(text));
    const used = (name: string): boolean =>
      readers.some((source) => new RegExp(`\\b${name}\\b`).test(codeOf(source)));
    expect(Object.keys(limits).filter((name) => !used(name))).toEqual([]);
  });
});

describe('documents', () => {
  test('every TypeScript block is a piece of the file it names', () => {
    const wrong = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/^```(?:ts|typescript)([^\n]*)\n([\s\S]*?)^```/gm)].flatMap(
        ([, tag = '', block = '']) =>
          isPieceOf(tag.trim(), block) ? [] : [`${path}: block of ${tag.trim() || 'no file'}`],
      ),
    );
    expect(wrong).toEqual([]);
  });

  test('every relative link leads to a file', () => {
    const dead = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map((match) => join(path, '..', match[1] ?? ''))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('every promise of the README is shown by tests of that title, in the file it links', () => {
    const rows = sourceOf('README.md').lines.filter((line) => /^\| \d \| \*\*/.test(line));
    expect(rows).toHaveLength(7);
    const shown = rows.map((row) => [...row.matchAll(/\[([^\]]+)\]\((test\/[^)]+\.test\.ts)\)/g)]);
    expect(shown.filter((links) => links.length === 0)).toEqual([]);
    // An ellipsis stands for what a title says of its case.
    const isThere = (title: string, path: string): boolean =>
      title.split(' … ').every((part) => sourceOf(path).text.includes(part));
    const links = shown.flat().map(([, title = '', path = '']) => ({ title, path }));
    expect(links.filter(({ title, path }) => !isThere(title, path))).toEqual([]);
  });

  test('the README shows the two commands, each in a block of its own, and CI runs the second', () => {
    const readme = sourceOf('README.md').text;
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) {
      expect(readme).toMatch(new RegExp(`^\`\`\`\\w*\\n${command}\\n\`\`\`$`, 'm'));
    }
    expect(sourceOf('.ci/run').lines).toContain('npm ci && npm test');
  });
});

function isPieceOf(path: string, block: string): boolean {
  return path !== '' && existsSync(join(root, path)) && sourceOf(path).text.includes(block.trim());
}
