/**
 * Every chart of the repository, with what it takes to walk it: an input and events that carry something.
 *
 * Owns: the list; a file with a chart that is not in it fails step.test.ts. Callers: step.test.ts.
 * Invariant: all machines that a listed file exports are walked, and the machines they invoke.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StateMachine } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { isPlainObject } from '../../src/json.js';
import { answer, thrown } from '../machines/drive.js';
import { ARTIFACT, REF, jobInput } from '../machines/job-fixture.js';
import { sessionEvents } from '../machines/session-fixture.js';
import { root, sourceOf, sourcesIn } from '../tidy/sources.js';

interface Plan {
  readonly input?: unknown;
  /** In place of the same event without a payload. */
  readonly events?: readonly AnyEventObject[];
}

export interface Walk {
  /** The file and the machine. */
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly events: readonly AnyEventObject[];
}

const jobEvents: readonly AnyEventObject[] = [
  answer('submit', { type: 'accepted', ref: REF }),
  answer('submit', { type: 'ambiguous', error: { class: 'server', code: 'c', message: 'm' } }),
  answer('reconcile', { type: 'found', ref: REF }),
  answer('poll', { type: 'pending', progress: 0.5 }),
  answer('poll', { type: 'done' }),
  answer('fetch', { type: 'done', artifacts: [ARTIFACT] }),
  thrown('submit'),
  thrown('poll'),
  thrown('fetch'),
  { type: 'effect.interrupted', effect: 'submit', src: 'submit' },
];

const accountEvents: readonly AnyEventObject[] = [
  { type: 'account.limited', untilMs: 5_000 },
  { type: 'account.trouble', class: 'auth', message: 'the key is gone' },
  { type: 'account.trouble', class: 'billing', message: 'no credit' },
];

const deliveryInput = {
  deliveryId: 'dlv_1',
  cause: 'job/job_1',
  channel: 'telegram',
  target: '42',
  text: 'a cat',
  files: [],
};

const errandInput = { session: 'telegram:42', prompt: 'a cat', budget: 20 };

const errandEvents: readonly AnyEventObject[] = [
  { type: 'begin', cost: 10 },
  { type: 'progress', progress: 0.3, note: 'a third' },
  { type: 'progress', progress: 0.9, note: 'nearly' },
  { type: 'review', verdict: 'too dark' },
  { type: 'review', verdict: 'accepted' },
  { type: 'publish', result: 'a.mp4' },
];

const orderInput = { amount: 3, currency: 'EUR', to: 'the North Pole' };
const orderEvents = [answer('charge', { receipt: 'r' }), thrown('charge')];

const incident: Plan = {
  input: { cents: 1_000 },
  events: [
    { type: 'discount', rule: { percent: 10 } },
    { ...answer('charge', {}), output: 'receipt' },
  ],
};

const renderEvents = [
  answer('ask', { task: 't' }),
  { type: 'provider.done', task: 't', url: 'u' },
  { type: 'provider.failed', task: 's' },
];

const taskInput = {
  taskId: 'task_1',
  runner: 'default',
  label: 'a cat',
  request: { prompt: 'a cat' },
  sessionKey: 'telegram:42',
  historyRole: 'assistant',
  delivery: { channel: 'telegram', target: '42' },
  depth: 0,
  maxIterations: 10,
  timeoutMs: 60_000,
  retentionMs: 60_000,
};

const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };

const taskEvents: readonly AnyEventObject[] = [
  { type: 'task.started', run: 'run_1', model: 'm' },
  { type: 'task.started', run: 'run_2' },
  { type: 'task.iteration', run: 'run_1', iteration: 2 },
  { type: 'task.usage', run: 'run_1', usage },
  { type: 'task.checkpoint', run: 'run_1', parts: 2, chars: 200_000 },
  { type: 'tool.started', run: 'run_1', callId: 'c', name: 'pay', idempotent: false },
  { type: 'tool.ended', run: 'run_1', callId: 'c' },
  { type: 'tool.resolve', callId: 'c', as: 'result' },
  {
    type: 'task.spawn',
    run: 'run_1',
    child: { ...taskInput, taskId: 'task_2', parentId: 'task_1', depth: 1 },
  },
  { type: 'child.settled', taskId: 'task_2' },
  { type: 'run.released', run: 'run_1' },
  { type: 'task.retry', fromStart: true },
  answer('run', { type: 'completed', output: { text: 'done', truncated: false } }),
  answer('run', { type: 'exhausted', of: 'tokens' }),
  answer('run', { type: 'failed', error: { code: 'c', message: 'm' } }),
  answer('run', { type: 'blocked' }),
  thrown('run'),
];

const workInput = {
  ...{ workId: 'work_1', kind: 'embed', payload: { doc: 1 }, attemptsMax: 2 },
  ...{ dedupeKey: 'doc-1', notify: 'order/77' },
};

const workEvents: readonly AnyEventObject[] = [
  { type: 'work.claim', token: 'work_1.a', workerId: 'w', ttlMs: 60_000 },
  { type: 'work.claim', token: 'work_1.b', workerId: 'w', ttlMs: 60_000, epoch: 1 },
  { type: 'work.heartbeat', token: 'work_1.a' },
  { type: 'work.done', token: 'work_1.a', hasResult: true },
  { type: 'work.fail', token: 'work_1.a', error: { code: 'c', message: 'm' }, retry: true },
  { type: 'work.fail', token: 'work_1.a', error: { code: 'c', message: 'm' }, retry: false },
  { type: 'work.requeue', token: 'work_1.a' },
  { type: 'work.reclaim', now: 4_000_000_000_000 },
  { type: 'generation.began', epoch: 2 },
];

