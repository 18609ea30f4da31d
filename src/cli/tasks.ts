/**
 * `holdfast tasks submit|list|show|cancel|retry|resume|watch`: the background tasks of a directory, whoever
 * holds it.
 *
 * Callers: run.ts. Invariant: with `--json` standard output is one JSON value in one line (`watch`: one a
 * line), in the wire's snake_case.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { systemClock } from '../clock.js';
import { taskWire, TASK_STATUSES } from '../control/index.js';
import type { NewTask, TaskStatus, TaskView, ToolDecision } from '../index.js';
import { limits } from '../limits.js';
import { leafOf, LIMIT_DEFAULT, sayPage, sayWire, wholeLimit, type Common } from './answer.js';
import { givenJson, givenText, wrong } from './given.js';
import { atTasks } from './in-directory.js';
import { taskLines, taskTable } from './task-text.js';
import { watch } from './task-watch.js';
import type { Terminal } from './terminal.js';

interface SubmitOptions extends Common {
  readonly system?: string;
  readonly runner?: string;
  readonly session?: string;
  readonly deliver?: Target;
  readonly key?: string;
}

interface ListOptions extends Common {
  readonly status?: TaskStatus;
  readonly parent?: string;
  readonly limit: number;
  readonly cursor?: string;
}

interface ResumeOptions extends Common {
  readonly call: string;
  readonly result?: string;
  readonly rerun?: boolean;
}

type Target = Pick<NonNullable<NewTask['delivery']>, 'channel' | 'target'>;

export function tasksCommand(program: Command, terminal: Terminal): void {
  const group = program
    .command('tasks')
    .description('submit background tasks, look at them and decide about them');
  const leaf = (usage: string, description: string): Command => leafOf(group, usage, description);
  const told = (options: Common, task: TaskView, text: string): void =>
    sayWire(
      options,
      terminal,
      () => taskWire.toWire(task),
      () => `${task.id} ${text}`,
    );

  leaf('submit <prompt>', 'submit a task; - reads the prompt from standard input')
    .option('--system <text>', 'the system prompt')
    .option('--runner <name>', 'who runs it; default: the runtime’s')
    .option('--session <key>', 'write its end into this session’s history, and wake it')
    .option('--deliver <channel:target>', 'send its end as a message', targetOf)
    .option('--key <key>', 'submitted again under this key, it is the same task')
    .action((prompt: string, options: SubmitOptions) => submit(prompt, options, terminal));
  leaf('list', 'list tasks, newest first')
    .addOption(new Option('--status <status>', 'only tasks in this status').choices(TASK_STATUSES))
    .addOption(new Option('--parent <id>', 'only sub-tasks of this task').conflicts('status'))
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--cursor <cursor>', 'continue an earlier list')
    .action((options: ListOptions) => list(options, terminal));
  leaf('show <id>', 'show one task, with what it has to say').action(async (id: string, options: Common) => {
    const task = await atTasks(options.dir, (tasks) => tasks.view(id));
    sayWire(
      options,
      terminal,
      () => taskWire.toWire(task),
      () => taskLines(task, terminal).join('\n'),
    );
  });
  leaf('cancel <id>', 'cancel a task that has not ended, and its sub-tasks')
    .option('--reason <text>', 'why; it is kept with the task')
    .action(async (id: string, options: Common & { readonly reason?: string }) => {
      const task = await atTasks(options.dir, (tasks) => tasks.cancel(id, options.reason));
      told(options, task, task.status === 'cancelled' ? 'cancelled' : `cancel noted, now ${task.status}`);
    });
  leaf('retry <id>', 'let a failed, exhausted or cancelled task go on from its last checkpoint')
    .option('--from-start', 'without its checkpoint and the results of its tools')
    .action(
      async (id: string, { fromStart = false, ...options }: Common & { readonly fromStart?: boolean }) => {
        const task = await atTasks(options.dir, (tasks) => tasks.retry(id, { fromStart }));
        told(options, task, `tried again: ${task.status}`);
      },
    );
  leaf('resume <id>', 'say what became of a tool call that was cut off')
    .requiredOption('--call <id>', 'the call; tasks show has it')
    .option('--result <json>', 'it has run, and this is its result; - reads it from standard input')
    .addOption(new Option('--rerun', 'it has not run, or may run again').conflicts('result'))
    .action(async (id: string, options: ResumeOptions) => {
      const decision = await decisionOf(options, terminal);
      const task = await atTasks(options.dir, (tasks) => tasks.resume(id, decision));
      told(options, task, `call ${options.call} decided: ${task.status}`);
    });
  leaf('watch <id>', 'print what changes until the task has ended; Ctrl-C leaves it alone').action(
    (id: string, options: Common) => watch(id, options, terminal),
  );
}

async function submit(given: string, options: SubmitOptions, terminal: Terminal): Promise<void> {
  const { system, runner, session, deliver, key } = options;
  const task: NewTask = {
    prompt: await givenText('prompt', given, terminal),
    ...(system !== undefined && { systemPrompt: system }),
    ...(runner !== undefined && { runner }),
    ...(session !== undefined && { sessionKey: session }),
    ...(deliver !== undefined && { delivery: deliver }),
    ...(key !== undefined && { idempotencyKey: key }),
  };
  const done = await atTasks(options.dir, (tasks) => tasks.submit(task));
  sayWire(
    options,
    terminal,
    () => ({ task: taskWire.toWire(done.task), deduplicated: done.deduplicated }),
    () => `${done.task.id} ${done.deduplicated ? 'was there already' : 'submitted'}: ${done.task.status}`,
  );
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { status, parent, limit, cursor } = options;
  const filter = { status, parentId: parent, limit, cursor };
  const page = await atTasks(options.dir, (tasks) => tasks.list(filter));
  sayPage(options, terminal, page, {
    wire: taskWire,
    none: 'no tasks',
    lines: (items) => taskTable(terminal, items, systemClock.now()),
  });
}

async function decisionOf({ call, result, rerun }: ResumeOptions, terminal: Terminal): Promise<ToolDecision> {
  if (result !== undefined) return { callId: call, result: await givenJson('result', result, terminal) };
  if (rerun === true) return { callId: call, rerun };
  throw wrong('result', 'say what it returned (--result), or that it is to run again (--rerun)');
}

function targetOf(text: string): Target {
  const [, channel, target] = /^([^:]+):(.+)$/s.exec(text) ?? [];
  if (channel !== undefined && target !== undefined) return { channel, target };
  throw new InvalidArgumentError('It is a channel and a target, such as telegram:42.');
}
