/**
 * Conversations side by side, and a process that is killed at random, again and again: each message is
 * answered once and in order, and what was claimed together stays together.
 */
import { expect, test } from 'vitest';
import { bundled } from '../bundled.js';
import type { Fact, Held, Said } from './session-plan.js';
import { openTalks } from './talks.js';
import { chance, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const KILLS = isDeep ? 150 : 12;
const SESSIONS = isDeep ? 20 : 8;
const MESSAGES = isDeep ? 200 : 40;
const KILL_AFTER_MAX_MS = 250;

const program = bundled('test/crash/children/talker.ts');

test(`killed ${KILLS} times, each of ${SESSIONS} sessions answers its messages once, in order`, async ({
  onTestFinished,
}) => {
  const seed = seedOf('crash/session-random');
  const talks = await openTalks(program, onTestFinished);
  const keys = Array.from({ length: SESSIONS }, (_unused, index) => `s${index}`);
  const ids = Array.from({ length: MESSAGES }, (_unused, index) => `${index}`);
  const all = keys.flatMap((session, n) =>
    ids.map((id, index): Said => {
      const isAlone = chance(seed, n * MESSAGES + index) < 0.3;
      return { session, id, as: isAlone ? 'alone' : 'together' };
    }),
  );
  for (let kill = 0; kill < KILLS; kill += 1) {
    // New work comes all along, so that hardly a kill hits an idle process. The first hits a turn.
    const known = Math.ceil(((kill + 1) * MESSAGES) / KILLS);
    const talker = talks.start({
      by: 'serve',
      ...(kill === 0 ? { stallsAt: 3 } : {}),
      isKilled: true,
      messages: all.filter(({ id }) => Number(id) < known),
    });
    await talker.heard(kill === 0 ? 'stalled' : 'open');
    const timer = setTimeout(talker.kill, KILL_AFTER_MAX_MS * chance(seed, 1_000_000 + kill));
    expect(await talker.ended).toBe('SIGKILL');
    clearTimeout(timer);
  }
  await talks.finish({ by: 'serve', messages: all });

  const told = await talks.tell(keys);
  const facts = await talks.facts();
  const again = facts.flatMap((fact) => (fact.type === 'held' ? fact.batches : []));
  expect(again.filter(({ attempts }) => attempts > 0).length, 'the first kill hit a turn').toBeGreaterThan(0);
  for (const [index, { history, waiting }] of told.entries()) {
    const mine = facts.filter(({ session }) => session === keys[index]);
    expect(waiting).toEqual([]);
    expect(history.filter((text) => !text.startsWith('reply'))).toEqual(ids);
    const replies = history.filter((text) => text.startsWith('reply'));
    // Each turn's inputs come right before its reply, and are what it replied to.
    expect(replies.flatMap((reply) => reply.replace('reply to ', '').split(' '))).toEqual(ids);
    const noted = mine.flatMap((fact) =>
      fact.type === 'committed' ? [`reply to ${fact.ids.join(' ')}`] : [],
    );
    expect(new Set(noted).size).toBe(noted.length);
    // A commit that was acknowledged is there; at most the last of each process was not acknowledged.
    expect(replies.filter((reply) => noted.includes(reply))).toEqual(noted);
    expect(replies.length - noted.length).toBeLessThanOrEqual(KILLS);
    for (const id of ids) expectKept(claimsWith(mine, id));
  }
});

interface Taken {
  readonly held: Held;
  /** Everything that its claim holds. */
  readonly together: string;
}

/** The claims that held a message, in the order they were seen. */
function claimsWith(facts: readonly Fact[], id: string): readonly Taken[] {
  const byClaim = new Map<string, Taken>();
  for (const fact of facts) {
    if (fact.type !== 'held') continue;
    const held = fact.batches.find((batch) => batch.id === id);
    if (held === undefined) continue;
    const members = fact.batches.filter(({ claimId }) => claimId === held.claimId);
    byClaim.set(held.claimId, { held, together: members.map((member) => member.id).join(' ') });
  }
  return [...byClaim.values()];
}

/** Claimed again it is fenced, its attempts are counted, and it is together with what it was before. */
function expectKept(claims: readonly Taken[]): void {
  expect(claims.length).toBeGreaterThan(0);
  const counters = claims.map(({ held }) => held.claims);
  expect(counters).toEqual([...new Set(counters)].toSorted((a, b) => a - b));
  for (const { held, together } of claims) {
    expect(held.claims).toBe(held.attempts + 1);
    expect(together).toBe(claims[0]?.together);
  }
}
