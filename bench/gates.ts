/**
 * Gates: what a part of the bench must show, printed as pass or FAIL with the number.
 *
 * Callers: the parts. Invariant: one failed gate makes the exit code of the process 1; the last line a part
 * prints is one JSON object for machines.
 */

export interface Gate {
  readonly what: string;
  readonly value: number;
  readonly bound: 'atLeast' | 'atMost';
  readonly limit: number;
  readonly unit: string;
}

export function atLeast(limit: number, what: string, value: number, unit = ''): Gate {
  return { what, value, bound: 'atLeast', limit, unit };
}

export function atMost(limit: number, what: string, value: number, unit = ''): Gate {
  return { what, value, bound: 'atMost', limit, unit };
}

/** Prints the gates of a part, then the part as one JSON line. */
export function report(part: string, gates: readonly Gate[], figures: object): void {
  console.log('');
  for (const gate of gates) console.log(lineOf(gate));
  const failed = gates.filter((gate) => !holds(gate));
  if (failed.length > 0) process.exitCode = 1;
  console.log(JSON.stringify({ at: new Date().toISOString(), part, failed: failed.length, gates, figures }));
}

/** A number that is not one passes no gate. */
function holds({ value, bound, limit }: Gate): boolean {
  return bound === 'atLeast' ? value >= limit : value <= limit;
}

function lineOf(gate: Gate): string {
  const { what, value, bound, limit, unit } = gate;
  const wanted = `${bound === 'atLeast' ? 'at least' : 'at most'} ${limit} ${unit}`.trimEnd();
  return `${holds(gate) ? 'pass' : 'FAIL'}  ${what}: ${rounded(value)} ${unit}`.trimEnd() + ` (${wanted})`;
}

function rounded(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3);
}
