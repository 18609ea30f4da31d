/**
 * Background tasks as text for people.
 *
 * Pure. Callers: the task commands. Invariant: text of others is shown without control characters.
 */
import type { TaskView } from '../index.js';
import { factLines, timeText, type Fact } from './facts.js';
import { statusColumns, type Tones } from './status.js';
import { tableLines } from './table.js';
import { fitted, plain, type Terminal } from './terminal.js';

/** Nothing longer fits a line of any terminal. */
const CHARS_MAX = 500;

export function taskTable(terminal: Terminal, tasks: readonly TaskView[], now: number): readonly string[] {
  const { colours } = terminal;
  return tableLines<TaskView>(
    terminal,
    [
      ...statusColumns<TaskView['status'], TaskView>(TONES, colours, ({ createdAt }) => now - createdAt),
      {
        title: 'ITER',
        cell: ({ iterations, maxIterations }) => `${iterations}/${maxIterations}`,
        spare: true,
      },
      { title: 'TOKENS', cell: ({ usage }) => String(usage.totalTokens), spare: true },
      { title: 'RUNNER', cell: ({ runner }) => plain(runner), spare: true },
      { title: 'TASK', cell: (task) => plain(aboutOf(task)).slice(0, CHARS_MAX), widthMin: 20 },
    ],
    tasks,
  );
}

/** Aligned `name  value` lines, and what it has to say; what a task does not have is left out. */
export function taskLines(task: TaskView, { colours }: Terminal): readonly string[] {
  const { checkpoint, usage, tokenBudget, provider, model, error } = task;
  const tokens = `${usage.totalTokens} (${usage.inputTokens} in, ${usage.outputTokens} out)`;
  const facts: readonly Fact[] = [
    ['id', task.id],
    ['status', colours[TONES[task.status]](statusText(task))],
    ['prompt', task.prompt],
    ['system', task.systemPrompt],
    ['runner', task.runner],
    ['model', model && (provider === undefined ? model : `${model} (${provider})`)],
    ['session', task.sessionKey],
    ['parent', task.parentId],
    ...task.children.map((id): Fact => ['sub-task', id]),
    ['iterations', `${task.iterations} of ${task.maxIterations}`],
    ['tokens', tokenBudget === undefined ? tokens : `${tokens} of ${tokenBudget}`],
    [
      'checkpoint',
      checkpoint && `${checkpoint.index}, ${timeText(checkpoint.at)}, ${checkpoint.chars} characters`,
    ],
    ['tool calls', task.toolCalls === 0 ? undefined : task.toolCalls],
    ...task.openCalls.map((call): Fact => ['open call', callText(call)]),
    ['error', error && `${error.code}: ${error.message}`],
    ['reason', task.cancelReason],
    ['delivery', task.deliveryStatus === 'none' ? undefined : task.deliveryStatus],
    ['submitted', timeText(task.createdAt)],
    ['started', timeText(task.startedAt)],
    ['updated', task.endedAt === undefined ? timeText(task.updatedAt) : undefined],
    ['ended', timeText(task.endedAt)],
  ];
  return [...factLines(facts, colours, 'status'), ...resultLines(task, '')];
}

/** What it has to say, as it is but for control characters; under `head` lines, if there is something. */
export function resultLines(
  { result, resultTruncated }: TaskView,
  ...head: readonly string[]
): readonly string[] {
  if (result === undefined) return [];
  const more = resultTruncated === true ? ['… the runner said more than is kept'] : [];
  return [...head, ...result.split('\n').map(plain), ...more];
}

/** Where a task is, on one line of the terminal. */
export function progressLine(task: TaskView, { columns, colours }: Terminal): string {
  const time = timeText(task.updatedAt) ?? '';
  const note = noteOf(task);
  const text = [
    statusText(task),
    `iteration ${task.iterations} of ${task.maxIterations}`,
    `${task.usage.totalTokens} tokens`,
    ...(task.checkpoint === undefined ? [] : [`checkpoint ${task.checkpoint.index}`]),
    ...(note === '' ? [] : [note]),
  ].join(', ');
  const shown = fitted(plain(text), columns - time.length - 2);
  return `${colours.dim(time)}  ${colours[TONES[task.status]](shown)}`;
}

function statusText({ status, exhausted }: TaskView): string {
  return exhausted === undefined ? status : `${status} (${exhausted})`;
}

function aboutOf(task: TaskView): string {
  const note = noteOf(task);
  return note === '' ? task.label : `${task.label} (${note})`;
}

/** What one should know about it first. */
function noteOf({ error, cancelReason, openCalls }: TaskView): string {
  if (error !== undefined) return `${error.code}: ${error.message}`;
  if (cancelReason !== undefined) return cancelReason;
  return openCalls.map(({ name, callId }) => (name === callId ? name : `${name} ${callId}`)).join(', ');
}

function callText({ callId, name, idempotent, startedAt }: TaskView['openCalls'][number]): string {
  const what = name === callId ? callId : `${callId} (${name})`;
  return `${what}, since ${timeText(startedAt)}${idempotent ? ', may run again' : ''}`;
}

const TONES: Tones<TaskView['status']> = {
  completed: 'green',
  failed: 'red',
  exhausted: 'red',
  blocked: 'yellow',
  interruptedTool: 'yellow',
  cancelled: 'dim',
  pending: 'cyan',
  running: 'cyan',
  cancelling: 'cyan',
};
