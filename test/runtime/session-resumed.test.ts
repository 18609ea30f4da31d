/** A session that stood still goes on: with the turn of who is there, without those of who is not. */
import { describe, expect, it } from 'vitest';
import type { Batch, Session } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { keys } from '../../src/store/keys.js';
import { openOne, openSessions, type SessionPlace } from './session-place.js';

const ADDRESS = 'session/chat:1';

/** A session whose turn runs, and that stands still for a row that cannot be read. */
async function openStanding() {
  const { place, session } = await openOne();
  await session.enqueue({ text: 'one', id: 'm1' });
  await session.enqueue('two');
  const turn = await session.turn();
  const key = keys.payload(ADDRESS, 'k/host:m1');
  await place.disk.corrupt(key, (stored) => `${stored.slice(0, -1)}~`);
  await expect(session.enqueue({ text: 'one', id: 'm1' })).rejects.toMatchObject({
    code: 'ACTOR_QUARANTINED',
  });
  return { place, session, turn };
}

/** What the next turn says. */
async function nextTexts(session: Session): Promise<readonly unknown[]> {
  const turn = await session.turn();
  expect(turn.refusal).toBe(undefined);
  return turn.messages.map(({ content }) => content);
}

async function openedTimes(generation: number): Promise<SessionPlace> {
  let place = await openSessions();
  for (let opened = 1; opened < generation; opened += 1) place = await place.crash();
  return place;
}

async function pagesOf(session: Session): Promise<readonly Batch[]> {
  const all: Batch[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.list({ cursor, limit: 1_000 });
    all.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

describe('a session that stood still', () => {
  it('goes on without the turn of a process that died meanwhile', async () => {
    const { place } = await openStanding();
    const next = await place.crash();
    await next.parts.quarantine.skip(ADDRESS);
    expect(await nextTexts(next.sessions.get('chat:1'))).toEqual(['one']);
  });

  it('goes on with the turn that runs in this process', async () => {
    const { place, session, turn } = await openStanding();
    await place.parts.quarantine.skip(ADDRESS);
    expect((await session.turn()).refusal).toBe('turnActive');
    await turn.commit('well');
    expect(await nextTexts(session)).toEqual(['two']);
  });

  it.each([
    [1, 1],
    [3, 1],
    [1, 3],
  ])('goes on without the turns of another store, from generation %i to %i', async (from, to) => {
    const place = await openedTimes(from);
    const session = place.sessions.get('chat:1');
    await session.enqueue('one');
    await session.turn();
    const capsule = await place.parts.capsules.export(ADDRESS, { redact: false });
    const other = await openedTimes(to);
    await other.parts.capsules.import(capsule);
    await other.parts.quarantine.resume(ADDRESS);
    const imported = other.sessions.get('chat:1');
    expect(await nextTexts(imported)).toEqual(['one']);
    expect((await imported.list()).items).toMatchObject([{ claims: 2, attempts: 1 }]);
  });

  it('writes its own history where it came in under another key', async () => {
    const { place, session } = await openOne();
    await session.enqueue('one');
    const capsule = await place.parts.capsules.export(ADDRESS);
    const address = await place.parts.capsules.import(capsule, { id: 'chat:2' });
    await place.parts.quarantine.resume(address);
    const copy = place.sessions.get('chat:2');
    await (await copy.turn()).commit('well');
    expect((await copy.history()).items).toMatchObject([{ entry: { content: 'one' } }, { cause: address }]);
    expect((await session.history()).items).toEqual([]);
  });

  it('has all that waited for it, however much that was', async () => {
    const place = await openedTimes(1);
    const session = place.sessions.get('chat:1');
    const half = limits.scanPageRows / 2 + 1;
    for (const part of ['a', 'b']) {
      const texts = Array.from({ length: half }, (_unused, index) => `${part} ${index}`);
      await Promise.all(texts.map((text) => session.enqueue(text)));
    }
    const capsule = await place.parts.capsules.export(ADDRESS, { redact: false });
    const other = await openedTimes(1);
    await other.parts.capsules.import(capsule);
    await other.parts.quarantine.resume(ADDRESS);
    const found = await pagesOf(other.sessions.get('chat:1'));
    expect(found.length).toBe(2 * half);
    expect(found.filter(({ items }) => items.length === 0)).toEqual([]);
  });
});
