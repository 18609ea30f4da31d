/**
 * Starts agents and hears their facts; keeps one loaded, so that a kill costs no start-up time.
 *
 * Callers: the crash tests. Invariants: every wait ends when the child does; no child outlives its test.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Plan } from './plan.js';

export interface Child {
  /** Settles with the first line that starts so; undefined when the child ended without. */
  readonly heard: (fact: string) => Promise<string | undefined>;
  readonly lines: readonly string[];
  readonly begin: (plan: Plan) => void;
  readonly kill: () => void;
  /** How it ended: `SIGKILL`, or its exit code. */
  readonly ended: Promise<string>;
}

/** Children one after the other, the next one loading while the present one runs. */
export class Nursery {
  readonly #agent: string;
  #next: Child | undefined;

  /** `agent` is the path of the bundled program. */
  constructor(agent: string, finish: (tidy: () => Promise<void>) => void) {
    this.#agent = agent;
    finish(async () => {
      this.#next?.kill();
      await this.#next?.ended;
    });
  }

  start(plan: Plan): Child {
    const child = this.#next ?? load(this.#agent);
    this.#next = load(this.#agent);
    child.begin(plan);
    return child;
  }
}

function load(agent: string): Child {
  const child = spawn(process.execPath, [agent], { stdio: ['pipe', 'pipe', 'inherit'] });
  // Writing a plan to a child that has just died is not a fault of the test.
  child.stdin.on('error', () => undefined);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const lookAll = (): void => {
    for (const look of waiting) look();
  };
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    lookAll();
  });
  let over = false;
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(() => {
    over = true;
    lookAll();
    return String(child.signalCode ?? child.exitCode);
  });
  const heard = (fact: string): Promise<string | undefined> =>
    new Promise((resolve) => {
      const look = (): void => {
        const line = lines.find((each) => each.startsWith(fact));
        if (line === undefined && !over) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
    });
  return {
    heard,
    lines,
    ended,
    begin: (plan) => child.stdin.write(`${JSON.stringify(plan)}\n`),
    kill: () => child.kill('SIGKILL'),
  };
}
