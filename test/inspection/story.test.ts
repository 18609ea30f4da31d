/** A story: back to the first cause, forward over everybody it reached, in order, cut where it must be. */
import { expect, test } from 'vitest';
import { assign, enqueueActions, sendParent, sendTo, setup } from 'xstate';
import type { Story } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { mermaidOf } from '../../src/actors/inspection/story-mermaid.js';
import { buildHouse, delivered, until, video } from '../runtime/house.js';
import { openTasks, stage } from '../runtime/task-place.js';

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

test('from a message over the job of its turn and the delivery to the wake of the next turn', async () => {
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

test('what a turn takes together leads to it, and other conversations are not in the story', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const [session, stranger] = [runtime.sessions.get('a'), runtime.sessions.get('b')];
  await stranger.enqueue('something else');
  const other = await stranger.turn();
  const together = { slot: 'join', merge: 'payloadDefault' } as const;
  for (const text of ['one', 'two']) await session.enqueue({ text }, together);
  const turn = await session.turn({ max: 10 });
  await turn.commit('both');
  await other.commit('else');
  for (const seq of [2, 3]) {
    const story = await runtime.inspection.story('session/a', seq);
    expect(story.root).toEqual({ address: 'session/a', seq });
    expect(story.actors).toEqual(['session/a']);
    expect(told(story)).toContain('session: turn.begin');
    expect(told(story)).toContain('session: claims.complete');
    expect(story.cut).toBe(false);
  }
});

test('from a task to its sub-task and back, from either end', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const parent = await next();
  const sub = parent.context.subtask('paw', { prompt: 'a paw' });
  const child = await next();
  child.finish();
  const { id: childId } = await sub;
  await place.tasks.get(childId).settled();
  parent.finish();
  await place.tasks.get(id).settled();
  for (const address of [`task/${childId}`, `task/${id}`]) {
    const story = await place.runtime.inspection.story(address);
    expectInOrder(story);
    expect(story.root).toEqual({ address: `task/${id}`, seq: 1 });
    expect(story.actors).toEqual([`task/${id}`, `task/${childId}`]);
    expect(told(story)).toEqual(
      expect.arrayContaining(['task: task.spawn', 'task: child.settled', 'task: xstate.done.actor.run']),
    );
    expect(story.cut).toBe(false);
  }
});

test('from a run of a schedule to its item and back to what it is told of it', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  await runtime.work.schedule('nightly', { every: 3_600_000, kind: 'embed' });
  await runtime.work.triggerSchedule('nightly');
  await until(runtime, async () => (await runtime.work.list()).items.length === 1);
  const claim = await runtime.work.claimNext();
  await runtime.work.done(claim?.token ?? '');
  await until(runtime, async () => {
    const [run] = await runtime.work.scheduleHistory('nightly');
    return run?.outcome === 'done';
  });
  const story = await runtime.inspection.story(`work/${claim?.id}`);
  expectInOrder(story);
  expect(story.actors).toEqual(['schedule/nightly', `work/${claim?.id}`]);
  expect(told(story)[0]).toBe('schedule: schedule.trigger');
  expect(told(story)).toEqual(
    expect.arrayContaining([
      'work: xstate.init',
      'work: work.claim',
      'work: work.done',
      'schedule: work.settled',
    ]),
  );
});

const kid = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
  id: 'kid',
  initial: 'idle',
  states: {
    idle: { on: { go: { target: 'over', actions: sendParent({ type: 'told' }) } } },
    over: { type: 'final' },
  },
});

const parent = setup({
  types: { events: {} as { type: 'start' } | { type: 'told' } },
  actors: { kid },
}).createMachine({
  id: 'parent',
  version: '1',
  initial: 'alone',
  states: {
    alone: { on: { start: 'together' } },
    together: {
      invoke: { src: 'kid', id: 'kid', onDone: 'done' },
      entry: sendTo('kid', { type: 'go' }),
      on: { told: {} },
    },
    done: { after: { 10: 'over' } },
    over: {},
  },
});

