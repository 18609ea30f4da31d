/**
 * A difference of two contexts as lines: a sign, where, and what.
 *
 * Pure. Callers: the step and what-if panels. Invariant: a line is told apart by its sign, not by its
 * colour alone.
 */
import type { Change } from '../../../actors/inspection/face.js';
import type { Json } from '../../../json.js';

export interface DiffLine {
  readonly sign: '+' | '−' | '~';
  /** For who cannot see the sign. */
  readonly word: 'added' | 'removed' | 'changed';
  /** As one would write it: `artifacts[0].bytes`; `(all of it)` for the root. */
  readonly place: string;
  readonly before?: string;
  readonly after?: string;
}

export function diffLines(changes: readonly Change[]): readonly DiffLine[] {
  return changes.map((change) => {
    const place = placeOf(change.path);
    const before = change.before === undefined ? {} : { before: textOf(change.before) };
    const after = change.after === undefined ? {} : { after: textOf(change.after) };
    if (change.before === undefined) return { sign: '+', word: 'added', place, ...after };
    if (change.after === undefined) return { sign: '−', word: 'removed', place, ...before };
    return { sign: '~', word: 'changed', place, ...before, ...after };
  });
}

/** A JSON pointer as it is written in code. */
export function placeOf(pointer: string): string {
  if (pointer === '') return '(all of it)';
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduce((place, key) => {
    if (/^\d+$/.test(key)) return `${place}[${key}]`;
    if (!/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)) return `${place}[${JSON.stringify(key)}]`;
    return place === '' ? key : `${place}.${key}`;
  }, '');
}

/** One line of JSON. */
function textOf(value: Json): string {
  return JSON.stringify(value);
}
