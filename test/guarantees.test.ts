/**
 * docs/guarantees.md says what is true: each promise and each rule has a test and a mutant that proves it.
 *
 * A row that is wrong is printed as it must be: copy it into the document.
 */
import { describe, expect, test } from 'vitest';
import { mutants } from './mutants/list.js';
import { hasTitle, type Mutant, type Rule } from './mutants/mutant.js';
import { sourceOf } from './tidy/sources.js';

const numbered = (
  letter: 'P' | 'K' | 'S' | 'Q' | 'H' | 'W' | 'B' | 'I' | 'T',
  count: number,
): readonly Rule[] => Array.from({ length: count }, (_unused, index) => `${letter}${index + 1}` as const);
const rules: readonly Rule[] = [
  ...numbered('P', 7),
  ...numbered('K', 16),
  ...numbered('S', 8),
  ...numbered('Q', 4),
  ...numbered('H', 5),
  ...numbered('W', 7),
  ...numbered('B', 6),
  ...numbered('I', 10),
  ...numbered('T', 6),
];
const rows = sourceOf('docs/guarantees.md').lines.filter((line) => /^\| [PKSQHWBIT]\d+ \| /.test(line));

interface Shown {
  readonly title: string;
  readonly path: string;
}

/** The tests that the README names for a promise. */
function inReadme(rule: Rule): readonly Shown[] {
  if (!rule.startsWith('P')) return [];
  const row = sourceOf('README.md').lines.find((line) => line.startsWith(`| ${rule.slice(1)} | **`)) ?? '';
  return testsIn(row);
}

function testsIn(row: string): readonly Shown[] {
  const links = row.matchAll(/\[([^\]]+)\]\((?:\.\.\/)?(test\/[^)]+\.test\.ts)\)/g);
  return [...links].map(([, title = '', path = '']) => ({ title, path }));
}

const breaking = (rule: Rule): readonly Mutant[] => mutants.filter(({ breaks }) => breaks.includes(rule));
const rowOf = (rule: Rule): string | undefined => rows.find((line) => line.startsWith(`| ${rule} |`));

/** The row as it must be, with the words that it has. */
function wanted(rule: Rule): string {
  const words = rowOf(rule)?.split(' | ')[1] ?? 'what it says';
  const noticing = breaking(rule).map(({ by: title, caughtBy: path }) => ({ title, path }));
  const links = [...inReadme(rule), ...noticing].map(({ title, path }) => `[${title}](../${path})`);
  const names = breaking(rule).map(({ name }) => name);
  return `| ${rule} | ${words} | ${[...new Set(links)].join('<br>')} | ${names.join('<br>')} |`;
}

describe('docs/guarantees.md', () => {
  test('has a row for every promise, every rule', () => {
    expect(rows.map((row) => row.split(' ')[1])).toEqual(rules);
  });

  test.each(rules)('%s: has a mutant, and its row names them all and the tests that notice', (rule) => {
    expect(breaking(rule)).not.toEqual([]);
    expect(rowOf(rule)).toBe(wanted(rule));
  });

  test.each(rules)('%s: its tests are there', (rule) => {
    const shown = testsIn(rowOf(rule) ?? '');
    expect(shown).not.toEqual([]);
    expect(shown.filter(({ title, path }) => !hasTitle(path, title))).toEqual([]);
  });
});
