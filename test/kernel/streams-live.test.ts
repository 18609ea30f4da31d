/** Streams beside live XState: the same events in the same order, and as many cleanups. */
import { describe, expect, it } from 'vitest';
import { createActor, fromCallback, fromEventObservable, fromObservable, fromPromise } from 'xstate';
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { openWorld, settled } from './fixtures.js';
import { defined, heardIn, listener, observable, opened, send } from './stream-machines.js';

interface Case {
  /** Makes the source, and what counts its cleanups. */
  readonly source: (cleaned: () => void) => AnyActorLogic;
  readonly wantsSnapshots?: boolean;
  readonly events?: readonly AnyEventObject[];
}

/** Gives the loop turns enough for every promise of a source. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

const cases: Readonly<Record<string, Case>> = {
  'a callback that sends at once': {
    source: (cleaned) =>
      fromCallback(({ sendBack, input }) => {
        sendBack({ type: 'one', input });
        sendBack({ type: 'two' });
        return cleaned;
      }),
    events: [{ type: 'leave' }],
  },
  'a callback that sends later, and after it was stopped': {
    source: (cleaned) =>
      fromCallback(({ sendBack, receive }) => {
        void Promise.resolve().then(() => sendBack({ type: 'later' }));
        receive(() => {
          setImmediate(() => sendBack({ type: 'much.later' }));
        });
        return () => {
          cleaned();
          setImmediate(() => sendBack({ type: 'after.cleanup' }));
        };
      }),
    events: [{ type: 'poke', n: 1 }, { type: 'leave' }],
  },
  'a callback that answers': {
    source: (cleaned) =>
      fromCallback(({ sendBack, receive }) => {
        receive((event) => sendBack({ type: 'echo', n: Number(Reflect.get(event, 'n')) }));
        receive((event) => sendBack({ type: 'echo.again', n: Number(Reflect.get(event, 'n')) }));
        return cleaned;
      }),
    events: [{ type: 'poke', n: 1 }, { type: 'poke', n: 2 }, { type: 'leave' }, { type: 'poke', n: 3 }],
  },
  'a callback that is sent something as its state is left': {
    source: (cleaned) =>
      fromCallback(({ receive }) => {
        receive((event) => {
          if (Reflect.get(event, 'n') === -1) cleaned();
        });
        return cleaned;
      }),
    events: [{ type: 'bid' }, { type: 'leave' }],
  },
  'a callback that throws at its start': {
    source: () =>
      fromCallback(({ sendBack }) => {
        sendBack({ type: 'one' });
        throw new Error('at start');
      }),
    events: [{ type: 'leave' }],
  },
  'a callback that throws at an event': {
    source: (cleaned) =>
      fromCallback(({ sendBack, receive }) => {
        receive(() => {
          sendBack({ type: 'last.words' });
          throw new Error('at an event');
        });
        return cleaned;
      }),
    events: [{ type: 'poke', n: 1 }, { type: 'leave' }],
  },
  'a callback that is entered again': {
    source: (cleaned) =>
      fromCallback(({ sendBack }) => {
        sendBack({ type: 'begun' });
        return cleaned;
      }),
    events: [{ type: 'again' }, { type: 'leave' }, { type: 'enter' }, { type: 'leave' }],
  },
  'a callback whose snapshots are wanted': {
    source: (cleaned) =>
      fromCallback(({ sendBack, receive }) => {
        sendBack({ type: 'one' });
        receive(() => sendBack({ type: 'heard' }));
        return cleaned;
      }),
    wantsSnapshots: true,
    events: [{ type: 'poke', n: 1 }, { type: 'leave' }],
  },
  'an observable that says all at once': {
    source: () =>
      fromObservable(() =>
        observable<number>((to) => {
          for (const n of [1, 2, 3]) to.next(n);
          to.complete();
          return () => undefined;
        }),
      ),
    wantsSnapshots: true,
  },
  'an observable nobody looks at': {
    source: () =>
      fromObservable(() =>
        observable<number>((to) => {
          to.next(1);
          to.complete();
          return () => undefined;
        }),
      ),
  },
  'an observable that goes on until it is left': {
    source: (cleaned) =>
      fromObservable(() =>
        observable<{ n: number }>((to) => {
          to.next({ n: 1 });
          void Promise.resolve().then(() => to.next({ n: 2 }));
          return cleaned;
        }),
      ),
    wantsSnapshots: true,
    events: [{ type: 'leave' }],
  },
  'an observable that fails': {
    source: () =>
      fromObservable(() =>
        observable<number>((to) => {
          to.next(1);
          void Promise.resolve().then(() => to.error(new Error('a broken pipe')));
          return () => undefined;
        }),
      ),
    wantsSnapshots: true,
  },
  'an observable of events': {
    source: (cleaned) =>
      fromEventObservable(() =>
        observable<AnyEventObject>((to) => {
          to.next({ type: 'one' });
          void Promise.resolve().then(() => {
            to.next({ type: 'two' });
            to.complete();
          });
          return cleaned;
        }),
      ),
    wantsSnapshots: true,
  },
  'an observable of events that says all at once': {
    source: () =>
      fromEventObservable(() =>
        observable<AnyEventObject>((to) => {
          to.next({ type: 'one' });
          to.next({ type: 'two' });
          to.complete();
          return () => undefined;
        }),
      ),
    wantsSnapshots: true,
  },
  'a promise whose snapshots are wanted': {
    source: () => fromPromise(async () => 'kept'),
    wantsSnapshots: true,
  },
  'a promise that fails, whose snapshots are wanted': {
    source: () => fromPromise(async () => Promise.reject(new Error('broken'))),
    wantsSnapshots: true,
  },
  "logic of the user's own": {
    source: () => counting,
    wantsSnapshots: true,
    events: [
      { type: 'poke', n: 1 },
      { type: 'poke', n: 2 },
    ],
  },
};

/** Counts what it is sent, done at 2. */
const counting = {
  getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined, context: 0 }),
  getPersistedSnapshot: (snapshot: unknown) => snapshot,
  start: () => undefined,
  transition: (snapshot: { readonly context: number }, event: AnyEventObject) => {
    if (event.type !== 'poked') return snapshot;
    const context = snapshot.context + 1;
    return { ...snapshot, context, ...(context === 2 ? { status: 'done', output: { context } } : {}) };
  },
} as never as AnyActorLogic;

