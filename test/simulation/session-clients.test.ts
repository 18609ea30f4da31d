/** Who is told that a turn has nothing to give back: rightly when a newer message ended it meanwhile. */
import { expect, test } from 'vitest';
import type { Held } from './session-clients.js';
import { simulate, type Simulation } from './simulate.js';
import type { World } from './world.js';

type Act = (world: World, held: Held) => void;

/** A session in the mode `interrupt` has one turn; the acts come while it runs, in one turn of the loop. */
async function lived(...acts: readonly Act[]): Promise<Simulation> {
  let isDone = false;
  const run = async (world: World): Promise<string | undefined> => {
    await world.settle();
    if (isDone || !world.sessions.isOpen) return undefined;
    const { sessions } = world;
    sessions.use('a', (session) => session.mode({ mode: 'interrupt' }), nothing);
    sessions.put('a', (session) => session.enqueue('first'));
    await world.settle();
    sessions.begin('a', (session) => session.turn());
    await world.settle();
    const [held] = sessions.held;
    expect(held).toBeDefined();
    if (held !== undefined) for (const act of acts) act(world, held);
    await world.settle();
    isDone = true;
    return 'a turn';
  };
  const actions = [{ name: 'turn', weight: 1, run }];
  const simulation = await simulate({ seed: 1, steps: 20, actions, faults: [], rests: false });
  expect(isDone).toBe(true);
  return simulation;
}

const givesBack: Act = ({ sessions }, held) => sessions.giveBack(held, undefined);

test('a turn that a newer message ended is not lost', async () => {
  const states: string[] = [];
  const interrupts: Act = (world, held) => {
    world.sessions.put('a', (session) => session.message('newer'));
    const tell = world.oracle.onWrite;
    // It is on disk, and nobody has been told.
    world.oracle.onWrite = (batch) => {
      tell(batch);
      const { entries = [] } = batch.actors.get('session/a') ?? {};
      if (!entries.some(({ event }) => event.type === 'message.arrived')) return;
      states.push(held.state);
      givesBack(world, held);
    };
  };
  const { violation, world } = await lived(interrupts);
  expect(states).toEqual(['kept']);
  expect(violation).toBe(undefined);
  const [held] = world.sessions.held;
  expect(world.oracle.sessions.wasInterrupted('a', held?.completion.turnId)).toBe(true);
});

test('a turn that somebody else settled is lost', async () => {
  const settles: Act = ({ sessions }, { work, completion }) => {
    const receipts = work.completion();
    if (!('claimId' in receipts))
      sessions.use('a', (session) => session.settle(receipts, completion), nothing);
  };
  const { violation } = await lived(settles, givesBack);
  expect(violation).toEqual({
    rule: 'SQ2',
    what: '1 of a was lost by its living owner: CLAIM_SUPERSEDED',
  });
});

function nothing(): void {
  // What became of it is on the disk.
}
