/**
 * What a step costs when more actors are stored, and when an actor has lived longer.
 *
 * Four stores, of a thousand to a million sleepers, are open in one process and take turns, so that a slow
 * moment of the machine meets them all; likewise young actors and such as have taken nine thousand steps.
 * Costs are microseconds a step, wall clock, with 100 in flight, unsynced. Waking a sleeper is one read from
 * disk more, which no gate holds: a thousand fit into memory and a million do not. Callers: run.ts, as a
 * process of its own.
 */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import type { Kernel } from '../src/actors/kernel/index.js';
import { errandDefinition, errandLife } from './errand.js';
import { atMost, report } from './gates.js';
import { kernelSubject, withKernel } from './kernel.js';
import { Lanes, median } from './lanes.js';
import { MILLION, millionSleepers } from './million.js';
import { inFreshDirectory } from './place.js';
import { fillWithSleepers, sleeperDefinition, sleeperId, sleeperInput, sleeperKind } from './sleeper.js';

const SIZES = [1_000, 10_000, 100_000, MILLION];
const ROUNDS = 9;
const SLICE_MS = 150;
const WARM_UP_MS = 500;
const POKES = 1_000;
const LANES = 100;
const FACTOR_MAX = 1.5;
const LIFE_STEPS = 10_000;
const LIFE_PART = 1_000;
const LIFE_ACTORS = 10;
const LIFE_SLICES = 10;

const definitions = { definitions: [errandDefinition, sleeperDefinition] };

/** A store of some size under measurement: steps of actors at work in it, and of its sleepers. */
class Sized {
  readonly size: number;
  readonly #kernel: Kernel;
  readonly #errands: Lanes;
  readonly stepUs: number[] = [];
  readonly wakeUs: number[] = [];
  #poked = 0;

  constructor(size: number, kernel: Kernel, store: Parameters<typeof kernelSubject>[1]) {
    this.size = size;
    this.#kernel = kernel;
    this.#errands = new Lanes(kernelSubject(kernel, store, 'ids'), LANES, errandLife.length + 1);
  }

  async warmUp(): Promise<void> {
    await this.#errands.slice(WARM_UP_MS);
    await this.#poke();
  }

  async round(): Promise<void> {
    this.#errands.reset();
    await this.#errands.slice(SLICE_MS);
    this.stepUs.push(1_000_000 / this.#errands.measured().stepsPerSecond);
    this.wakeUs.push(await this.#poke());
  }

  /** Pokes sleepers all over the store, each read from disk first. */
  async #poke(): Promise<number> {
    const startedAt = performance.now();
    let asked = 0;
    const lane = async (): Promise<void> => {
      while (asked++ < POKES) {
        const sleeper = (this.#poked++ * 7_919) % this.size;
        await this.#kernel.send(`${sleeperKind}/${sleeperId(sleeper)}`, { type: 'poke' });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return ((performance.now() - startedAt) / POKES) * 1_000;
  }
}

/** Opens a store of each size, all at a time, and measures them in turns. */
async function measureSizes(million: string): Promise<readonly Sized[]> {
  const measured: Sized[] = [];
  const openNext = async (parent: string, sizes: readonly number[]): Promise<void> => {
    const [size, ...others] = sizes;
    if (size === undefined) {
      for (const sized of measured) await sized.warmUp();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const sized of round % 2 === 0 ? measured : measured.toReversed()) await sized.round();
      }
      return;
    }
    const directory = size === MILLION ? million : join(parent, String(size));
    if (size !== MILLION) await fillWithSleepers({ directory, actors: size, dueTogether: 0 });
    await withKernel(
      directory,
      'process',
      async (kernel, store) => {
        measured.push(new Sized(size, kernel, store));
        await openNext(parent, others);
      },
      definitions,
    );
  };
  await inFreshDirectory((directory) => openNext(directory, SIZES));
  return measured;
}

/** Microseconds a step of actors in their first and in their last thousand of ten thousand steps. */
function measureLife(): Promise<{ readonly youngUs: number; readonly oldUs: number }> {
  return inFreshDirectory((directory) =>
    withKernel(
      directory,
      'process',
      async (kernel) => {
        const create = (name: string): Promise<unknown> =>
          kernel.create(sleeperKind, name, sleeperInput(2 ** 40));
        const pokeAll = async (names: readonly string[], pokes: number): Promise<number> => {
          const startedAt = performance.now();
          const life = async (name: string): Promise<void> => {
            for (let poke = 0; poke < pokes; poke += 1) {
              await kernel.send(`${sleeperKind}/${name}`, { type: 'poke' });
            }
          };
          await Promise.all(names.map(life));
          return ((performance.now() - startedAt) / (pokes * names.length)) * 1_000;
        };
        const old = Array.from({ length: LIFE_ACTORS }, (_unused, index) => `old-${index}`);
        await Promise.all(old.map(create));
        await pokeAll(old, LIFE_STEPS - LIFE_PART);
        const young = Array.from({ length: LIFE_ACTORS }, (_unused, index) => `young-${index}`);
        await Promise.all(young.map(create));
        const costs = { young: [] as number[], old: [] as number[] };
        for (let slice = 0; slice < LIFE_SLICES; slice += 1) {
          costs.young.push(await pokeAll(young, LIFE_PART / LIFE_SLICES));
          costs.old.push(await pokeAll(old, LIFE_PART / LIFE_SLICES));
        }
        return { youngUs: median(costs.young), oldUs: median(costs.old) };
      },
      definitions,
    ),
  );
}

const sizes = await measureSizes(await millionSleepers());
console.log('actors stored   us a step at work   us to wake a sleeper and step it');
for (const { size, stepUs, wakeUs } of sizes) {
  const costs = [median(stepUs), median(wakeUs)].map((us) => us.toFixed(0).padStart(14));
  console.log(`${String(size).padStart(13)}${costs.join('      ')}`);
}
const life = await measureLife();
console.log(
  `first thousand steps of a life: ${life.youngUs.toFixed(0)} us, last: ${life.oldUs.toFixed(0)} us`,
);

const factor = (figure: (sized: Sized) => readonly number[]): number => {
  const costs = sizes.map((sized) => median(figure(sized)));
  return (costs.at(-1) ?? Number.NaN) / (costs[0] ?? Number.NaN);
};
report(
  'flat',
  [
    atMost(
      FACTOR_MAX,
      'a step among a million stored to one among a thousand',
      factor(({ stepUs }) => stepUs),
    ),
    atMost(FACTOR_MAX, 'last thousand steps of a life to its first', life.oldUs / life.youngUs),
  ],
  { sizes: sizes.map(({ size, stepUs, wakeUs }) => ({ size, stepUs, wakeUs })), life },
);
