/** Rows of work items and tasks that are gone, of nobody, or unreadable: found, and mended if they can be. */
import { expect, it } from 'vitest';
import { fromPromise } from 'xstate';
import { houseMachines, taskDefinition, workDefinition } from '../../src/actors/house-machines.js';
import type { FindingCode } from '../../src/findings.js';
import { taskMachine } from '../../src/machines/index.js';
import { keys } from '../../src/store/index.js';
import { openWorld, settled } from '../kernel/fixtures.js';
import { Household } from './household.js';

const RUNNING = 'work/work_running';
const run = fromPromise(() => new Promise<never>(() => undefined));
const definitions = [
  workDefinition,
  { ...taskDefinition, machine: taskMachine.provide({ actors: { run } } as never) },
];

/** An item that waits, one in somebody's hands, one that is done, and a task at work. */
async function openWorkshop(): Promise<Household> {
  const world = await openWorld(definitions);
  const { kernel } = world;
  for (const state of ['ready', 'running', 'done']) {
    const workId = `work_${state}`;
    const input = { workId, kind: 'embed', dedupeKey: `page ${state}` };
    await kernel.create('work', workId, input, { payloads: { payload: { page: 1 } } });
    const claim = { type: 'work.claim', token: `${workId}.t`, workerId: 'w', ttlMs: 60_000 };
    if (state !== 'ready') await kernel.send(`work/${workId}`, claim);
    if (state === 'done')
      await kernel.send(`work/${workId}`, { type: 'work.done', token: `${workId}.t`, hasResult: false });
  }
  const task = { runner: 'default', label: 'look', historyRole: 'assistant', depth: 0, maxIterations: 10 };
  const input = { ...task, taskId: 'task_1', timeoutMs: 3_600_000, retentionMs: 3_600_000 };
  await kernel.create('task', 'task_1', input, { payloads: { request: { prompt: 'look' } } });
  await settled(world);
  await world.store.close();
  return new Household(world, '');
}

interface Damage {
  readonly code: FindingCode;
  readonly when: string;
  readonly damage: (house: Household) => Promise<void>;
}

const lost = (letter: 'q' | 'd' | 'o', part: string) => async (house: Household) =>
  house.delete(await house.key(letter, part));

/** A row of an index that says of `RUNNING` what is not so. */
const said = (from: string, to: string) => async (house: Household) => {
  const key = await house.key('q', from);
  await house.write({ key: key.replace(from, to), value: JSON.stringify(RUNNING) });
};

const damages: readonly Damage[] = [
  { code: 'INDEX_MISSING', when: 'an item is in no queue', damage: lost('q', 'work.queue\0embed\0ready') },
  { code: 'INDEX_MISSING', when: 'nobody has the key of an item', damage: lost('q', 'page running') },
  { code: 'INDEX_MISSING', when: 'a task is in no list', damage: lost('q', 'task') },
  {
    code: 'INDEX_ORPHAN',
    when: 'an item is in the queue that somebody works on',
    damage: said('work.queue\0embed\0running', 'work.queue\0embed\0ready'),
  },
  {
    code: 'INDEX_ORPHAN',
    when: 'an item has a key that is none of its',
    damage: said('page running', 'page done'),
  },
  { code: 'TIMER_MISSING', when: 'nothing would take a claim away', damage: lost('d', RUNNING) },
  {
    code: 'PAYLOAD_ORPHAN',
    when: 'the result of a tool is of no task',
    damage: (house) =>
      house.write({ key: keys.payload('task/task_9', 'tool.0.f00d'), value: '{"result":1}' }),
  },
];

it('finds nothing where nothing is wrong', async () => {
  expect(await (await openWorkshop()).findings(houseMachines)).toEqual([]);
});

it.each(damages)('finds $code where $when, and mends what can be', async ({ code, damage }) => {
  const house = await openWorkshop();
  const before = await house.rows('q', 'd', 's', 'n');
  await damage(house);
  expect(await house.codes(houseMachines)).toEqual([code]);
  await house.repair(houseMachines);
  expect(await house.codes(houseMachines)).toEqual([]);
  expect(await house.rows('q', 'd', 's', 'n')).toEqual(before);
});

it('lets an item stand still whose payload cannot be read, and nobody else', async () => {
  const house = await openWorkshop();
  await house.corrupt(keys.payload(RUNNING, 'payload'));
  expect(await house.codes(houseMachines)).toEqual(['PAYLOAD_UNREADABLE']);
  await house.repair(houseMachines);
  expect(await house.codes(houseMachines)).toEqual([]);
  expect((await house.record(RUNNING)).quarantine).toBeDefined();
  expect((await house.record('work/work_ready')).quarantine).toBeUndefined();
});
