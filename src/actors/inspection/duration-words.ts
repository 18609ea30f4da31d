/**
 * Time spans in words, for the CLI, the API and the inspector's page alike.
 *
 * Pure; imports nothing, for the page bundles it. Callers: why-words.ts and its neighbours, page/words.ts.
 */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;
/** Shorter spans have a tenth of a second. */
const TENTHS_MS_MAX = 10_000;

/** A span in its two largest units: `23 h 56 min`, `2.1 s`, `340 ms`; `''` when it is no number. */
export function durationWords(ms: number): string {
  if (!Number.isFinite(ms)) return '';
  if (ms < 1_000) return `${Math.max(0, Math.floor(ms))} ms`;
  if (ms < TENTHS_MS_MAX) return `${Math.floor(ms / 100) / 10} s`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [name, size] = UNITS[at] ?? UNITS[3];
  const first = `${Math.floor(ms / size)} ${name}`;
  const [smaller, smallerSize] = UNITS[at + 1] ?? ['', Infinity];
  const rest = Math.floor((ms % size) / smallerSize);
  return rest === 0 ? first : `${first} ${rest} ${smaller}`;
}
