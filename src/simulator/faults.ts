/**
 * Decides what goes wrong with one request.
 *
 * Owns: the counters of the script's fault rules. Callers: pipeline.ts, once before the body is read and once
 * after. Invariants:
 *  F1  Latencies that match add up; of the other faults the first that matches wins.
 *  F2  Every rule that matches is counted, also behind a winner.
 *  F3  The draws depend on the seed, the rule and its count alone.
 */
import { between } from './chance.js';
import { Occasions } from './occasions.js';
import type { Action, Fault, ProviderName, Rule } from './script.js';

/** A fault that changes the exchange, and not only its pace. */
export type Mishap = Exclude<Fault, { readonly type: 'latency' | 'resetBeforeBody' }>;

export interface Verdict {
  readonly waitBeforeTaskMs: number;
  readonly waitBeforeAnswerMs: number;
  readonly mishap: Mishap | undefined;
}

export class FaultBook {
  readonly #rules: readonly Rule[];
  readonly #seed: number;
  readonly #occasions: Occasions;

  constructor(rules: readonly Rule[], seed: number) {
    this.#rules = rules;
    this.#seed = seed;
    this.#occasions = new Occasions(seed);
  }

  /** True when the connection is to be reset before the body is read. */
  resetsBeforeBody(provider: ProviderName, action: Action): boolean {
    let resets = false;
    for (const [index, rule] of this.#rules.entries()) {
      if (rule.fault.type !== 'resetBeforeBody' || !isFor(rule, provider, action)) continue;
      resets = this.#occasions.match(String(index), rule, undefined) !== undefined || resets;
    }
    return resets;
  }

  /** Everything else, once the prompt is known. */
  judge(provider: ProviderName, action: Action, prompt: string | undefined): Verdict {
    let verdict: Verdict = { waitBeforeTaskMs: 0, waitBeforeAnswerMs: 0, mishap: undefined };
    for (const [index, rule] of this.#rules.entries()) {
      const { fault } = rule;
      if (fault.type === 'resetBeforeBody' || !isFor(rule, provider, action)) continue;
      const call = this.#occasions.match(String(index), rule, prompt);
      if (call === undefined) continue;
      if (fault.type === 'latency') verdict = this.#delayed(verdict, fault, call);
      else verdict = { ...verdict, mishap: verdict.mishap ?? fault };
    }
    return verdict;
  }

  #delayed(verdict: Verdict, fault: Extract<Fault, { readonly type: 'latency' }>, call: string): Verdict {
    const { wait } = fault;
    let waitMs = 0;
    if ('ms' in wait) waitMs = wait.ms;
    if ('minMs' in wait) waitMs = between(this.#seed, `latency\0${call}`, wait.minMs, wait.maxMs);
    return fault.before === 'task'
      ? { ...verdict, waitBeforeTaskMs: verdict.waitBeforeTaskMs + waitMs }
      : { ...verdict, waitBeforeAnswerMs: verdict.waitBeforeAnswerMs + waitMs };
  }
}

function isFor(rule: Rule, provider: ProviderName, action: Action): boolean {
  return rule.route === 'any' || rule.route === action || rule.route === `${provider}.${action}`;
}
