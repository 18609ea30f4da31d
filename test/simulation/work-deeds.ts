/**
 * What may happen to work items, schedules and tasks in one step of a simulation.
 *
 * Callers: actions.ts. Invariants: as of all actions: one draws from the chance of its own step alone; among
 * who speaks are those who may not: tokens and runs that are over, or were never given.
 */
import type { Json, JsonObject } from '../../src/json.js';
import type { ScheduleInput, TaskContext, TaskInput, WorkItemContext } from '../../src/machines/index.js';
import type { Action } from './actions.js';
import type { Chance } from './chance.js';
import { sessionKeys } from './session-house.js';
import type { World } from './world.js';

type Event = JsonObject & { readonly type: string };

/** The newest actors of a kind that somebody minds: few, so that each has a life. */
const MINDED_MAX = 3;
const TTL_MS = 10_000;
const KEPT_MS = 60_000;
const KEYS = 4;

function some(world: World, chance: Chance, kind: string, isOpen = false): string | undefined {
  const open = addressesOf(world, kind).filter(
    (address) => !isOpen || contextOf<{ readonly endedAt?: number }>(world, address).endedAt === undefined,
  );
  return chance.oneOf(open.slice(-MINDED_MAX));
}

function addressesOf({ oracle }: World, kind: string): readonly string[] {
  const records = [...oracle.shadow.rows.keys()].filter((key) => key.startsWith(`s\0${kind}/`));
  return records.map((key) => key.slice(2));
}

function contextOf<Context>(world: World, address: string): Partial<Context> {
  const { context } = Object(world.oracle.record(address)?.snapshot) as { readonly context?: Context };
  return context ?? {};
}

function create(world: World, kind: string, id: string, input: object): string {
  const address = `${kind}/${id}`;
  world.clients.call(world.process, address, { type: 'create', input: input as Json });
  return address;
}

function send(world: World, chance: Chance, address: string, event: Event): string {
  const id = chance.happens(0.7) ? world.newName('e') : undefined;
  world.clients.call(world.process, address, { type: 'send', event }, id);
  return `${event.type} to ${address}`;
}

function newItem(world: World, chance: Chance): string {
  const workId = world.newName('i');
  return create(world, 'work', workId, {
    ...{ workId, kind: 'embed', payload: { n: 1 }, retentionMs: KEPT_MS },
    attemptsMax: 1 + chance.below(4),
    priority: chance.below(3),
    ...(chance.happens(0.3) ? { runAt: world.time.now() + chance.below(20_000) } : {}),
    ...(chance.happens(0.6) ? { dedupeKey: `key${chance.below(KEYS)}` } : {}),
    ...(chance.happens(0.3) ? { notify: some(world, chance, 'schedule') ?? 'schedule/none' } : {}),
  });
}

function workOn(world: World, chance: Chance): string | undefined {
  const address = some(world, chance, 'work', true);
  if (address === undefined) return undefined;
  const { claim, lost = [] } = contextOf<WorkItemContext>(world, address);
  if (claim === undefined) {
    const token = world.newName('t');
    const owner = chance.happens(0.3) ? { epoch: world.process.generation } : {};
    const asked = { type: 'work.claim', token, workerId: 'w', ttlMs: TTL_MS, ...owner };
    return send(world, chance, address, asked);
  }
  const token = chance.happens(0.75) ? claim.token : (lost.at(-1) ?? 'none');
  const error = { code: 'busy', message: 'busy' };
  const events: readonly Event[] = [
    { type: 'work.heartbeat', token, ttlMs: chance.below(2 * TTL_MS) },
    { type: 'work.heartbeat', token, ttlMs: TTL_MS },
    { type: 'work.done', token, hasResult: false },
    { type: 'work.done', token, hasResult: true },
    { type: 'work.fail', token, error, retry: true, retryInMs: chance.below(5_000) },
    { type: 'work.fail', token, error, retry: chance.happens(0.5) },
    { type: 'work.requeue', token },
  ];
  return send(world, chance, address, chance.oneOf(events) ?? { type: 'work.cancel' });
}

function tendItem(world: World, chance: Chance): string | undefined {
  const address = some(world, chance, 'work');
  if (address === undefined) return undefined;
  const events: readonly Event[] = [
    { type: 'work.retry' },
    { type: 'work.retry' },
    { type: 'work.cancel' },
    { type: 'work.reclaim', now: world.time.now() },
    { type: 'generation.began', epoch: world.process.generation },
  ];
  return send(world, chance, address, chance.oneOf(events) ?? { type: 'work.retry' });
}

function newTask(world: World, chance: Chance): string {
  const taskId = world.newName('k');
  return create(world, 'task', taskId, taskInput(taskId, chance));
}

