/**
 * A disk that refuses a session's write, having written it or not: the caller hears so, and what is there
 * after the next open is all of the step or nothing of it. Whoever repeats what he asked for gets it once.
 */
import { describe, expect, test } from 'vitest';
import type { ClaimReceipt, Session } from '../../src/index.js';
import { createMemoryDisk, type MemoryDisk } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import { openSessions, type SessionPlace } from './session-place.js';

type Fullness = 'room' | 'refuses' | 'writes and refuses';

interface SmallDisk extends MemoryDisk {
  fullness: Fullness;
}

function smallDisk(): SmallDisk {
  const disk = createMemoryDisk();
  const small: SmallDisk = {
    ...disk,
    fullness: 'room',
    attach: async () => {
      const database = await disk.attach();
      const write: typeof database.write = async (rows) => {
        const { fullness } = small;
        if (fullness !== 'refuses') await database.write(rows);
        if (fullness === 'room') return;
        // What classic-level 3.0.0 throws on a full disk.
        const message = 'IO error: /data/db/000003.log: No space left on device';
        throw Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' });
      };
      return { ...database, write };
    },
  };
  return small;
}

/** Does `act` on a disk that is full, and opens the session again once there is room. */
async function refused(
  fullness: Fullness,
  prepare: (session: Session) => Promise<() => Promise<unknown>>,
): Promise<{ readonly place: SessionPlace; readonly session: Session }> {
  const disk = smallDisk();
  const first = await openSessions({}, disk);
  const session = first.sessions.get('chat:1');
  await session.enqueue({ id: 'first', text: 'first' });
  const act = await prepare(session);
  disk.fullness = fullness;
  await expect(act()).rejects.toMatchObject({ code: 'STORE_FULL' });
  await expect(session.enqueue('more')).rejects.toMatchObject({ code: 'STORE_FULL' });
  disk.fullness = 'room';
  const place = await first.crash();
  return { place, session: place.sessions.get('chat:1') };
}

/** There is a payload and a key of each batch, and none of any other. */
async function expectWhole(place: SessionPlace, session: Session): Promise<void> {
  const { items } = await session.list();
  const prefix = keys.payload('session/chat:1', '');
  const rows = (await place.rows()).filter(([key]) => key.startsWith(prefix));
  const named = (sign: string) => rows.filter(([key]) => key.startsWith(sign, prefix.length));
  expect(named('b/')).toHaveLength(items.length);
  expect(named('k/')).toHaveLength(items.length);
  expect((await session.view()).counts.batches).toBe(items.length);
  for (const { items: inside } of items) expect(inside).toHaveLength(1);
}

async function textsIn(session: Session): Promise<readonly unknown[]> {
  const { items } = await session.history();
  return items.map(({ entry }) => Reflect.get(Object(entry), 'content') as unknown);
}

const seqsOf = ({ items }: Awaited<ReturnType<Session['list']>>) =>
  items.map(({ seq, state, attempts }) => [seq, state, attempts]);

describe.each(['refuses', 'writes and refuses'] as const)('a disk that %s', (fullness) => {
  const isWritten = fullness === 'writes and refuses';

  test('work that came is there or not, with payload and key, and repeated it is there once', async () => {
    const say = (session: Session) => session.enqueue({ id: 'next', text: 'next' });
    const { place, session } = await refused(fullness, async (first) => () => say(first));
    expect((await session.list()).items).toHaveLength(isWritten ? 2 : 1);
    await expectWhole(place, session);
    expect((await say(session)).deduplicated).toBe(isWritten);
    expect((await session.list()).items).toHaveLength(2);
    await expectWhole(place, session);
  });

  test('a claim was taken or not, and the next one is fenced from it', async () => {
    const { place, session } = await refused(fullness, async (first) => () => first.claim());
    expect(seqsOf(await session.list())).toEqual([[1, isWritten ? 'interrupted' : 'ready', 0]]);
    const claim = await session.claim();
    expect(claim).toMatchObject({ fencingToken: isWritten ? 2 : 1 });
    expect(claim.batches).toMatchObject([{ attempts: isWritten ? 1 : 0 }]);
    await expectWhole(place, session);
    await claim.complete();
  });

  test('a completion happened or not, and its receipt settles it once', async () => {
    let receipt: ClaimReceipt | undefined;
    const options = { turnId: 'turn-1', commitHash: 'h', history: [{ content: 'done' }] };
    const { place, session } = await refused(fullness, async (first) => {
      const claim = await first.claim();
      receipt = claim.completion();
      return () => claim.complete(options);
    });
    expect(await textsIn(session)).toEqual(isWritten ? ['done'] : []);
    await expectWhole(place, session);
    const settled = await session.settle(receipt === undefined ? [] : [receipt], options);
    expect(settled).toMatchObject({ turnId: 'turn-1', repeated: isWritten });
    expect(await textsIn(session)).toEqual(['done']);
    expect((await session.view()).counts).toMatchObject({ batches: 0, completed: 1 });
    await expectWhole(place, session);
  });

  test('a turn was committed or begins again', async () => {
    const { place, session } = await refused(fullness, async (first) => {
      const turn = await first.turn();
      return () => turn.commit('done');
    });
    await expectWhole(place, session);
    const again = await session.turn();
    expect(again).toMatchObject({ isEmpty: isWritten, attempts: isWritten ? 0 : 1 });
    await again.commit(isWritten ? {} : 'done');
    expect(await textsIn(session)).toEqual(['first', 'done']);
    await expectWhole(place, session);
  });

  test('what was given back is back, by its owner or because he is gone', async () => {
    const { place, session } = await refused(fullness, async (first) => {
      const claim = await first.claim();
      return () => claim.abandon({ reason: 'tired', retryInMs: 5_000 });
    });
    const state = isWritten ? [1, 'ready', 1] : [1, 'interrupted', 0];
    expect(seqsOf(await session.list())).toEqual([state]);
    await session.resume();
    expect((await session.claim()).batches).toMatchObject([{ seq: 1, attempts: 1, claims: 2 }]);
    await expectWhole(place, session);
  });

  test('a batch was taken out whole, or is there', async () => {
    const { place, session } = await refused(fullness, async (first) => {
      const [batch] = (await first.list()).items;
      return () => first.cancel(batch?.batchId ?? '');
    });
    expect((await session.list()).items).toHaveLength(isWritten ? 0 : 1);
    await expectWhole(place, session);
    // What was written of it keeps no place: it may come again under its key.
    await session.enqueue({ id: 'first', text: 'first' });
    expect((await session.list()).items).toHaveLength(1);
  });
});
