/**
 * `holdfast tasks watch`: a task's changes as they come, until it has ended.
 *
 * Callers: tasks.ts. Invariants:
 *  1  Each change that is seen is printed once, in its order, on one line; changes that follow each other at
 *     once are seen together. With `--json` each line is one JSON value.
 *  2  It ends well when the task is completed; else with TASK_NOT_COMPLETED and the exit code of its status.
 *  3  Ctrl-C ends the watching and leaves the task alone.
 */
import { taskWire, type ControlTasks } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import type { TaskView } from '../index.js';
import { sayWire, type Common } from './answer.js';
import { EXIT_INTERRUPTED, onInterrupt } from './interrupt.js';
import { atTasks } from './in-directory.js';
import { progressLine, resultLines } from './task-text.js';
import type { Terminal } from './terminal.js';

export async function watch(id: string, options: Common, terminal: Terminal): Promise<void> {
  const stop = new AbortController();
  const forget = onInterrupt(() => stop.abort());
  try {
    const ended = await atTasks(options.dir, async (tasks, running) => {
      const print = printer(options, terminal);
      if (running !== undefined) return await follow(running, id, print, stop.signal);
      const task = await tasks.view(id);
      print(task);
      if (task.endedAt === undefined) throw nobodyRuns(options.dir);
      return task;
    });
    judge(ended);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    forget();
  }
}

/** Resolves with the task once it has ended. */
async function follow(
  tasks: ControlTasks,
  id: string,
  print: (task: TaskView) => void,
  signal: AbortSignal,
): Promise<TaskView> {
  // The first step of an actor is 1: it is news to who has seen none.
  let at = 0;
  for (;;) {
    const { task, seen } = await tasks.watch(id, { seen: at, signal });
    print(task);
    if (task.endedAt !== undefined) return task;
    at = seen;
  }
}

/** Prints what a person would see as a change: some steps show nothing. */
function printer(options: Common, terminal: Terminal): (task: TaskView) => void {
  let last = '';
  return (task) => {
    const text = progressLine({ ...task, updatedAt: 0 }, terminal);
    if (text === last && options.json !== true) return;
    last = text;
    sayWire(
      options,
      terminal,
      () => taskWire.toWire(task),
      () =>
        [progressLine(task, terminal), ...(task.endedAt === undefined ? [] : resultLines(task))].join('\n'),
    );
  };
}

function judge({ id, status, error }: TaskView): void {
  if (status === 'completed') return;
  const why = error === undefined ? '' : `: ${error.code}: ${error.message}`;
  throw new HoldfastError('TASK_NOT_COMPLETED', `${id} is ${status}${why}`, {
    details: { id, status },
  });
}

function nobodyRuns(directory: string): HoldfastError {
  const message = `no process runs ${directory}: nothing happens to the task until one does`;
  return new HoldfastError('CONTROL_FAILED', message);
}
