/**
 * What may go wrong in one step of a simulation.
 *
 * Callers: simulate.ts. Invariant: a fault that struck is counted under its name.
 */
import type { Action } from './actions.js';
import type { Chance } from './chance.js';
import type { CommitFault } from './process.js';
import type { World } from './world.js';

/** What the next process defines. */
function reset(world: World, chance: Chance): void {
  const version = chance.happens(0.3) ? 1 + chance.below(3) : world.setting.version;
  const without = chance.happens(0.3) ? ['stranger'] : [];
  world.setting = { version, without };
}

/** Something that ends the process, and opens the next. */
function ending(
  name: string,
  weight: number,
  end: (world: World, chance: Chance) => Promise<string>,
): Action {
  return {
    name,
    weight,
    run: async (world, chance) => {
      reset(world, chance);
      const did = await end(world, chance);
      world.note(name);
      return did;
    },
  };
}

/** The next commit meets a fault; whoever it ends is replaced. */
function atCommit(fault: CommitFault, weight: number): Action {
  return ending(fault, weight, async (world) => {
    const { process } = world;
    process.fault = fault;
    await world.time.settle();
    const struck = process.fault === 'none';
    process.fault = 'none';
    if (!struck) return 'no commit came';
    if (process.state === 'failed') await world.replaceFailed();
    else await world.crash();
    return `struck process ${process.number}`;
  });
}

export const faults: readonly Action[] = [
  ending('crash', 1.5, async (world) => {
    await world.crash();
    return `process ${world.process.number} lives`;
  }),
  atCommit('failBefore', 0.5),
  atCommit('failAfter', 0.5),
  atCommit('dieBefore', 0.7),
  atCommit('dieAfter', 0.7),
  ending('powerCut', 0.5, async (world, chance) => {
    const losing = chance.below(6);
    await world.cutPower(losing);
    return `${losing} writes lost`;
  }),
  ending('close', 0.5, async (world) => {
    await world.close();
    return `process ${world.process.number} lives`;
  }),
  {
    name: 'slow',
    weight: 2,
    run: (world, chance) => {
      world.process.slowTurns = chance.happens(0.5) ? 0 : 1 + chance.below(12);
      if (world.process.slowTurns > 0) world.note('slow');
      return `${world.process.slowTurns} turns`;
    },
  },
  {
    name: 'jump',
    weight: 1,
    run: (world, chance) => {
      const ms = Math.round((chance.next() - 0.5) * (chance.happens(0.2) ? 7_200_000 : 20_000));
      world.time.jump(ms);
      world.note('jump');
      return `${ms} ms`;
    },
  },
  ending('rot', 0.08, async (world, chance) => {
    const address = chance.oneOf(world.known.filter((known) => known.startsWith('worker/'))) ?? 'worker/none';
    await world.rot(address);
    return address;
  }),
];
