/**
 * The rows of the matrix, one test each: an adapter and a kind, and whatever may befall one job of it.
 *
 * The short run takes every third trouble, others for each adapter, and one moment of each; the long one
 * (HOLDFAST_DEEP, or `npm run test:deep -- matrix`) all troubles, at every line of the provider's ledger
 * and at every commit, before it in one trouble and after it in the next. Callers: the two test files of
 * the matrix, which share the rows so that two processes take them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { every } from '../../providers/every.js';
import { chance, seedOf } from '../world.js';
import type { Fate } from './audit.js';
import { troubles, type Trouble } from './faults.js';
import { live, type Case, type Moment } from './life.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
/** So long is hardly any life: a moment beyond the end kills nobody. */
const SAMPLED = { commits: 16, lines: 6 } as const;

export const rows = Object.entries(every).flatMap(([name, entry]) =>
  entry.kinds.map((kind) => ({ name: `${name} ${kind}`, entry, kind })),
);
type Row = (typeof rows)[number];

/** All there are in a life of so many commits and lines. */
function momentsOf({ commits, lines }: Pick<Fate, 'commits' | 'lines'>): readonly Moment[] {
  const count = (length: number): number[] => Array.from({ length }, (_unused, index) => index + 1);
  return [
    ...count(commits).flatMap((commit): Moment[] => [
      { at: 'before', commit },
      { at: 'after', commit },
    ]),
    ...count(lines).map((line): Moment => ({ at: 'line', line })),
  ];
}

/** What was tried of one row, and what came of it. */
class Tally {
  readonly #row: Row;
  readonly #root: string;
  readonly #endings = new Map<string, number>();
  readonly wrong: string[] = [];
  cases = 0;
  crashes = 0;

  constructor(row: Row, root: string) {
    this.#row = row;
    this.#root = root;
  }

  async run(trouble: Trouble, moments: readonly Moment[]): Promise<Fate | undefined> {
    this.cases += 1;
    const { name, entry, kind } = this.#row;
    const what = `${name}, ${trouble.name}, ${JSON.stringify(moments)}`;
    const directory = join(this.#root, `${name} ${this.cases}`);
    const one: Case = { entry, kind, trouble, moments, directory, prompt: what };
    try {
      const fate = await live(one);
      this.crashes += fate.crashes;
      const ending = fate.ending === 'failed' ? `failed (${fate.error})` : fate.ending;
      this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + 1);
      if (fate.wrong.length > 0) this.wrong.push(`${what}: ${fate.wrong.join(', ')} (${ending})`);
      return fate;
    } catch (error) {
      this.wrong.push(`${what}: ${String(error)}`);
      return undefined;
    }
  }

  report(): void {
    const ends = [...this.#endings].map(([ending, count]) => `${count} ${ending}`).join(', ');
    process.stdout.write(`matrix ${this.#row.name}: ${this.cases} cases, ${this.crashes} crashes: ${ends}\n`);
  }
}

async function everyMoment(tally: Tally, trouble: Trouble, column: number): Promise<void> {
  const whole = await tally.run(trouble, []);
  if (whole === undefined) return;
  for (const moment of momentsOf(whole)) {
    const isBefore = moment.at === 'before';
    if (moment.at !== 'line' && (moment.commit + column) % 2 === (isBefore ? 0 : 1)) continue;
    await tally.run(trouble, [moment]);
  }
}

/** Declares the tests of every other row. */
export function declareRows(half: 0 | 1): void {
  const seed = seedOf('crash/matrix');
  const sampled = momentsOf(SAMPLED);
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-matrix-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));

  for (const [index, row] of rows.entries()) {
    if (index % 2 !== half) continue;
    test(`${row.name}: whatever befalls it, it is billed once or in doubt, and delivered once`, async () => {
      const tally = new Tally(row, root);
      for (const [column, trouble] of troubles.entries()) {
        if (isDeep) await everyMoment(tally, trouble, column);
        else if ((column + index + seed) % 3 === 0) {
          const drawn = Math.floor(chance(seed, index * 1_000 + column) * sampled.length);
          await tally.run(trouble, sampled.slice(drawn, drawn + 1));
        }
      }
      tally.report();
      expect(tally.wrong).toEqual([]);
      // Moments that are drawn may be beyond the ends of most lives: no share of them is certain.
      expect(tally.crashes).toBeGreaterThan(isDeep ? tally.cases / 3 : 0);
    });
  }
}
