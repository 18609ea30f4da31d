/**
 * Every mutant is put into a copy of the repository, one at a time, and the test that is said to notice must
 * fail.
 *
 * Runs with HOLDFAST_DEEP=1 alone; HOLDFAST_MUTANTS='part of a name|part of another' takes some of them.
 * Prints a table.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mutants } from './list.js';
import { titlePattern, type Mutant } from './mutant.js';
import { Place, type Run } from './place.js';

/** As many as this machine has cores to spare. */
const AT_A_TIME = 2;
const RUN_MS_MAX = 90_000;
const TEST_MS_MAX = 60_000;
const HANGING_MS = 5_000;
const BASELINE_MS_MAX = 300_000;

const parts = (process.env['HOLDFAST_MUTANTS'] ?? '').split('|');
const wanted = mutants.filter(({ name }) => parts.some((part) => name.includes(part)));
const places: Place[] = [];
const waiting: ((place: Place) => void)[] = [];
const table: string[] = [];

beforeAll(async () => {
  for (let made = 0; made < AT_A_TIME; made += 1) places.push(await Place.make());
  await expectAllToPass();
}, BASELINE_MS_MAX);

afterAll(async () => {
  process.stdout.write(`${['mutant | breaks | caught by | seconds', ...table.sort()].join('\n')}\n`);
  await Promise.all(places.map((place) => place.remove()));
});

/** Without a mutant every test that is to notice one passes: otherwise their failing would say nothing. */
async function expectAllToPass(): Promise<void> {
  const files = [...new Set(wanted.map(({ caughtBy }) => caughtBy))];
  const names = wanted.map(({ by }) => titlePattern(by).source).join('|');
  const run = await withPlace((place) =>
    place.run(files, names, [`--maxWorkers=${AT_A_TIME}`], BASELINE_MS_MAX),
  );
  expect(run.broken, run.output).toEqual([]);
  const passed = (mutant: Mutant): boolean =>
    run.tests.some((result) => isNamedBy(mutant, result) && result.status === 'passed');
  expect(wanted.filter((mutant) => !passed(mutant)).map(({ by }) => by)).toEqual([]);
}

function isNamedBy(
  { caughtBy, by }: Mutant,
  result: { readonly file: string; readonly title: string },
): boolean {
  return result.file === caughtBy && titlePattern(by).test(result.title);
}

/** Lends one of the places, in the order they were asked for. */
async function withPlace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  const place = places.pop() ?? (await new Promise<Place>((resolve) => waiting.push(resolve)));
  try {
    return await work(place);
  } finally {
    const next = waiting.shift();
    if (next === undefined) places.push(place);
    else next(place);
  }
}

/** What the named test says to the mutant. */
function verdictOf(mutant: Mutant, run: Run): string {
  const failed = run.tests.find((result) => isNamedBy(mutant, result) && result.status === 'failed');
  if (run.broken.length > 0) return `does not run: ${run.broken.join('\n')}`;
  if (failed === undefined) return 'survives';
  if (/^(Syntax|Reference)Error\b/.test(failed.failure)) return `does not run: ${failed.failure}`;
  // What vitest says of a time that is over, where it can say no more.
  return /STACK_TRACE_ERROR|timed out in/.test(failed.failure) ? 'hangs' : 'caught';
}

describe.concurrent('mutants', () => {
  test.each(wanted)('$name: is noticed', async (mutant) => {
    const { caughtBy, by, breaks, name, hangs } = mutant;
    const testMs = hangs === true ? HANGING_MS : TEST_MS_MAX;
    const limit = ['--maxWorkers=1', `--testTimeout=${testMs}`];
    let startedAtMs = 0;
    const run = await withPlace((place) => {
      startedAtMs = performance.now();
      return place.during(mutant, () => place.run([caughtBy], titlePattern(by).source, limit, RUN_MS_MAX));
    });
    expect(verdictOf(mutant, run), run.output).toBe(hangs === true ? 'hangs' : 'caught');
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    table.push(`${name} | ${breaks.join(' ')} | ${caughtBy}: ${by} | ${seconds}`);
  });
});
