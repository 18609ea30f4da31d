/**
 * What is kept by labels while everything goes on, to be read when it is asked for.
 *
 * Own counting, not a metrics library's: those make a text of the labels each time, which costs more than all
 * else that a step is told to. Owns: what is kept. Callers: measures.ts. Invariant: there are at most
 * `limits.metricSeriesMax` combinations of labels, and one `other` for each first label: what comes after is
 * kept there, and under `other` altogether when its first label is new, too.
 */
import { limits } from '../../limits.js';

/** One combination of labels, and its number. */
export interface Series {
  readonly labels: readonly string[];
  readonly value: number;
}

const OTHER = 'other';

export class Labelled<T> {
  readonly #make: (labels: readonly string[]) => T;
  readonly #count: number;
  readonly #max: number;
  /** By the first label, then by the others: the two looks of a step make no text. */
  readonly #firsts = new Map<string, Map<string, T>>();
  readonly #all: T[] = [];

  /** `count` labels, 0 to 3; `make` is called once for each combination. */
  constructor(count: number, make: (labels: readonly string[]) => T, max: number = limits.metricSeriesMax) {
    this.#count = count;
    this.#make = make;
    this.#max = max;
  }

  /** In the order in which they came up. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** What is kept for these labels. */
  of(first = '', second = '', third = ''): T {
    const rest = this.#count < 3 ? second : `${second}\0${third}`;
    return this.#firsts.get(first)?.get(rest) ?? this.#add([first, second, third], rest);
  }

  #add(labels: readonly [string, string, string], rest: string): T {
    if (this.#all.length < this.#max) return this.#put(labels, rest);
    const first = this.#firsts.has(labels[0]) ? labels[0] : OTHER;
    return this.#firsts.get(first)?.get(OTHER) ?? this.#put([first, OTHER, OTHER], OTHER);
  }

  #put(labels: readonly [string, string, string], rest: string): T {
    const made = this.#make(labels.slice(0, this.#count));
    const [first] = labels;
    const others = this.#firsts.get(first) ?? new Map<string, T>();
    this.#firsts.set(first, others.set(rest, made));
    this.#all.push(made);
    return made;
  }
}

/** Numbers that are summed up anew each time: those of equal labels together, the largest first. */
export function summed(count: number, given: readonly Series[], max?: number): readonly Series[] {
  const sums = new Labelled(count, (labels) => ({ labels, value: 0 }), max);
  for (const { labels, value } of given.toSorted((a, b) => b.value - a.value))
    sums.of(...labels).value += value;
  return sums.all;
}
