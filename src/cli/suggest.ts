/**
 * Names that are near to one that is not there.
 *
 * Pure. Callers: the commands that look something up by its name.
 */

/** More slips than that are another name. */
const EDITS_MAX = 3;
const SHOWN_MAX = 3;
/** Longer ones are nobody's typing. */
const CHARS_MAX = 128;

/** At most three of `names`, the nearest first; in their own order where they are equally near. */
export function nearNames(name: string, names: Iterable<string>): readonly string[] {
  const given = name.slice(0, CHARS_MAX);
  const near = Array.from(new Set(names), (each) => ({ each, edits: editsBetween(given, each) }));
  return near
    .filter(({ edits }) => edits <= EDITS_MAX && edits * 2 < given.length)
    .toSorted((one, other) => one.edits - other.edits)
    .slice(0, SHOWN_MAX)
    .map(({ each }) => each);
}

/** `; did you mean a, b or c?`, or nothing. */
export function didYouMean(names: readonly string[]): string {
  if (names.length === 0) return '';
  const last = names.at(-1) ?? '';
  const others = names.slice(0, -1).join(', ');
  return `; did you mean ${others === '' ? last : `${others} or ${last}`}?`;
}

/** How many letters were put in, left out, mistaken or exchanged with their neighbour; more than enough of
 * them are not counted. */
function editsBetween(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > EDITS_MAX) return EDITS_MAX + 1;
  let before: readonly number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_none, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let at = 1; at <= other.length; at += 1) {
      const isSame = one[row - 1] === other[at - 1];
      const isSwapped = row > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      next.push(
        Math.min(
          (last[at] ?? 0) + 1,
          (next[at - 1] ?? 0) + 1,
          (last[at - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (before[at - 2] ?? 0) + 1 : Number.MAX_SAFE_INTEGER,
        ),
      );
    }
    before = last;
    last = next;
  }
  return last[other.length] ?? 0;
}
