/**
 * The charts of local work whose every path is crashed: an item in a worker's hands, a schedule with its
 * runs, a task with its tools, its sub-task and its message.
 *
 * Callers: work.test.ts. Invariant: what a façade would send, and does again at the next process when it got
 * no answer, is among the events.
 */
import type { Json } from '../../src/json.js';
import {
  deliveryMachine,
  scheduleMachine,
  taskMachine,
  workItemMachine,
  type ScheduleInput,
  type TaskInput,
  type WorkItemInput,
} from '../../src/machines/index.js';
import { plainSession } from './charts.js';
import type { Chart, JsonEvent, World } from './world.js';

/** Longer than any run: nothing is removed while it is compared. */
const RETENTION_MS = 10 ** 12;
const EFFECT_TIMEOUT_MS = 10 ** 9;
/** What a chart keeps its actor for. */
const KEPT_MS = 86_400_000;
const TTL_MS = 60_000;
const LONG_AGO = 1;
const LATER = 10 ** 9;

const itemInput: WorkItemInput = {
  ...{ workId: 'one', kind: 'embed', payload: { page: 1 }, attemptsMax: 2 },
  // Told of it, for want of another: itself. It takes no notice.
  ...{ dedupeKey: 'page 1', notify: 'work/one', retentionMs: KEPT_MS },
};

const hourly: ScheduleInput = {
  ...{ name: 'daily', cadence: { everyMs: 3_600_000 }, kind: 'embed' },
  ...{ catchUp: 'once', overlap: 'skip' },
};

function itemEvents(tokens: readonly string[]): JsonEvent[] {
  const error = { code: 'busy', message: 'the index is busy' };
  return tokens.flatMap((token) => [
    { type: 'work.claim', token, workerId: `worker of ${token}`, ttlMs: TTL_MS, epoch: LONG_AGO },
    { type: 'work.heartbeat', token, ttlMs: TTL_MS },
    { type: 'work.fail', token, error, retry: true },
    { type: 'work.fail', token, error, retry: false },
    { type: 'work.requeue', token },
    { type: 'work.done', token, hasResult: false },
  ]);
}

const tending: readonly JsonEvent[] = [
  { type: 'work.reclaim', now: LATER },
  { type: 'generation.began', epoch: LONG_AGO + 1 },
  { type: 'work.retry' },
  { type: 'work.cancel' },
];

const toItem = (event: JsonEvent): Chart['events'][number] => ({ to: 'work/one', event });

export const workChart: Chart = {
  name: 'work item',
  kind: 'work',
  id: 'one',
  input: itemInput as unknown as Json,
  define: () => [{ kind: 'work', machine: workItemMachine, retentionMs: RETENTION_MS }],
  events: [...itemEvents(['t1']), ...tending].map(toItem),
  answers: {},
};

const claimOf = (token: string): JsonEvent => ({
  ...{ type: 'work.claim', token, workerId: `worker of ${token}`, ttlMs: TTL_MS },
});

/** Claimed, kept, failed, claimed again, kept again, done: one life, whole. */
export const workLife: Chart = {
  ...workChart,
  name: 'life of a work item',
  events: [
    claimOf('t1'),
    { type: 'work.heartbeat', token: 't1', ttlMs: TTL_MS },
    { type: 'work.fail', token: 't1', error: { code: 'busy', message: 'busy' }, retry: true },
    { type: 'work.retry' },
    claimOf('t2'),
    { type: 'work.requeue', token: 't2' },
    claimOf('t3'),
    { type: 'work.done', token: 't3', hasResult: true },
  ].map(toItem),
};

/** What comes again and again, its item told of at any moment. */
export const scheduleChart: Chart = {
  name: 'schedule',
  kind: 'schedule',
  id: 'daily',
  input: hourly as unknown as Json,
  define: (world, process) => [
    {
      kind: 'schedule',
      machine: world.wired(process, scheduleMachine),
      effects: { plan: { recovery: 'rerun' }, enqueue: { recovery: 'rerun' } },
      retentionMs: RETENTION_MS,
    },
  ],
  events: [
    { type: 'schedule.pause' },
    { type: 'schedule.resume' },
    { type: 'schedule.trigger' },
    { type: 'schedule.change', input: { ...hourly, catchUp: 'skip' } as unknown as Json },
    { type: 'work.settled', workId: 'run_1', kind: 'embed', status: 'done', at: LATER },
    { type: 'schedule.remove' },
  ].map((event) => ({ to: 'schedule/daily', event })),
  answers: {
    enqueue: [
      { label: 'enqueued', output: (world) => ({ type: 'enqueued', workId: `run_${runsOf(world)}` }) },
      { label: 'overlapped', output: { type: 'overlapped', workId: 'run_1' } },
      { label: 'thrown', error: 'the payload is not what its kind takes' },
    ],
    plan: [
      { label: 'never', output: { type: 'never' } },
      { label: 'in an hour', output: (world) => ({ type: 'next', at: nextHour(world) }) },
    ],
  },
};

