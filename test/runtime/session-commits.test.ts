/** How turns end: what a commit sends, what is never written, and that every ending settles its claims. */
import { describe, expect, test, vi } from 'vitest';
import type { Turn, TurnCommit } from '../../src/index.js';
import { openOne, openSessions, refusal, type SessionPlace } from './session-place.js';

/** However busy the machine is. */
const SOON = { timeout: 10_000 } as const;

describe('a commit', () => {
  interface Told {
    readonly place: SessionPlace;
    readonly told: string[];
  }

  async function withChannel(): Promise<Told> {
    const told: string[] = [];
    const chat = (message: { readonly text: string }, { deliveryId }: { readonly deliveryId: string }) => {
      told.push(`${deliveryId}: ${message.text}`);
      return Promise.resolve({ id: deliveryId });
    };
    return { place: await openSessions({ channels: { chat } }), told };
  }

  function saying(text: string, deliveryId: string): TurnCommit {
    const history = [{ role: 'assistant', content: text }];
    return { history, deliveries: [{ deliveryId, channel: 'chat', target: '42', text }] };
  }

  test('sends its deliveries, once each, however often it is said', async () => {
    const { place, told } = await withChannel();
    const session = place.sessions.get('chat:1');
    await session.enqueue('hello');
    const turn = await session.turn({ turnId: 't1' });
    const first = await turn.commit(saying('hi', 'd1'));
    expect(await turn.commit(saying('hi', 'd1'))).toEqual({ ...first, repeated: true });
    await vi.waitFor(() => expect(told).toEqual(['d1: hi']), SOON);
    await session.enqueue('and now?');
    // A delivery that was made is not made again, whoever asks for it.
    await (await session.turn()).commit(saying('hi again', 'd1'));
    await session.enqueue('still there?');
    await (await session.turn()).commit(saying('yes', 'd2'));
    await vi.waitFor(() => expect(told).toEqual(['d1: hi', 'd2: yes']), SOON);
  });

  test('sends nothing where it is refused', async () => {
    const { place, told } = await withChannel();
    const session = place.sessions.get('chat:1');
    await session.enqueue('hello');
    const claim = await session.claim({ hold: 'lease', ttlMs: 1_000 });
    await place.clock.advance(1_000);
    const heir = await session.claim();
    await refusal(place, 'CLAIM_SUPERSEDED', () => claim.complete(saying('late', 'd1')));
    await heir.complete(saying('in time', 'd2'));
    await vi.waitFor(() => expect(told).toEqual(['d2: in time']), SOON);
    expect((await session.history()).items).toHaveLength(1);
  });

  test('is written with its deliveries: a crash right after it loses none', async () => {
    const { place, told } = await withChannel();
    const session = place.sessions.get('chat:1');
    await session.enqueue('hello');
    await (await session.turn()).commit(saying('hi', 'd1'));
    await place.crash();
    await vi.waitFor(() => expect(told).toContain('d1: hi'), SOON);
  });
});

test('what rides on a turn reaches its handler, and is never written', async () => {
  const { place, session } = await openOne();
  await session.enqueue('hello');
  const rides = {
    ...{ protocolExtension: { key: 'rides-1' }, turnContext: { user: 'rides-2' } },
    transientMessages: [{ role: 'system', content: 'rides-3' }],
  };
  const turn = await session.turn(rides);
  expect(turn).toMatchObject(rides);
  await session.inject('more');
  await turn.checkpoint();
  await turn.commit('done');
  expect(JSON.stringify(await place.rows())).not.toContain('rides-');
});

describe('a turn settles what it claimed', () => {
  interface Ending {
    /** What the handler does, once it has taken an input at idle and one at a checkpoint. */
    readonly end: (turn: Turn, place: SessionPlace) => unknown;
    /** Batches left, and how often they failed. */
    readonly left: readonly number[];
    readonly completed: number;
  }

  const endings: readonly (readonly [name: string, ending: Ending])[] = [
    ['by its commit', { end: (turn) => turn.commit('done'), left: [], completed: 2 }],
    ['by a return without one', { end: () => 'ignored', left: [], completed: 2 }],
    ['by an error', { end: () => Promise.reject(new Error('no')), left: [1, 1], completed: 0 }],
    [
      'by giving it back itself',
      { end: (turn) => turn.abandon({ reason: 'later', retryInMs: 60_000 }), left: [1, 1], completed: 0 },
    ],
    [
      'by a commit that cannot be written',
      {
        end: (turn) => turn.commit({ history: ['text'] as unknown as object[] }),
        left: [1, 1],
        completed: 0,
      },
    ],
    [
      'by a newer message in its place',
      {
        end: async (turn, { sessions }) => {
          await sessions.get('chat:1').message('stop');
          turn.signal.throwIfAborted();
        },
        left: [0],
        completed: 2,
      },
    ],
  ];

  test.each(endings)('%s', async (_name, { end, left, completed }) => {
    const { place, session } = await openOne();
    await session.mode({ mode: 'interrupt' });
    await session.enqueue('one');
    let ended = 0;
    place.sessions.serve(async (turn) => {
      // The one that took its place waits: what is looked at here is how the first ended.
      if (ended > 0) return new Promise((resolve) => turn.signal.addEventListener('abort', resolve));
      ended += 1;
      await session.inject('two');
      expect(await turn.checkpoint()).toMatchObject({ isEmpty: false });
      return end(turn, place);
    });
    // The one that took its place has its own.
    const claimed = left.includes(0) ? 1 : 0;
    await vi.waitFor(async () => {
      const { items } = await session.list();
      expect([ended, items.map(({ attempts }) => attempts)]).toEqual([1, left]);
      expect(await session.view()).toMatchObject({ claimed, counts: { completed } });
    }, SOON);
  });

  test('by the death of its process, and by its close', async () => {
    const { place, session } = await openOne();
    await session.enqueue('one');
    const turn = await session.turn();
    await session.inject('two');
    await turn.checkpoint();
    const next = await place.crash();
    const again = next.sessions.get('chat:1');
    expect(await again.view()).toMatchObject({ claimed: 0, pending: 2, state: 'ready' });
    const other = await again.turn();
    expect([other.attempts, other.isEmpty]).toEqual([1, false]);
    await next.sessions.close();
    expect(other.signal.reason).toMatchObject({ code: 'RUNTIME_CLOSED' });
    expect(await again.view()).toMatchObject({ claimed: 0, pending: 2, state: 'ready' });
  });
});
