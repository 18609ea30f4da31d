/** Ends that come at an awkward moment: of a state, of an actor in memory, of a kernel that is closed. */
import { expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import type { DefinitionOptions, EffectPolicy, ProbeResult } from '../../src/actors/kernel/index.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { camp } from './family.js';
import { deferred, openWorld, rowsOf, settled, type World } from '../kernel/fixtures.js';

const ADDRESS = 'errand/one';

/** away ⇄ out (effect `work`) → home; keeps what came back. */
function errand(work: (id: string, signal: AbortSignal) => Promise<unknown>) {
  return setup({
    types: { context: {} as { got: unknown[] } },
    actors: { work: fromPromise(({ self, signal }) => work(self.id, signal)) },
    actions: {
      keep: assign(({ context, event }) => ({ got: [...context.got, Reflect.get(event, 'output')] })),
      fall: assign(({ context, event }) => ({ got: [...context.got, event.type] })),
    },
  }).createMachine({
    id: 'errand',
    version: '1',
    context: { got: [] },
    initial: 'out',
    states: {
      away: { on: { go: 'out' } },
      out: {
        invoke: {
          id: 'work',
          src: 'work',
          onDone: { target: 'home', actions: 'keep' },
          onError: { target: 'home', actions: 'fall' },
        },
        on: {
          leave: 'away',
          again: { target: 'out', reenter: true },
          'effect.interrupted': { target: 'home', actions: 'fall' },
        },
      },
      home: {},
    },
  });
}

/** A world that is always out: its calls by id, and answers given by hand. */
function outside(policy: EffectPolicy) {
  const calls: string[] = [];
  const answers: ((value: unknown) => void)[] = [];
  const aborted: string[] = [];
  const definition: DefinitionOptions = {
    kind: 'errand',
    machine: errand((id, signal) => {
      calls.push(id);
      signal.addEventListener('abort', () => aborted.push(id));
      const { promise, resolve } = deferred<unknown>();
      answers.push(resolve);
      return promise;
    }),
    effects: { work: policy },
  };
  return { calls, answers, aborted, definition };
}

async function stateOf(world: World): Promise<unknown[]> {
  const found = await world.kernel.snapshot(ADDRESS);
  const effects = (await rowsOf(world.store, 'o')).length;
  const value: unknown = found?.snapshot.value;
  const got: unknown = Reflect.get(Object(found?.snapshot.context), 'got');
  return [value, got, effects];
}

async function started(definition: DefinitionOptions): Promise<World> {
  const world = await openWorld([definition]);
  await world.kernel.create('errand', 'one', undefined);
  await settled(world);
  return world;
}

test('a probe that answers after its actor has left the state changes nothing', async () => {
  const probes: { readonly signal: AbortSignal; readonly answer: (found: ProbeResult) => void }[] = [];
  const probe = ({ signal }: { readonly signal: AbortSignal }): Promise<ProbeResult> => {
    const { promise, resolve } = deferred<ProbeResult>();
    probes.push({ signal, answer: resolve });
    return promise;
  };
  const { calls, answers, definition } = outside({ recovery: 'probe', probe });
  const world = await started(definition);
  await world.crash([definition]);
  await settled(world);
  expect([calls.length, probes.length]).toEqual([1, 1]);
  await world.kernel.send(ADDRESS, { type: 'leave' });
  await settled(world);
  expect(probes[0]?.signal.aborted).toBe(true);
  probes[0]?.answer({ type: 'done', output: 'too late' });
  await settled(world);
  expect(await stateOf(world)).toEqual(['away', [], 0]);
  // Back in the state it is another effect: what the old probe or the dead run says is not for it.
  await world.kernel.send(ADDRESS, { type: 'go' });
  await settled(world);
  answers[0]?.('of a dead process');
  await settled(world);
  expect(await stateOf(world)).toEqual(['out', [], 1]);
  answers[1]?.('mine');
  await settled(world);
  expect(await stateOf(world)).toEqual(['home', ['mine'], 0]);
  expect(new Set(calls).size).toBe(2);
});

test('a probe that answers while its state is entered anew is not taken for the new effect', async () => {
  const found: ((result: ProbeResult) => void)[] = [];
  const probe = (): Promise<ProbeResult> => {
    const { promise, resolve } = deferred<ProbeResult>();
    found.push(resolve);
    return promise;
  };
  const { calls, answers, definition } = outside({ recovery: 'probe', probe });
  const world = await started(definition);
  await world.crash([definition]);
  await settled(world);
  // Both in one turn: the step that ends the old effect, and the answer about it.
  const sent = world.kernel.send(ADDRESS, { type: 'again' });
  found[0]?.({ type: 'done', output: 'of the old one' });
  await sent;
  await settled(world);
  expect(await stateOf(world)).toEqual(['out', [], 1]);
  answers[1]?.('of the new one');
  await settled(world);
  expect(await stateOf(world)).toEqual(['home', ['of the new one'], 0]);
  expect(new Set(calls).size).toBe(2);
});

test('a result of a process that is over is not heard by the actor that came back from disk', async () => {
  const { calls, answers, definition } = outside({ recovery: 'idempotent' });
  const world = await started(definition);
  await world.crash([definition]);
  await settled(world);
  expect(new Set(calls).size).toBe(1);
  expect(calls).toHaveLength(2);
  answers[0]?.('from the grave');
  await settled(world);
  expect(await stateOf(world)).toEqual(['out', [], 1]);
  answers[1]?.('alive');
  await settled(world);
  expect(await stateOf(world)).toEqual(['home', ['alive'], 0]);
});

test.each([
  ['rerun', 2, ['alive']],
  ['idempotent', 2, ['alive']],
  ['manual', 1, ['effect.interrupted']],
  ['probe', 1, ['found']],
] as const)(
  'closed while its effect runs, a %s effect is recovered as after a crash',
  async (recovery, runs, got) => {
    const probe = (): Promise<ProbeResult> => Promise.resolve({ type: 'done', output: 'found' });
    const policy = recovery === 'probe' ? { recovery, probe } : { recovery };
    const { calls, answers, aborted, definition } = outside(policy);
    const world = await started(definition);
    await world.kernel.close();
    expect(aborted).toEqual(calls);
    answers[0]?.('after the close');
    await settled(world);
    await world.crash([definition]);
    await settled(world);
    answers[1]?.('alive');
    await settled(world);
    expect(calls).toHaveLength(runs);
    expect(await stateOf(world)).toEqual(['home', got, 0]);
  },
);

test('closed while an effect that drains runs, its result is on disk before the close ends', async () => {
  const { calls, answers, aborted, definition } = outside({ recovery: 'manual', drains: true });
  const world = await started(definition);
  const closed = world.kernel.close();
  await settled(world);
  answers[0]?.('in time');
  await closed;
  await world.crash([definition]);
  await settled(world);
  expect([calls.length, aborted]).toEqual([1, []]);
  expect(await stateOf(world)).toEqual(['home', ['in time'], 0]);
});

test('closed while the started mark is written, a manual effect is not in doubt: it never ran', async () => {
  const { calls, answers, definition } = outside({ recovery: 'manual' });
  const stores: FaultyStore[] = [];
  const world = await openWorld([definition], (inner) => {
    const store = faultyStore(inner);
    stores.push(store);
    return store;
  });
  await world.kernel.create('errand', 'one', undefined);
  const hold = stores[0]?.hold();
  await hold?.reached;
  const closed = world.kernel.close();
  await settled(world);
  hold?.release();
  await closed;
  expect(calls).toEqual([]);
  await world.crash([definition]);
  await settled(world);
  expect(calls).toHaveLength(1);
  answers[0]?.('at last');
  await settled(world);
  expect(await stateOf(world)).toEqual(['home', ['at last'], 0]);
});

test('a child that ends while its parent leaves is not heard, and nothing of it is left', async () => {
  const definition: DefinitionOptions = { kind: 'camp', machine: camp };
  const world = await openWorld([definition]);
  await world.kernel.create('camp', 'one', undefined);
  await world.kernel.send('camp/one', { type: 'go' });
  await settled(world);
  const [scout = ''] = (await world.kernel.reader.byKind('camp.scout')).items;
  const resting = await world.kernel.snapshot(scout);
  expect(resting?.snapshot.value).toBe('resting');
  // One batch: the child's end is on its way to a parent that has just stopped it.
  const sent = [scout, 'camp/one'].map((to) =>
    world.kernel.send(to, { type: to === scout ? 'hurry' : 'back' }),
  );
  await Promise.all(sent);
  await settled(world);
  const events = (await world.kernel.reader.journal('camp/one')).map(({ event }) => event.type);
  expect(events.at(-1)).toBe('back');
  expect(events.filter((type) => type.startsWith('xstate.done'))).toEqual([]);
  expect(await rowsOf(world.store, 'i')).toEqual([]);
  await world.crash([definition]);
  await settled(world);
  expect(await rowsOf(world.store, 'i')).toEqual([]);
  expect((await world.kernel.snapshot('camp/one'))?.snapshot.value).toBe('idle');
});