/** Runs that were asked for: an item's id is made of its number. */
function runsOf(world: World): number {
  return new Set(world.ledger.filter(({ src }) => src === 'enqueue').map(({ effectId }) => effectId)).size;
}

function nextHour(world: World): number {
  return (Math.floor(world.nowMs / 3_600_000) + 1) * 3_600_000;
}

const taskInput: TaskInput = {
  ...{ taskId: 'task_1', runner: 'default', label: 'look it up', request: { prompt: 'look it up' } },
  ...{ sessionKey: 'telegram:42', historyRole: 'assistant', depth: 0, maxIterations: 10 },
  delivery: { channel: 'chat', target: 'chat0' },
  ...{ timeoutMs: 3_600_000, retentionMs: KEPT_MS },
};

const childInput: TaskInput = {
  ...{ taskId: 'task_2', runner: 'default', label: 'a part of it', request: { prompt: 'a part of it' } },
  ...{ parentId: 'task_1', historyRole: 'assistant', depth: 1, maxIterations: 10 },
  ...{ timeoutMs: 3_600_000, retentionMs: KEPT_MS },
};

const toTask = (event: JsonEvent): Chart['events'][number] => ({ to: 'task/task_1', event });
const started = (run: string): JsonEvent => ({ type: 'task.started', run });
const toolStarted = (run: string, callId: string, idempotent: boolean): JsonEvent => ({
  ...{ type: 'tool.started', run, callId, name: 'search', idempotent },
});
const checkpoint = (run: string): JsonEvent => ({ type: 'task.checkpoint', run, parts: 1, chars: 9 });
const spawn: JsonEvent = { type: 'task.spawn', run: 'r1', child: childInput as unknown as Json };

/** A task with its messages, its session and its sub-task. */
export const taskChart: Chart = {
  name: 'task',
  kind: 'task',
  id: 'task_1',
  input: taskInput as unknown as Json,
  define: (world, process) => [
    {
      kind: 'task',
      machine: world.wired(process, taskMachine),
      effects: { run: { recovery: 'rerun', timeoutMs: EFFECT_TIMEOUT_MS } },
      retentionMs: RETENTION_MS,
    },
    {
      kind: 'delivery',
      machine: world.wired(process, deliveryMachine),
      effects: { send: { recovery: 'manual', timeoutMs: EFFECT_TIMEOUT_MS } },
      retentionMs: RETENTION_MS,
    },
    plainSession,
  ],
  events: [
    started('r1'),
    toolStarted('r1', 'c1', false),
    spawn,
    { type: 'task.cancel', reason: 'not wanted' },
    { type: 'run.released', run: 'r1' },
    { type: 'runner.available' },
    { type: 'task.retry', fromStart: false },
  ].map(toTask),
  nudges: [{ to: 'delivery/delivery_task_1-1', event: { type: 'lane.turn' } }],
  answers: {
    run: [
      { label: 'completed', output: { type: 'completed', output: { text: 'found', truncated: false } } },
      { label: 'exhausted', output: { type: 'exhausted', of: 'tokens' } },
      { label: 'failed', output: { type: 'failed', error: { code: 'server', message: 'it is down' } } },
      { label: 'blocked', output: { type: 'blocked' } },
      { label: 'thrown', error: 'the runner is broken' },
    ],
    send: [{ label: 'sent', output: { type: 'sent' } }],
    reconcile: [{ label: 'looked', output: { type: 'sent' } }],
  },
};

/** A tool that is cut off, decided about and run again; another; a sub-task; the end. */
export const taskLife: Chart = {
  ...taskChart,
  name: 'life of a task',
  events: [
    started('r1'),
    { type: 'task.iteration', run: 'r1', iteration: 1 },
    toolStarted('r1', 'c1', false),
    started('r2'),
    { type: 'tool.resolve', callId: 'c1', as: 'rerun' },
    started('r3'),
    toolStarted('r3', 'c1', false),
    { type: 'tool.ended', run: 'r3', callId: 'c1' },
    checkpoint('r3'),
    checkpoint('r2'),
    { ...spawn, run: 'r3' },
    {
      ...{ type: 'task.usage', run: 'r3' },
      usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
    },
    { type: 'task.output', run: 'r3' },
  ].map(toTask),
};

/** Cancelled with its sub-task, let go, taken up again and completed. */
export const cancelledTask: Chart = {
  ...taskChart,
  name: 'cancelled task',
  events: [
    started('r1'),
    checkpoint('r1'),
    spawn,
    { type: 'task.cancel', reason: 'not wanted' },
    { type: 'run.released', run: 'r1' },
    { type: 'task.retry', fromStart: true },
    started('r2'),
    checkpoint('r2'),
  ].map(toTask),
};
