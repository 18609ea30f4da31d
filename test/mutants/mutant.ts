/**
 * A mutant: a plausible mistake in one place of src, the rule it breaks, and the test that notices.
 *
 * Callers: the lists beside this file, their two tests, and test/guarantees.test.ts. Invariants:
 *  1  A mutant compiles, and differs from the source in what it does, not in whether it runs.
 *  2  `find` occurs once in `file`: where the source moves on, the mutant follows or the tests fail.
 */

import { sourceOf, sourcesIn } from '../tidy/sources.js';

/**
 * A row of docs/guarantees.md: a promise (`P1`), a rule of the kernel, store, sessions, hooks, work,
 * background tasks, the inspection, the rest.
 */
export type Rule = `${'P' | 'K' | 'S' | 'Q' | 'H' | 'W' | 'B' | 'I' | 'T'}${number}`;

export interface Mutant {
  /** What it does, as a sentence would say it of the runtime. Unique. */
  readonly name: string;
  readonly breaks: readonly Rule[];
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The quickest file of the tests that notice. */
  readonly caughtBy: string;
  /** The title of the test in it; `…` stands for what a title says of its case. */
  readonly by: string;
  /** The test notices by waiting for what never comes: a timeout is what a failure looks like. */
  readonly hangs?: true;
}

/** The text of a file with a mutant in it. Throws when the mutant is stale. */
export function mutated(text: string, { name, file, find, replace }: Mutant): string {
  const found = text.split(find).length - 1;
  if (found !== 1) throw new Error(`${name}: its text is in ${file} ${found} times, not once`);
  if (find === replace) throw new Error(`${name}: it changes nothing`);
  return text.replace(find, () => replace);
}

/** A pattern for the one test a title names. */
export function titlePattern(title: string): RegExp {
  const parts = partsOf(title).map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
  return new RegExp(`${parts.join('.*')}$`);
}

/** True when a test of that title is in the file, or in the contract suite that it runs. */
export function hasTitle(path: string, title: string): boolean {
  const suite = path.endsWith('contract.test.ts') ? sourcesIn('src/testing') : [];
  const texts = [sourceOf(path), ...suite].map(({ text }) => text);
  return title !== '' && texts.some((text) => partsOf(title).every((part) => text.includes(part)));
}

function partsOf(title: string): readonly string[] {
  return title.split(/ ?… ?/);
}
