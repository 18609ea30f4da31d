/** Mutants of paged contexts: what a checkpoint writes, keeps and lets go, and what a step looks into. */
import type { Mutant } from './mutant.js';

const paging = 'src/actors/kernel/paging.ts';
const paged = 'test/kernel/paged.test.ts';
const flat = 'costs a step the same bytes with 100,000 items as with 10, after a restart too';

export const pagingMutants: readonly Mutant[] = [
  {
    name: 'writes every page with each checkpoint',
    breaks: ['K11'],
    file: paging,
    find: 'const known = before?.written.get(page);',
    replace: 'const known = written.get(page);',
    caughtBy: paged,
    by: flat,
  },
  {
    name: 'knows no page again after a load',
    breaks: ['K11'],
    file: 'src/actors/kernel/amortized.ts',
    find: '(page) => paging?.written.has(page) !== true)',
    replace: '() => true)',
    caughtBy: paged,
    by: flat,
  },
  {
    name: 'leaves the pages of checkpoints that were cut',
    breaks: ['K11'],
    file: paging,
    find: 'left.length === 0 ? gone : [...gone, [mark, left]]',
    replace: 'left.length === 0 ? [...gone, [mark, left]] : gone',
    caughtBy: paged,
    by: 'leaves no page behind in thousands of steps, and none when its actor goes',
  },
  {
    name: 'removes the pages of a checkpoint with the one before it',
    breaks: ['P1', 'K10'],
    file: paging,
    find: 'const mark = record?.marks.at(-1)?.[0] ?? 0;',
    replace: 'const mark = record?.marks.at(-2)?.[0] ?? 0;',
    caughtBy: paged,
    by: 'is as if nothing had been, whichever commit the process dies at, before or after',
  },
  {
    name: 'looks into no page',
    breaks: ['K13'],
    file: paging,
    find: 'if (isNear(page, before, index)) continue;',
    replace: 'if (index >= 0) continue;',
    caughtBy: 'test/kernel/paged-lives.test.ts',
    by: 'sets its actor aside that makes what is no page of it: …',
  },
];
