/**
 * A render that is asked for in a conversation, by a process that is killed until it is done: the session's
 * next turn is told of it, once, and a restart tells it no more.
 */
import { expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { bundled } from '../bundled.js';
import { createFastClock } from './fast-clock.js';
import { openTalks, type Talk } from './talks.js';
import { chance, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const KILLS = isDeep ? 40 : 8;
const KILL_AFTER_MAX_MS = 400;
/** Fast milliseconds: a render lives through some of the kills. */
const LIFE = { queued: { minMs: 0, maxMs: 2_000 }, running: { minMs: 1_000, maxMs: 20_000 } } as const;

const program = bundled('test/crash/children/talker.ts');

test(`killed ${KILLS} times, renders wake their sessions once each, and no restart does again`, async ({
  onTestFinished,
}) => {
  const seed = seedOf('crash/session-wake');
  const clock = { startMs: Date.now(), speed: 10 };
  const simulator = await startSimulator({ script: { life: LIFE }, clock: createFastClock(clock) });
  onTestFinished(() => simulator.close());
  const talks = await openTalks(program, onTestFinished);
  const jobs = [0, 1, 2, 3].map((n) => ({ key: `film ${n}`, session: `s${n % 2}` }));
  const messages = ['s0', 's1'].map((session) => ({ session, id: 'film-it', as: 'alone' }) as const);
  const talk: Talk = { by: 'serve', messages, renders: { simulatorUrl: simulator.url, clock, jobs } };
  for (let kill = 0; kill < KILLS; kill += 1) {
    const talker = talks.start({ ...talk, isKilled: true });
    await talker.heard('open');
    const timer = setTimeout(talker.kill, KILL_AFTER_MAX_MS * chance(seed, kill));
    expect(await talker.ended).toBe('SIGKILL');
    clearTimeout(timer);
  }
  await talks.finish(talk);
  const told = await talks.tell(['s0', 's1']);
  for (const { history, waiting } of told) {
    expect(waiting).toEqual([]);
    const replies = history.filter((text) => text.startsWith('reply'));
    const causes = replies.flatMap((reply) => reply.match(/job\.done \S+/g) ?? []);
    expect(causes).toHaveLength(2);
    expect(new Set(causes).size).toBe(2);
    for (const cause of causes) expect(cause).toMatch(/^job\.done job_\S+:1$/);
    expect(history.filter((text) => text.startsWith('[video generation complete] '))).toHaveLength(2);
    expect(history.filter((text) => text === 'film-it')).toHaveLength(1);
    // Written with the settlement: before any turn was told.
    const firstTold = history.findIndex((text) => text.includes('job.done'));
    const firstWritten = history.findIndex((text) => text.startsWith('[video'));
    expect(firstWritten).toBeLessThan(firstTold);
  }
  const before = (await talks.facts()).length;
  await talks.finish(talk);
  expect(await talks.tell(['s0', 's1'])).toEqual(told);
  expect((await talks.facts()).length).toBe(before);
});