test('from a parent to its child, back, and to its timer; who is gone leaves a gap', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const parents = runtime.define(parent, { children: { kid: { retentionMs: 60_000 } } });
  const one = await parents.create({ id: '1' });
  await one.send({ type: 'start' });
  await one.waitFor((snapshot) => snapshot.matches('over'));
  const story = await runtime.inspection.story('parent/1', 2);
  expectInOrder(story);
  expect(story.actors).toEqual(['parent/1', 'parent.kid/1/kid@2:0']);
  expect(told(story)).toEqual([
    'parent: start',
    'parent.kid: xstate.init',
    'parent.kid: go',
    'parent: told',
    'parent: xstate.done.actor.kid',
    'parent: xstate.after.10.parent.done',
  ]);
  expect(story.cut).toBe(false);
  expect(story.mermaid).toBe(
    [
      'sequenceDiagram',
      '  actor s0 as user',
      '  participant a0 as parent/1',
      '  participant a1 as parent.kid/1/kid@2:0',
      '  s0->>a0: start → together',
      '  a0->>a1: begins → idle',
      '  a0->>a1: go → over',
      '  a1->>a0: told',
      '  a1->>a0: kid answers → done',
      '  a0->>a0: after 10 ms → over',
      '',
    ].join('\n'),
  );
  house.clock.advance(61_000);
  await until(
    runtime,
    async () => (await runtime.inspection.list({ kind: 'parent.kid' })).items.length === 0,
  );
  const later = await runtime.inspection.story('parent/1', 2);
  expect(told(later)).toEqual(['parent: start']);
  expect(later.cut).toBe(true);
  expect(later.mermaid).toContain('Note over a0: parent.kid/1/kid@2:0: steps are not kept');
  const end = await runtime.inspection.story('parent/1', 5);
  expect([end.root.seq, end.cut]).toEqual([4, true]);
});

const chain = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'again' } },
  actions: { count: assign(({ context }) => ({ n: context.n + 1 })) },
  guards: { more: ({ context }) => context.n < limits.storyStepsMax + 50 },
}).createMachine({
  id: 'chain',
  version: '1',
  context: { n: 0 },
  on: {
    again: { guard: 'more', actions: ['count', sendTo(({ self }) => self, { type: 'again' })] },
  },
});

test('a story is bounded, and says that it goes on', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const one = await runtime.define(chain).create({ id: '1' });
  await one.send({ type: 'again' });
  await one.waitFor(({ context }) => context.n === limits.storyStepsMax + 50);
  const story = await runtime.inspection.story('chain/1', 2);
  expect(story.steps).toHaveLength(limits.storyStepsMax);
  expect(story.cut).toBe(true);
  expect(story.mermaid).toContain('it goes on');
  const end = await runtime.inspection.story('chain/1', limits.storyStepsMax + 40);
  expect(end.steps).toHaveLength(limits.storyStepsMax);
  expect(end.steps.at(-1)?.seq).toBe(limits.storyStepsMax + 40);
  expect(end.cut).toBe(true);
  await expect(runtime.inspection.story('chain/1', 9_999)).rejects.toMatchObject({ code: 'STEP_NOT_KEPT' });
  await expect(runtime.inspection.story('chain/1', 0)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(runtime.inspection.story('chain/2')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

const fan = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'all' } | { type: 'each' } },
  actions: { count: assign(({ context }) => ({ n: context.n + 1 })) },
}).createMachine({
  id: 'fan',
  version: '1',
  context: { n: 0 },
  on: {
    all: {
      actions: enqueueActions(({ enqueue, self }) => {
        for (let sent = 0; sent < limits.storyStepsMax + 5; sent += 1) enqueue.sendTo(self, { type: 'each' });
      }),
    },
    each: { actions: 'count' },
  },
});

test('the step that was asked about has its place, whatever else its cause led to', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const one = await runtime.define(fan).create({ id: '1' });
  await one.send({ type: 'all' });
  await one.waitFor(({ context }) => context.n === limits.storyStepsMax + 5);
  const last = (await one.journal()).at(-1)?.seq ?? 0;
  const story = await runtime.inspection.story('fan/1', last);
  expect(story.steps).toHaveLength(limits.storyStepsMax);
  expect([story.root.seq, story.steps.at(-1)?.seq, story.cut]).toEqual([2, last, true]);
});

test('nothing in a diagram is read as Mermaid or HTML', () => {
  const at = { at: 1, eventId: 'x', commit: 1, status: 'active', migrated: false } as const;
  const address = 'a/<img src=x onerror=alert(1)>\nend;';
  const event = { type: 'pay#1; drop\n  a0->>a0: lie' };
  const steps = [{ ...at, address, seq: 1, source: 'operator:<b>', event, value: 'x', order: 0 }];
  const text = mermaidOf({ actors: [address], steps, cut: false, gone: [] });
  expect(text.split('\n')).toEqual([
    'sequenceDiagram',
    '  actor s0 as operator:#60;b#62;',
    '  participant a0 as a/#60;img src=x onerror=alert(1)#62; end#59;',
    '  s0->>a0: pay#35;1#59; drop a0-#62;#62;a0: lie → x',
    '',
  ]);
});
