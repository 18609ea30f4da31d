/**
 * The process that is killed: every undertaking at once, each in a store of its own, each as far as it is
 * let.
 *
 *   undertaking.ts <directory> [intended | marked | ran | settled]
 *
 * Callers: ../policies.test.ts. An undertaking that comes to the mark stands there: a commit is written and
 * its kernel not told, or the work is in the ledger and has not answered. When each of them stands there or
 * is over, the process kills itself; when all are over, it says `quiet` and ends. Owns the injection of
 * kills, which lives here and never in src.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { Kernel } from '../../../src/actors/kernel/index.js';
import { systemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/log.js';
import { openLevelStore, type Commit } from '../../../src/store/index.js';
import { faultyStore } from '../../../src/testing/faulty-store.js';
import {
  ID,
  Ledger,
  marks,
  undertakingOf,
  undertakings,
  type Mark,
  type Undertaking,
} from '../undertakings.js';

const [directory = '', named] = process.argv.slice(2);
const killAt = marks.find((mark) => mark === named);

/** What the rows of effects say that a commit did. */
function marksOf({ rows }: Commit): Mark[] {
  return rows
    .filter(({ key }) => key.startsWith('o\0'))
    .map(({ value }) => {
      if (value === undefined) return 'settled';
      return value.includes('"started"') ? 'marked' : 'intended';
    });
}

/** Resolves with true when it stands at its mark, with false when it is over. */
async function undertake(kind: Undertaking): Promise<boolean> {
  let stand: () => void = () => undefined;
  const standing = new Promise<void>((resolve) => {
    stand = resolve;
  });
  const reach = async (reached: readonly Mark[]): Promise<void> => {
    if (killAt === undefined || !reached.includes(killAt)) return;
    // Not even its timeout gets through while the others are on their way.
    store.hold();
    stand();
    await new Promise(() => undefined);
  };
  const store = faultyStore(await openLevelStore({ directory: join(directory, kind) }), {
    onCommit: (_number, phase, commit) => (phase === 'after' ? reach(marksOf(commit)) : undefined),
  });
  const kernel = await Kernel.open({ store, clock: systemClock, log: silentLogger });
  kernel.define(undertakingOf(kind, new Ledger(directory, kind), () => reach(['ran'])));
  const end = async (): Promise<void> => {
    await kernel.start();
    await kernel.create(kind, ID, undefined);
    await kernel.waitFor(`${kind}/${ID}`, ({ status }) => status !== 'active');
    await kernel.close();
    await store.close();
  };
  return await Promise.race([standing.then(() => true), end().then(() => false)]);
}

const stood = await Promise.all(undertakings.map(undertake));
if (stood.includes(true)) {
  process.kill(process.pid, 'SIGKILL');
  await once(process, 'a death that has no event');
}
writeSync(1, 'quiet\n');
