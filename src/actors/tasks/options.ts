/**
 * The check of the `tasks` option.
 *
 * Pure. Callers: runtime-options.ts. Invariant: what is wrong is named before anything is opened.
 */
import { HoldfastError } from '../../errors.js';
import { isPlainObject } from '../../json.js';
import { limits } from '../../limits.js';
import type { TasksOptions } from './face.js';

type Bounded = Exclude<keyof TasksOptions, 'runners'>;

/** The least and the most of each number. */
const BOUNDS: Readonly<Record<Bounded, readonly [min: number, max: number]>> = {
  concurrency: [1, 1_000],
  staggerMs: [0, 3_600_000],
  maxIterations: [1, limits.taskIterationsMax],
  timeoutMs: [1, limits.taskTimeoutMaxMs],
  retentionMs: [0, limits.taskTimeoutMaxMs],
};

const RUNNER_NAME = /^[\w.-]{1,100}$/;

/** Throws INVALID_OPTIONS. */
export function checkTasksOptions(given: unknown): void {
  if (given === undefined) return;
  if (!isPlainObject(given)) throw wrong('tasks', 'not an object');
  for (const [name, value] of Object.entries(given)) {
    if (name === 'runners') checkRunners(value);
    else if (Object.hasOwn(BOUNDS, name)) checkBound(name as Bounded, value);
    else throw wrong(`tasks.${name}`, `no such option; there are runners, ${Object.keys(BOUNDS).join(', ')}`);
  }
}

function checkBound(name: Bounded, value: unknown): void {
  const [min, max] = BOUNDS[name];
  const isWithin = Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  if (value !== undefined && !isWithin)
    throw wrong(`tasks.${name}`, `not a whole number from ${min} to ${max}`);
}

function checkRunners(runners: unknown): void {
  if (runners === undefined) return;
  if (!isPlainObject(runners)) throw wrong('tasks.runners', 'not an object of runners by name');
  for (const [name, runner] of Object.entries(runners)) {
    if (!RUNNER_NAME.test(name))
      throw wrong(`tasks.runners.${name}`, 'a name has 1 to 100 letters, digits, "_", "." and "-"');
    const { run, provider, model } = Object(runner) as Readonly<Record<string, unknown>>;
    if (typeof runner !== 'function' && typeof run !== 'function')
      throw wrong(`tasks.runners.${name}`, 'neither a function nor an object with "run"');
    for (const word of [provider, model]) {
      if (word !== undefined && (typeof word !== 'string' || word.length > 200))
        throw wrong(`tasks.runners.${name}`, 'provider and model are texts of 200 characters at most');
    }
  }
}

function wrong(option: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_OPTIONS', `${option}: ${what}`);
}