const scheduleInput = {
  ...{ name: 'tidy', cadence: { everyMs: 1_000 }, kind: 'tidy_up' },
  ...{ catchUp: 'once', overlap: 'skip', origin: 'first' },
};

const scheduleEvents: readonly AnyEventObject[] = [
  answer('plan', { type: 'next', at: 5_000 }),
  thrown('plan'),
  answer('enqueue', { type: 'enqueued', workId: 'work_1' }),
  thrown('enqueue'),
  { type: 'schedule.change', input: { ...scheduleInput, cadence: { everyMs: 2_000 } } },
  { type: 'schedule.due', dueAt: 1, at: 2, trigger: 'cadence' },
  { type: 'work.settled', workId: 'work_1', kind: 'tidy_up', status: 'done', at: 1 },
];

const plans: Readonly<Record<string, Plan>> = {
  'src/machines/delivery.ts': {
    input: deliveryInput,
    events: [answer('send', { type: 'sent', receipt: {} }), thrown('send')],
  },
  'src/machines/job.ts': { input: jobInput(), events: jobEvents },
  'src/machines/parked-event.ts': {
    input: { provider: 'openai', credential: 'main', ref: REF, outcome: { type: 'done' } },
    events: [{ type: 'job.found', job: 'job/job_1' }],
  },
  'src/machines/provider-account.ts': { input: { provider: 'fal', alias: 'main' }, events: accountEvents },
  'src/machines/schedule.ts': { input: scheduleInput, events: scheduleEvents },
  'src/machines/work-item.ts': { input: workInput, events: workEvents },
  'src/machines/session-queue.ts': { input: { key: 'telegram:42' }, events: sessionEvents },
  'src/machines/task.ts': { input: taskInput, events: taskEvents },
  'src/machines/supervisor.ts': { input: { closeTimeoutMs: 10 } },
  'bench/errand.ts': { input: errandInput, events: errandEvents },
  'bench/render.ts': { input: { prompt: 'a cat' } },
  'bench/sleeper.ts': { input: { session: 'telegram:42', sleepMs: 1_000 } },
  'examples/change-a-machine/version-1.ts': { input: orderInput, events: orderEvents },
  'examples/change-a-machine/version-2.ts': { input: orderInput, events: orderEvents },
  'examples/incident/mended.ts': incident,
  'examples/incident/order.ts': incident,
  'examples/order/order.ts': { input: orderInput },
  'examples/simulation/render.ts': { input: { prompt: 'a cat' }, events: renderEvents },
  'examples/testing/film.ts': {
    input: { prompt: 'a cat' },
    events: [answer('render', { url: 'u' }), thrown('render')],
  },
  'test/kernel/small-machines.ts': { events: [{ ...answer('kid', {}), output: 1 }, thrown('kid')] },
};

/** Files whose machines are there to be refused. */
const refused: readonly string[] = ['examples/order/refused.ts'];

/** Files that make machines of configs that they are given. */
const given: readonly string[] = ['src/actors/inspection/legal.ts', 'src/drawing/model.ts'];

const MAKES_A_CHART = /\bcreateMachine\(/;

/**
 * Files with a chart in them: of the product, its benchmarks and examples, and the small ones of the
 * tests.
 */
export function chartFiles(): readonly string[] {
  const files = ['src', 'bench', 'examples'].flatMap((folder) => sourcesIn(folder));
  const small = sourceOf('test/kernel/small-machines.ts');
  return [...files, small].filter(({ text }) => MAKES_A_CHART.test(text)).map(({ path }) => path);
}

/** Files with a chart that nobody has planned a walk for. */
export function unplanned(): readonly string[] {
  const others = [...refused, ...given];
  return chartFiles().filter((path) => plans[path] === undefined && !others.includes(path));
}

/** A walk a machine; a listed file without one, or that is gone, throws. */
export async function walks(): Promise<readonly Walk[]> {
  const found: Walk[] = [];
  for (const [path, { input, events = [] }] of Object.entries(plans)) {
    const exported = (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>;
    const machines = machinesIn(Object.values(exported));
    if (machines.length === 0) throw new Error(`${path} exports no machine`);
    for (const machine of machines) {
      const given = new Set(events.map(({ type }) => type));
      const bare = bareEvents(machine).filter(({ type }) => !given.has(type));
      found.push({ name: `${path}: ${machine.id}`, machine, input, events: [...bare, ...events] });
    }
  }
  return found;
}

/** Machines among values, in lists and definitions, and those they invoke; each once. */
function machinesIn(values: readonly unknown[]): readonly AnyStateMachine[] {
  const machines = new Set<AnyStateMachine>();
  const look = (value: unknown): void => {
    if (value instanceof StateMachine) {
      const machine = value as unknown as AnyStateMachine;
      if (machines.has(machine)) return;
      machines.add(machine);
      Object.values(machine.implementations.actors).forEach(look);
    } else if (Array.isArray(value)) value.forEach(look);
    else if (isPlainObject(value)) look(value['machine']);
  };
  values.forEach(look);
  return [...machines];
}

/** Everything a machine's states react to, without a payload but what an actor's result always has. */
function bareEvents(machine: AnyStateMachine): readonly AnyEventObject[] {
  const types = [...new Set(machine.events.map(String)), 'unknown'];
  return types.map((type) => {
    const [, outcome, actorId] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
    if (actorId === undefined) return { type };
    return outcome === 'done'
      ? { type, output: 1, actorId }
      : { type, error: { name: 'Error', message: 'm' }, actorId };
  });
}
