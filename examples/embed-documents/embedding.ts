/** Stands in for a model: texts that share words have vectors that are near to each other. */
const DIMENSIONS = 64;

export function embed(text: string): readonly number[] {
  const vector = Array.from({ length: DIMENSIONS }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\d]+/gu) ?? []) {
    let hash = 2_166_136_261;
    for (const letter of word) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
    const at = Math.abs(hash) % DIMENSIONS;
    vector[at] = (vector[at] ?? 0) + 1;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((part) => part / length);
}

export function likeness(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, part, at) => sum + part * (right[at] ?? 0), 0);
}
