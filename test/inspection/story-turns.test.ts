/** Whose turn asked for a thing: the one that it names; where it names none, by order, which is said. */
import { expect, onTestFinished, test } from 'vitest';
import type { Runtime, Story, Turn } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { openai } from '../../src/providers/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { openTasks, stage } from '../runtime/task-place.js';

async function opened() {
  let submitted = 0;
  const house = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test' })],
    answers: {
      'job.submit': () => {
        submitted += 1;
        const taskId = `video_${submitted}`;
        return {
          type: 'accepted',
          ref: { taskId, endpoint: 'videos', generation: 'v1', credential: 'default' },
        };
      },
      'job.poll': () => ({ type: 'pending', progress: 0.5 }),
    },
  });
  onTestFinished(() => house.close());
  return house;
}

const film = { provider: 'openai', prompt: 'a cat' } as const;

async function turnOf(runtime: Runtime, key: string): Promise<Turn> {
  const session = runtime.sessions.get(key);
  await session.enqueue(`a film for ${key}`);
  return session.turn();
}

/** The step of an actor's story that began another, as the story says it. */
function beginOf({ steps }: Story, address: string) {
  const { cause, isInferred } = steps.find((step) => step.address === address && step.seq === 1) ?? {};
  return { cause, isInferred };
}

test('of two turns that run at once each has its own jobs in its story, after a crash too', async () => {
  const house = await opened();
  const { runtime } = house;
  const [ann, bob] = [await turnOf(runtime, 'ann'), await turnOf(runtime, 'bob')];
  // It tells neither whom it is for, nor, by its time, whose it is.
  const one = await runtime.jobs.submit({ ...film, turn: ann });
  // For another session than that of the turn that asks.
  const two = await runtime.jobs.submit({ ...film, sessionKey: 'ann', turn: bob });
  await house.crash();
  const { inspection } = house.runtime;
  const stories = [
    ['session/ann', `job/${one.id}`, `job/${two.id}`],
    ['session/bob', `job/${two.id}`, `job/${one.id}`],
  ] as const;
  for (const [session, own, other] of stories) {
    const story = await inspection.story(session, 2);
    expect(story.actors).toContain(own);
    expect(story.actors).not.toContain(other);
    expect(beginOf(story, own)).toEqual({ cause: { address: session, seq: 3 }, isInferred: undefined });
    expect((await inspection.story(own)).root).toEqual({ address: session, seq: 2 });
  }
  // What a turn has beside its name is not kept, and can be asked for by nobody twice.
  const [entry] = await house.runtime.inspect.reader.journal(`job/${one.id}`);
  const { turn } = Object(entry?.event['input']) as { readonly turn?: unknown };
  expect(turn).toEqual({ sessionId: 'ann', turnId: ann.turnId });
});

test('what is asked for after a checkpoint follows it; one without a turn is of that which ran', async () => {
  const house = await opened();
  const { runtime } = house;
  const turn = await turnOf(runtime, 'ann');
  const before = await runtime.jobs.submit({ ...film, turn });
  await runtime.sessions.get('ann').enqueue('and a dog', { deliver: 'earliestSafeBoundary', slot: 'join' });
  expect((await turn.checkpoint()).isEmpty).toBe(false);
  const after = await runtime.jobs.submit({ ...film, turn: { sessionId: 'ann', turnId: turn.turnId } });
  const silent = await runtime.jobs.submit({ ...film, sessionKey: 'ann' });
  await turn.commit('on their way');
  const late = await runtime.jobs.submit({ ...film, sessionKey: 'ann', turn });
  const { inspection } = runtime;
  const story = await inspection.story('session/ann', 2);
  const begun = story.steps.find(({ event }) => event.type === 'turn.begin')?.seq ?? 0;
  const taken = story.steps.find(({ event }) => event.type === 'turn.checkpoint')?.seq ?? 0;
  expect(taken).toBeGreaterThan(begun);
  const causes = [before, after, silent, late].map(({ id }) => beginOf(story, `job/${id}`));
  expect(causes.map(({ cause }) => cause?.seq)).toEqual([begun, taken, taken, taken]);
  // Who names no turn is told by order, and drawn so.
  expect(causes.map(({ isInferred }) => isInferred)).toEqual([undefined, undefined, true, undefined]);
  expect(story.mermaid.split('\n').filter((line) => line.includes('-->>'))).toHaveLength(1);
});

test('a turn that is not kept is a gap, and no other turn is taken for it', async () => {
  const house = await opened();
  const { runtime } = house;
  await turnOf(runtime, 'ann');
  const { id } = await runtime.jobs.submit({
    ...film,
    sessionKey: 'ann',
    turn: { sessionId: 'ann', turnId: 'turn_of-long-ago' },
  });
  const story = await runtime.inspection.story(`job/${id}`);
  expect([story.root, story.cut]).toEqual([{ address: `job/${id}`, seq: 1 }, true]);
  expect(story.actors).toEqual([`job/${id}`]);
  expect(story.mermaid).toContain('session/ann: steps are not kept');
  const own = await runtime.inspection.story('session/ann', 2);
  expect([own.actors, own.cut]).toEqual([['session/ann'], false]);
});

test('a task that a turn asked for is in its story before it has an end, wherever that will go', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const turn = await turnOf(place.runtime, 'ann');
  const { id } = await place.tasks.submit({ prompt: 'look it up', turn });
  const story = await place.runtime.inspection.story('session/ann', 2);
  expect(story.actors).toEqual(['session/ann', `task/${id}`]);
  expect(beginOf(story, `task/${id}`)).toEqual({ cause: { address: 'session/ann', seq: 3 } });
  (await next()).finish();
  await place.tasks.get(id).settled();
  expect((await place.runtime.inspection.story(`task/${id}`)).root.address).toBe('session/ann');
});

test('what is no turn is refused, and nothing is written', async () => {
  const { runtime } = await opened();
  const wrong = [{}, 'turn_1', { sessionId: '', turnId: 'x' }, { sessionId: 'a', turnId: 'x'.repeat(121) }];
  for (const turn of wrong)
    await expect(runtime.jobs.submit({ ...film, turn: turn as never })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  expect((await runtime.jobs.list()).items).toEqual([]);
  const long = { sessionId: 's'.repeat(limits.sessionKeyBytesMax), turnId: 't'.repeat(120) };
  const { id } = await runtime.jobs.submit({ ...film, turn: long });
  expect((await runtime.inspection.story(`job/${id}`)).cut).toBe(true);
});
