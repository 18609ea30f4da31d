/**
 * Counting: which of the matching calls a rule is for ("the third", "every fifth", "a tenth of them").
 *
 * Owns: one counter a rule, or a rule and prompt. Callers: faults.ts, tasks.ts.
 * Invariants:
 *  O1  A call that matches a rule advances its counter once, whether the rule then applies or not.
 *  O2  With `countPer: 'prompt'` the result does not depend on the order in which calls of other prompts
 *      arrive.
 */
import { sha256Hex } from '../ids.js';
import { fraction } from './chance.js';
import type { Occasion } from './script.js';

export class Occasions {
  readonly #seed: number;
  readonly #counts = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * A name for this call, unique under the rule `name`, when the rule is for it; undefined when it is not.
   */
  match(name: string, occasion: Occasion, prompt: string | undefined): string | undefined {
    if (occasion.prompt !== undefined && !(prompt ?? '').includes(occasion.prompt)) return undefined;
    const counter = occasion.countPer === 'prompt' ? `${name}\0${sha256Hex(prompt ?? '')}` : name;
    const count = (this.#counts.get(counter) ?? 0) + 1;
    this.#counts.set(counter, count);
    if (occasion.nth !== undefined && count !== occasion.nth) return undefined;
    if (occasion.every !== undefined && count % occasion.every !== 0) return undefined;
    if (occasion.from !== undefined && count < occasion.from) return undefined;
    if (occasion.until !== undefined && count > occasion.until) return undefined;
    const call = `${counter}\0${count}`;
    if (occasion.chance === undefined) return call;
    return fraction(this.#seed, call) < occasion.chance ? call : undefined;
  }
}
