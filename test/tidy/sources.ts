/**
 * Reads the repository as text for the tidy test: files, their lines, their imports, their code without
 * comments.
 *
 * Callers: test/tidy.test.ts. Invariant: what git ignores is not looked at, and nothing is written.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

export interface Import {
  readonly from: string;
  readonly line: number;
  /** `import type`, or every name of it marked `type`. */
  readonly typeOnly: boolean;
  /** A package or node: module as written, or the path of the file from the root. */
  readonly target: string;
}

/** The text files below `folder` (or that one file) whose names end in one of `endings`, sorted. */
export function sourcesIn(folder: string, endings: readonly string[] = ['.ts', '.tsx']): readonly Source[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  const paths = readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return paths.sort().map(sourceOf);
}

/** One file. Throws when it is not there. */
export function sourceOf(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  return { path: path.replaceAll('\\', '/'), text, lines: text.split('\n') };
}

/** The names directly in the root that end so. */
export function rootFiles(ending: string): readonly Source[] {
  return readdirSync(root)
    .filter((name) => name.endsWith(ending))
    .map(sourceOf);
}

const IMPORT =
  /^(?:import|export)\s+(type\s+)?(?:(\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)\s*from\s*)?'([^'\n]+)'/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Every import and re-export of a file, relative ones resolved. */
export function importsOf(source: Source): readonly Import[] {
  const found = [...source.text.matchAll(IMPORT)].map((match) => ({
    at: match.index,
    specifier: match[3] ?? '',
    typeOnly: match[1] !== undefined || allNamesAreTypes(match[2] ?? ''),
  }));
  const dynamic = [...codeOf(source).matchAll(DYNAMIC_IMPORT)].map((match) => ({
    at: match.index,
    specifier: match[1] ?? '',
    typeOnly: false,
  }));
  return [...found, ...dynamic].map(({ at, specifier, typeOnly }) => ({
    from: source.path,
    line: source.text.slice(0, at).split('\n').length,
    typeOnly,
    target: targetOf(source, specifier),
  }));
}

function allNamesAreTypes(clause: string): boolean {
  const names = /^\{(.*)\}$/s.exec(clause.trim())?.[1]?.split(',') ?? [];
  const given = names.map((name) => name.trim()).filter((name) => name !== '');
  return given.length > 0 && given.every((name) => name.startsWith('type '));
}

function targetOf(source: Source, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const file = join(dirname(source.path), specifier).replaceAll('\\', '/').replace(/\.js$/, '.ts');
  // What is imported as `.js` is written in either.
  return !existsSync(join(root, file)) && existsSync(join(root, `${file}x`)) ? `${file}x` : file;
}

/** The text with comments blanked out, line by line the same. Strings are left alone. */
export function codeOf(source: Source): string {
  const blank = (comment: string): string => comment.replaceAll(/[^\n]/g, ' ');
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
  return source.text.replaceAll(token, (part) => (part.startsWith('/') ? blank(part) : part));
}

/** `path:line: text` for each line that matches. */
export function linesMatching(source: Source, pattern: RegExp, text = source.text): readonly string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${source.path}:${index + 1}: ${line.trim()}`] : []));
}
