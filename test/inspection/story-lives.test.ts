/** Stories of random lives: told of what is there, causes first, with what was asked about, and bounded. */
import { expect, test } from 'vitest';
import type { JournalEntry } from '../../src/actors/kernel/index.js';
import { limits } from '../../src/limits.js';
import { chance, live, openedHouse, SEED, type RandomHouse } from './random-house.js';

/** A turn of the conversation: it asks for films, by its name or not, and has an end or none. */
async function turns({ runtime }: RandomHouse, below: (n: number) => number, round: number): Promise<void> {
  const session = runtime.sessions.get('chat:1');
  await session.enqueue({ text: 'a film, please' });
  await session.resume();
  const turn = await session.turn();
  if (turn.isEmpty) return;
  const film = { provider: 'openai', prompt: 'a film', sessionKey: 'chat:1' } as const;
  if (round === 0 || below(3) > 0) await runtime.jobs.submit({ ...film, turn });
  if (below(3) === 0) await runtime.jobs.submit(film);
  if (below(4) === 0) await turn.abandon({ reason: 'it is tired' });
  else if (below(4) > 0) await turn.commit('done');
}

async function journalsOf({ runtime }: RandomHouse): Promise<ReadonlyMap<string, readonly JournalEntry[]>> {
  const { items } = await runtime.inspection.list({ limit: 100 });
  const journals = new Map<string, readonly JournalEntry[]>();
  for (const { address } of items) journals.set(address, await runtime.inspect.reader.journal(address));
  return journals;
}

test(`a story tells steps that are there, causes first, and the one asked about (seed ${SEED})`, async () => {
  const house = await openedHouse();
  const below = chance(SEED);
  for (const id of ['0', '1'])
    for (const kind of ['each', 'fold', 'anew'] as const) await house.kinds[kind].create({ id });
  for (let round = 0; round < 6; round += 1) {
    await live(house, below, 10);
    await turns(house, below, round);
    await house.settle();
  }
  const journals = await journalsOf(house);
  const { inspection } = house.runtime;
  let [arrows, named] = [0, 0];
  for (const [address, entries] of journals) {
    const asked = entries.filter((_entry, index) => index === 0 || below(6) === 0);
    for (const { seq } of asked) {
      const what = `${address} step ${seq}, seed ${SEED}`;
      const story = await inspection.story(address, seq);
      const { steps, actors, root } = story;
      expect(await inspection.story(address, seq), what).toEqual(story);
      expect(steps.length, what).toBeLessThanOrEqual(limits.storyStepsMax);
      expect(actors.length, what).toBeLessThanOrEqual(limits.storyActorsMax);
      const commits = steps.map(({ commit }) => commit);
      expect(commits, what).toEqual(commits.toSorted((a, b) => a - b));
      const places = new Map(steps.map((step, order) => [`${step.address} ${step.seq}`, order]));
      expect(places.size, what).toBe(steps.length);
      expect(places.has(`${address} ${seq}`), `${what} is in its story`).toBe(true);
      expect(places.get(`${root.address} ${root.seq}`), what).toBe(0);
      for (const { address: of, seq: at, commit, event, cause, order, isInferred } of steps) {
        const kept = journals.get(of)?.find((entry) => entry.seq === at);
        // A child that has ended is gone from the listing, and from the story.
        expect([kept?.event.type, kept?.commit], `${what}: ${of} ${at}`).toEqual([event.type, commit]);
        if (cause === undefined) continue;
        arrows += 1;
        if (isInferred === undefined && of.startsWith('job/') && at === 1) named += 1;
        const before = journals.get(cause.address)?.find((entry) => entry.seq === cause.seq);
        expect(before?.commit, `${what}: the cause of ${of} ${at}`).toBeLessThanOrEqual(commit);
        expect(places.get(`${cause.address} ${cause.seq}`), what).toBeLessThan(order);
      }
    }
  }
  expect(arrows).toBeGreaterThan(20);
  expect(named, `jobs that name their turn, seed ${SEED}`).toBeGreaterThan(0);
});
