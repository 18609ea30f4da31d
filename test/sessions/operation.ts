/**
 * One operation on a session, done to the model and to the real one, and compared.
 *
 * Callers: the tests of this folder. Invariants:
 *  1  An operation is planned from the model alone, so that a smaller run still means something.
 *  2  One that dies is there wholly or not at all, as the moment of its death says.
 */
import type { AsyncCommand } from 'fast-check';
import { expect } from 'vitest';
import type { Model, Says } from './model.js';
import { compare, saidBy, type Real, type World } from './real.js';

export interface Planned {
  readonly label: string;
  readonly says: (model: Model) => Says;
  readonly act: (real: Real) => Promise<Says>;
}

/** An operation in a world; undefined where there is nothing to do it to. */
export type Plan = (world: World) => Planned | undefined;
type Death = 'before-commit' | 'after-commit' | undefined;

/** What steps even where it changes nothing. */
const ALWAYS_STEPS: ReadonlySet<string> = new Set(['set', 'resumed', 'renewed', 'at once']);

/** One operation; it may die on the way. */
export class Operation implements AsyncCommand<World, Real> {
  readonly #plan: Plan;
  readonly #death: Death;
  #label: string;

  constructor(name: string, plan: Plan, death?: Death) {
    this.#plan = plan;
    this.#death = death;
    this.#label = name;
  }

  check(world: World): boolean {
    return this.#plan(world) !== undefined;
  }

  async run(world: World, real: Real): Promise<void> {
    const planned = this.#plan(world);
    if (planned === undefined) return;
    this.#label = planned.label;
    const after = structuredClone(world.model);
    const says = planned.says(after);
    const writes = JSON.stringify(after) !== JSON.stringify(world.model);
    if (writes && this.#death !== undefined) {
      this.#label += `, dying ${this.#death}`;
      // Nobody was told of it.
      if (this.#death === 'after-commit') world.model = { ...after, told: world.model.told };
      await real.crash(world, { at: this.#death, during: () => planned.act(real) });
    } else {
      world.model = after;
      await expectSaid(real, planned, says, writes);
    }
    await compare(world, real);
  }

  toString(): string {
    return this.#label;
  }
}

/** The real session says what its model says; where nothing changes, nothing is written. */
async function expectSaid(real: Real, { act }: Planned, says: Says, writes: boolean): Promise<void> {
  const { steps } = real;
  expect(await saidBy(real, act(real))).toEqual(says);
  if (!writes && !ALWAYS_STEPS.has(says.said)) expect(real.steps).toBe(steps);
}

/** Several at once, in the order they were called. */
export function atOnce(plans: readonly Plan[]): Plan {
  return (world) => {
    const planned = plans.flatMap((plan) => plan(world) ?? []);
    return {
      label: `at once: ${planned.map(({ label }) => label).join('; ')}`,
      says: (model) => ({ said: 'at once', all: planned.map(({ says }) => says(model)) }),
      act: async (real) => ({
        said: 'at once',
        all: await Promise.all(planned.map(({ act }) => saidBy(real, act(real)))),
      }),
    };
  };
}
