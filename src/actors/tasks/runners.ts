/**
 * The runners of a runtime, by name.
 *
 * Callers: tasks.ts, run.ts. Invariant: a task keeps the name it was submitted with; `default` is the runner
 * of that name, or the only one.
 */
import { HoldfastError } from '../../errors.js';
import type { TasksOptions } from './face.js';
import type { RunnerObject } from './runner.js';

const DEFAULT = 'default';

export class Runners {
  readonly #byName: ReadonlyMap<string, RunnerObject>;

  constructor({ runners = {} }: TasksOptions) {
    const given = Object.entries(runners);
    this.#byName = new Map(
      given.map(([name, runner]) => [name, typeof runner === 'function' ? { run: runner } : runner]),
    );
  }

  get(name: string): RunnerObject | undefined {
    const [only, another] = [...this.#byName.values()];
    const isOnly = name === DEFAULT && another === undefined;
    return this.#byName.get(name) ?? (isOnly ? only : undefined);
  }

  /** The name for a new task. Throws RUNNER_UNKNOWN where there is no such runner. */
  nameFor(asked: string | undefined): string {
    const [only, another] = [...this.#byName.keys()];
    const name = asked ?? (only !== undefined && another === undefined ? only : DEFAULT);
    if (this.get(name) !== undefined) return name;
    const known =
      only === undefined ? 'none is registered' : `there are ${[...this.#byName.keys()].join(', ')}`;
    throw new HoldfastError('RUNNER_UNKNOWN', `no runner is called "${name}"; ${known}`);
  }

  static default(asked: string | undefined): string {
    return asked ?? DEFAULT;
  }
}
