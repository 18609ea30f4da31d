/**
 * The matrix with real processes and real deaths: a sample of it, for each costs a second.
 *
 * The short run takes six rows, the long one all of them, five times.
 */
import '../../src/index.js';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { bundled } from '../bundled.js';
import { every } from '../providers/every.js';
import { troubles } from './matrix/faults.js';
import { rows } from './matrix/rows.js';
import type { Work } from './plan.js';
import { chance, openWorld, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const seed = seedOf('crash/matrix-kill');
const COMMITS = 12;
const ROUNDS = isDeep ? 5 : 1;
const ROWS = isDeep ? rows.length : 6;

/** After these every job comes to a good end. */
const mild = troubles.filter(({ mayEnd, mayEndOf }) => mayEnd.length === 0 && mayEndOf === undefined);
const agent = bundled('test/crash/children/agent.ts');

for (let round = 0; round < ROUNDS; round += 1) {
  for (let taken = 0; taken < ROWS; taken += 1) {
    const draw = (n: number, of: number): number =>
      Math.floor(chance(seed, round * 1_000 + taken * 10 + n) * of);
    const row = rows[(taken * Math.floor(rows.length / ROWS) + seed + round) % rows.length];
    const trouble = mild[draw(0, mild.length)];
    const name = Object.keys(every).find((one) => every[one] === row?.entry);
    if (row === undefined || trouble === undefined || name === undefined) throw new Error('nothing is drawn');
    const commit = 1 + draw(1, COMMITS);
    const phase = draw(2, 2) === 0 ? 'before' : 'after';
    const what = `${row.name}, ${trouble.name}, killed ${phase} commit ${commit}, round ${round}`;

    test(`${what}: billed once or in doubt, and delivered`, async ({ onTestFinished }) => {
      const world = await openWorld(agent, onTestFinished, {
        life: { queued: { polls: 0 }, running: { polls: 1 }, ...trouble.life },
        faults: [...trouble.faults],
      });
      const place = { url: world.simulator.url, clock: systemClock, env: () => ({}) };
      const jobs: Work[] = [{ key: what, provider: row.entry.adapter(place).id, kind: row.kind }];
      const child = world.start({ jobs, entry: name, kill: { from: 'submit', commit, phase } });
      expect(await child.ended).toMatch(/^SIGKILL$|^0$/);
      await world.finish(jobs, name);
      await world.audit(jobs);
    });
  }
}