function taskInput(taskId: string, chance: Chance): TaskInput {
  const delivery = { channel: 'chat', target: `chat${taskId.length % 2}` };
  return {
    ...{ taskId, runner: 'default', label: 'look', request: { prompt: 'look' }, historyRole: 'assistant' },
    ...{ depth: 0, maxIterations: 10, timeoutMs: 600_000, retentionMs: KEPT_MS },
    ...(chance.happens(0.5) ? { sessionKey: chance.oneOf(sessionKeys) ?? 'a' } : {}),
    ...(chance.happens(0.5) ? { delivery } : {}),
  };
}

function runTask(world: World, chance: Chance): string | undefined {
  const address = some(world, chance, 'task', true);
  if (address === undefined) return undefined;
  const { run: present, calls = [], input } = contextOf<TaskContext>(world, address);
  if (present === undefined || chance.happens(0.2))
    return send(world, chance, address, { type: 'task.started', run: world.newName('r') });
  const run = chance.happens(0.85) ? present : 'none';
  const callId = calls[0]?.callId ?? `c${chance.below(3)}`;
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  const child = world.newName('k');
  const spawned = {
    ...taskInput(child, chance),
    ...{ parentId: input?.taskId ?? '', depth: 1 },
  };
  const spawn = { type: 'task.spawn', run, child: spawned as unknown as Json };
  if (chance.happens(0.45)) return send(world, chance, address, spawn);
  const events: readonly Event[] = [
    { type: 'task.iteration', run, iteration: chance.below(9) },
    { type: 'task.usage', run, usage },
    { type: 'task.checkpoint', run, parts: 1, chars: 9 },
    { type: 'tool.started', run, callId, name: 'search', idempotent: chance.happens(0.4) },
    { type: 'tool.started', run, callId, name: 'search', idempotent: false },
    { type: 'tool.ended', run, callId },
    { type: 'task.output', run },
    { type: 'run.released', run },
  ];
  return send(world, chance, address, chance.oneOf(events) ?? { type: 'runner.available' });
}

function tendTask(world: World, chance: Chance): string | undefined {
  const address = some(world, chance, 'task');
  if (address === undefined) return undefined;
  const { calls = [] } = contextOf<TaskContext>(world, address);
  const resolve = { type: 'tool.resolve', callId: calls[0]?.callId ?? 'c0' };
  const cancel = { type: 'task.cancel', reason: 'not wanted' };
  const events: readonly Event[] = [
    { ...resolve, as: 'rerun' },
    { ...resolve, as: 'result' },
    { type: 'runner.available' },
    { type: 'task.retry', fromStart: chance.happens(0.5) },
    cancel,
  ];
  return send(world, chance, address, chance.oneOf(events) ?? cancel);
}

/** Somebody with sub-tasks is cancelled. */
function cancelFamily(world: World, chance: Chance): string | undefined {
  const parent = chance.oneOf(
    addressesOf(world, 'task').filter((address) => {
      const { children = [], endedAt } = contextOf<TaskContext>(world, address);
      return children.length > 0 && endedAt === undefined;
    }),
  );
  return parent && send(world, chance, parent, { type: 'task.cancel', reason: 'not wanted' });
}

function schedule(world: World, chance: Chance): string {
  const address = chance.happens(0.3) ? undefined : some(world, chance, 'schedule');
  const name = world.newName('c');
  const input: ScheduleInput = {
    ...{ name, cadence: { everyMs: 10_000 }, kind: 'embed', overlap: 'skip' },
    catchUp: chance.happens(0.5) ? 'skip' : 'once',
  };
  if (address === undefined) return create(world, 'schedule', name, input);
  const events: readonly Event[] = [
    { type: 'schedule.trigger' },
    { type: 'schedule.trigger' },
    { type: 'schedule.pause' },
    { type: 'schedule.resume' },
    { type: 'schedule.change', input: input as unknown as Json },
    { type: 'schedule.remove' },
  ];
  return send(world, chance, address, chance.oneOf(events) ?? { type: 'schedule.trigger' });
}

export const workDeeds: readonly Action[] = [
  { name: 'newItem', weight: 3, run: newItem },
  { name: 'workOn', weight: 11, run: workOn },
  { name: 'tendItem', weight: 3, run: tendItem },
  { name: 'newTask', weight: 3, run: newTask },
  { name: 'runTask', weight: 12, run: runTask },
  { name: 'tendTask', weight: 3, run: tendTask },
  { name: 'cancelFamily', weight: 3, run: cancelFamily },
  { name: 'recurring', weight: 1.5, run: schedule },
];
