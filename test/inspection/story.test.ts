/** A story: back to the first cause, forward over everybody it reached, in order, and honest where it is cut. */
import { expect, test } from 'vitest';
import type { Story } from '../../src/index.js';
import { buildHouse, delivered, video } from '../runtime/house.js';

function told({ steps }: Story): readonly string[] {
  return steps.map(({ address, event }) => `${address.replace(/\/.*$/s, '')}: ${event.type}`);
}

/** Every cause stands before, and every actor's steps stand in their order. */
function expectInOrder({ steps }: Story): void {
  for (const { address, seq, order, cause } of steps) {
    expect(steps[order]).toMatchObject({ address, seq });
    const earlier = steps.slice(0, order);
    if (cause !== undefined)
      expect(earlier.some((one) => one.address === cause.address && one.seq === cause.seq)).toBe(true);
    for (const other of earlier) if (other.address === address) expect(other.seq).toBeLessThan(seq);
  }
}

test('from a message in a session over the job of its turn and the delivery to the wake of the next turn', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const session = runtime.sessions.get('chat:1');
  await session.enqueue('a cat, please');
  const turn = await session.turn();
  const job = await runtime.jobs.submit(video());
  await turn.commit('on its way');
  await delivered(runtime, job);
  const next = await session.turn();
  await next.commit('there it is');

  const root = { address: 'session/chat:1', seq: 2 };
  const delivery = (await runtime.inspection.story(`job/${job.id}`)).actors[2] ?? '';
  const ends: readonly (readonly [string, number | undefined])[] = [
    ['session/chat:1', 2],
    [`job/${job.id}`, undefined],
    [`job/${job.id}`, 4],
    [delivery, undefined],
  ];
  for (const [address, seq] of ends) {
    const story = await runtime.inspection.story(address, seq);
    expect(story.root).toEqual(root);
    expectInOrder(story);
    expect(told(story)).toEqual(
      expect.arrayContaining([
        'session: session.enqueue',
        'session: turn.begin',
        'job: xstate.init',
        'job: xstate.done.actor.submit',
        'delivery: xstate.init',
        'delivery: lane.turn',
        'delivery: xstate.done.actor.send',
        'job: delivery.settled',
        'session: claims.complete',
      ]),
    );
    // The first turn and the one that the wake led to.
    expect(told(story).filter((one) => one === 'session: turn.begin')).toHaveLength(2);
    expect(story.actors.slice(0, 2)).toEqual(['session/chat:1', `job/${job.id}`]);
    expect(story.mermaid.startsWith('sequenceDiagram\n  actor s0 as user\n')).toBe(true);
  }
});
