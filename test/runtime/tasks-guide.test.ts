/** What docs/guide-tasks.md says, run: its code is in examples/tasks, and the researcher in test/crash. */
import { expect, test } from 'vitest';
import { letters, type Post } from '../../examples/tasks/own-runner.js';
import { assign, decide, follow, stop } from '../../examples/tasks/ways.js';
import { openTasks } from './task-place.js';

const DEADLINE_MS = 30_000;

/** A post office that numbers what it takes; it never says a word about what is for one of `lost`. */
function postOffice(lost: readonly string[] = []) {
  const taken: string[] = [];
  const post: Post = (to, signal) => {
    taken.push(to);
    if (!lost.includes(to)) return Promise.resolve(`no. ${taken.length}`);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('the counter has closed')));
    });
  };
  return { taken, post, hasLost: () => lost.some((to) => taken.includes(to)) };
}

test('a runner of one’s own sends each letter once, and its task is told of', async () => {
  const { taken, post } = postOffice();
  const place = await openTasks({ runners: { letters: letters(post) } });
  const id = await assign(place.runtime);
  expect(await assign(place.runtime)).toBe(id);
  const view = await follow(place.runtime, id, AbortSignal.timeout(DEADLINE_MS));
  expect(view).toMatchObject({ status: 'completed', result: 'sent no. 1, no. 2, no. 3', iterations: 3 });
  expect(taken).toEqual(['Ada', 'Grace', 'Mary']);
  await expect.poll(() => place.sent).toHaveLength(1);
  const { items } = await place.runtime.sessions.get('telegram:42').history();
  expect(items).toHaveLength(1);
});

test.each([
  ['was sent', 'no. 7', ['Ada', 'Grace', 'Mary']],
  ['was not', undefined, ['Ada', 'Grace', 'Grace', 'Mary']],
])('a letter cut off by a crash waits for somebody who knows that it %s', async (_what, known, posted) => {
  const slow = postOffice(['Grace']);
  const first = await openTasks({ runners: { letters: letters(slow.post) } });
  const id = await assign(first.runtime);
  await expect.poll(slow.hasLost).toBe(true);
  const { taken, post } = postOffice();
  const { runtime } = await first.crash({ staggerMs: 0, runners: { letters: letters(post) } });
  await expect.poll(() => runtime.tasks.status(id)).toBe('interruptedTool');
  expect(await decide(runtime, () => known)).toBe(1);
  const { status } = await follow(runtime, id, AbortSignal.timeout(DEADLINE_MS));
  expect(status).toBe('completed');
  expect([...slow.taken, ...taken]).toEqual(posted);
});

test('a task that was stopped is cancelled once its runner has ended, and can be tried again', async () => {
  const { taken, post, hasLost } = postOffice(['Grace']);
  const { runtime } = await openTasks({ runners: { letters: letters(post) } });
  const id = await assign(runtime);
  await expect.poll(hasLost).toBe(true);
  await stop(runtime, id);
  const { status, cancelReason } = await runtime.tasks.get(id).settled();
  expect({ status, cancelReason }).toEqual({ status: 'cancelled', cancelReason: 'not wanted any more' });
  await runtime.tasks.retry(id);
  // Nobody knows what became of the letter that was cut off.
  await expect.poll(() => runtime.tasks.status(id)).toBe('interruptedTool');
  expect(taken.filter((to) => to === 'Ada')).toHaveLength(1);
});
