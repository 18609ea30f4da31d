/** Families whose parents go on, after a crash, before their children have been found. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendParent, sendTo, setup, spawnChild } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { rangeOf } from '../../src/store/keys.js';
import type { Store } from '../../src/store/store.js';
import { faultyStore } from '../../src/testing/index.js';
import { deadLettersOf, end, lifeIn, recordsOf, ROOT } from './family.js';
import { openWorld, reading, settled, type World } from './fixtures.js';

/** A few more than such a life takes. */
const COMMITS_MAX = 10;

const events = {} as AnyEventObject;

const kid = setup({
  types: { context: {} as { heard: readonly unknown[] }, events },
  actions: {
    hear: assign({ heard: ({ context, event }) => [...context.heard, event['n'] as number] }),
    tell: sendParent(({ event }) => ({ type: 'said', n: event['n'] as number })),
  },
}).createMachine({ id: 'kid', context: { heard: [] }, on: { say: { actions: ['hear', 'tell'] } } });

const say = (n: number): AnyEventObject => ({ type: 'say', n });

/** Looks at inboxes slowly, as a disk with much on it does. */
const lateInboxes = (store: Store): Store =>
  reading(store, {
    scan: async (options) => {
      const isInbox =
        options.gte !== undefined && options.gte >= rangeOf('i').gte && options.gte < rangeOf('i').lt;
      for (let turn = 0; isInbox && turn < 10; turn += 1) {
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
        });
      }
      return store.scan(options);
    },
  });

const parent: AnyStateMachine = setup({
  types: { context: {} as { heard: readonly unknown[] }, events },
  actors: { kid, quick: fromPromise(() => Promise.resolve(1)) },
  actions: { hear: assign({ heard: ({ context, event }) => [...context.heard, event['n'] as number] }) },
}).createMachine({
  id: 'root',
  version: '1',
  context: { heard: [] },
  on: {
    go: {
      actions: [
        spawnChild('kid', { id: 'kid' }),
        sendTo('kid', say(1)),
        sendTo('kid', say(2)),
        spawnChild('quick', { id: 'quick' }),
      ],
    },
    'xstate.done.actor.quick': { actions: [sendTo('kid', say(3)), sendTo('kid', say(4), { delay: 10 })] },
    said: { actions: 'hear' },
  },
});

const definitions = [{ kind: 'family', machine: parent }];

/** Creates the family and sets it going, as a caller does who tries again after a crash. */
async function go(world: World): Promise<void> {
  await world.kernel.create('family', 'a', null);
  await world.kernel.send(ROOT, { type: 'go' }, { id: 'go' });
  await settled(world);
  await world.clock.advance(10);
}

describe('a crash', () => {
  it('K8: at any commit of a family loses nothing between its members, and keeps the order', async () => {
    let crashes = 0;
    for (const phase of ['before', 'after'] as const) {
      for (let commit = 1; commit <= COMMITS_MAX; commit += 1) {
        let killed = false;
        const world = await openWorld(definitions, (store) =>
          faultyStore(lateInboxes(store), {
            onCommit: (number, at) => {
              if (number !== commit || at !== phase || killed) return;
              killed = true;
              throw new Error('killed');
            },
          }),
        );
        await go(world).catch(() => undefined);
        if (killed) await world.crash(definitions);
        crashes += killed ? 1 : 0;
        await go(world);
        const record = (await recordsOf(world)).get('family.kid/a/kid@2:0');
        expect(record, `${phase} ${commit}`).toMatchObject({
          snapshot: { context: { heard: [1, 2, 3, 4] } },
        });
        const { context } = await lifeIn(world);
        expect(context, `${phase} ${commit}`).toEqual({ heard: [1, 2, 3, 4] });
        expect(await deadLettersOf(world)).toEqual([]);
        world.failures.length = 0;
        await end(world);
      }
    }
    expect(crashes).toBeGreaterThanOrEqual(12);
  });
});