describe('the same as XState, live', () => {
  it.each(Object.entries(cases))('%s', async (_name, { source, wantsSnapshots, events = [] }) => {
    let liveCleanups = 0;
    const live = createActor(
      listener(
        source(() => (liveCleanups += 1)),
        wantsSnapshots,
      ),
    );
    live.start();
    await turns();
    for (const event of events) {
      live.send(event);
      await turns();
    }
    const { heard } = live.getSnapshot().context as { readonly heard: readonly string[] };
    live.stop();

    let cleanups = 0;
    const world = await openWorld([
      defined(
        source(() => (cleanups += 1)),
        {},
        wantsSnapshots,
      ),
    ]);
    await world.kernel.create('listener', 'l', undefined);
    await settled(world);
    for (const event of events) await send(world, event);
    expect(await heardIn(world)).toEqual(heard);
    expect(heard.length).toBeGreaterThan(0);
    await world.kernel.close();
    expect(cleanups).toBe(liveCleanups);
    expect(world.failures).toEqual([]);
  });

  const afterItsEnd: Readonly<Record<string, Case & { readonly refused: string }>> = {
    'was sent at once, behind an event that left the state': {
      source: () =>
        fromCallback(({ sendBack }) => {
          for (const type of ['leave', 'behind']) sendBack({ type });
        }),
      refused: 'behind',
    },
    'a cleanup sends': {
      source: () =>
        fromCallback(
          ({ sendBack }) =>
            () =>
              sendBack({ type: 'from.cleanup' }),
        ),
      events: [{ type: 'leave' }],
      refused: 'from.cleanup',
    },
    'an observable of events sends when it has completed': {
      source: () =>
        fromEventObservable(() =>
          observable<AnyEventObject>((to) => {
            to.complete();
            void Promise.resolve().then(() => to.next({ type: 'after.all' }));
            return () => undefined;
          }),
        ),
      refused: 'after.all',
    },
    'XState says of an async callback, which returns a promise for a cleanup': {
      source: () => fromCallback((async () => Promise.resolve()) as never),
      events: [{ type: 'leave' }],
      refused: 'xstate.error.actor.kid callbackState.dispose is not a function',
    },
  };

  it.each(Object.entries(afterItsEnd))(
    'but K6: what %s is refused, not heard',
    async (_name, { source, events = [], refused }) => {
      const live = createActor(listener(source(() => undefined))).start();
      await turns();
      for (const event of events) live.send(event);
      await turns();
      const { heard } = live.getSnapshot().context as { readonly heard: readonly string[] };
      expect(heard).toContain(refused);
      const world = await opened(source(() => undefined));
      for (const event of events) await send(world, event);
      expect(await heardIn(world)).toEqual(heard.filter((what) => what !== refused));
    },
  );

  it('a cleanup that throws is logged, and harms nobody', async () => {
    const world = await opened(
      fromCallback(() => () => {
        throw new Error('while tidying up');
      }),
    );
    await send(world, { type: 'leave' });
    expect(await heardIn(world)).toEqual(['leave']);
    expect(world.logged.map(([message]) => message)).toContain('effect.cleanup.failed');
  });
});
